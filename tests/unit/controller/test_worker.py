"""The worker continues from the recorded status, and gives way to other writers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.controller.worker import Worker
from azure_linux_migrator.core.reconcile import loop as looping
from azure_linux_migrator.core.reconcile.lenient_parsing import read_status
from azure_linux_migrator.core.reconcile.loop import GIVE_WAY_SECONDS
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.model.migration import Migration
from simtest.run import Run
from tests.support.workers import WorkerServer, worker_on

RECORDED = MigrationStatus(step="RetireSource", phase="Running")


@asynccontextmanager
async def _running(worker: Worker) -> AsyncIterator[None]:
    """The worker runs; the feed's watches do not."""
    stopped = asyncio.Event()
    running = asyncio.create_task(worker.run(stopped))
    try:
        yield
    finally:
        stopped.set()
        worker.wake()
        await running


async def _decisions(worker: Worker, seconds: float) -> int:
    """How often it decides in that time."""
    async with _running(worker):
        await asyncio.sleep(seconds)
        return worker._loop.decisions


def _deciding(monkeypatch: pytest.MonkeyPatch, *statuses: MigrationStatus) -> list[str]:
    """Decide for these statuses one after the other, and always to look again at once; returns
    the steps that were decided on."""
    left, steps = list(statuses), []

    def decide(migration: Migration, __: Observation, now: float) -> Decision:
        steps.append(migration.status.step)
        return Decision((), left.pop(0) if len(left) > 1 else left[0], now)

    monkeypatch.setattr(looping, "decide", decide)
    monkeypatch.setattr(ClusterWatch, "_start", lambda _: None)
    return steps


async def test_a_status_that_was_written_but_not_answered_is_gone_on_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = _deciding(monkeypatch, RECORDED)
    worker = worker_on(WorkerServer(silent=True))
    assert worker.status.step == "AwaitRetireApproval"
    assert await _decisions(worker, 0.8) == 2
    assert steps == ["AwaitRetireApproval", "RetireSource"]


async def test_a_status_that_was_refused_is_not_written_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = WorkerServer()
    worker = worker_on(server)
    status = worker.status.model_copy(update={"message": "waiting"})
    steps = _deciding(monkeypatch, status, RECORDED)
    monkeypatch.setattr(looping, "RETRY_SECONDS", 60.0)
    server.fails = [None, KubernetesError(503, "not now"), KubernetesError(503, "not now")]
    async with _running(worker):
        await asyncio.sleep(0.05)
        worker.wake()
        await asyncio.sleep(0.3)
        server.fails = [None] * 9
        assert server.body["status"]["step"] == "AwaitRetireApproval"
        assert worker.status.step == "AwaitRetireApproval"
        await asyncio.sleep(0.5)
        assert server.body["status"]["step"] == "AwaitRetireApproval", "flushed after all"
    assert set(steps) == {"AwaitRetireApproval"}, "each decision starts from what is recorded"


async def test_what_somebody_else_has_recorded_is_gone_on_from_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = WorkerServer()
    worker = worker_on(server)
    _deciding(monkeypatch, worker.status)
    async with _running(worker):
        await asyncio.sleep(0.05)
        server.records(RECORDED.model_dump(mode="json", by_alias=True, exclude_none=True))
        worker.observe(server.body)
        assert worker.status.step == "RetireSource"
        assert worker._loop.gives_way_until > time.monotonic() + GIVE_WAY_SECONDS / 2
        await asyncio.sleep(0.1)
        assert worker._loop.decisions == 1


async def test_a_time_that_has_passed_is_no_reason_to_decide_a_hundred_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = worker_on(WorkerServer())
    _deciding(monkeypatch, worker.status)
    assert await _decisions(worker, 0.8) == 2


async def test_a_step_that_was_recorded_is_gone_on_from_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = [MigrationStatus(step=f"Step{n}", phase="Running") for n in range(5)]
    server = WorkerServer()
    worker = worker_on(server)
    _deciding(monkeypatch, *steps)
    assert await _decisions(worker, 0.3) == 6
    assert server.body["status"]["step"] == "Step4"


async def test_a_status_that_is_refused_is_not_sent_a_hundred_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = WorkerServer()
    worker = worker_on(server)
    server.refuses = True
    _deciding(monkeypatch, RECORDED)
    await _decisions(worker, 0.8)
    assert len(server.sent) <= 4


async def test_a_status_is_not_written_over_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    server = WorkerServer()
    worker = worker_on(server)
    server.records({"step": "Soak"})
    _deciding(monkeypatch, worker.status.model_copy(update={"message": "x"}))
    async with _running(worker):
        await asyncio.sleep(0.05)
    assert set(server.sent) == {"7"}
    assert server.body["status"] == {"step": "Soak"}


@pytest.mark.parametrize("leads", [True, False])
async def test_without_the_lease_no_status_is_written(
    monkeypatch: pytest.MonkeyPatch, *, leads: bool
) -> None:
    server = WorkerServer()
    _deciding(monkeypatch, RECORDED)
    await _decisions(worker_on(server, leads=leads), 0.1)
    assert len(server.sent) == int(leads)


def test_every_status_survives_the_wire() -> None:
    """What is read back equals what was written: else an own write looks like another's."""
    run = Run("3", ())
    statuses: list[MigrationStatus] = []
    run.resource.watchers.append(lambda body: statuses.append(body.status) if body else None)
    assert not run.go().failure
    assert len(statuses) > 10
    for status in statuses:
        wire = json.loads(status.model_dump_json(by_alias=True, exclude_none=True))
        assert read_status(wire, 0.0) == (status, ())
