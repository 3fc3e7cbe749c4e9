"""What Azure's refusals mean: may it be tried again, when, and what can an admin do?

Azure's own codes decide, not the HTTP status: AKS answers 409 both for a pool that exists and for
an operation that runs, and a failed operation arrives with status 200. A refusal has several codes:
its own, a subcode, those of its details, and those of other services in its text. The innermost
one that is known decides; where a code says nothing (OperationNotAllowed), the text does.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.azure.roles import WRITER_ACTIONS
from azure_linux_migrator.errors import AzureError

RECHECK_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class FailureClass:
    """`reason` is the condition's reason; `delay` in seconds until the next try."""

    reason: Reason
    retryable: bool
    delay: float
    remedy: str = ""


_UNLOCK = "remove the Azure lock or ask its owner to"
_OTHER_SIZE = "set spec.target.vmSize"
_MORE_PODS = "raise spec.target.maxPods"
_OTHER_VERSION = "upgrade the pool to a version that AKS still offers: az aks get-versions"
_ANOTHER_SYSTEM_POOL = "the cluster needs another System pool before this one can go"
_PORTS_SHORT = Reason.OUTBOUND_PORTS_SHORT
_MORE_PORTS = (
    "lower allocatedOutboundPorts, or add outbound IPs to the load balancer (aka.ms/aks/slb-ports)"
)

