"""The three strategies, the autoscaler, approvals and rollbacks, through the real SDK."""

import re
from typing import Any

import pytest

from tests.support.migration_run import CALM, NODES, MigrationRun, migration_run

SCALED = {"enableAutoScaling": True, "minCount": 2, "maxCount": 9}
SURGE = 2


def strategy(kind: str, **more: Any) -> dict[str, Any]:
    return CALM | {"type": kind} | more


def is_done(migration: MigrationRun) -> None:
    assert migration.status.is_true("Succeeded"), (migration.trail, migration.status.message)
    assert set(migration.pools) == {"system", "srcazl"}
    target = migration.pools["srcazl"]
    assert (target["osSKU"], target["count"]) == ("AzureLinux", NODES)
    assert target["provisioningState"] == "Succeeded"


async def test_blue_green_has_the_whole_target_before_anything_goes() -> None:
    async with migration_run(
        pool={"tags": {"team": "a"}, "nodeLabels": {"tier": "web"}}
    ) as migration:
        await migration.run()
        is_done(migration)
        assert migration.most_nodes == 2 * NODES
        target = migration.pools["srcazl"]
        assert target["tags"] == {
            "team": "a",
            "azlm-migration": "m",
            "azlm-source-pool": "src",
            "azlm-source-count": "4",
        }
        assert target["nodeLabels"] == {"tier": "web"}
        assert re.search(r'os_sku += "AzureLinux"', migration.status.hand_over.terraform)
        assert "osSKU: 'AzureLinux'" in migration.status.hand_over.bicep


async def test_rolling_never_has_more_than_max_surge_nodes_beside_the_sources() -> None:
    async with migration_run(strategy=strategy("Rolling")) as migration:
        await migration.run()
        is_done(migration)
        assert migration.most_nodes <= NODES + SURGE
        assert migration.status.nodes.progress == "4/4"


async def test_rolling_survives_a_restart_at_every_pass() -> None:
    async with migration_run(strategy=strategy("Rolling", maxSurge=1)) as migration:
        for _ in range(800):
            await migration.run(passes=3)
            await migration.restart()
            if migration.status.is_true("Succeeded"):
                break
        is_done(migration)
        assert migration.most_nodes <= NODES + 1


async def test_rolling_waits_where_azure_allows_one_put_a_minute() -> None:
    """Twenty PUTs at once, then one a minute for each pool (AKS's published limits)."""
    pool = {"count": 26}
    async with migration_run(pool=pool, strategy=strategy("Rolling", maxSurge=1)) as migration:
        assert await migration.run(passes=4000, hours=48), (
            migration.trail[-5:],
            migration.status.message,
        )
        assert migration.pools["srcazl"]["count"] == 26
        assert migration.most_nodes <= 27


async def test_in_place_changes_the_pool_itself() -> None:
    own = {"upgradeSettings": {"maxSurge": str(SURGE)}}
    async with migration_run(pool=own, strategy=strategy("InPlace", maxSurge="100%")) as migration:
        await migration.run()
        assert migration.status.is_true("Succeeded"), migration.status.message
        assert migration.pools["src"]["upgradeSettings"] == own["upgradeSettings"]
        assert set(migration.pools) == {"system", "src"}
        assert migration.pools["src"]["osSKU"] == "AzureLinux"
        assert migration.most_nodes == NODES + SURGE
        assert {node.os_sku for node in migration.world.pool_nodes("src")} == {"AzureLinux"}


async def test_in_place_is_refused_where_azure_refuses_it() -> None:
    kata = {"workloadRuntime": "KataVmIsolation"}
    async with migration_run(pool=kata, strategy=strategy("InPlace")) as migration:
        assert await migration.run(lambda v: v.status.is_true("Stalled"))
        assert migration.reason == "PreflightBlocked"
        assert "pool.in-place" in migration.status.message
    accepted = {"acknowledge": ["pool.in-place"]}
    async with migration_run(
        pool=kata, strategy=strategy("InPlace"), preflight=accepted
    ) as migration:
        assert await migration.run(lambda v: v.status.is_true("Stalled"))
        assert migration.reason == "ChangeRefused"
        assert "BlueGreen" in migration.status.message
        assert migration.pools["src"]["osSKU"] == "Ubuntu"


@pytest.mark.parametrize("kind", ["BlueGreen", "Rolling"])
async def test_the_autoscaler_is_held_and_handed_over(kind: str) -> None:
    async with migration_run(pool=SCALED, strategy=strategy(kind)) as migration:
        assert await migration.run(lambda v: v.status.step == "Drain")
        held = migration.pools["src"]
        assert held["enableAutoScaling"] is False
        assert held["tags"]["azlm-held-autoscaler"] == "2-9"
        assert migration.status.source.autoscaler is not None
        target = migration.pools["srcazl"]
        grows = kind == "BlueGreen"
        assert target["enableAutoScaling"] is grows
        if grows:
            assert (target["minCount"], target["maxCount"]) == (target["count"], 9)
        await migration.run()
        is_done(migration)
        new = migration.pools["srcazl"]
        assert (new["enableAutoScaling"], new["minCount"], new["maxCount"]) == (True, 2, 9)


