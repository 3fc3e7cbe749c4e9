"""A plan after the hand-over: nothing is replaced, and nothing changes but azlm's own tags."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from azure_linux_migrator.azure import terraform
from azure_linux_migrator.model.pool import Pool
from tests.support.azurerm import Outcome, default_node_pool, plan
from tests.support.pool_properties import EVERYTHING
from tests.support.worlds import target

PLAIN: dict[str, Any] = {
    "vmSize": "Standard_D4s_v5",
    "osSKU": "AzureLinux",
    "osType": "Linux",
    "osDiskType": "Managed",
    "osDiskSizeGB": 128,
    "kubeletDiskType": "OS",
    "maxPods": 30,
    "orchestratorVersion": "1.34.2",
    "scaleDownMode": "Delete",
    "enableFIPS": False,
    "upgradeSettings": {},
}
SPOT = {
    "scaleSetPriority": "Spot",
    "scaleSetEvictionPolicy": "Delete",
    "spotMaxPrice": -1.0,
    "nodeLabels": {"kubernetes.azure.com/scalesetpriority": "spot"},
    "nodeTaints": ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"],
}
SHAPES: dict[str, dict[str, Any]] = {
    "as AKS makes it": {},
    "Spot": SPOT,
    "Spot with a price": SPOT | {"spotMaxPrice": 12.34567},
    "Spot with a drain timeout": SPOT | {"upgradeSettings": {"drainTimeoutInMinutes": 10}},
    "maxSurge": {"upgradeSettings": {"maxSurge": "33%", "maxUnavailable": "0"}},
    "maxUnavailable": {"upgradeSettings": {"maxSurge": "0", "maxUnavailable": "1"}},
    "a kubelet that only allows swap": {"kubeletConfig": {"failSwapOn": False}},
    "a kubelet without CPU quota told": {"kubeletConfig": {"cpuManagerPolicy": "static"}},
    "a Linux configuration with nothing set": {"linuxOSConfig": {"sysctls": {}}},
    "keepalive": {"linuxOSConfig": {"sysctls": {"netIpv4TcpkeepaliveIntvl": 20}}},
    "host ports": {"networkProfile": EVERYTHING["networkProfile"]},
    "zones": {"availabilityZones": ["1", "2", "3"]},
    "an empty network profile": {"networkProfile": {}},
}


def pool(shape: dict[str, Any], **more: Any) -> Pool:
    mode = more.get("mode", "User")
    tags = (*target().tags, ("owner", "me"))
    return target(properties=PLAIN | shape | {"mode": mode}, tags=tags, **more)


def changes(pool: Pool) -> dict[str, Outcome]:
    lines = plan(terraform.change(pool, "src"), pool)
    return {line.argument: line.outcome for line in lines if line.outcome is not None}


@pytest.mark.parametrize("name", SHAPES)
def test_a_plan_of_a_user_pool_removes_azlms_tags_and_does_nothing_else(name: str) -> None:
    assert changes(pool(SHAPES[name])) == {"tags": Outcome.UPDATE}


OF_DEFAULT_POOL = [name for name in SHAPES if "Spot" not in name and name != "maxUnavailable"]


@pytest.mark.parametrize("name", OF_DEFAULT_POOL)
def test_a_plan_of_a_default_pool_does_not_touch_the_cluster(name: str) -> None:
    assert changes(pool(SHAPES[name], mode="System")) == {"tags": Outcome.UPDATE}


def test_a_pool_with_every_setting_is_left_as_it_is() -> None:
    whole = target(properties=EVERYTHING, tags=(*target().tags, ("owner", "me")))
    assert changes(whole) == {"tags": Outcome.UPDATE}


def test_an_autoscaled_pool_keeps_its_count_and_bounds() -> None:
    scaled = pool({"minCount": 2, "maxCount": 9}, autoscaling=True, count=4)
    assert changes(scaled) == {"tags": Outcome.UPDATE}


def test_a_drain_timeout_without_a_surge_gets_the_one_that_the_provider_requires() -> None:
    """Without the block the timeout would be taken away, which replaces the pool."""
    one = pool({"upgradeSettings": {"drainTimeoutInMinutes": 45}})
    assert changes(one) == {
        "tags": Outcome.UPDATE,
        "upgrade_settings.max_surge": Outcome.UPDATE,
    }


def test_what_the_block_of_a_default_pool_lacks_is_reported() -> None:
    surge = {"maxSurge": "10%", "undrainableNodeBehavior": "Cordon"}
    taints = ["CriticalAddonsOnly=true:NoSchedule", "a=b:PreferNoSchedule"]
    one = pool({"upgradeSettings": surge, "nodeTaints": taints}, mode="System")
    assert changes(one) == {"tags": Outcome.UPDATE}
    notes = terraform.change(one, "src").splitlines()[-2:]
    assert "upgradeSettings.undrainableNodeBehavior" in notes[0]
    assert "nodeTaints" in notes[0]
    assert notes[1] == "# An update of the block is sent without them."


OLD, NEW = pool({}, mode="System", name="src"), pool({}, mode="System")
OTHER = pool({}, mode="System", name="infra")
AS_USER = pool({}, mode="User", name="infra")


def outcomes(text: str, pools: Sequence[Pool], named: str = "src") -> set[Outcome | None]:
    """Of an apply of that block, where the state names that pool."""
    return {line.outcome for line in plan(text, default_node_pool(pools, named)) if line.outcome}


def test_the_block_may_be_applied_once_the_old_pool_is_gone_and_says_so() -> None:
    block = terraform.change(NEW, "src")
    assert outcomes(block, [NEW]) == {Outcome.UPDATE}
    assert Outcome.CLUSTER in outcomes(block, [OLD, NEW]), "the state still names the old one"
    assert "Apply only once pool src is gone" in block
    before = block.replace('"srcazl"', '"src"')
    assert Outcome.CLUSTER in outcomes(before, [NEW]), "the block as it was"
    assert "once it is gone, the old name does" in block


def test_another_system_pool_is_out_of_the_way_while_the_state_is_refreshed() -> None:
    block = terraform.change(NEW, "src")
    assert Outcome.CLUSTER in outcomes(block, [OTHER, NEW])
    refreshed = default_node_pool([AS_USER, NEW], "src").name
    assert outcomes(block, [OTHER, NEW], refreshed) == {Outcome.UPDATE}
    late = default_node_pool([OTHER, NEW], "src").name
    assert Outcome.CLUSTER in outcomes(block, [AS_USER, NEW], late), "a state keeps what it names"
    steps = ("set its mode to\n# User first", "apply -refresh-only", "set it back")
    assert [block.index(step) for step in steps] == sorted(map(block.index, steps))


def test_while_the_old_pool_stays_the_block_is_left_as_it_is() -> None:
    block = terraform.change(NEW, "src").replace('"srcazl"', '"src"')
    assert outcomes(block, [OLD, NEW]) <= {Outcome.UPDATE}
    text = terraform.change(NEW, "src", stays=True)
    assert all(line.startswith("#") for line in text.splitlines())
    assert "change nothing until pool src is deleted" in text


def test_a_user_pool_that_stays_may_stay_managed() -> None:
    kept = terraform.change(pool({}), "src", stays=True)
    assert "pool src stays: leave this block out" in kept
    assert "delete the resource" not in kept
    assert plan(kept, pool({})) == plan(terraform.change(pool({}), "src"), pool({}))


def test_a_plan_finds_what_is_left_out() -> None:
    """The model of the provider is no formality: each of these replaces something."""
    one = pool({"hostGroupID": "/hosts", "kubeletConfig": {}, "availabilityZones": ["1"]})
    text = terraform.change(one, "src")
    for name, outcome in (
        ("host_group_id", Outcome.REPLACE),
        ("zones", Outcome.ROTATE),
        ("cpu_cfs_quota_enabled", Outcome.ROTATE),
        ("name", Outcome.REPLACE),
    ):
        without, count = re.subn(rf"^ +{name} += .*$", "", text, flags=re.MULTILINE)
        assert count == 1
        assert outcome in {entry.outcome for entry in plan(without, one)}, name
    lines = plan(terraform.change(pool({}, mode="System"), "src").replace("srcazl", "src"), one)
    assert Outcome.CLUSTER in {line.outcome for line in lines}
