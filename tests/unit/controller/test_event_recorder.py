"""Events: counted, merged, and not too many."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import Condition, MigrationStatus
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.controller import event_recorder
from azure_linux_migrator.controller.event_recorder import EventRecorder, event_type
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.kube.events import Event, EventWriter, ObjectReference
from azure_linux_migrator.model.actions import DeletePod
from azure_linux_migrator.model.cluster import Budget, NamespacedName
from tests.support.fake_apiserver import serving

MIGRATION = ObjectReference("azlm.dev/v1alpha1", "AzureLinuxMigration", "", "m", "uid-m")
BATCH = Event(MIGRATION, "AdmittingBatch", "admitting batch 2 of 5", "Normal")


class Events:
    """The events of a namespace; the operator may create and patch them, and nothing else."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.requests = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        name = request.path.rpartition("/")[2]
        body = await request.json()
        if request.method == "POST":
            name = body["metadata"]["name"]
            if name in self.items:
                return web.json_response({"message": "exists"}, status=409)
            self.items[name] = body
        elif name not in self.items:
            return web.json_response({"message": "not found"}, status=404)
        else:
            assert request.method == "PATCH"
            self.items[name] |= body
        return web.json_response(self.items[name])

    def counts(self) -> list[tuple[str, int]]:
        return [(item["message"], item["count"]) for item in self.items.values()]


async def test_a_repeated_event_raises_its_count_also_after_a_restart_and_after_it_expired() -> (
    None
):
    events = Events()
    async with serving(events.answer) as client:
        writer = EventWriter(client)
        await writer.write(BATCH, 1, 100.0)
        await writer.write(replace(BATCH, message="admitting batch 3 of 5"), 2, 200.0)
        assert events.counts() == [("admitting batch 3 of 5", 3)]
        await EventWriter(client).write(BATCH, 1, 300.0)
        assert events.counts() == [("admitting batch 2 of 5", 4)]
        events.items.clear()
        await writer.write(BATCH, 1, 400.0)
        assert events.counts() == [("admitting batch 2 of 5", 1)]


def test_objects_reasons_and_words_tell_events_apart_and_numbers_do_not() -> None:
    assert replace(BATCH, message="admitting batch 12 of 5").name == BATCH.name
    others = (
        replace(BATCH, message="draining"),
        replace(BATCH, reason="Draining"),
        replace(BATCH, regarding=replace(MIGRATION, uid="other")),
    )
    assert len({BATCH.name, *(other.name for other in others)}) == 4


async def test_many_events_are_written_slowly_and_merged_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_recorder, "BURST", 3)
    monkeypatch.setattr(event_recorder, "RATE", 20.0)
    events = Events()
    deleted = tuple(
        DeletePod(NamespacedName("ns", f"pod-{name}"), f"uid-{name}", None, "") for name in "abcdef"
    )
    decision = Decision(deleted, MigrationStatus())
    async with serving(events.answer) as client:
        recorder = EventRecorder(client, World(), "m", "uid-m")
        began = time.monotonic()
        for _ in range(10):
            recorder.publish(MigrationStatus(), decision)
        assert recorder._writing is not None
        await asyncio.wait_for(recorder._writing, 10)
        assert time.monotonic() - began >= 0.1
    assert events.requests == 6
    assert {count for _, count in events.counts()} == {10}


def test_the_type_of_an_event_is_that_of_its_reason() -> None:
    normal = {Reason.DRAINING, Reason.ADMITTING_BATCH, Reason.BATCH_SOAK, Reason.SUCCEEDED}
    warning = {Reason.REPLACEMENTS_UNSCHEDULABLE, Reason.AZURE_UNAVAILABLE, Reason.DRAIN_TIMED_OUT}
    assert {event_type(reason) for reason in normal} == {"Normal"}
    assert {event_type(reason) for reason in warning} == {"Warning"}


