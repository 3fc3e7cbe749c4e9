"""The body of the target pool, and the meaning of Azure's errors."""

from typing import Any

import pytest
from azure.mgmt.containerservice.models import ManagedClusterAgentPoolProfileProperties

from azure_linux_migrator.azure import template
from azure_linux_migrator.azure.failures import classify_failure
from azure_linux_migrator.azure.policies import POLICIES
from azure_linux_migrator.azure.pools import failure_of
from azure_linux_migrator.errors import AzureError
from azure_linux_migrator.model.pool import Failure
from tests.support.recordings import recorded

SOURCE: dict[str, Any] = {
    "count": 3,
    "vmSize": "Standard_D4s_v5",
    "osSKU": "Ubuntu",
    "mode": "User",
    "eTag": "x",
    "nodeImageVersion": "AKSUbuntu-1",
    "creationData": {"sourceResourceId": "/snapshot"},
    "provisioningState": "Succeeded",
    "currentOrchestratorVersion": "1.37.2",
    "orchestratorVersion": "1.37",
    "tags": {"team": "a"},
    "nodeLabels": {"kubernetes.azure.com/x": "1", "tier": "web"},
    "nodeTaints": ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule", "a=b:NoSchedule"],
    "somethingNew": True,
}


def body(**more: Any) -> dict[str, Any]:
    properties = template.target_body(
        SOURCE | more, os_sku="AzureLinux", count=None, overrides={}, tags={"azlm-migration": "m"}
    )
    return dict(properties["properties"])


def test_the_target_is_the_source_but_for_its_os() -> None:
    properties = body()
    assert properties == {
        "count": 3,
        "vmSize": "Standard_D4s_v5",
        "osSKU": "AzureLinux",
        "mode": "User",
        "orchestratorVersion": "1.37.2",
        "enableAutoScaling": False,
        "tags": {"team": "a", "azlm-migration": "m"},
        "nodeLabels": {"tier": "web"},
        "nodeTaints": ["a=b:NoSchedule"],
    }


def test_a_pool_that_a_migration_has_made_names_that_one_no_more() -> None:
    tags = {"team": "a", "azlm-migration": "before", "azlm-source-count": "7"}
    assert body(tags=tags)["tags"] == {"team": "a", "azlm-migration": "m"}


def test_the_target_is_made_without_an_autoscaler() -> None:
    pool = body(enableAutoScaling=True, minCount=1, maxCount=5)
    assert pool["enableAutoScaling"] is False
    assert not {"minCount", "maxCount"} & pool.keys()


def test_one_upgrade_setting_is_changed_and_the_others_stay() -> None:
    pool = SOURCE | {"upgradeSettings": {"maxSurge": "1", "drainTimeoutInMinutes": 30}}
    changed = template.updated_body(pool, {"upgradeSettings.maxSurge": "2"})["properties"]
    assert changed["upgradeSettings"] == {"maxSurge": "2", "drainTimeoutInMinutes": 30}
    tagged = template.updated_body(pool, {}, {"azlm-x": "1"})["properties"]
    assert tagged["tags"] == {"team": "a", "azlm-x": "1"}


def test_another_kubernetes_version_replaces_the_sources() -> None:
    properties = template.target_body(
        SOURCE,
        os_sku="AzureLinux",
        count=None,
        overrides={"orchestratorVersion": "1.37.4"},
        tags={},
    )
    assert properties["properties"]["orchestratorVersion"] == "1.37.4"


def test_a_system_pool_keeps_only_the_taints_that_aks_allows() -> None:
    taints = ["CriticalAddonsOnly=true:NoSchedule", "a=b:NoSchedule", "c=d:PreferNoSchedule"]
    assert body(mode="System", nodeTaints=taints)["nodeTaints"] == [taints[0], taints[2]]


@pytest.mark.parametrize(
    "field",
    [{"windowsProfile": {"x": 1}}, {"gatewayProfile": {"x": 1}}, {"type": "AvailabilitySet"}],
)
def test_pools_that_would_become_something_else_are_refused(field: dict[str, Any]) -> None:
    with pytest.raises(AzureError, match="source pool"):
        body(**field)


def test_every_field_of_the_api_has_the_policy_of_the_reference() -> None:
    names = {"copy_hazard": "copy with care", "refuse_if_set": "refuse"}
    wanted = {
        field["rest"]: names.get(field["policy"], field["policy"])
        for field in recorded("agentpool-fields.json")["fields"]
    }
    assert {name: str(policy) for name, policy in POLICIES.items()} == wanted
    assert len(POLICIES) == 55


def test_every_property_of_the_sdks_model_has_a_policy_and_none_is_made_up() -> None:
    model = ManagedClusterAgentPoolProfileProperties
    properties = (
        model()
    )  # the SDK's models fill in their table of fields when the first one is made
    names = {field._rest_name for field in properties._attr_to_rest_field.values()}
    assert names == set(POLICIES)


