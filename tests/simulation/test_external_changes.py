"""Changes that others make to the pools during a migration, and resources that are applied
again."""

from typing import Any

import pytest

from azure_linux_migrator.api.status import MigrationStatus
from tests.support.migration_run import CALM, POOL, MigrationRun, migration_run

SLOW: dict[str, Any] = {"strategy": CALM | {"batch": {"size": "50%", "soak": "5m"}}}


async def draining(migration: MigrationRun) -> None:
    assert await migration.run(lambda v: v.reason == "BatchSoak")


async def stalls(migration: MigrationRun, reason: str) -> None:
    assert await migration.run(lambda v: v.status.is_true("Stalled"), hours=1), migration.trail
    assert migration.reason == reason
    condition = migration.status.condition("PoolsChanged")
    assert condition is not None
    assert (condition.status, condition.reason) == ("True", reason)


async def test_the_source_is_deleted_by_someone_else() -> None:
    async with migration_run(**SLOW) as migration:
        await draining(migration)
        migration.cluster.delete("src", migration.now)
        await stalls(migration, "SourcePoolGone")
        assert "srcazl" in migration.pools


async def test_the_target_is_deleted_by_someone_else() -> None:
    async with migration_run(**SLOW) as migration:
        await draining(migration)
        migration.cluster.delete("srcazl", migration.now)
        await stalls(migration, "TargetPoolGone")
        assert "src" in migration.pools


@pytest.mark.parametrize(
    ("pool", "change", "reason"),
    [
        ("src", {"osSKU": "AzureLinux"}, "SourceUpgraded"),
        ("src", {"powerState": {"code": "Stopped"}}, "SourceStopped"),
        ("srcazl", {"powerState": {"code": "Stopped"}}, "TargetStopped"),
        ("srcazl", {"tags": {"azlm-migration": "other"}}, "TargetTagsChanged"),
    ],
)
async def test_a_pool_is_changed_by_someone_else(
    pool: str, change: dict[str, Any], reason: str
) -> None:
    async with migration_run(**SLOW) as migration:
        await draining(migration)
        kept = {name: migration.pools[pool].get(name) for name in ("osSKU", "tags")}
        body = {"properties": {**POOL, **kept, **change}}
        migration.cluster.put(pool, body, migration.now)
        await stalls(migration, reason)


async def test_a_source_that_somebody_scales_is_reported_and_drained_all_the_same() -> None:
    async with migration_run(**SLOW) as migration:
        await draining(migration)
        migration.cluster.put("src", {"properties": {**POOL, "count": 6}}, migration.now)
        assert await migration.run(
            lambda v: bool((c := v.status.condition("PoolsChanged")) and c.status == "True")
        )
        condition = migration.status.condition("PoolsChanged")
        assert condition is not None
        assert condition.reason == "SourceScaled"
        assert await migration.run(), migration.status.message
        assert set(migration.pools) == {"system", "srcazl"}


@pytest.mark.parametrize(
    ("pool", "reason"), [("src", "SourceUpgrading"), ("srcazl", "TargetUpgrading")]
)
async def test_an_upgrade_by_somebody_else_is_reported_and_survived(pool: str, reason: str) -> None:
    old = {"orchestratorVersion": "1.36.5", "currentOrchestratorVersion": "1.36.5"}
    async with migration_run(pool=old, **SLOW) as migration:
        await draining(migration)
        kept = {name: migration.pools[pool].get(name) for name in ("osSKU", "tags")}
        newer = {**POOL, **kept, "orchestratorVersion": "1.37.2"}
        migration.cluster.put(pool, {"properties": newer}, migration.now)
        assert await migration.run(
            lambda v: bool((c := v.status.condition("PoolsChanged")) and c.reason == reason)
        ), migration.trail
        assert await migration.run(), (migration.trail, migration.status.message)
        assert set(migration.pools) == {"system", "srcazl"}


async def test_an_autoscaler_that_is_turned_on_again_is_not_fought() -> None:
    scaled = {"enableAutoScaling": True, "minCount": 2, "maxCount": 9}
    async with migration_run(pool=scaled, **SLOW) as migration:
        await draining(migration)
        migration.cluster.advance(migration.now + 10)
        migration.cluster.put("src", {"properties": {**POOL, **scaled}}, migration.now)
        await stalls(migration, "AutoscalerTurnedOn")
        migration.cluster.advance(migration.now + 600)
        off = {**POOL, "enableAutoScaling": False}
        migration.cluster.put("src", {"properties": off}, migration.now + 600)
        assert await migration.run(), migration.status.message


async def test_a_foreign_operation_is_awaited() -> None:
    async with migration_run() as migration:
        migration.cluster.occupy("Upgrading", 1200, migration.now)
        began = migration.now
        assert await migration.run(), migration.status.message
        assert migration.now - began > 1200


async def test_a_pool_of_the_targets_name_that_is_not_ours_is_never_touched() -> None:
    async with migration_run() as migration:
        migration.cluster.adopt("srcazl", POOL | {"osSKU": "AzureLinux", "count": 1})
        etag = migration.pools["srcazl"]["eTag"]
        assert await migration.run(lambda v: v.status.is_true("Stalled"))
        assert migration.reason == "TargetPoolExists"
        assert migration.pools["srcazl"]["eTag"] == etag


@pytest.mark.parametrize("step", ["CreateTarget", "Drain"])
async def test_a_resource_that_is_created_again_finds_its_pool(step: str) -> None:
    scaled = {"enableAutoScaling": True, "minCount": 2, "maxCount": 9}
    async with migration_run(pool=scaled, **SLOW) as migration:
        assert await migration.run(lambda v: v.status.step == step)
        await migration.restart(MigrationStatus())
        assert await migration.run(), migration.status.message
        assert set(migration.pools) == {"system", "srcazl"}
        assert migration.pools["srcazl"]["maxCount"] == 9, "the bounds come from the pool's tag"


async def test_an_already_migrated_pool_ends_at_once() -> None:
    async with migration_run() as migration:
        assert await migration.run()
        await migration.restart(MigrationStatus())
        assert await migration.run(passes=5)
        assert migration.reason == "AlreadyMigrated"
