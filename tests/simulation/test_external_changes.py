"""What others do to the pools while we work, and resources that are applied again."""

from typing import Any

import pytest

from azure_linux_migrator.api.status import MigrationStatus
from tests.support.migration_run import CALM, POOL, Voyage, voyage

SLOW: dict[str, Any] = {"strategy": CALM | {"batch": {"size": "50%", "soak": "5m"}}}


async def draining(each: Voyage) -> None:
    assert await each.run(lambda v: v.reason == "BatchSoak")


async def stalls(each: Voyage, reason: str) -> None:
    assert await each.run(lambda v: v.status.is_true("Stalled"), hours=1), each.trail
    assert each.reason == reason
    found = each.status.condition("PoolsChanged")
    assert found is not None
    assert (found.status, found.reason) == ("True", reason)


async def test_the_source_is_deleted_by_someone_else() -> None:
    async with voyage(**SLOW) as each:
        await draining(each)
        each.cluster.delete("src", each.now)
        await stalls(each, "SourcePoolGone")
        assert "srcazl" in each.pools


async def test_the_target_is_deleted_by_someone_else() -> None:
    async with voyage(**SLOW) as each:
        await draining(each)
        each.cluster.delete("srcazl", each.now)
        await stalls(each, "TargetPoolGone")
        assert "src" in each.pools


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
    async with voyage(**SLOW) as each:
        await draining(each)
        kept = {name: each.pools[pool].get(name) for name in ("osSKU", "tags")}
        body = {"properties": {**POOL, **kept, **change}}
        each.cluster.put(pool, body, each.now)
        await stalls(each, reason)


async def test_a_source_that_somebody_scales_is_told_and_drained_all_the_same() -> None:
    async with voyage(**SLOW) as each:
        await draining(each)
        each.cluster.put("src", {"properties": {**POOL, "count": 6}}, each.now)
        assert await each.run(
            lambda v: bool((c := v.status.condition("PoolsChanged")) and c.status == "True")
        )
        found = each.status.condition("PoolsChanged")
        assert found is not None
        assert found.reason == "SourceScaled"
        assert await each.run(), each.status.message
        assert set(each.pools) == {"system", "srcazl"}


@pytest.mark.parametrize(
    ("pool", "reason"), [("src", "SourceUpgrading"), ("srcazl", "TargetUpgrading")]
)
async def test_an_upgrade_by_somebody_else_is_told_and_survived(pool: str, reason: str) -> None:
    old = {"orchestratorVersion": "1.36.5", "currentOrchestratorVersion": "1.36.5"}
    async with voyage(pool=old, **SLOW) as each:
        await draining(each)
        kept = {name: each.pools[pool].get(name) for name in ("osSKU", "tags")}
        newer = {**POOL, **kept, "orchestratorVersion": "1.37.2"}
        each.cluster.put(pool, {"properties": newer}, each.now)
        assert await each.run(
            lambda v: bool((c := v.status.condition("PoolsChanged")) and c.reason == reason)
        ), each.trail
        assert await each.run(), (each.trail, each.status.message)
        assert set(each.pools) == {"system", "srcazl"}


async def test_an_autoscaler_that_is_turned_on_again_is_not_fought() -> None:
    scaled = {"enableAutoScaling": True, "minCount": 2, "maxCount": 9}
    async with voyage(pool=scaled, **SLOW) as each:
        await draining(each)
        each.cluster.advance(each.now + 10)
        each.cluster.put("src", {"properties": {**POOL, **scaled}}, each.now)
        await stalls(each, "AutoscalerTurnedOn")
        each.cluster.advance(each.now + 600)
        off = {**POOL, "enableAutoScaling": False}
        each.cluster.put("src", {"properties": off}, each.now + 600)
        assert await each.run(), each.status.message


async def test_a_foreign_operation_is_awaited() -> None:
    async with voyage() as each:
        each.cluster.occupy("Upgrading", 1200, each.now)
        began = each.now
        assert await each.run(), each.status.message
        assert each.now - began > 1200


async def test_a_pool_of_the_targets_name_that_is_not_ours_is_never_touched() -> None:
    async with voyage() as each:
        each.cluster.adopt("srcazl", POOL | {"osSKU": "AzureLinux", "count": 1})
        etag = each.pools["srcazl"]["eTag"]
        assert await each.run(lambda v: v.status.is_true("Stalled"))
        assert each.reason == "TargetPoolExists"
        assert each.pools["srcazl"]["eTag"] == etag


@pytest.mark.parametrize("step", ["CreateTarget", "Drain"])
async def test_a_resource_that_is_created_again_finds_its_pool(step: str) -> None:
    scaled = {"enableAutoScaling": True, "minCount": 2, "maxCount": 9}
    async with voyage(pool=scaled, **SLOW) as each:
        assert await each.run(lambda v: v.status.step == step)
        await each.restart(MigrationStatus())
        assert await each.run(), each.status.message
        assert set(each.pools) == {"system", "srcazl"}
        assert each.pools["srcazl"]["maxCount"] == 9, "the bounds come from the pool's tag"


async def test_an_already_migrated_pool_ends_at_once() -> None:
    async with voyage() as each:
        assert await each.run()
        await each.restart(MigrationStatus())
        assert await each.run(passes=5)
        assert each.reason == "AlreadyMigrated"
