"""The worker goes on from what is recorded, whatever it remembers, and gives way to others."""

import asyncio
import json
from typing import Any

import pytest

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.status_writer import StatusWriter
from azure_linux_migrator.controller.worker import GIVE_WAY_SECONDS, Worker
from azure_linux_migrator.core.state.observation import Decision, Observation
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.migrations import Migrations
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.migration import Migration

BODY: dict[str, Any] = {
    "metadata": {"name": "m", "uid": "u", "generation": 1, "resourceVersion": "7"},
    "spec": {"source": {"nodePool": "src"}},
    "status": {"step": "AwaitRetireApproval", "phase": "Running"},
}
RECORDED = MigrationStatus(step="RetireSource", phase="Running")


class Server:
    """A Kubernetes with one resource; a `deaf` one takes a status and does not answer."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.body = json.loads(json.dumps(BODY))
        self.deaf = deaf
        self.refuses = False
        self.server = "http://127.0.0.1"
        self.sent: list[str | None] = []

    async def json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """As kube.client.Client."""
        if method == "PATCH" and path.endswith("/status"):
            version = more["body"]["metadata"].get("resourceVersion")
            self.sent.append(version)
            if self.refuses:
                raise KubernetesError(500, "field not declared in schema")
            if version != self.body["metadata"]["resourceVersion"]:
                raise KubernetesError(409, "the object has been modified")
            self.records(more["body"]["status"])
            if self.deaf:
                raise KubernetesError(0, "no answer in time")
        return json.loads(json.dumps(self.body))  # type: ignore[no-any-return]

    async def request(self, *_: Any, **__: Any) -> bytes:
        """As kube.client.Client: takes events."""
        return b"{}"

    def records(self, status: dict[str, Any]) -> None:
        """A status is written, by whomever."""
        metadata = self.body["metadata"]
        self.body["status"] = json.loads(json.dumps(status))
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)


def _worker(server: Any, *, leads: bool = True, **more: Any) -> Worker:
    return Worker(
        json.loads(json.dumps(BODY | more)),
        client=server,
        feed=ClusterWatch(server),
        pools=lambda _: server,
        telemetry=Telemetry(),
        may_act=lambda: leads,
        conflict=lambda _: "",
        own_pod=NamespacedName("azlm-system", "azlm-0"),
    )


async def test_a_status_that_was_written_but_not_answered_is_gone_on_from() -> None:
    worker = _worker(Server(deaf=True))
    assert worker.status.step == "AwaitRetireApproval"
    assert not await worker._writer.write_now(RECORDED)
    await worker._reread()
    assert worker.status.step == "RetireSource"


async def test_an_unanswered_write_that_shows_itself_is_no_strangers() -> None:
    server = Server(deaf=True)
    worker = _worker(server)
    assert not await worker._writer.write_now(RECORDED)
    worker.observe(server.body)
    assert worker._gives_way_until == 0.0


async def test_what_somebody_else_has_recorded_is_gone_on_from_after_a_while() -> None:
    server = Server()
    worker = _worker(server)
    server.records(RECORDED.model_dump(mode="json", by_alias=True, exclude_none=True))
    worker.observe(server.body)
    assert worker.status.step == "RetireSource"
    assert worker._gives_way_until > asyncio.get_running_loop().time() + GIVE_WAY_SECONDS / 2
    stopped = asyncio.Event()
    stopped.set()
    await worker._give_way(stopped)


async def _decisions(worker: Worker, seconds: float) -> int:
    """How often it decides in that time; the feed's watches do not run."""
    count = 0
    decided = worker._pass

    async def counted(*, deleting: bool) -> Decision:
        nonlocal count
        count += 1
        return await decided(deleting=deleting)

    worker._pass = counted  # type: ignore[method-assign]
    stopped = asyncio.Event()
    running = asyncio.create_task(worker.run(stopped))
    await asyncio.sleep(seconds)
    stopped.set()
    worker.wake()
    await running
    return count


def _deciding(monkeypatch: pytest.MonkeyPatch, *statuses: MigrationStatus) -> None:
    """Decide for these statuses one after the other, and always to look again at once."""
    left = list(statuses)

    def decide(_: Migration, __: Observation, now: float) -> Decision:
        return Decision((), left.pop(0) if len(left) > 1 else left[0], now)

    monkeypatch.setattr("azure_linux_migrator.controller.worker.decide", decide)
    monkeypatch.setattr(ClusterWatch, "_start", lambda _: None)


async def test_a_time_that_has_passed_is_no_reason_to_decide_a_hundred_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = _worker(Server())
    _deciding(monkeypatch, worker.status)
    assert await _decisions(worker, 0.8) == 2


async def test_a_step_that_was_recorded_is_gone_on_from_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = [MigrationStatus(step=f"Step{n}", phase="Running") for n in range(5)]
    server = Server()
    worker = _worker(server)
    _deciding(monkeypatch, *steps)
    assert await _decisions(worker, 0.3) == 6
    assert server.body["status"]["step"] == "Step4"


async def test_a_status_that_is_refused_is_not_sent_a_hundred_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    worker = _worker(server)
    server.refuses = True
    _deciding(monkeypatch, RECORDED)
    await _decisions(worker, 0.8)
    assert len(server.sent) <= 4


async def test_a_status_is_not_written_over_a_newer_one() -> None:
    server = Server()
    worker = _worker(server)
    server.records({"step": "Soak"})
    worker._writer.offer(RECORDED)
    await asyncio.sleep(0.05)
    assert server.sent == ["7"]
    assert server.body["status"] == {"step": "Soak"}
    await worker._writer.stop()


@pytest.mark.parametrize("leads", [True, False])
async def test_without_the_lease_no_status_is_written(*, leads: bool) -> None:
    server: Any = Server()
    writer = StatusWriter(Migrations(server), "m", may_write=lambda: leads, on_failure=lambda: None)
    writer.saw("7", {})
    assert await writer.write_now(RECORDED) is leads
    assert len(server.sent) == int(leads)
