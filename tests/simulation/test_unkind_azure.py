"""Whole migrations where Azure does what a trusting operator does not expect."""

from typing import Any

import msgspec
import pytest

from azure_linux_migrator.simulator.aks.region import Region
from simtest.faults import azure
from simtest.faults.azure_calls import CallFault, EndOperation
from tests.support.migration_run import CALM, NODES, POOL, MigrationRun, migration_run

DEALLOCATES = {"scaleDownMode": "Deallocate"}


def strategy(kind: str) -> dict[str, Any]:
    return CALM | {"type": kind}


def trail_of(migration: MigrationRun) -> tuple[list[str], str | None]:
    """What a failed assertion shows."""
    return migration.trail, migration.status.message


def deallocate_one(migration: MigrationRun) -> None:
    """Somebody has scaled the source down by one before the migration."""
    wanted = POOL | DEALLOCATES | {"count": NODES - 1}
    migration.cluster.put("src", {"properties": wanted}, migration.now)
    migration.now += 600
    migration._happen()
    ready = [node.ready for node in migration.world.pool_nodes("src")]
    assert sorted(ready) == [False] + [True] * (NODES - 1)


async def test_deallocated_nodes_are_not_counted_and_go_with_their_pool() -> None:
    async with migration_run(pool=DEALLOCATES, strategy=strategy("BlueGreen")) as migration:
        deallocate_one(migration)
        assert await migration.run(), trail_of(migration)
        assert set(migration.pools) == {"system", "srcazl"}
        assert migration.pools["srcazl"]["count"] == NODES - 1


async def test_an_update_in_place_does_not_wait_for_deallocated_nodes() -> None:
    async with migration_run(pool=DEALLOCATES, strategy=strategy("InPlace")) as migration:
        deallocate_one(migration)
        assert await migration.run(), trail_of(migration)
        ready = [node for node in migration.world.pool_nodes("src") if node.ready]
        assert [node.os_sku for node in ready] == ["AzureLinux"] * (NODES - 1)


@pytest.mark.parametrize("kind", ["BlueGreen", "InPlace"])
async def test_a_spot_pool_is_migrated_without_a_surge(kind: str) -> None:
    async with migration_run(pool={"scaleSetPriority": "Spot"}, strategy=strategy(kind)) as run:
        assert await run.run(), trail_of(run)
        assert {node.os_sku for node in run.world.nodes.values()} == {"AzureLinux"}


@pytest.mark.parametrize("kind", ["BlueGreen", "Rolling"])
async def test_a_lock_that_appears_is_named_and_waited_for(kind: str) -> None:
    async with migration_run(strategy=strategy(kind)) as migration:
        assert await migration.run(lambda run: run.status.step == "Drain"), trail_of(migration)
        free = migration.cluster.region
        migration.cluster.region = msgspec.structs.replace(free, node_group_locks=("keep",))
        assert await migration.run(lambda run: run.status.is_true("Stalled")), trail_of(migration)
        assert migration.reason == "ScopeLocked"
        assert "lock" in (migration.status.message or "")
        migration.cluster.region = Region()
        assert await migration.run(), trail_of(migration)


@pytest.mark.parametrize(
    "ending",
    [azure.COMPUTE_THROTTLE, azure.INTERNAL],
    ids=["a throttle of Compute", "an internal error"],
)
async def test_what_azure_gets_over_by_itself_rolls_nothing_back(ending: EndOperation) -> None:
    fault = CallFault(ending, "PutPool", "srcazl")
    async with migration_run([fault], onFailure="Rollback") as migration:
        assert await migration.run(), trail_of(migration)
        assert migration.status.phase == "Succeeded"


async def test_a_refused_update_in_place_stays_refused_while_the_pools_are_read_again() -> None:
    async with migration_run(strategy=strategy("InPlace")) as migration:
        assert await migration.run(lambda run: run.status.step == "UpdateInPlace")
        migration.cluster.region = Region(node_group_locks=("keep",))
        end = migration.now + 2000
        await migration.run(lambda run: run.now > end)
        assert migration.reason == "ScopeLocked", trail_of(migration)
        assert migration.trail[-1].endswith("ScopeLocked")
        assert sum("ScopeLocked" in line for line in migration.trail) == 1, migration.trail
        migration.cluster.region = Region()
        assert await migration.run(), trail_of(migration)
