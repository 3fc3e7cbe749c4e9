"""What Azure's refusals mean: may it be tried again, when, and what can an admin do?

Azure's own code decides, not the HTTP status: AKS answers 409 both for a pool that exists and for
an operation that runs, and a failed operation arrives with status 200.
"""

from dataclasses import dataclass

from azure_linux_migrator.errors import AzureError

RECHECK_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class FailureClass:
    """`reason` is the condition's reason; `delay` in seconds until the next try."""

    reason: str
    retryable: bool
    delay: float
    remedy: str = ""


_PERMANENT = {
    "AuthorizationFailed": (
        "AzureForbidden",
        "give the operator's identity the role in deploy/azure/role.json on the cluster",
    ),
    "LinkedAuthorizationFailed": (
        "AzureForbidden",
        "give the operator's identity Network Contributor on the subnet of the pool",
    ),
    "ErrCode_InsufficientVCPUQuota": ("QuotaExceeded", "ask for a higher vCPU quota"),
    "QuotaExceeded": ("QuotaExceeded", "ask for a higher quota"),
    "InsufficientSubnetSize": ("SubnetTooSmall", "enlarge the subnet or lower maxPods"),
    "SubnetIsFull": ("SubnetTooSmall", "free addresses in the subnet, or enlarge it"),
    "SystemPoolHasRestrictedTaint": (
        "TaintRefused",
        "take taints other than CriticalAddonsOnly out of spec.target.taints",
    ),
    "PropertyChangeNotAllowed": (
        "ChangeRefused",
        "this pool cannot be changed in place; use spec.strategy.type BlueGreen",
    ),
    "InvalidParameter": ("ParameterRefused", "change that field of spec.target"),
    "NodePoolMcVersionIncompatible": (
        "VersionRefused",
        "upgrade the pool's Kubernetes version first",
    ),
    "VMExtensionProvisioningError": (
        "NodesDoNotStart",
        "the new nodes do not come up: look at the subnet's way out, its firewall and its DNS",
    ),
    "UnsatisfiablePDB": (
        "BudgetsRefused",
        "mend the PodDisruptionBudgets that it names; AKS looks at those of the whole cluster",
    ),
    "ResourceNotFound": ("ClusterNotFound", "check spec.cluster"),
    "ResourceGroupNotFound": ("ClusterNotFound", "check spec.cluster.resourceGroup"),
    "SubscriptionNotFound": ("ClusterNotFound", "check spec.cluster.subscriptionID"),
    "ScopeLocked": ("ScopeLocked", "remove the Azure lock or ask its owner to"),
    "RequestDisallowedByPolicy": ("PolicyDenied", "ask for an exemption from that Azure Policy"),
    "AzlmUnsupportedPool": ("SourceTypeUnsupported", "move that pool by other means"),
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
        return FailureClass("CapacityShort", True, error.retry_after or 60.0, remedy)
    if error.code in _DRAINS:
        remedy = "see which pod of that node does not go; the deletion is asked for again"
        return FailureClass("DrainFailedInAzure", True, 30.0, remedy)
    if error.code in _LOST_RACE:
        return FailureClass("AzureConflict", True, 5.0)
    if _LOCKED in error.message:
        return FailureClass("ScopeLocked", False, RECHECK_SECONDS, _PERMANENT["ScopeLocked"][1])
    if _LAST_SYSTEM in error.message:
        remedy = "the cluster needs another System pool before this one can go"
        return FailureClass("LastSystemPool", False, RECHECK_SECONDS, remedy)
    if error.code in _CONTENDED:
        return FailureClass("AzureConflict", True, 1.0)
    if error.code in _THROTTLED:
        return FailureClass("AzureThrottled", True, error.retry_after or 10.0)
    return _by_status(error)


def _by_status(error: AzureError) -> FailureClass:
    answers = {
        429: FailureClass("AzureThrottled", True, error.retry_after or 10.0),
        409: FailureClass("AzureBusy", True, error.retry_after or 2.0),
        401: FailureClass(
            "AzureUnauthenticated", True, 30.0, "check the operator's workload identity"
        ),
        403: FailureClass(
            "AzureForbidden", False, RECHECK_SECONDS, _PERMANENT["AuthorizationFailed"][1]
        ),
    }
    if error.status in answers:
        return answers[error.status]
    if error.status >= 500 or error.status in {0, 408}:
        return FailureClass("AzureUnavailable", True, error.retry_after or 2.0)
    return FailureClass("AzureRefused", False, RECHECK_SECONDS, "change the spec accordingly")