_PERMANENT: dict[str, tuple[Reason, str]] = {
    "AuthorizationFailed": (
        Reason.AZURE_FORBIDDEN,
        "give the operator's identity the writer role on the cluster (docs/azure-role.md)",
    ),
    "LinkedAuthorizationFailed": (
        Reason.AZURE_FORBIDDEN,
        (
            "give the operator's identity the writer role on the subnets of the pool "
            "(docs/azure-role.md)"
        ),
    ),
    "ErrCode_InsufficientVCPUQuota": (Reason.QUOTA_EXCEEDED, "ask for a higher vCPU quota"),
    Reason.QUOTA_EXCEEDED: (Reason.QUOTA_EXCEEDED, "ask for a higher quota"),
    "MaxAgentPoolCountReached": (
        Reason.QUOTA_EXCEEDED,
        "the cluster has as many node pools as AKS allows: remove one",
    ),
    "InsufficientSubnetSize": (Reason.SUBNET_TOO_SMALL, "enlarge the subnet or lower maxPods"),
    "SubnetIsFull": (Reason.SUBNET_TOO_SMALL, "free addresses in the subnet, or enlarge it"),
    "InsufficientPodCidr": (
        Reason.SUBNET_TOO_SMALL,
        "the cluster's pod CIDR has no room for more nodes: fewer nodes, or a lower maxPods",
    ),
    "InvalidLoadBalancerProfileAllocatedOutboundPorts": (_PORTS_SHORT, _MORE_PORTS),
    "InsufficientOutboundPorts": (_PORTS_SHORT, _MORE_PORTS),
    "SystemPoolHasRestrictedTaint": (
        Reason.TAINT_REFUSED,
        "take taints other than CriticalAddonsOnly out of spec.target.taints",
    ),
    "PropertyChangeNotAllowed": (
        Reason.CHANGE_REFUSED,
        "this pool cannot be changed in place; use spec.strategy.type BlueGreen",
    ),
    "CustomKubeletConfigOrCustomLinuxOSConfigCanNotBeChanged": (
        Reason.CHANGE_REFUSED,
        "this pool cannot be changed in place; use spec.strategy.type BlueGreen",
    ),
    "InvalidParameter": (Reason.PARAMETER_REFUSED, "change that field of spec.target"),
    "InvalidOSSKU": (Reason.PARAMETER_REFUSED, "change spec.target.osSKU"),
    "SystemPoolSkuTooLow": (Reason.PARAMETER_REFUSED, _OTHER_SIZE),
    "UnsupportedGen2VMSize": (Reason.PARAMETER_REFUSED, _OTHER_SIZE),
    "VMSizeNotSupported": (Reason.PARAMETER_REFUSED, _OTHER_SIZE),
    "InsufficientMaxPods": (Reason.PARAMETER_REFUSED, _MORE_PODS),
    "InsufficientAgentPoolMaxPodsPerAgentPool": (Reason.PARAMETER_REFUSED, _MORE_PODS),
    "PreviewFeatureNotRegistered": (
        Reason.PARAMETER_REFUSED,
        "register the preview feature that it names, or do without it",
    ),
    "AgentPoolK8sVersionNotSupported": (Reason.VERSION_REFUSED, _OTHER_VERSION),
    "K8sVersionNotSupported": (Reason.VERSION_REFUSED, _OTHER_VERSION),
    "NodePoolMcVersionIncompatible": (
        Reason.VERSION_REFUSED,
        "upgrade the pool's Kubernetes version first",
    ),
    "VMExtensionProvisioningError": (
        Reason.NODES_DO_NOT_START,
        "the new nodes do not come up: look at the subnet's way out, its firewall and its DNS",
    ),
    "NodesNotReady": (
        Reason.NODES_DO_NOT_START,
        "the new nodes do not become Ready: look at the subnet's way out, its firewall and its DNS",
    ),
    "MustDefineAtLeastOneSystemPool": (Reason.LAST_SYSTEM_POOL, _ANOTHER_SYSTEM_POOL),
    "UnsatisfiablePDB": (
        Reason.BUDGETS_REFUSED,
        "fix the PodDisruptionBudgets that it names; AKS looks at those of the whole cluster",
    ),
    "ResourceNotFound": (Reason.CLUSTER_NOT_FOUND, "check spec.cluster"),
    "ResourceGroupNotFound": (Reason.CLUSTER_NOT_FOUND, "check spec.cluster.resourceGroup"),
    "SubscriptionNotFound": (Reason.CLUSTER_NOT_FOUND, "check spec.cluster.subscriptionID"),
    Reason.SCOPE_LOCKED: (Reason.SCOPE_LOCKED, _UNLOCK),
    "ResourceGroupLocked": (Reason.SCOPE_LOCKED, _UNLOCK),
    "ResourceLocked": (Reason.SCOPE_LOCKED, _UNLOCK),
    "PolicyViolation": (Reason.POLICY_DENIED, "ask for an exemption from that Azure Policy"),
    "ReadOnlyDisabledSubscription": (
        Reason.AZURE_FORBIDDEN,
        "the subscription is disabled and can only be read: enable it",
    ),
    "RequestDisallowedByPolicy": (
        Reason.POLICY_DENIED,
        "ask for an exemption from that Azure Policy",
    ),
    "AzlmUnsupportedPool": (Reason.SOURCE_TYPE_UNSUPPORTED, "move that pool by other means"),
}
_SHORT = frozenset(
    (
        "SkuNotAvailable",
        "AllocationFailed",
        "ZonalAllocationFailed",
        "OverconstrainedZonalAllocationRequest",
        "OverconstrainedAllocationRequest",
    )
)
"""Azure has no room right now; it often has some minutes later."""
_LOST_RACE = frozenset(("NotFound", "OriginalEtagNotExpect", "OperationPreempted"))
"""The pool is not what was read: it has changed, is gone, or a read does not show it yet. The pools
are read again."""
_DRAINS = frozenset(("PodDrainFailure", "DeleteVMSSAgentPoolFailed"))
_CONTENDED = frozenset(("EtagMismatch", "PreconditionFailed", "ConditionNotMet"))
_THROTTLED = frozenset(
    (
        "Throttled",
        "TooManyRequests",
        "TooManyRequestsReceived",
        "SubscriptionRequestsThrottled",
        "OperationNotAllowedThrottled",
    )
)
_INTERNAL = frozenset(("InternalOperationError", "RetryNeeded", "ControlPlaneNotReady"))
"""Azure's own faults: AKS tries again by itself."""

_TEXTS: tuple[tuple[re.Pattern[str], Reason, str], ...] = (
    (re.compile(r"too many requests|\bStatus=429\b", re.IGNORECASE), Reason.AZURE_THROTTLED, ""),
    (
        re.compile(r"exceeding approved .{1,60} quota|insufficient vcpu quota", re.IGNORECASE),
        Reason.QUOTA_EXCEEDED,
        "ask for a higher quota",
    ),
    (re.compile(r"is locked, please remove lock"), Reason.SCOPE_LOCKED, _UNLOCK),
    (
        re.compile(r"at least one system agent pool"),
        Reason.LAST_SYSTEM_POOL,
        _ANOTHER_SYSTEM_POOL,
    ),
    (
        re.compile(r"VM size .{1,80} is not allowed in your subscription"),
        Reason.PARAMETER_REFUSED,
        _OTHER_SIZE,
    ),
    (
        re.compile(r"Invalid node label"),
        Reason.PARAMETER_REFUSED,
        "take that label out of spec.target.labels",
    ),
)
"""What a text says where its codes say nothing."""
_INTERNAL_TEXT = re.compile(r"\binternal error\b", re.IGNORECASE)
_ACTION = re.compile(r"perform action(?:\(s\))? '([^']+)'")
_SCOPE = re.compile(r"scope(?:\(s\))? '([^']+)'")
_CODE = re.compile(
    r"""\b(?:sub|internalerror)?code[\\"']*\s*[=:]\s*[\\"']*([A-Za-z_]\w{3,})""", re.IGNORECASE
)
"""A code in a text: `Code="X"`, `\"internalErrorCode\":\"X\"`, `SubCode: X`."""


