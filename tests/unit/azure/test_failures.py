"""What Azure's refusals and failed operations mean, by their codes and texts."""

from collections.abc import Iterator
from typing import Any

import pytest

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.azure.failures import classify_failure, codes_in
from azure_linux_migrator.azure.pools import failure_of
from azure_linux_migrator.errors import AzureError
from tests.support.recordings import recorded

THROTTLED = (
    'autorest/azure: Service returned an error. Status=429 Code="OperationNotAllowed" Message="The '
    "server rejected the request because too many requests have been received for this "
    'subscription." Details=[{"message":"{\\"internalErrorCode\\":\\"TooManyRequestsReceived\\"}"}]'
)
FAMILY_QUOTA = (
    'Code="OperationNotAllowed" Message="Operation could not be completed as it results in '
    'exceeding approved standardDSv3Family Cores quota. Current Limit: 100, Current Usage: 96"'
)
WRAPPED = (
    "Category: ClientError; SubCode: SubnetIsFull; Dependency: Microsoft.Network/virtualNetworks; "
    "OrginalError: no address is left; AKSTeam: Networking"
)
INTERNAL = (
    "AKS encountered an internal error while attempting the requested Creating operation. AKS will "
    "continuously retry the requested operation until successful or a retry timeout is hit."
)


def failed(code: str, message: str, **more: Any) -> tuple[str, bool]:
    error = {"code": code, "message": message, **more}
    pool = {"provisioningState": "Failed", "status": {"provisioningError": error}}
    failure = failure_of(pool)
    assert failure is not None
    return failure.reason, failure.retryable


@pytest.mark.parametrize(
    ("code", "message", "reason", "retryable"),
    [
        ("ReconcileVMSSAgentPoolFailed", THROTTLED, Reason.AZURE_THROTTLED, True),
        ("ReconcileVMSSAgentPoolFailed", FAMILY_QUOTA, Reason.QUOTA_EXCEEDED, False),
        ("CreateVMSSAgentPoolFailed", WRAPPED, Reason.SUBNET_TOO_SMALL, False),
        ("CreateVMSSAgentPoolFailed", INTERNAL, Reason.AZURE_UNAVAILABLE, True),
        ("ReconcileVMSSAgentPoolFailed", "internal error", Reason.AZURE_UNAVAILABLE, True),
        ("UpgradeVMSSAgentPoolFailed", "what nobody has seen before", Reason.AZURE_REFUSED, False),
        ("InternalOperationError", "", Reason.AZURE_UNAVAILABLE, True),
    ],
)
def test_the_text_of_a_failed_operation_tells_its_cause(
    code: str, message: str, reason: Reason, retryable: bool
) -> None:
    assert failed(code, message) == (reason, retryable)


def test_the_code_in_the_details_of_a_failed_operation_decides() -> None:
    details = [{"code": "OverconstrainedZonalAllocationRequest", "message": "Allocation failed."}]
    result = failed("ResourceOperationFailure", "see the details", details=details)
    assert result == (Reason.CAPACITY_SHORT, True)


def test_the_text_in_the_details_decides_where_its_code_says_nothing() -> None:
    quota = {
        "code": "OperationNotAllowed",
        "message": "it results in exceeding approved standardDSv3Family Cores quota",
    }
    result = failed("ResourceOperationFailure", "see the details", details=[quota])
    assert result == (Reason.QUOTA_EXCEEDED, False)


def test_a_failed_operation_is_reported_with_the_text_of_its_details() -> None:
    details = [{"code": "SubnetIsFull", "message": "subnet a has no room"}]
    error = {"code": "CreateVMSSAgentPoolFailed", "message": "see details", "details": details}
    failure = failure_of({"provisioningState": "Failed", "status": {"provisioningError": error}})
    assert failure is not None
    assert "see details; subnet a has no room (CreateVMSSAgentPoolFailed)" in failure.message


def test_the_codes_of_a_body_are_read_from_the_outside_in() -> None:
    body = {
        "error": {
            "code": "InvalidTemplateDeployment",
            "details": [{"code": "QuotaExceeded", "innererror": {"code": "Inner"}}],
        },
        "subcode": "",
    }
    assert list(codes_in(body)) == ["InvalidTemplateDeployment", "QuotaExceeded", "Inner"]


