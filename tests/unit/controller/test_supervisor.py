"""One worker at a time for each resource, until its last request is answered."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from azure_linux_migrator.controller.supervisor import Supervisor
from azure_linux_migrator.controller.worker import Worker
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.reflector import Reflector
from azure_linux_migrator.model.actions import ReadPools
from azure_linux_migrator.model.migration import Migration
from tests.support.workers import BODY, WorkerServer, worker_on

BEGUN = {"metadata": BODY["metadata"] | {"name": "m"}}


class SlowWorker:
    """A worker with a request under way that outlives its loop."""

    def __init__(self, log: list[str], *, releasing: bool) -> None:
        self.name, self.uid = "m", "u"
        self.releasing = releasing
        self.log = log
        self.answered = asyncio.Event()
        self.busy = True

    def wake(self) -> None:
        return

    async def run(self, _: asyncio.Event) -> None:
        self.log.append("releases" if self.releasing else "works")
        self.busy = not self.releasing
        if self.busy:
            await asyncio.Event().wait()

    async def end_actions(self) -> None:
        await self.answered.wait()
        self.log.append("answered")


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nothing_is_released_before_the_last_request_is_answered() -> None:
    log: list[str] = []
    slows: list[SlowWorker] = []

    def make(_: Mapping[str, Any], releasing: bool) -> Any:
        slows.append(SlowWorker(log, releasing=releasing))
        return slows[-1]

    async def read(_: str) -> Mapping[str, Any]:
        log.append("reads")
        return BEGUN

    workers = Supervisor(make, read)
    running = asyncio.create_task(workers.run(BEGUN, asyncio.Event()))
    await _turns()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(list(workers)) == 1, "Kopf has cancelled it, and Azure has not answered"
    releasing = asyncio.create_task(workers.release("m"))
    await _turns()
    assert log == ["works"]
    slows[0].answered.set()
    await releasing
    assert log == ["works", "answered", "reads", "releases"]
    assert list(workers) == []


async def test_a_resource_that_is_gone_is_not_released() -> None:
    async def read(_: str) -> None:
        return None

    made_for: list[Mapping[str, Any]] = []

    def make(body: Mapping[str, Any], _: bool) -> Any:
        made_for.append(body)

    await Supervisor(make, read).release("m")
    assert made_for == []


async def test_a_worker_begins_once_the_one_before_it_is_over() -> None:
    log: list[str] = []
    slows: list[SlowWorker] = []

    def make(_: Mapping[str, Any], releasing: bool) -> Any:
        slows.append(SlowWorker(log, releasing=releasing))
        return slows[-1]

    workers = Supervisor(make, lambda _: asyncio.sleep(0, None))
    first = asyncio.create_task(workers.run(BEGUN, asyncio.Event()))
    await _turns()
    first.cancel()
    second = asyncio.create_task(workers.run(BEGUN, asyncio.Event()))
    await _turns()
    assert log == ["works"], "a request of the first is under way"
    slows[0].answered.set()
    await _turns()
    assert log == ["works", "answered", "works"]
    second.cancel()
    slows[1].answered.set()
    await asyncio.gather(first, second, return_exceptions=True)


async def test_what_is_seen_of_a_successor_is_not_sent_to_a_worker() -> None:
    seen: list[str] = []

    class Told(SlowWorker):
        def observe(self, body: Mapping[str, Any]) -> None:
            seen.append(str(body["metadata"]["uid"]))

    def make(_: Mapping[str, Any], releasing: bool) -> Any:
        return Told([], releasing=releasing)

    workers = Supervisor(make, lambda _: asyncio.sleep(0, None))
    running = asyncio.create_task(workers.run(BEGUN, asyncio.Event()))
    await _turns()
    for uid in ("u", "u-2"):
        workers.observe({"metadata": BEGUN["metadata"] | {"uid": uid}})
    assert seen == ["u"]
    (worker,) = workers
    worker.answered.set()  # type: ignore[attr-defined]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _still(monkeypatch: pytest.MonkeyPatch, decision: Decision) -> None:
    async def run(_: Reflector) -> None:
        await asyncio.Event().wait()

    def decide(_: Migration, __: Observation, ___: float) -> Decision:
        return decision

    monkeypatch.setattr(Reflector, "_run", run)
    monkeypatch.setattr("azure_linux_migrator.core.reconcile.loop.decide", decide)


async def test_a_release_leaves_no_writer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    server = WorkerServer()
    worker = worker_on(server, releasing=True)
    status = worker.status.model_copy(update={"message": "released"})
    _still(monkeypatch, Decision((), status, released=True))
    await worker.run(asyncio.Event())
    assert server.body["status"]["message"] == "released"
    assert worker._driver._request is not None
    assert worker._driver._request.done()


async def test_cancelled_while_it_waits_for_azure_it_ends_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = worker_on(WorkerServer())
    answered = asyncio.Event()

    async def slow(_: object) -> None:
        await answered.wait()

    monkeypatch.setattr(worker._executor, "_perform", slow)
    _still(monkeypatch, Decision((ReadPools(),), worker.status))
    running = asyncio.create_task(worker.run(asyncio.Event()))
    await _turns()
    assert worker.busy
    assert _watching(worker)
    running.cancel()
    await _turns()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert worker.busy, "a request that was sent cannot be unsent"
    assert not _watching(worker)
    answered.set()
    await worker.end_actions()
    assert not worker.busy


def _watching(worker: Worker) -> bool:
    watch: ClusterWatch = worker._ports.cluster_watch
    return bool(watch._reflectors)
