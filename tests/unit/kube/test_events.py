"""Events: one object for each statement, which counts how often it was made."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube import events
from azure_linux_migrator.kube.client import MERGE_PATCH
from azure_linux_migrator.kube.events import Event, EventWriter, ObjectReference
from tests.support.fake_apiserver import serving
from tests.support.recorded_requests import Recorder, Reply

NOW = 1_800_000_000.0
ABOUT = ObjectReference("azlm.dev/v1alpha1", "AzureLinuxMigration", "", "m", "uid-m")
LEFT = Event(ABOUT, "Draining", "12 pods remain", "Normal")


def test_numbers_do_not_make_another_statement() -> None:
    assert replace(LEFT, message="11 pods remain").name == LEFT.name
    for other in (
        replace(LEFT, message="12 nodes remain"),
        replace(LEFT, reason="Stalled"),
        replace(LEFT, type="Warning"),
        replace(LEFT, regarding=replace(ABOUT, uid="uid-2")),
    ):
        assert other.name != LEFT.name


def test_an_event_about_a_cluster_scoped_object_is_in_default() -> None:
    assert LEFT.namespace == "default"
    pod = ObjectReference("v1", "Pod", "shop", "p", "1")
    assert replace(LEFT, regarding=pod).namespace == "shop"


async def _write(recorder: Recorder, *times: int, event: Event = LEFT) -> None:
    async with serving(recorder.answer) as client:
        writer = EventWriter(client)
        for count in times:
            await writer.write(event, count, NOW)


async def test_the_first_one_is_created_and_the_next_are_counted() -> None:
    recorder = Recorder()
    await _write(recorder, 2, 1, 3)
    created, second, third = recorder.requests
    assert (created.method, created.path) == ("POST", "/api/v1/namespaces/default/events")
    body = created.body
    assert body["metadata"] == {"name": LEFT.name, "namespace": "default"}
    assert body["involvedObject"] == {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "name": "m",
        "uid": "uid-m",
    }
    assert (body["reason"], body["type"], body["count"]) == ("Draining", "Normal", 2)
    assert body["firstTimestamp"] == body["lastTimestamp"] == "2027-01-15T08:00:00Z"
    path = f"/api/v1/namespaces/default/events/{LEFT.name}"
    assert (second.method, second.path, second.content_type) == ("PATCH", path, MERGE_PATCH)
    assert [second.body["count"], third.body["count"]] == [3, 6]


async def test_the_count_of_a_former_process_goes_on() -> None:
    recorder = Recorder(Reply(409), Reply(200, {"count": 7}))
    await _write(recorder, 2)
    assert [request.method for request in recorder.requests] == ["POST", "PATCH", "PATCH"]
    assert recorder.requests[-1].body["count"] == 9


async def test_an_event_whose_object_has_expired_begins_again() -> None:
    recorder = Recorder(Reply(201), Reply(404), Reply(201), Reply(200))
    await _write(recorder, 1, 4, 1)
    assert [request.method for request in recorder.requests] == ["POST", "PATCH", "POST", "PATCH"]
    assert [request.body["count"] for request in recorder.requests] == [1, 5, 4, 5]


async def test_a_long_message_is_cut() -> None:
    recorder = Recorder()
    await _write(recorder, 1, 1, event=replace(LEFT, message="x" * 5000))
    assert [len(request.body["message"]) for request in recorder.requests] == [1000, 1000]


async def test_counts_are_kept_for_so_many_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_COUNTS_KEPT", 2)
    recorder = Recorder()
    async with serving(recorder.answer) as client:
        writer = EventWriter(client)
        for reason in ("A", "B", "C"):
            await writer.write(replace(LEFT, reason=reason), 1, NOW)
        assert len(writer._counts) == 1


@pytest.mark.parametrize("replies", [[Reply(403)], [Reply(409), Reply(500)]])
async def test_what_is_refused_is_raised(replies: list[Reply]) -> None:
    recorder: Any = Recorder(*replies)
    with pytest.raises(KubernetesError):
        await _write(recorder, 1)