async def test_a_routine_step_is_normal_while_something_else_is_blocked() -> None:
    events = Events()

    def status(reason: Reason) -> MigrationStatus:
        when = "2026-01-01T00:00:00Z"
        ready = Condition(
            type=ConditionType.READY, status="False", reason=reason, last_transition_time=when
        )
        blocked = Condition(
            type=ConditionType.DRAIN_BLOCKED,
            status="True",
            reason=Reason.DRAIN_BLOCKED,
            last_transition_time=when,
        )
        return MigrationStatus(conditions=(ready, blocked))

    async with serving(events.answer) as client:
        recorder = EventRecorder(client, World(), "m", "uid-m")
        recorder.publish(status(Reason.DRAINING), Decision((), status(Reason.ADMITTING_BATCH)))
        recorder.publish(
            status(Reason.DRAINING), Decision((), status(Reason.REPLACEMENTS_UNSCHEDULABLE))
        )
        assert recorder._writing is not None
        await asyncio.wait_for(recorder._writing, 10)
    assert {item["reason"]: item["type"] for item in events.items.values()} == {
        "AdmittingBatch": "Normal",
        "ReplacementsUnschedulable": "Warning",
    }


def _blocked(*names: str) -> MigrationStatus:
    blockers = tuple(
        BlockerStatus(
            cause="BudgetDeadlocked",
            kind="PodDisruptionBudget",
            namespace="shop",
            name=name,
            message="it allows none",
            remedy="let it allow one",
            since="2026-01-01T00:00:00Z",
        )
        for name in names
    )
    return MigrationStatus(blockers=blockers)


async def test_a_blocker_is_reported_once_on_its_object() -> None:
    events, world = Events(), World()
    for name in ("a", "b"):
        world.put_budget(Budget(NamespacedName("shop", name), None, uid=f"uid-{name}"))
    async with serving(events.answer) as client:
        recorder = EventRecorder(client, world, "m", "uid-m")
        recorder.publish(MigrationStatus(), Decision((), _blocked("a")))
        recorder.publish(_blocked("a"), Decision((), _blocked("a", "b")))
        recorder.publish(_blocked("a", "b"), Decision((), _blocked("a", "b", "gone")))
        assert recorder._writing is not None
        await asyncio.wait_for(recorder._writing, 10)
    recorded = {item["involvedObject"]["uid"]: item for item in events.items.values()}
    assert set(recorded) == {"uid-a", "uid-b"}
    assert recorded["uid-a"]["count"] == 1
    assert recorded["uid-a"]["message"] == "migration m: it allows none; let it allow one"
    assert (recorded["uid-a"]["reason"], recorded["uid-a"]["type"]) == (
        "BudgetDeadlocked",
        "Warning",
    )


async def test_a_forced_deletion_is_reported_on_its_pod() -> None:
    events = Events()
    deletion = DeletePod(NamespacedName("shop", "a"), "uid-a", None, "")
    async with serving(events.answer) as client:
        recorder = EventRecorder(client, World(), "m", "uid-m")
        recorder.publish(MigrationStatus(), Decision((deletion,), MigrationStatus()))
        assert recorder._writing is not None
        await asyncio.wait_for(recorder._writing, 10)
    (item,) = events.items.values()
    assert (item["involvedObject"]["uid"], item["reason"]) == ("uid-a", "DrainForced")


async def test_so_many_events_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_recorder, "PENDING", 3)
    events = Events()
    deletions = tuple(
        DeletePod(NamespacedName("shop", name), f"uid-{name}", None, "") for name in "abcdef"
    )
    async with serving(events.answer) as client:
        recorder = EventRecorder(client, World(), "m", "uid-m")
        recorder.publish(MigrationStatus(), Decision(deletions, MigrationStatus()))
        assert len(recorder._pending) == 3
        assert recorder._writing is not None
        await asyncio.wait_for(recorder._writing, 10)
    assert len(events.items) == 3
