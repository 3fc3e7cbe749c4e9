"""InPlace asks AKS for another OS SKU and for nothing else."""

from typing import Any

import pytest

from azure_linux_migrator.azure.pools import failure_of
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.steps.pool_size import most_extra
from azure_linux_migrator.model.actions import UpdatePool
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.pool import Pool
from tests.support.worlds import NOW, at, migration, seen, source, world

NODES = [Node("s-0", "src", os_sku="Ubuntu"), Node("s-1", "src", os_sku="Ubuntu")]
IN_PLACE = {"type": "InPlace", "maxSurge": "50%"}


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"upgradeSettings": {"maxSurge": "33%"}},
        {"upgradeSettings": {"maxUnavailable": "1"}},
        {"scaleSetPriority": "Spot"},
    ],
)
def test_the_upgrade_settings_of_the_pool_stay_as_they_are(properties: dict[str, Any]) -> None:
    pool = source(properties=properties)
    wanted = migration(at("UpdateInPlace"), strategy=IN_PLACE)
    decision = decide(wanted, seen(world([], nodes=NODES), pool), NOW)
    assert decision.actions == (UpdatePool("src", (("osSKU", "AzureLinux"),), "e1"),)


def test_secure_boot_and_vtpm_come_with_the_os_sku_in_one_request() -> None:
    """Azure Container Linux needs both; AKS takes them with the change or not at all."""
    profile = {"enableSecureBoot": True, "enableVTPM": True}
    target = {"osSKU": "AzureContainerLinux", "securityProfile": profile}
    wanted = migration(at("UpdateInPlace"), strategy=IN_PLACE, target=target)
    decision = decide(wanted, seen(world([], nodes=NODES), source()), NOW)
    changes = (
        ("osSKU", "AzureContainerLinux"),
        ("securityProfile.enableSecureBoot", True),
        ("securityProfile.enableVTPM", True),
    )
    assert decision.actions == (UpdatePool("src", changes, "e1"),)


@pytest.mark.parametrize(
    ("properties", "extra"),
    [
        ({}, 1),
        ({"upgradeSettings": {"maxSurge": "100%"}}, 2),
        ({"upgradeSettings": {"maxSurge": "50%"}, "scaleSetPriority": "Spot"}, 0),
    ],
)
def test_quota_is_needed_for_the_nodes_that_aks_adds(
    properties: dict[str, Any], extra: int
) -> None:
    observation = seen(world([], nodes=NODES), source(properties=properties))
    assert most_extra(context_of(migration(strategy=IN_PLACE), observation, NOW)) == extra


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        ("ReconcileVMSSAgentPoolFailed", "Status=429 too many requests", "AzureThrottled"),
        ("InternalServerError", "Internal server error", "AzureUnavailable"),
    ],
)
def test_a_change_that_fails_for_what_passes_by_itself_is_asked_for_again(
    code: str, message: str, reason: str
) -> None:
    pool = failed_pool(code, message)
    wanted = migration(at("UpdateInPlace"), strategy=IN_PLACE)
    decision = decide(wanted, seen(world([], nodes=NODES), pool), NOW)
    assert decision.actions == (UpdatePool("src", (("osSKU", "AzureLinux"),), "e1"),)
    waiting = decide(wanted, seen(world([], nodes=NODES), pool, asked={"src": NOW - 5.0}), NOW)
    assert waiting.actions == ()
    assert reason in str(waiting.status.conditions)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("UnsatisfiablePDB", "invalid Pod Disruption Budgets"),
        ("UpgradeFailed", "failed when evicting pod with Too Many Requests"),
    ],
)
def test_a_change_that_fails_for_what_an_admin_has_to_fix_waits_for_it(
    code: str, message: str
) -> None:
    pool = failed_pool(code, message)
    wanted = migration(at("UpdateInPlace"), strategy=IN_PLACE)
    decision = decide(wanted, seen(world([], nodes=NODES), pool), NOW)
    assert not any(isinstance(action, UpdatePool) for action in decision.actions)
    assert "UpdateFailed" in str(decision.status.conditions)


def failed_pool(code: str, message: str) -> Pool:
    """The source, which shows the new OS SKU, after its change failed."""
    error = {"code": code, "message": message}
    failure = failure_of({"provisioningState": "Failed", "status": {"provisioningError": error}})
    return source(os_sku="AzureLinux", state="Failed", failure=failure)
