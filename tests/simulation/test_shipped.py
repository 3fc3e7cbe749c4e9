"""Virtual time: its event loop, its API server, and faults of single requests."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from msgspec import structs

from azure_linux_migrator.kube import cordon
from azure_linux_migrator.kube.decode import BudgetObject, NodeObject, PodObject
from azure_linux_migrator.kube.decode_owners import (
    AttachmentObject,
    DaemonSetObject,
    DeploymentObject,
    ReplicaSetObject,
    StatefulSetObject,
    VolumeObject,
)
from azure_linux_migrator.model.cluster import Budget, BudgetRule, Controller, Node, Pod
from azure_linux_migrator.simulator.kernel import Kernel
from simtest.custom_resource import CustomResource
from simtest.faults.fault import Fault
from simtest.mutations.source import rewritten
from simtest.process import SimulatedProcess
from simtest.run import Run
from simtest.scenario import NAME, NOW, scenario
from simtest.shipped import overtaking
from simtest.shipped.api_server import SimulatedApiServer
from simtest.shipped.event_loop import VirtualLoop
from simtest.shipped.network_faults import EFFECTS, MOST, OVERTAKEN, draw_network_faults
from simtest.shipped.requests import Request
from simtest.shipped.virtual_time import RealWaitError, virtual_time

STRUCK = ("status", "list", "watch", "azure")
DECODERS: dict[str, type[Any]] = {
    "Node": NodeObject,
    "Pod": PodObject,
    "PodDisruptionBudget": BudgetObject,
    "PersistentVolume": VolumeObject,
    "VolumeAttachment": AttachmentObject,
    "Deployment": DeploymentObject,
    "ReplicaSet": ReplicaSetObject,
    "StatefulSet": StatefulSetObject,
    "DaemonSet": DaemonSetObject,
}


def _loop(kernel: Kernel) -> tuple[VirtualLoop, list[dict[str, Any]]]:
    failures: list[dict[str, Any]] = []
    loop = VirtualLoop(SimulatedProcess(kernel), failures.append)  # type: ignore[abstract]
    return loop, failures


def _run(work: Callable[[], Awaitable[Any]], *, seconds: float = 100.0) -> tuple[Any, Kernel]:
    """What a coroutine returns in virtual time."""
    kernel = Kernel(NOW)
    loop, failures = _loop(kernel)
    results: list[Any] = []

    async def main() -> None:
        results.append(await work())

    with virtual_time(kernel, "test"):
        loop.create_task(main())
        kernel.run(lambda: bool(results), end=NOW + seconds)
    assert failures == []
    return results[0] if results else None, kernel


class TestLoop:
    def test_time_passes_only_in_the_kernel(self) -> None:
        async def work() -> tuple[float, float]:
            began = time.time()
            await asyncio.sleep(30.0)
            return began, time.time()

        real = time.perf_counter()
        result, kernel = _run(work)
        assert result == (NOW, NOW + 30.0)
        assert kernel.now == NOW + 30.0
        assert time.perf_counter() - real < 5.0

    def test_timeouts_locks_and_tasks_work(self) -> None:
        async def work() -> tuple[bool, list[int]]:
            lock, order = asyncio.Lock(), []

            async def step(number: int) -> None:
                async with lock:
                    await asyncio.sleep(1.0)
                    order.append(number)

            await asyncio.gather(step(1), step(2), step(3))
            try:
                async with asyncio.timeout(2.0):
                    await asyncio.Event().wait()
            except TimeoutError:
                return True, order
            return False, order

        result, kernel = _run(work)
        assert result == (True, [1, 2, 3])
        assert kernel.now == NOW + 5.0

    def test_what_would_really_wait_or_connect_fails(self) -> None:
        async def work() -> bool:
            with socket.socket() as connection:
                with pytest.raises(RealWaitError):
                    time.sleep(0.001)  # noqa: ASYNC251 - it is refused
                with pytest.raises(RealWaitError):
                    connection.connect(("127.0.0.1", 9))
            with pytest.raises(NotImplementedError):
                await asyncio.open_connection("127.0.0.1", 9)
            return True

        result, _ = _run(work)
        assert result

    def test_clocks_and_sockets_are_real_again_afterwards(self) -> None:
        _run(lambda: asyncio.sleep(1.0))
        assert abs(time.time() - NOW) > 1e6
        with socket.socket() as connection, pytest.raises(ConnectionRefusedError):
            connection.connect(("127.0.0.1", 1))

    def test_a_killed_process_does_nothing_more(self) -> None:
        kernel = Kernel(NOW)
        loop, _ = _loop(kernel)
        steps: list[str] = []

        async def work() -> None:
            try:
                while True:
                    steps.append("step")
                    await asyncio.sleep(1.0)
            finally:
                steps.append("cleaned up")

        with virtual_time(kernel, "test"):
            loop.create_task(work())
            kernel.at(NOW + 2.5, loop.kill)
            kernel.run(lambda: False, end=NOW + 10.0)
            assert steps == ["step"] * 3
            loop.dispose()
        assert not loop.tasks

    def test_a_suspended_process_goes_on_with_what_was_due(self) -> None:
        kernel = Kernel(NOW)
        loop, _ = _loop(kernel)
        seen: list[float] = []

        async def work() -> None:
            await asyncio.sleep(1.0)
            seen.append(kernel.now)

        with virtual_time(kernel, "test"):
            loop.create_task(work())
            kernel.at(NOW + 0.5, loop.process.freeze)
            kernel.at(NOW + 7.0, loop.process.thaw)
            kernel.run(lambda: False, end=NOW + 10.0)
        assert seen == [NOW + 7.0]


def _comparable(record: Any) -> Any:
    """A record with times in whole seconds, as the API has them, and without what the simulated
    cluster does not keep in its records: labels of nodes, groups of owners, rules of budgets."""
    match record:
        case Pod():
            times = ("created", "started_in", "deadline", "unready_since")
            owner = structs.replace(record.owner, api_group="") if record.owner else None
            return structs.replace(
                record, owner=owner, **{name: float(int(getattr(record, name))) for name in times}
            )
        case Node():
            return structs.replace(record, labels=())
        case Budget():
            return structs.replace(record, rule=BudgetRule())
        case Controller(kind="DaemonSet"):
            return structs.replace(record, max_surge=0)
    return record


@pytest.mark.parametrize("seed", range(25))
def test_decoding_what_the_server_writes_gives_the_records_again(seed: int) -> None:
    cluster = scenario(str(seed)).simulation
    resource = CustomResource(cluster.store, NAME, {}, lambda: cluster.kernel.now)
    server = SimulatedApiServer(cluster, resource)
    for _ in range(20):
        cluster.kernel.run(lambda: False, end=cluster.kernel.now + 3.0)
        for pod in list(cluster.store.pods.values())[:2]:
            cluster.api.delete(pod.key, pod.uid)
        for path, collection in server.collections.by_path.items():
            listed = msgspec.json.decode(server.answer(Request("GET", path)).body)
            records = [record for _, record in collection.read()]
            decoded = [
                msgspec.convert(item, DECODERS[collection.kind]).record()
                for item in listed["items"]
            ]
            assert list(map(_comparable, decoded)) == list(map(_comparable, records))


@pytest.mark.parametrize("kind", EFFECTS)
def test_every_fault_of_a_request_strikes_and_is_survived(kind: str) -> None:
    for on in STRUCK:
        run = Run("3", (Fault(kind, 1.0, 5.0, 7, on),))
        result = run.go()
        assert not result.failure, (on, result.failure)
        assert any(struck == kind for struck, _ in run.injector.strikes), on


def test_a_kill_at_every_request_loses_nothing() -> None:
    for on, number in (("status", 9), ("watch", 9), ("azure", 6), ("lease", 3)):
        for nth in range(2, number + 1, 4):
            for kind in ("network-kill", "network-kill-late"):
                result = Run("3", (Fault(kind, float(nth), 2.0, 0, on),)).go()
                assert not result.failure, (kind, on, nth, result.failure)


def test_faults_of_requests_are_drawn_of_every_kind() -> None:
    drawn = [fault for seed in range(200) for fault in draw_network_faults(str(seed))]
    assert {fault.kind for fault in drawn} == {*EFFECTS, OVERTAKEN}
    assert {fault.on for fault in drawn} == {*MOST, *overtaking.MOST}


def test_a_mutation_of_the_source_replaces_what_occurs_once() -> None:
    with pytest.raises(ValueError, match="has 0 times: nothing of the kind"):
        rewritten(cordon, "cordon", "nothing of the kind", "")
