"""Cordons, batch marks and their removal, as requests."""

from typing import Any

import pytest

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube import cordon
from azure_linux_migrator.kube.client import JSON_PATCH, MERGE_PATCH
from tests.support.fake_apiserver import serving
from tests.support.recorded_requests import Recorder, Reply, Sent

PATH = "/api/v1/nodes/n"
MARK = {"azlm.dev/batch": "m.1.1"}


def _node(*, by: str = "", closed: bool = False, name: str = "n") -> dict[str, Any]:
    annotations = {"azlm.dev/cordoned-by": by} if by else {}
    meta = {"name": name, "resourceVersion": "7", "annotations": annotations}
    return {"metadata": meta, "spec": {"unschedulable": True} if closed else {}}


async def _cordon(*replies: Reply, batch: str | None = None) -> list[Sent]:
    recorder = Recorder(*replies)
    async with serving(recorder.answer) as client:
        await cordon.cordon(client, "n", by="m", batch=batch)
    return recorder.requests


def _ours(**marks: str) -> dict[str, Any]:
    return {
        "metadata": {
            "resourceVersion": "7",
            "annotations": {"azlm.dev/cordoned-by": "m"} | marks,
        },
        "spec": {"unschedulable": True},
    }


async def test_an_open_node_is_cordoned_at_the_version_that_was_seen() -> None:
    _, patch = await _cordon(Reply(200, _node()))
    assert patch == Sent("PATCH", PATH, MERGE_PATCH, _ours())


async def test_a_cordon_and_its_batch_are_one_request() -> None:
    _, patch = await _cordon(Reply(200, _node()), batch="m.1.1")
    assert patch.body == _ours(**MARK)


async def test_a_cordon_of_somebody_else_stays_theirs() -> None:
    assert len(await _cordon(Reply(200, _node(closed=True)))) == 1
    assert len(await _cordon(Reply(200, _node(closed=True, by="m2")))) == 1
    _, patch = await _cordon(Reply(200, _node(closed=True)), batch="m.1.1")
    assert patch.body == {"metadata": {"annotations": MARK}}


async def test_a_node_that_has_changed_is_looked_at_again() -> None:
    requests = await _cordon(
        Reply(200, _node()), Reply(409), Reply(200, _node(closed=True, by="m2"))
    )
    assert [request.method for request in requests] == ["GET", "PATCH", "GET"]


async def test_so_many_conflicts_are_raised() -> None:
    replies = [reply for _ in range(cordon.ATTEMPTS) for reply in (Reply(200, _node()), Reply(409))]
    with pytest.raises(KubernetesError):
        await _cordon(*replies)


@pytest.mark.parametrize("replies", [[Reply(404)], [Reply(200, _node()), Reply(404)]])
async def test_a_node_that_is_gone_needs_no_cordon(replies: list[Reply]) -> None:
    assert len(await _cordon(*replies)) == len(replies)


async def test_other_refusals_are_raised() -> None:
    with pytest.raises(KubernetesError):
        await _cordon(Reply(403))


@pytest.mark.parametrize(("batch", "value"), [("m.1.2", "m.1.2"), ("", None)])
async def test_a_batch_mark_is_written_or_removed(batch: str, value: str | None) -> None:
    recorder = Recorder()
    async with serving(recorder.answer) as client:
        await cordon.mark(client, "n", batch)
    body = {"metadata": {"annotations": {"azlm.dev/batch": value}}}
    assert recorder.requests == [Sent("PATCH", PATH, MERGE_PATCH, body)]


@pytest.mark.parametrize("status", [200, 422])
async def test_only_our_cordon_is_undone_and_the_mark_goes_in_any_case(status: int) -> None:
    recorder = Recorder(Reply(status))
    async with serving(recorder.answer) as client:
        await cordon.uncordon(client, "n", by="m")
    ours = "/metadata/annotations/azlm.dev~1cordoned-by"
    undo = [
        {"op": "test", "path": ours, "value": "m"},
        {"op": "remove", "path": ours},
        {"op": "add", "path": "/spec/unschedulable", "value": False},
    ]
    unmark = {"metadata": {"annotations": {"azlm.dev/batch": None}}}
    assert recorder.requests == [
        Sent("PATCH", PATH, JSON_PATCH, undo),
        Sent("PATCH", PATH, MERGE_PATCH, unmark),
    ]


async def test_the_cordoned_nodes_of_every_page_are_found() -> None:
    first = {
        "metadata": {"continue": "more"},
        "items": [_node(by="m", closed=True), _node(by="m", name="open")],
    }
    last = {
        "metadata": {},
        "items": [_node(by="m2", closed=True, name="o"), _node(closed=True, name="x")],
    }
    recorder = Recorder(Reply(200, first), Reply(200, last))
    async with serving(recorder.answer) as client:
        assert await cordon.cordoned_nodes(client) == {"n": "m", "o": "m2"}
    assert len(recorder.requests) == 2
