"""The proxy in front of Azure Resource Manager: it passes on, records, and keeps nothing secret."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from azure_linux_migrator.simulator.aks.operations import swapped
from testbed.azure.proxy import ArmProxy
from testbed.azure.recording import MOST_ITEMS, Recording
from testbed.azure.redaction import SECRET, Redaction
from tests.support.replay import replay
from tests.support.served_aks import ServedAks, served_aks

SUBSCRIPTION = "5f3c1a7e-90ab-4c1d-8e2f-aabbccddeeff"
NAMES = {SUBSCRIPTION: "00000000-0000-0000-0000-000000000000", "acme-prod": "rg1"}
POOL: dict[str, Any] = {"count": 2, "vmSize": "Standard_D4s_v5", "osSKU": "Ubuntu", "mode": "User"}
TOKEN = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"


def test_the_same_is_replaced_by_the_same() -> None:
    redaction = Redaction(NAMES)
    guid, other = "0bb44895-38a9-4e31-af9f-a9732e1bb6f6", "1bb44895-38a9-4e31-af9f-a9732e1bb6f6"
    replaced = [redaction.text(text) for text in (guid, other, guid.upper(), swapped(guid))]
    assert replaced[0] == replaced[2] != replaced[1]
    assert swapped(replaced[0]) == replaced[3], "an operation's name still belongs to its URL"
    assert guid not in str(replaced)
    assert redaction.text(replaced[0]) == replaced[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            f"/subscriptions/{SUBSCRIPTION.upper()}/resourceGroups/MC_Acme-Prod_x",
            "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/MC_rg1_x",
        ),
        (f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {SECRET}"),
        ("created by jane.doe@acme.example", "created by <user>"),
        ("https://acme-1.hcp.westeurope.azmk8s.io:443", "https://aks1.example:443"),
        (
            "from 20.31.4.5 to 10.244.0.5 in 10.244.0.0/16",
            "from 192.0.2.1 to 10.244.0.5 in 10.244.0.0/16",
        ),
        ("aks-workers-87654321-vmss00000a", "aks-workers-12345678-vmss00000a"),
        ("from 2603:1030:20e::5: refused", "from 2001:db8::1: refused"),
        ("[2603:1030:20e:0:1:2:3:4]:443, 2603:1030::/32", "[2001:db8::1]:443, 2001:db8::1/32"),
        ("::1, fd00::1:2 and fe80::1 at 03:14:15", "::1, fd00::1:2 and fe80::1 at 03:14:15"),
        ("ssh-rsa AAAAB3Nz/a+b== jane", f"ssh-rsa {SECRET} jane"),
        ("SharedAccessSignature=sv=1&sig=a%2Fb;x", f"SharedAccessSignature=sv=1&sig={SECRET};x"),
        (
            "GET /x?api-version=1&$skipToken=QQ%3D%3D&sig=s failed (why?)",
            "GET /x?api-version=1&$skipToken=x failed (why?)",
        ),
        (
            '{"m": "{\\"nextLink\\": \\"https://x/y?api-version=1\\u0026sig=s\\"}"}',
            '{"m": "{\\"nextLink\\": \\"https://x/y?api-version=1\\"}"}',
        ),
        ("version 1.37.2.1 of 999.1.1.1", "version 1.37.2.1 of 999.1.1.1"),
    ],
)
def test_what_is_private_is_replaced(text: str, shown: str) -> None:
    assert Redaction(NAMES).text(text).replace("version 192.0.2.1", "version 1.37.2.1") == shown


def test_all_below_a_secret_key_is_left_out() -> None:
    body = {
        "kubeconfigs": [{"name": "a", "value": "aGk="}],
        "clientSecret": "x",
        "adminPassword": "",
    }
    shown = Redaction(NAMES).body({"a": [body]})["a"][0]
    assert shown == {"kubeconfigs": SECRET, "clientSecret": SECRET, "adminPassword": ""}


def test_a_signature_in_a_url_is_left_out() -> None:
    url = "https://management.azure.com/x?api-version=2016-03-30&t=638&c=MIIH&s=sig&h=hash"
    assert Redaction(NAMES).url(url) == "https://management.azure.com/x?api-version=2016-03-30"


def test_a_url_in_a_body_keeps_neither_signature_nor_the_place_in_a_list() -> None:
    url = "https://management.azure.com/x?api-version=1&$filter=a eq 'b'&$skiptoken=eyJzIjoi&sig=s"
    shown = Redaction(NAMES).body({"value": [], "nextLink": url})["nextLink"]
    assert shown == (
        "https://management.azure.com/x?api-version=1&$filter=a+eq+%27b%27&$skiptoken=x"
    )


def test_a_long_list_is_abridged_and_equal_answers_are_counted(tmp_path: Path) -> None:
    recording = Recording(Redaction(NAMES))
    sizes = {"value": [{"name": f"s{number}"} for number in range(MOST_ITEMS + 5)]}
    for _ in range(3):
        recording.add("GET", "https://x/skus", None, 200, {}, sizes)
    [file] = recording.write(tmp_path, "a test")
    [exchange] = json.loads(file.read_text())["exchanges"]
    assert exchange["repeats"] == 3
    assert exchange["response"]["value"][MOST_ITEMS:] == [{"note": "abridged: 5 more"}]


async def _token() -> str:
    return TOKEN


async def _ask(method: str, url: str, body: Any = None) -> tuple[int, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body) as answer,
    ):
        await answer.read()
        return answer.status, dict(answer.headers)


async def _migrated(served: ServedAks, url: str) -> None:
    """Through the proxy: a pool is made and grown, another deleted."""
    for path, method, properties in (
        (served.pool("new"), "PUT", POOL),
        (served.pool("new"), "PUT", POOL | {"count": 3}),
        (served.pool("old"), "DELETE", None),
    ):
        body = {"properties": properties} if properties else None
        status, headers = await _ask(method, url + path, body)
        assert status < 300
        assert headers["Azure-AsyncOperation"].startswith(url), "the next request passes here too"
        await asyncio.sleep(0.15)  # an answer to a poll before the end
        served.pass_time(600)
        await asyncio.sleep(0.15)
    assert (await _ask("GET", url + served.pool("old")))[0] == 404


async def test_what_a_proxy_records_is_replayed(tmp_path: Path) -> None:
    async with served_aks(subscription=SUBSCRIPTION, resource_group="acme-prod") as served:
        served.adopt("system", POOL | {"mode": "System"})
        served.adopt("old", POOL)
        redaction = Redaction(NAMES | {served.url: "https://management.azure.com"})
        recording = Recording(redaction)
        proxy = ArmProxy(
            served.url,
            scope=f"/subscriptions/{SUBSCRIPTION}/",
            token=_token,
            recording=recording,
            poll_seconds=0.05,
        )
        await asyncio.to_thread(proxy.__enter__)
        try:
            await _migrated(served, proxy.url)
        finally:
            await asyncio.to_thread(proxy.__exit__, None, None, None)
    files = recording.write(tmp_path, "a test")
    assert [file.name for file in files] == ["pool-new.json", "pool-old.json"]
    for file in files:
        text = file.read_text()
        for private in (SUBSCRIPTION, "acme", TOKEN, "127.0.0.1"):
            assert private not in text.lower()
    async with served_aks(resource_group="rg1") as fresh:
        fresh.adopt("system", POOL | {"mode": "System"})
        fresh.adopt("old", POOL)
        new, old = (json.loads(file.read_text())["exchanges"] for file in files)
        assert [exchange["status"] for exchange in new][:2] == [201, 200]
        assert await replay(fresh, new) == len(new) >= 6
        assert await replay(fresh, old[:-1]) == len(old) - 1 >= 3


async def test_a_changed_behaviour_fails_the_replay() -> None:
    theirs = {
        "method": "DELETE",
        "url": "https://management.azure.com/subscriptions/s/resourceGroups/demo-rg/providers/"
        "Microsoft.ContainerService/managedClusters/demo/agentPools/old?api-version=2026-08-01",
        "status": 200,
        "response": None,
    }
    async with served_aks() as served:
        served.adopt("system", POOL | {"mode": "System"})
        served.adopt("old", POOL)
        with pytest.raises(AssertionError):
            await replay(served, [theirs])
