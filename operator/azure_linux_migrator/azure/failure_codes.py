"""Codes of Azure's errors, and what each means. Owns the tables; azure.failures chooses among them.

Sources: the public list of the service's own codes (apierror), and
learn.microsoft.com/troubleshoot/azure/azure-kubernetes/error-codes.
"""

from dataclasses import dataclass

from azure_linux_migrator.api.reasons import Reason

RECHECK_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class FailureClass:
    """`reason` is the condition's reason; `delay` in seconds until the next try."""

    reason: Reason
    retryable: bool
    delay: float
    remedy: str = ""


def waits(reason: Reason, remedy: str) -> FailureClass:
    """An admin has to act; it is looked at again meanwhile."""
    return FailureClass(reason, False, RECHECK_SECONDS, remedy)


UNLOCK = "remove the Azure lock, which az lock list shows, or ask its owner to"
WRITER_ROLE = "give the operator's identity the writer role on the cluster (docs/azure-role.md)"
MORE_QUOTA = "ask for a higher quota"
OTHER_SIZE = "set spec.target.vmSize"
LABELS = "take that label out of spec.target.labels"
SYSTEM_POOL = "the cluster needs another System pool before this one can go"
FEATURE = "register the feature that it names (az feature register), or do without it"
EXEMPTION = "ask for an exemption from that Azure Policy"
SERVICE_PRINCIPAL = "renew the cluster's service principal: az aks update-credentials"
CLUSTER_RIGHT = (
    "AKS acts with the cluster's own identity (az aks show --query identity): give it that right"
)
NODES = "the new nodes do not come up: look at the subnet's way out, its firewall and its DNS"
MORE_ADDRESSES = "free addresses in the subnet, or enlarge it"
_VERSION = "upgrade the pool to a version that AKS still offers: az aks get-versions"
_PORTS = (
    "lower allocatedOutboundPorts, or add outbound IPs to the load balancer (aka.ms/aks/slb-ports)"
)
_IN_PLACE = "this pool cannot be changed in place; use spec.strategy.type BlueGreen"
GONE = "see that what it names exists: the new pool refers to all that the source refers to"
_DELEGATED = (
    "if nothing else needs the delegation of that subnet, remove it: az network vnet subnet update "
    "--ids … --remove delegations 0"
)
_CAPACITY = "wait, or choose another spec.target.vmSize or other zones"
_API_VERSION = (
    "this cloud has older API versions: set AZLM_AKS_API_VERSION of the operator to one that it "
    "names"
)


def _admin(reason: Reason, remedy: str, codes: str) -> dict[str, FailureClass]:
    return dict.fromkeys(codes.lower().split(), waits(reason, remedy))


def _again(reason: Reason, delay: float, remedy: str, codes: str) -> dict[str, FailureClass]:
    return dict.fromkeys(codes.lower().split(), FailureClass(reason, True, delay, remedy))


