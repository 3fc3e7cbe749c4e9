"""InPlace asks AKS for another OS SKU and for nothing else."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from azure_linux_migrator.azure.pools import failure_of
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.steps.observation import Observation
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
    state = world([], nodes=NODES)
    waiting = decide(wanted, read_at(seen(state, pool, asked={"src": NOW - 3600.0}), NOW), NOW)
    assert waiting.actions == (), "the delay is that after the failure, not after the request"
    assert reason in str(waiting.status.conditions)
    later = NOW + 61
    decision = decide(wanted, read_at(seen(state, pool, asked={"src": NOW - 3600.0}), later), later)
    assert decision.actions == (UpdatePool("src", (("osSKU", "AzureLinux"),), "e1"),)


def test_a_change_that_fails_again_and_again_is_asked_for_less_often_and_not_for_ever() -> None:
    pool = failed_pool("AllocationFailed", "not enough capacity")
    wanted = migration(at("UpdateInPlace"), strategy=IN_PLACE)
    state, asked, sent = world([], nodes=NODES), {"src": NOW}, []
    for now in (NOW + 10.0 * index for index in range(1, 2000)):
        decision = decide(wanted, read_at(seen(state, pool, asked=dict(asked)), now), now)
        if decision.actions:
            assert decision.actions == (UpdatePool("src", (("osSKU", "AzureLinux"),), "e1"),)
            sent.append(now)
            asked["src"] = now
    assert [later - sooner for sooner, later in pairwise([NOW, *sent])] == [70, 130, 250, 490]
    assert decision.status.is_true("Stalled")
    assert "UpdateFailed" in str(decision.status.conditions)
    assert "after 5 attempts" in decision.status.message


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


def read_at(observation: Observation, now: float) -> Observation:
    """The observation with its pools read at another time."""
    assert observation.pools is not None
    return replace(observation, pools=replace(observation.pools, at=now))


def failed_pool(code: str, message: str) -> Pool:
    """The source, which shows the new OS SKU, after its change failed."""
    error = {"code": code, "message": message}
    failure = failure_of({"provisioningState": "Failed", "status": {"provisioningError": error}})
    return source(os_sku="AzureLinux", state="Failed", failure=failure)