@pytest.mark.parametrize(
    ("code", "more", "reason"),
    [
        ("InvalidTemplateDeployment", ("QuotaExceeded",), Reason.QUOTA_EXCEEDED),
        ("BadRequest", ("InsufficientOutboundPorts",), Reason.OUTBOUND_PORTS_SHORT),
        ("OperationNotAllowed", (), Reason.AZURE_BUSY),
        ("SystemPoolSkuTooLow", (), Reason.PARAMETER_REFUSED),
        ("AgentPoolK8sVersionNotSupported", (), Reason.VERSION_REFUSED),
        ("ResourceGroupLocked", (), Reason.SCOPE_LOCKED),
    ],
)
def test_the_innermost_code_that_is_known_decides(
    code: str, more: tuple[str, ...], reason: Reason
) -> None:
    error = AzureError(code, "words", status=409, more_codes=more)
    assert classify_failure(error).reason is reason


def test_a_right_that_an_operation_lacks_is_the_clusters() -> None:
    """The operator's own requests are refused with 403; in an operation AKS acts with the cluster's
    identity."""
    message = "the client does not have authorization to perform action 'A/join' over scope '/s'"
    of_cluster = classify_failure(AzureError("AuthorizationFailed", message, status=200))
    assert "cluster's own identity" in of_cluster.remedy
    assert "A/join on /s" in of_cluster.remedy
    of_operator = classify_failure(AzureError("AuthorizationFailed", message, status=403))
    assert of_operator.remedy.startswith("give the operator's identity A/join on /s")


@pytest.mark.parametrize("code", ["InternalServerError", "ServiceUnavailable", "Whatever"])
def test_a_server_error_is_tried_again_soon(code: str) -> None:
    failure = classify_failure(AzureError(code, "words", status=503))
    assert (failure.reason, failure.delay) == (Reason.AZURE_UNAVAILABLE, 2.0)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("SKUNotAvailable", Reason.CAPACITY_SHORT),
        ("AKSCapacityHeavyUsage", Reason.CAPACITY_SHORT),
        ("IPv4StandardSkuPublicIpCountLimitReached", Reason.QUOTA_EXCEEDED),
        ("LinkedauthorizationFailed", Reason.AZURE_FORBIDDEN),
    ],
)
def test_a_code_is_known_in_whatever_case_it_is_written(code: str, reason: Reason) -> None:
    assert classify_failure(AzureError(code, "words", status=200)).reason is reason


@pytest.mark.parametrize(
    ("code", "helps", "idle"),
    [
        ("SubnetIsDelegated", "az network vnet subnet update", "names exists"),
        ("AKSCapacityHeavyUsage", "wait", "zones"),
        ("RegionOverConstrained", "wait", "zones"),
    ],
)
def test_a_remedy_is_one_that_can_help(code: str, helps: str, idle: str) -> None:
    """A delegated subnet exists, and AKS is short of capacity in all zones of a region."""
    remedy = classify_failure(AzureError(code, "words", status=400)).remedy
    assert helps in remedy
    assert idle not in remedy


def test_a_quota_of_the_region_is_a_quota() -> None:
    text = "Insufficient regional vcpu quota left for location eastus. left 0, requested 8"
    assert failed("CreateVMSSAgentPoolFailed", text) == (Reason.QUOTA_EXCEEDED, False)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "ReferencedResourceNotProvisioned",
            "/pip used by resource /lb is not in Succeeded state. Resource is in {} state",
        ),
        (
            "VirtualNetworkNotInSucceededState",
            "/vnet is in {} state. It needs to be in Succeeded state in order to set ownership.",
        ),
    ],
)
def test_a_resource_in_state_failed_waits_for_an_admin_and_another_state_passes(
    code: str, text: str
) -> None:
    for outer, status in ((code, 409), ("ReconcileVMSSAgentPoolFailed", 200)):
        named = f'Code="{code}" Message="{text}"'
        stuck = classify_failure(AzureError(outer, named.format("Failed"), status=status))
        assert (stuck.reason, stuck.retryable) == (Reason.AZURE_REFUSED, False)
        assert "repair the resource that it names" in stuck.remedy
        passing = classify_failure(AzureError(outer, named.format("Updating"), status=status))
        assert (passing.reason, passing.retryable) == (Reason.AZURE_BUSY, True)


