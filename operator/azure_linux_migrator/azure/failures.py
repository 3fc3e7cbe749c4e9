"""What Azure's refusals mean: may it be tried again, when, and what can an admin do?

Azure's own code decides, not the HTTP status: AKS answers 409 both for a pool that exists and for
an operation that runs, and a failed operation arrives with status 200.
"""

from dataclasses import dataclass

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.errors import AzureError

RECHECK_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class FailureClass:
    """`reason` is the condition's reason; `delay` in seconds until the next try."""

    reason: Reason
    retryable: bool
    delay: float
    remedy: str = ""


_PERMANENT = {
    "AuthorizationFailed": (
        Reason.AZURE_FORBIDDEN,
        "give the operator's identity the role in deploy/azure/role.json on the cluster",
    ),
    "LinkedAuthorizationFailed": (
        Reason.AZURE_FORBIDDEN,
        "give the operator's identity Network Contributor on the subnet of the pool",
    ),
    "ErrCode_InsufficientVCPUQuota": (Reason.QUOTA_EXCEEDED, "ask for a higher vCPU quota"),
    Reason.QUOTA_EXCEEDED: (Reason.QUOTA_EXCEEDED, "ask for a higher quota"),
    "InsufficientSubnetSize": (Reason.SUBNET_TOO_SMALL, "enlarge the subnet or lower maxPods"),
    "SubnetIsFull": (Reason.SUBNET_TOO_SMALL, "free addresses in the subnet, or enlarge it"),
    "SystemPoolHasRestrictedTaint": (
        Reason.TAINT_REFUSED,
        "take taints other than CriticalAddonsOnly out of spec.target.taints",
    ),
    "PropertyChangeNotAllowed": (
        Reason.CHANGE_REFUSED,
        "this pool cannot be changed in place; use spec.strategy.type BlueGreen",
    ),
    "InvalidParameter": (Reason.PARAMETER_REFUSED, "change that field of spec.target"),
    "NodePoolMcVersionIncompatible": (
        Reason.VERSION_REFUSED,
        "upgrade the pool's Kubernetes version first",
    ),
    "VMExtensionProvisioningError": (
        Reason.NODES_DO_NOT_START,
        "the new nodes do not come up: look at the subnet's way out, its firewall and its DNS",
    ),
    "UnsatisfiablePDB": (
        Reason.BUDGETS_REFUSED,
        "fix the PodDisruptionBudgets that it names; AKS looks at those of the whole cluster",
    ),
    "ResourceNotFound": (Reason.CLUSTER_NOT_FOUND, "check spec.cluster"),
    "ResourceGroupNotFound": (Reason.CLUSTER_NOT_FOUND, "check spec.cluster.resourceGroup"),
    "SubscriptionNotFound": (Reason.CLUSTER_NOT_FOUND, "check spec.cluster.subscriptionID"),
    Reason.SCOPE_LOCKED: (Reason.SCOPE_LOCKED, "remove the Azure lock or ask its owner to"),
    "RequestDisallowedByPolicy": (
        Reason.POLICY_DENIED,
        "ask for an exemption from that Azure Policy",
    ),
    "AzlmUnsupportedPool": (Reason.SOURCE_TYPE_UNSUPPORTED, "move that pool by other means"),
}
_SHORT = {
    "SkuNotAvailable",
    "AllocationFailed",
    "ZonalAllocationFailed",
    "OverconstrainedZonalAllocationRequest",
    "OverconstrainedAllocationRequest",
    "ReconcileVMSSAgentPoolFailed",
}
"""Azure has no room right now; it often has some minutes later."""
_LOST_RACE = {"OriginalEtagNotExpect", "OperationPreempted"}
_DRAINS = {"PodDrainFailure", "DeleteVMSSAgentPoolFailed"}
_LOCKED = "is locked, please remove lock"
_LAST_SYSTEM = "at least one system agent pool"
_CONTENDED = {"EtagMismatch", "PreconditionFailed", "ConditionNotMet"}
_THROTTLED = {
    "Throttled",
    "TooManyRequests",
    "SubscriptionRequestsThrottled",
    "OperationNotAllowedThrottled",
}


def classify_failure(error: AzureError) -> FailureClass:
    """What to do about it."""
    if error.code in _PERMANENT:
        reason, remedy = _PERMANENT[error.code]
        return FailureClass(reason, False, RECHECK_SECONDS, remedy)
    if error.code in _SHORT:
        remedy = "wait, or choose another spec.target.vmSize or other zones"
        return FailureClass(Reason.CAPACITY_SHORT, True, error.retry_after or 60.0, remedy)
    if error.code in _DRAINS:
        remedy = "see which pod of that node does not go; the deletion is asked for again"
        return FailureClass(Reason.DRAIN_FAILED_IN_AZURE, True, 30.0, remedy)
    if error.code in _LOST_RACE:
        return FailureClass(Reason.AZURE_CONFLICT, True, 5.0)
    if _LOCKED in error.message:
        return FailureClass(
            Reason.SCOPE_LOCKED, False, RECHECK_SECONDS, _PERMANENT[Reason.SCOPE_LOCKED][1]
        )
    if _LAST_SYSTEM in error.message:
        remedy = "the cluster needs another System pool before this one can go"
        return FailureClass(Reason.LAST_SYSTEM_POOL, False, RECHECK_SECONDS, remedy)
    if error.code in _CONTENDED:
        return FailureClass(Reason.AZURE_CONFLICT, True, 1.0)
    if error.code in _THROTTLED:
        return FailureClass(Reason.AZURE_THROTTLED, True, error.retry_after or 10.0)
    return _by_status(error)


def _by_status(error: AzureError) -> FailureClass:
    answers = {
        429: FailureClass(Reason.AZURE_THROTTLED, True, error.retry_after or 10.0),
        409: FailureClass(Reason.AZURE_BUSY, True, error.retry_after or 2.0),
        401: FailureClass(
            Reason.AZURE_UNAUTHENTICATED, True, 30.0, "check the operator's workload identity"
        ),
        403: FailureClass(
            Reason.AZURE_FORBIDDEN, False, RECHECK_SECONDS, _PERMANENT["AuthorizationFailed"][1]
        ),
    }
    if error.status in answers:
        return answers[error.status]
    if error.status >= 500 or error.status in {0, 408}:
        return FailureClass(Reason.AZURE_UNAVAILABLE, True, error.retry_after or 2.0)
    return FailureClass(Reason.AZURE_REFUSED, False, RECHECK_SECONDS, "change the spec accordingly")
