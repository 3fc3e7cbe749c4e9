"""Who may read the page, what it is sent, and what it may ask for."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.support.fake_apiserver import event
from tests.support.page_api import PageApi, budget, migration, node, page_of, pod


def small() -> PageApi:
    return PageApi(
        azurelinuxmigrations=[migration()],
        nodes=[
            node("old-1", "workers", batch=1, cordoned=True),
            node("old-2", "workers", cordoned=True),
            node("new-1", "workersazl"),
            node("other", "system"),
        ],
        pods=[pod("web-1", "old-1"), pod("web-2", "old-2"), pod("dns", "other", app="dns")],
        poddisruptionbudgets=[budget()],
    )


class PageReader:
    """What a browser would know after each message."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content
        self.head: dict[str, Any] = {}
        self.rows: dict[str, dict[str, Any]] = {"nodes": {}, "pods": {}, "budgets": {}}

    async def until(self, holds: Any) -> None:
        while not holds(self):
            line = await self._content.readline()
            assert line, "the stream has ended"
            if not line.startswith(b"data: "):
                continue
            message = json.loads(line[6:])
            self.head = message.get("head", self.head)
            rows = message.get("rows", {})
            for kind, table in self.rows.items():
                if rows.get("reset"):
                    table.clear()
                for key, row in rows.get(kind, {}).items():
                    if row is None:
                        table.pop(key, None)
                    else:
                        table[key] = row


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[PageReader]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}events") as response:
        assert response.status == 200
        yield PageReader(response.content)


async def test_only_who_has_the_whole_url_gets_an_answer() -> None:
    async with page_of(small()) as (url, _), aiohttp.ClientSession() as session:
        root, token = url.rstrip("/").rsplit("/", 1)
        for path in ("/", "/events", "/wrong/", "/wrong/events", f"/{token[:-1]}/"):
            async with session.get(root + path) as response:
                assert response.status == 404, path
        async with session.get(url, headers={"Host": "evil.example"}) as response:
            assert response.status == 403, "a name that resolves to the loopback address"
        async with session.get(url) as response:
            text = await response.text()
            assert response.headers["X-Frame-Options"] == "DENY"
        assert root.startswith("http://127.0.0.1:")
        assert "default-src 'none'" in text
        assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000", "")


async def test_a_reader_gets_all_rows_and_then_what_changes() -> None:
    api = small()
    async with page_of(api) as (url, feed), reading(url) as reader:
        await reader.until(lambda r: r.head.get("synced") and len(r.rows["nodes"]) == 3)
        await reader.until(lambda r: r.rows["budgets"]["shop/web"]["waiting"] == 2)
        assert reader.head["steps"][0] == {"name": "Preflight", "state": "done", "moves": False}
        assert reader.rows["nodes"]["old-1"]["batch"] == 1
        assert reader.rows["pods"] == {
            "shop/web-1": ["old-1", "running"],
            "shop/web-2": ["old-2", "running"],
        }, "pods of other pools are not sent"

        api.send("pods", event("MODIFIED", pod("web-1", "old-1", leaving=True)))
        await reader.until(lambda r: r.rows["pods"]["shop/web-1"][1] == "leaving")
        api.send(
            "pods",
            event("DELETED", pod("web-1", "old-1")),
            event("ADDED", pod("web-3", "new-1")),
        )
        await reader.until(lambda r: r.rows["pods"].get("shop/web-3") == ["new-1", "running"])
        await reader.until(lambda r: r.rows["budgets"]["shop/web"]["waiting"] == 1)
        assert "shop/web-1" not in reader.rows["pods"]

        api.send("nodes", event("DELETED", node("old-1", "workers")))
        await reader.until(lambda r: "old-1" not in r.rows["nodes"])
        api.send("poddisruptionbudgets", event("DELETED", budget()))
        await reader.until(lambda r: not r.rows["budgets"])
        done = migration(step="", phase="Succeeded", completionTime="2027-01-15T07:05:00Z")
        api.send("azurelinuxmigrations", event("MODIFIED", done))
        await reader.until(lambda r: r.head["phase"] == "Succeeded")
        assert feed.head()["ended"]


async def test_a_node_that_comes_after_its_pods_brings_them_along() -> None:
    api = small()
    api.objects["nodes"] = [node("new-1", "workersazl")]
    async with page_of(api) as (url, _), reading(url) as reader:
        await reader.until(lambda r: r.head.get("synced") and r.rows["budgets"])
        assert reader.rows["pods"] == {}
        api.send("nodes", event("ADDED", node("old-1", "workers")))
        await reader.until(lambda r: "shop/web-1" in r.rows["pods"])
        await reader.until(lambda r: r.rows["budgets"]["shop/web"]["waiting"] == 1)


@pytest.mark.parametrize("actions", [False, True])
async def test_actions_are_refused_unless_they_were_allowed(actions: bool) -> None:
    api = small()
    async with page_of(api, actions=actions) as (url, feed), aiohttp.ClientSession() as session:
        assert feed.head()["actions"] == (
            ["pause", "resume", "rollback", "abort"] if actions else []
        )
        async with session.post(f"{url}pause", json={}) as response:
            assert response.status == (200 if actions else 403)
        annotations = [patch["metadata"]["annotations"] for patch in api.patches]
        assert [list(written) for written in annotations] == [["azlm.dev/pause"]] * actions
        if actions:
            async with session.post(f"{url}pause", data="{}") as response:
                assert response.status == 415, "a form of another origin can send that"
            async with session.post(f"{url}approve", json={}) as response:
                assert response.status == 409
                assert "waits for no approval" in await response.text()
            async with session.post(f"{url}delete", json={}) as response:
                assert response.status == 404
        assert len(api.patches) == actions