def test_an_expired_secret_of_the_operator_is_not_the_clusters() -> None:
    failure = classify_failure(AzureError("AuthenticationFailed", "AADSTS7000222", status=401))
    assert failure.reason is Reason.AZURE_UNAUTHENTICATED


def test_a_throttle_of_compute_is_waited_for_and_never_rolls_back() -> None:
    failure = classify_failure(AzureError("OperationNotAllowed", THROTTLED, status=409))
    assert (failure.reason, failure.retryable) == (Reason.AZURE_THROTTLED, True)
    assert failure.delay >= 10.0


@pytest.mark.parametrize("code", ["Throttled", "SomethingNew"])
def test_a_throttle_without_a_time_is_waited_for_ten_seconds(code: str) -> None:
    failure = classify_failure(AzureError(code, "words", status=429))
    assert (failure.reason, failure.retryable, failure.delay) == (
        Reason.AZURE_THROTTLED,
        True,
        10.0,
    )


def test_of_two_known_codes_the_inner_one_decides() -> None:
    error = AzureError("DeleteVMSSAgentPoolFailed", "words", more_codes=("AllocationFailed",))
    assert classify_failure(error).reason is Reason.CAPACITY_SHORT
    named = AzureError("AllocationFailed", "SubCode: SubnetIsFull", status=200)
    assert classify_failure(named).reason is Reason.SUBNET_TOO_SMALL


# Recorded refusals


EXPECTED = {
    "PUT agentPool, Spot priority, upgradeSettings.maxSurge set": Reason.PARAMETER_REFUSED,
    "same, maxUnavailable": Reason.PARAMETER_REFUSED,
    "System pool on a size below 2 vCPU / 4 GB": Reason.PARAMETER_REFUSED,
    "agent pool at a patch that is no longer offered": Reason.VERSION_REFUSED,
    "in-place osSKU change where not allowed": Reason.CHANGE_REFUSED,
    "vCPU quota at the AKS front door": Reason.QUOTA_EXCEEDED,
    "Compute: family quota, inside an agent pool operation": Reason.QUOTA_EXCEEDED,
    "ARM deployment wrapper: the reason is in details": Reason.QUOTA_EXCEEDED,
    "unknown cluster (ARM gateway; header x-ms-failure-cause: gateway)": Reason.CLUSTER_NOT_FOUND,
    "another operation on the pool / cluster": Reason.AZURE_BUSY,
}


def test_every_recorded_refusal_has_its_class() -> None:
    refusals = recorded("exchanges/07_refusals_synchronous.json")["refusals"]
    reasons = {}
    for refusal in refusals:
        body = refusal["body"]
        flat = body.get("error", body)
        status = refusal["status"] if isinstance(refusal["status"], int) else 409
        codes = tuple(codes_in(body))
        error = AzureError(codes[0], flat["message"], status=status, more_codes=codes[1:])
        reasons[refusal["when"]] = classify_failure(error).reason
    for when, reason in EXPECTED.items():
        assert reasons.pop(when) is reason, when
    assert sorted(reasons.values()) == [Reason.OUTBOUND_PORTS_SHORT, Reason.SCOPE_LOCKED]


def failure_texts() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for failure in recorded("exchanges/08_failed_operations.json")["failures"]:
        text = " ".join(failure.get("text_contains") or [failure.get("text_form", "")])
        details = {"details": failure["details"]} if "details" in failure else {}
        yield failure.get("code", ""), text, details


def test_no_recorded_failure_is_a_mere_refusal() -> None:
    reasons = [failed(code, text, **details)[0] for code, text, details in failure_texts()]
    assert reasons == [
        Reason.AZURE_THROTTLED,
        Reason.QUOTA_EXCEEDED,
        Reason.AZURE_UNAVAILABLE,
        Reason.AZURE_UNAVAILABLE,
        Reason.CAPACITY_SHORT,
        Reason.SUBNET_TOO_SMALL,
    ]


def test_every_code_of_the_service_that_was_seen_is_known() -> None:
    codes = recorded("exchanges/09_rp_error_codes.json")["codes_seen_missing_in_verdicts"]
    wrappers = {"InvalidTemplateDeployment"} | {code for code in codes if "VMSSAgentPool" in code}
    unknown = [
        code
        for code in codes
        if code not in wrappers
        and classify_failure(AzureError(code, "", status=400)).reason is Reason.AZURE_REFUSED
    ]
    assert unknown == []