async def test_the_specs_bounds_and_overrides_win() -> None:
    target = {
        "autoscaling": {"min": 3, "max": 5},
        "vmSize": "Standard_D8s_v5",
        "zones": ["1", "2"],
        "labels": {"a": "b"},
        "taints": ["k=v:NoSchedule"],
        "tags": {"cost": "x"},
        "maxPods": 50,
        "osDiskSizeGB": 64,
        "osDiskType": "Ephemeral",
    }
    async with migration_run(
        pool=SCALED | {"nodeLabels": {"old": "1"}}, target=target
    ) as migration:
        await migration.run()
        is_done(migration)
        new = migration.pools["srcazl"]
        assert (new["minCount"], new["maxCount"]) == (3, 5)
        assert (new["vmSize"], new["availabilityZones"]) == ("Standard_D8s_v5", ["1", "2"])
        assert (new["nodeLabels"], new["nodeTaints"]) == ({"a": "b"}, ["k=v:NoSchedule"])
        assert (new["maxPods"], new["osDiskSizeGB"], new["osDiskType"]) == (50, 64, "Ephemeral")
        assert new["tags"]["cost"] == "x"


@pytest.mark.parametrize(
    ("gate", "step"),
    [("BeforeDrain", "AwaitDrainApproval"), ("BeforeRetire", "AwaitRetireApproval")],
)
async def test_an_approval_is_awaited(gate: str, step: str) -> None:
    async with migration_run(approval=gate) as migration:
        assert await migration.run(lambda v: v.reason == "AwaitingApproval")
        assert migration.status.step == step
        assert not await migration.run(hours=3)
        assert "src" in migration.pools
        assert any(node.unschedulable for node in migration.world.nodes.values()) == (
            gate == "BeforeRetire"
        )
        migration.annotations["azlm.dev/approve"] = "BeforeLunch"
        assert not await migration.run(hours=1)
        migration.annotations["azlm.dev/approve"] = gate
        await migration.run()
        is_done(migration)
        assert migration.status.approved == gate


STEPS = ("HoldAutoscaler", "CreateTarget", "CordonSource", "Drain", "Soak", "AwaitRetireApproval")


@pytest.mark.parametrize("kind", ["BlueGreen", "Rolling"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_rollback_from_every_step_leaves_the_source_as_it_was(kind: str, step: str) -> None:
    slow = {"batch": {"size": "50%", "soak": "5m"}, "finalSoak": "10m", "maxSurge": 2}
    spec: dict[str, Any] = {"strategy": slow | {"type": kind}, "approval": "BeforeRetire"}
    async with migration_run(pool=SCALED | {"tags": {"team": "a"}}, **spec) as migration:
        before = dict(migration.pools["src"])
        reached = await migration.run(
            lambda v: v.status.step == step and (step != "Drain" or v.reason == "BatchSoak")
        )
        if not reached:
            assert step == "CordonSource", "a step that passes at once"
            return
        migration.annotations["azlm.dev/rollback"] = "1"
        assert await migration.run(lambda v: v.status.phase == "RolledBack"), (
            migration.trail,
            migration.status.message,
        )
        assert set(migration.pools) == {"system", "src"}
        after = migration.pools["src"]
        fields = ("count", "enableAutoScaling", "minCount", "maxCount", "tags", "osSKU", "vmSize")
        assert {name: after.get(name) for name in fields} == {
            name: before.get(name) for name in fields
        }
        nodes = list(migration.world.pool_nodes("src"))
        assert len(nodes) == NODES
        assert not any(node.unschedulable or node.batch or node.cordoned_by for node in nodes)
        assert migration.reason == "RolledBack"
        assert migration.status.is_true("Stalled")
        for _ in range(3):
            assert not await migration.run(passes=1), "the same token asks only once"
        assert migration.status.phase == "RolledBack"


async def test_after_a_rollback_a_changed_spec_begins_again() -> None:
    async with migration_run(approval="BeforeRetire") as migration:
        assert await migration.run(lambda v: v.status.step == "AwaitRetireApproval")
        migration.annotations["azlm.dev/rollback"] = "1"
        assert await migration.run(lambda v: v.status.phase == "RolledBack")
        migration.change(approval="Automatic")
        await migration.run()
        is_done(migration)


async def test_a_rollback_comes_too_late_once_the_source_is_being_retired() -> None:
    async with migration_run() as migration:
        assert await migration.run(lambda v: v.status.step == "RetireSource")
        migration.annotations["azlm.dev/rollback"] = "1"
        await migration.run()
        is_done(migration)


async def test_on_failure_rollback_takes_everything_back() -> None:
    async with migration_run(
        onFailure="Rollback", target={"vmSize": "Standard_D96s_v5"}
    ) as migration:
        migration.cluster.limits = type(migration.cluster.limits)(
            denied_vm_sizes=frozenset({"Standard_D96s_v5"})
        )
        assert await migration.run(lambda v: v.status.phase == "RolledBack"), (
            migration.status.message
        )
        assert set(migration.pools) == {"system", "src"}
        assert migration.status.rollback is not None
        assert migration.status.rollback.reason == "ParameterRefused"


@pytest.mark.parametrize("keep", ["Keep", "ScaleToZero"])
async def test_what_becomes_of_the_source(keep: str) -> None:
    async with migration_run(sourcePool=keep) as migration:
        await migration.run()
        assert migration.status.is_true("Succeeded"), migration.status.message
        assert migration.pools["src"]["count"] == (NODES if keep == "Keep" else 0)