_ADMIN = (
    _admin(Reason.AZURE_FORBIDDEN, WRITER_ROLE, "AuthorizationFailed"),
    _admin(
        Reason.AZURE_FORBIDDEN,
        "give the operator's identity the writer role on the subnets of the pool "
        "(docs/azure-role.md)",
        "LinkedAuthorizationFailed",
    ),
    _admin(
        Reason.AZURE_FORBIDDEN,
        "the subscription is disabled and can only be read: enable it",
        "ReadOnlyDisabledSubscription DisabledSubscription",
    ),
    _admin(
        Reason.AZURE_FORBIDDEN,
        SERVICE_PRINCIPAL,
        "ServicePrincipalValidationClientError InvalidClientSecret ServicePrincipalNotFound",
    ),
    _admin(
        Reason.AZURE_FORBIDDEN,
        CLUSTER_RIGHT,
        "CustomRouteTableMissingPermission CustomPrivateDNSZoneMissingPermissionError "
        "CustomKubeletIdentityMissingPermissionError",
    ),
    _admin(
        Reason.QUOTA_EXCEEDED,
        MORE_QUOTA,
        "QuotaExceeded ResourceQuotaExceeded InsufficientVCPUQuota ErrCode_InsufficientVCPUQuota "
        "ManagedOutboundIPCountExceedsQuotaLimit",
    ),
    _admin(
        Reason.QUOTA_EXCEEDED,
        "the cluster has as many node pools as AKS allows: remove one",
        "MaxAgentPoolCountReached",
    ),
    _admin(
        Reason.QUOTA_EXCEEDED,
        "a node pool cannot have so many nodes: lower spec.target.count or the autoscaler's max",
        "AgentPoolMaxCountExceeded",
    ),
    _admin(
        Reason.SUBNET_TOO_SMALL, "enlarge the subnet or lower maxPods", "InsufficientSubnetSize"
    ),
    _admin(Reason.SUBNET_TOO_SMALL, MORE_ADDRESSES, "SubnetIsFull"),
    _admin(
        Reason.SUBNET_TOO_SMALL,
        "the cluster's pod CIDR has no room for more nodes: fewer nodes, or a lower maxPods",
        "InsufficientPodCidr",
    ),
    _admin(
        Reason.OUTBOUND_PORTS_SHORT,
        _PORTS,
        "InvalidLoadBalancerProfileAllocatedOutboundPorts InsufficientOutboundPorts",
    ),
    _admin(
        Reason.TAINT_REFUSED,
        "take taints other than CriticalAddonsOnly out of spec.target.taints",
        "SystemPoolHasRestrictedTaint",
    ),
    _admin(
        Reason.CHANGE_REFUSED,
        _IN_PLACE,
        "PropertyChangeNotAllowed CustomKubeletConfigOrCustomLinuxOSConfigCanNotBeChanged "
        "UpdateNotAllowed CannotChangeOSDiskType CannotChangeKubeletDisk",
    ),
    _admin(
        Reason.PARAMETER_REFUSED,
        "change that field of spec.target",
        "InvalidParameter InvalidParameterConflictingProperties",
    ),
    _admin(Reason.PARAMETER_REFUSED, "change spec.target.osSKU", "InvalidOSSKU"),
    _admin(
        Reason.PARAMETER_REFUSED,
        OTHER_SIZE,
        "SystemPoolSkuTooLow UnsupportedGen2VMSize VMSizeNotSupported VMCacheSizeTooSmall "
        "VMTemporaryDiskTooSmall VMSizeDoesNotSupportEphemeralOS VMSizeDoesNotSupportMIG "
        "VMSizeDoesNotSupportEncryptionAtHost UnsupportedGPUDedicatedVHDVMSize "
        "UnsupportedGPUInstanceProfile",
    ),
    _admin(
        Reason.PARAMETER_REFUSED,
        "set spec.target.zones",
        "AvailabilityZoneNotSupported InvalidAvailabilityZoneFormat PPGNotSupportMultipleZones",
    ),
    _admin(
        Reason.PARAMETER_REFUSED,
        "raise spec.target.maxPods",
        "InsufficientMaxPods InsufficientAgentPoolMaxPodsPerAgentPool",
    ),
    _admin(Reason.PARAMETER_REFUSED, "lower spec.target.maxPods", "MaxPodsLimitExceeded"),
    _admin(Reason.PARAMETER_REFUSED, LABELS, "NodeLabelKeyNotAllowed"),
    _admin(
        Reason.PARAMETER_REFUSED,
        FEATURE,
        "PreviewFeatureNotRegistered SubscriptionNotEnabledEncryptionAtHost "
        "CustomNodeConfigFeatureNotSupported",
    ),
    _admin(
        Reason.PARAMETER_REFUSED,
        "register the resource provider that it names: az provider register",
        "MissingSubscriptionRegistration SubscriptionNotRegistered",
    ),
    _admin(
        Reason.PARAMETER_REFUSED,
        "the target OS does not take that configuration of the source: change it there first, in "
        "a pool of its own",
        "InvalidCustomKubeletConfig InvalidCustomLinuxOSConfig InvalidWorkloadRuntimeSettingError",
    ),
    _admin(Reason.PARAMETER_REFUSED, GONE, "InvalidResourceReference SubnetNotFound PPGNotFound"),
    _admin(Reason.PARAMETER_REFUSED, _DELEGATED, "SubnetIsDelegated"),
    _admin(
        Reason.VERSION_REFUSED,
        _VERSION,
        "AgentPoolK8sVersionNotSupported K8sVersionNotSupported "
        "InvalidAgentPoolOrchestratorVersion",
    ),
    _admin(
        Reason.VERSION_REFUSED,
        "upgrade the pool's Kubernetes version first",
        "NodePoolMcVersionIncompatible AgentPoolUpgradeVersionNotAllowed",
    ),
    _admin(
        Reason.NODES_DO_NOT_START,
        NODES,
        "VMExtensionProvisioningError VMExtensionProvisioningTimeout OSProvisioningTimedOut "
        "OSProvisioningClientError OSProvisioningInternalError VMStartTimedOut NodesNotReady "
        "AgentCountNotMatch",
    ),
    _admin(Reason.LAST_SYSTEM_POOL, SYSTEM_POOL, "MustDefineAtLeastOneSystemPool"),
    _admin(
        Reason.BUDGETS_REFUSED,
        "fix the PodDisruptionBudgets that it names; AKS looks at those of the whole cluster",
        "UnsatisfiablePDB",
    ),
    _admin(
        Reason.CLUSTER_NOT_FOUND, "check spec.cluster", "ResourceNotFound ParentResourceNotFound"
    ),
    _admin(
        Reason.CLUSTER_NOT_FOUND,
        "check spec.cluster.resourceGroup",
        "ResourceGroupNotFound ClusterResourceGroupNotFound ResourceGroupBeingDeleted",
    ),
    _admin(
        Reason.CLUSTER_NOT_FOUND,
        "check spec.cluster.subscriptionID",
        "SubscriptionNotFound InvalidSubscriptionId",
    ),
    _admin(Reason.SCOPE_LOCKED, UNLOCK, "ScopeLocked ResourceGroupLocked ResourceLocked"),
    _admin(Reason.POLICY_DENIED, EXEMPTION, "PolicyViolation RequestDisallowedByPolicy"),
    _admin(
        Reason.POLICY_DENIED,
        "Azure itself restricts this subscription: ask Azure's support",
        "RequestDisallowedByAzure",
    ),
    _admin(
        Reason.AZURE_REFUSED,
        _API_VERSION,
        "NoRegisteredProviderFound InvalidResourceType InvalidApiVersionParameter",
    ),
    _admin(Reason.SOURCE_TYPE_UNSUPPORTED, "move that pool by other means", "AzlmUnsupportedPool"),
)
"""What waits for an admin: the reason, the remedy and its codes."""