def test_what_the_spec_gives_takes_the_place_of_the_sources() -> None:
    properties = template.target_body(
        SOURCE,
        os_sku="AzureLinux",
        count=7,
        overrides={"vmSize": "Standard_D8s_v5", "nodeTaints": [], "nodeLabels": {"a": "b"}},
        tags={},
    )["properties"]
    assert (properties["vmSize"], properties["count"], properties["nodeLabels"]) == (
        "Standard_D8s_v5",
        7,
        {"a": "b"},
    )
    assert "nodeTaints" not in properties


def test_an_update_sends_everything_back_but_what_it_changes() -> None:
    pool = SOURCE | {"enableAutoScaling": True, "minCount": 1, "maxCount": 5}
    properties = template.updated_body(
        pool,
        {"enableAutoScaling": False, "minCount": None, "upgradeSettings.maxSurge": "2"},
        {"team": None, "azlm-held-autoscaler": "1-5"},
    )["properties"]
    assert properties["nodeLabels"] == SOURCE["nodeLabels"]
    assert properties["nodeTaints"] == SOURCE["nodeTaints"]
    assert (
        properties["enableAutoScaling"],
        properties.get("minCount"),
        properties["maxCount"],
    ) == (False, None, 5)
    assert properties["tags"] == {"azlm-held-autoscaler": "1-5"}
    assert properties["upgradeSettings"] == {"maxSurge": "2"}
    assert not {"eTag", "nodeImageVersion", "creationData", "somethingNew"} & properties.keys()


@pytest.mark.parametrize(
    ("status", "code", "reason", "retryable"),
    [
        (409, "OperationNotAllowed", "AzureBusy", True),
        (409, "EtagMismatch", "AzureConflict", True),
        (412, "PreconditionFailed", "AzureConflict", True),
        (429, "Throttled", "AzureThrottled", True),
        (503, "ServiceUnavailable", "AzureUnavailable", True),
        (0, "Unreachable", "AzureUnavailable", True),
        (400, "OperationNotAllowed", "AzureRefused", False),
        (400, "ErrCode_InsufficientVCPUQuota", "QuotaExceeded", False),
        (403, "AuthorizationFailed", "AzureForbidden", False),
        (403, "RequestDisallowedByPolicy", "PolicyDenied", False),
        (404, "ResourceNotFound", "ClusterNotFound", False),
        (401, "AuthenticationFailed", "AzureUnauthenticated", True),
        (403, "LinkedAuthorizationFailed", "AzureForbidden", False),
        (400, "SubnetIsFull", "SubnetTooSmall", False),
        (400, "InsufficientSubnetSize", "SubnetTooSmall", False),
        (400, "SystemPoolHasRestrictedTaint", "TaintRefused", False),
        (400, "PropertyChangeNotAllowed", "ChangeRefused", False),
        (400, "InvalidParameter", "ParameterRefused", False),
        (409, "ScopeLocked", "ScopeLocked", False),
        (200, "AllocationFailed", "CapacityShort", True),
        (200, "OverconstrainedZonalAllocationRequest", "CapacityShort", True),
        (200, "OriginalEtagNotExpect", "AzureConflict", True),
        (200, "PodDrainFailure", "DrainFailedInAzure", True),
        (200, "UnsatisfiablePDB", "BudgetsRefused", False),
        (200, "VMExtensionProvisioningError", "NodesDoNotStart", False),
    ],
)
def test_azures_own_code_decides(status: int, code: str, reason: str, retryable: bool) -> None:
    failure_class = classify_failure(AzureError(code, "words", status=status))
    assert (failure_class.reason, failure_class.retryable) == (reason, retryable)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "There has to be at least one system agent pool.",
            "LastSystemPool",
        ),
        (
            "Resource group 'MC_x' under subscription: 'y' is locked, please remove lock.",
            "ScopeLocked",
        ),
    ],
)
def test_where_the_code_is_unspecific_the_message_decides(message: str, reason: str) -> None:
    failure_class = classify_failure(AzureError("OperationNotAllowed", message, status=400))
    assert (failure_class.reason, failure_class.retryable) == (reason, False)
    assert failure_class.remedy


def test_the_cause_inside_a_failed_operation_decides() -> None:
    def fails(code: str, message: str) -> Failure | None:
        error = {"code": code, "message": message}
        return failure_of({"provisioningState": "Failed", "status": {"provisioningError": error}})

    allocatable = 'Code="AllocationFailed" Message="Allocation failed."'
    short = fails("ReconcileVMSSAgentPoolFailed", allocatable)
    assert short is not None
    assert (short.reason, short.retryable) == ("CapacityShort", True)
    assert "spec.target.vmSize" in short.message
    pods = 'VMSSAgentPoolReconciler retry failed: {\n "code": "PodDrainFailure",\n "message": "x"}'
    drain = fails("DeleteVMSSAgentPoolFailed", pods)
    assert drain is not None
    assert (drain.reason, drain.retryable) == ("DrainFailedInAzure", True)
    start = fails("ReconcileVMSSAgentPoolFailed", 'Code="VMExtensionProvisioningError"')
    assert start is not None
    assert (start.reason, start.retryable) == ("NodesDoNotStart", False)
    assert failure_of({"provisioningState": "Succeeded"}) is None


def test_a_throttled_call_waits_as_long_as_azure_says() -> None:
    assert classify_failure(AzureError("Throttled", "", status=429, retry_after=42.0)).delay == 42.0
