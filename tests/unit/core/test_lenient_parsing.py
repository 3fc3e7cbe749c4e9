"""Status values that somebody has edited, or another version wrote, do not stop a worker."""

import asyncio
import time
from typing import Any

import pytest

from azure_linux_migrator.api.status import MigrationStatus, since_epoch
from azure_linux_migrator.core.reconcile.lenient_parsing import (
    NOWHERE,
    read_status,
    spec_to_release,
    status_to_release,
)
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.reflector import Reflector
from azure_linux_migrator.model.actions import ReleaseNode
from azure_linux_migrator.model.cluster import Node
from tests.support.workers import WorkerServer, worker_on

NOW = 1_800_000_000.0
HELD = {"count": 3, "autoscaler": {"min": 1, "max": 5}}


@pytest.mark.parametrize("raw", [None, "x", [], {"phase": 7, "batch": "first", "conditions": [{}]}])
def test_a_status_without_sense_is_an_empty_one(raw: object) -> None:
    status, _ = read_status(raw, NOW)
    assert status == MigrationStatus()


def test_what_can_be_read_of_a_status_is_kept() -> None:
    raw = {"step": "Drain", "phase": "Running", "targetPool": "x" * 40, "source": HELD}
    status, lost = read_status(raw, NOW)
    assert lost == ("targetPool",)
    assert (status.step, status.source.count) == ("Drain", 3)


def test_a_way_back_stays_one() -> None:
    status, lost = read_status({"step": "DrainTarget", "rollback": {"reason": 7}}, NOW)
    assert lost == ("rollback",)
    assert status.rollback is not None
    assert status.rollback.reason == "InvalidStatus"


def test_a_time_that_is_none_is_no_time() -> None:
    assert since_epoch("yesterday") is None


@pytest.mark.parametrize(
    ("raw", "pool", "lost"),
    [
        ({"source": {"nodePool": "src"}, "later": 1}, "src", ("later",)),
        ({"source": {"nodePool": "src"}, "mode": "New"}, "src", ("mode",)),
        ({"source": {"pool": "src"}, "paused": True}, NOWHERE, ("source",)),
        ({"source": {"nodePool": "src"}, "cluster": {"name": "c"}}, "src", ("cluster",)),
        ({}, NOWHERE, ("source",)),
        (None, NOWHERE, ("source",)),
    ],
)
def test_any_spec_can_be_released(raw: object, pool: str, lost: tuple[str, ...]) -> None:
    spec, unknown = spec_to_release(raw)
    assert (spec.source.node_pool, unknown) == (pool, lost)


def test_no_autoscaler_is_turned_on_by_a_guess() -> None:
    status = MigrationStatus.model_validate({"source": HELD})
    assert status_to_release(status, ("cluster",)).source.autoscaler is None
    assert status_to_release(status, ("later",)) == status


async def test_a_worker_goes_on_from_what_can_be_read() -> None:
    server = WorkerServer()
    worker = worker_on(server)
    server.records({"step": "Soak", "nodes": "many"})
    worker.observe(server.body)
    assert worker.status.step == "Soak"


@pytest.mark.parametrize("spec", [{"source": {}}, {"source": {"nodePool": "src"}, "later": 1}])
@pytest.mark.parametrize("refuses", [False, True], ids=["", "no-status-is-taken"])
async def test_a_deletion_with_an_invalid_spec_undoes_our_cordons_and_ends(
    monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any], *, refuses: bool
) -> None:
    async def run(_: Reflector) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Reflector, "_run", run)
    monkeypatch.setattr(ClusterWatch, "synced", True)
    server = WorkerServer()
    server.refuses = refuses
    worker = worker_on(server, releasing=True, spec=spec, status={"step": "Drain", "source": HELD})
    world = worker._ports.cluster_watch.world
    world.put_node(Node("s-0", "src", unschedulable=True, cordoned_by="m", batch="m.uid-m.1"))
    world.put_node(Node("s-1", "src", unschedulable=True))
    undone: list[object] = []

    async def perform(action: object) -> None:
        undone.append(action)
        world.put_node(Node("s-0", "src"))
        worker._executor.outcomes.pools_read = PoolReading({}, time.time())

    monkeypatch.setattr(worker._executor, "_perform", perform)
    async with asyncio.timeout(5):
        await worker.run(asyncio.Event())
    assert undone[0] == ReleaseNode("s-0", "m")