_AGAIN = (
    _again(
        Reason.CAPACITY_SHORT,
        60.0,
        _CAPACITY,
        "SkuNotAvailable AllocationFailed ZonalAllocationFailed ResourcesOverConstrained "
        "OverconstrainedZonalAllocationRequest OverconstrainedAllocationRequest",
    ),
    _again(
        Reason.CAPACITY_SHORT,
        60.0,
        "wait: AKS itself is short of capacity in the whole region",
        "AksCapacityHeavyUsage RegionOverConstrained UnderlaysOverConstrained",
    ),
    # The pool is not what was read: it has changed, is gone, or a read does not show it yet.
    _again(
        Reason.AZURE_CONFLICT,
        5.0,
        "",
        "NotFound AgentPoolNotFound OriginalEtagNotExpect OperationPreempted "
        "AKSOperationPreempted AKSOperationPreemptedByDelete",
    ),
    _again(Reason.AZURE_CONFLICT, 1.0, "", "EtagMismatch PreconditionFailed ConditionNotMet"),
    _again(
        Reason.AZURE_BUSY,
        30.0,
        "",
        "AnotherOperationInProgress ReferencedResourceNotProvisioned "
        "VirtualNetworkNotInSucceededState",
    ),
    # Azure's own faults: AKS tries again by itself.
    _again(
        Reason.AZURE_UNAVAILABLE,
        60.0,
        "",
        "RetryNeeded RetryableError OperationTimedOut OperationTimeout ServerBusy "
        "ServiceUnavailable GatewayTimeout ControlPlaneNotReady ControlPlaneNotAvailable "
        "ControlPlaneAPIServerNotReady ControlPlaneAddOnsNotReady ClusterKubernetesFailure "
        "EntityStoreOperationError GetSKUStoreError GetVMSizeError GetSubnetError GetVnetError "
        "GetLatestNodeImageVersionError UncordonNodeFailure RegionUpdatesDisabled",
    ),
)
"""What passes by itself: the reason, the delay in seconds, the remedy and its codes."""

DRAIN_FAILED = FailureClass(
    Reason.DRAIN_FAILED_IN_AZURE,
    True,
    30.0,
    "see which pod of that node does not go, and its budget; AKS is asked again",
)
CODES: dict[str, FailureClass] = {"poddrainfailure": DRAIN_FAILED}
for _group in (*_ADMIN, *_AGAIN):
    CODES |= _group
"""By the code in lower case: Azure's services write some of them in more than one way."""

FAMILIES: tuple[tuple[str, FailureClass], ...] = (
    (r"throttled$|^toomanyrequests", FailureClass(Reason.AZURE_THROTTLED, True, 10.0)),
    (r"publicipcountlimitreached$", waits(Reason.QUOTA_EXCEEDED, MORE_QUOTA)),
    (r"vmextensionerror(?:_\w+)?$", waits(Reason.NODES_DO_NOT_START, NODES)),
    (
        r"^crgconflictwith",
        waits(Reason.PARAMETER_REFUSED, "the pool's capacity reservation does not go with that"),
    ),
    (
        r"internal(?:operation|server|execution|diskmanagement)?error$",
        FailureClass(Reason.AZURE_UNAVAILABLE, True, 60.0),
    ),
)
"""Patterns of codes that have many names, in lower case."""