def classify_failure(error: AzureError) -> FailureClass:
    """What to do about it."""
    for pattern, reason, remedy in _TEXTS:
        if not pattern.search(error.message):
            continue
        if reason is Reason.AZURE_THROTTLED:
            return FailureClass(reason, True, error.retry_after or 30.0)
        return FailureClass(reason, False, RECHECK_SECONDS, remedy)
    codes = [*reversed(_CODE.findall(error.message)), *reversed(error.more_codes), error.code]
    for code in codes:
        if (failure := _by_code(code, error)) is not None:
            return failure
    if _INTERNAL_TEXT.search(error.message):
        return FailureClass(Reason.AZURE_UNAVAILABLE, True, error.retry_after or 60.0)
    return _by_status(error)


def codes_in(body: object) -> Iterator[str]:
    """The codes of an error as ARM returns it, the outermost first: `code`, `subcode`, and those of
    `details` and `innererror`."""
    if not isinstance(body, Mapping):
        return
    for name in ("code", "subcode"):
        if value := body.get(name):
            yield str(value)
    for detail in body.get("details") or ():
        yield from codes_in(detail)
    for inner in ("error", "innererror"):
        yield from codes_in(body.get(inner))


def message_of(body: object) -> str:
    """The texts of an error as ARM returns it, the outermost first: a wrapper says little, and what
    its details say decides where their codes do not."""
    texts = dict.fromkeys(_texts_in(body))
    whole = "; ".join(texts)
    return next((text for text in texts if all(other in text for other in texts)), whole)


def _texts_in(body: object) -> Iterator[str]:
    if not isinstance(body, Mapping):
        return
    if text := str(body.get("message") or "").strip():
        yield text
    for inner in (*(body.get("details") or ()), body.get("error"), body.get("innererror")):
        yield from _texts_in(inner)


def _by_code(code: str, error: AzureError) -> FailureClass | None:
    """What a code says; None for one that says nothing."""
    if code in _PERMANENT:
        reason, remedy = _PERMANENT[code]
        if reason is Reason.AZURE_FORBIDDEN:
            remedy = _right_to_give(error.message) or remedy
        return FailureClass(reason, False, RECHECK_SECONDS, remedy)
    if code in _SHORT:
        remedy = "wait, or choose another spec.target.vmSize or other zones"
        return FailureClass(Reason.CAPACITY_SHORT, True, error.retry_after or 60.0, remedy)
    if code in _DRAINS:
        remedy = "see which pod of that node does not go; the deletion is asked for again"
        return FailureClass(Reason.DRAIN_FAILED_IN_AZURE, True, 30.0, remedy)
    if code in _LOST_RACE:
        return FailureClass(Reason.AZURE_CONFLICT, True, 5.0)
    if code in _CONTENDED:
        return FailureClass(Reason.AZURE_CONFLICT, True, 1.0)
    if code in _THROTTLED:
        return FailureClass(Reason.AZURE_THROTTLED, True, error.retry_after or 10.0)
    if code in _INTERNAL:
        return FailureClass(Reason.AZURE_UNAVAILABLE, True, error.retry_after or 60.0)
    return None


def _right_to_give(message: str) -> str:
    """What to assign where, if Azure names the action and the scope: the last of each is the one
    that is missing (a linked scope follows the scope of the request)."""
    actions, scopes = _ACTION.findall(message), _SCOPE.findall(message)
    if not actions or not scopes:
        return ""
    right = f"give the operator's identity {actions[-1]} on {scopes[-1]}"
    has_it = actions[-1].lower() in {action.lower() for action in WRITER_ACTIONS}
    return f"{right}: the writer role of docs/azure-role.md has it" if has_it else right


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
