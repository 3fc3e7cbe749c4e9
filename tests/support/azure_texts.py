"""What Azure answers and how operations of AKS fail: the codes, and the words that decide.

Rewritten from public issues, the service's own list of codes and recorded exchanges: codes, status
and deciding words are those of the source, the rest is shortened. `status` is 0 for an operation
that failed after it had been accepted: its error is in the pool's provisioningError.
"""

from typing import Any, NamedTuple


class AzureText(NamedTuple):
    """A refusal or a failure; `details` are the codes and texts inside it."""

    when: str
    status: int
    code: str
    text: str
    source: str
    subcode: str = ""
    details: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        """As AKS returns it: flat."""
        details = [{"code": code, "message": text} for code, text in self.details]
        return {
            "code": self.code,
            "message": self.text,
            "subcode": self.subcode,
            "details": details or None,
        }


_INVALID = "The value of parameter {0} is invalid. Error details: {1}"
_LIMIT = "Current Limit: 100, Current Usage: 96, Additional Required: 64"
REFUSALS = (
    AzureText(
        "maxSurge of a Spot pool",
        400,
        "InvalidParameter",
        _INVALID.format("agentPoolProfile.upgrade.maxSurge", "Spot pools can't set max surge."),
        "terraform-provider-azurerm#19355",
    ),
    AzureText(
        "maxUnavailable of a Spot pool",
        400,
        "InvalidParameter",
        _INVALID.format(
            "agentPoolProfile.upgradeSettings.maxUnavailable",
            "Spot pools can't set maxUnavailable.",
        ),
        "terraform-provider-azurerm#31129",
    ),
    AzureText(
        "a System pool of a size that is too small",
        400,
        "SystemPoolSkuTooLow",
        "System node pool must use VM sku with more than 2 cores and 4GB memory.",
        "use-system-pools",
    ),
    AzureText(
        "a patch version that is no longer offered",
        400,
        "AgentPoolK8sVersionNotSupported",
        "Version 1.30.3 is not supported in this region.",
        "mspnp/aks-baseline#367",
    ),
    AzureText(
        "an OS SKU that cannot be changed in place",
        400,
        "PropertyChangeNotAllowed",
        "Changing property 'agentPoolProfile.OSSKU' is not allowed.",
        "azure-cli#29520",
    ),
    AzureText(
        "more nodes than the load balancer has ports for",
        400,
        "InvalidLoadBalancerProfileAllocatedOutboundPorts",
        "Total node count 56 requires 71680 ports but only 64000 ports are available.",
        "jenkins-infra/helpdesk#4046",
        subcode="InsufficientOutboundPorts",
    ),
    AzureText(
        "a lock on the node resource group",
        400,
        "ResourceGroupLocked",
        "Resource group 'MC_g_c_westeurope' is locked, please remove lock and retry.",
        "AKS#3291",
    ),
    AzureText(
        "the same lock, by its text alone",
        400,
        "OperationNotAllowed",
        "Resource group 'MC_g_c_westeurope' is locked, please remove lock and retry.",
        "AKS#3291",
    ),
    AzureText(
        "vCPU quota, asked by AKS itself",
        400,
        "ErrCode_InsufficientVCPUQuota",
        "Insufficient vcpu quota requested 16, remaining 4 for family standardDSv5Family.",
        "motordesk#14",
    ),
    AzureText(
        "vCPU quota of a family, asked by Compute",
        409,
        "OperationNotAllowed",
        f"it results in exceeding approved standardDASv5Family Cores quota. {_LIMIT}",
        "karpenter-provider-azure#192",
    ),
    AzureText(
        "vCPU quota of the region, inside a deployment",
        400,
        "InvalidTemplateDeployment",
        "The template deployment failed.",
        "azure-docs#62378",
        details=(("QuotaExceeded", "exceeding approved Total Regional Cores quota"),),
    ),
    AzureText(
        "an unknown cluster",
        404,
        "ResourceNotFound",
        "The Resource managedClusters/c under resource group 'g' was not found.",
        "azure-cli recordings",
    ),
    AzureText(
        "another operation on a pool",
        409,
        "OperationNotAllowed",
        "Another agentpool operation (user - Creating) is in progress.",
        "cilium#25944",
    ),
    AzureText(
        "another operation on the cluster",
        409,
        "OperationNotAllowed",
        "Another operation (Updating) is in progress.",
        "terraform-azurerm-avm-ptn-aks-production#25",
    ),
    AzureText(
        "the pool has changed since it was read",
        409,
        "EtagMismatch",
        "not shown in the source",
        "retina#1212",
        details=(("Unspecified", "rpc error: code = FailedPrecondition desc = Etag mismatched"),),
    ),
    AzureText(
        "the last System pool",
        400,
        "OperationNotAllowed",
        "There has to be at least one system agent pool.",
        "cluster-api-provider-azure#1355",
    ),
    AzureText(
        "a label under a prefix of AKS",
        400,
        "BadRequest",
        "Invalid node label key kubernetes.azure.com/aks-local-ssd.",
        "aks-nvme-ssd-provisioner#5",
    ),
    AzureText(
        "a taint that System pools may not have",
        400,
        "SystemPoolHasRestrictedTaint",
        "Placing custom taints on system pool is not supported",
        "jenkins-infra/azure#539",
    ),
    AzureText(
        "more addresses than the subnet has",
        400,
        "InsufficientSubnetSize",
        "Pre-allocated IPs 1280 exceeds IPs available 1024 in Subnet Cidr 10.240.100.0/22.",
        "AKS-Construction#701",
    ),
    AzureText(
        "a VM size that the subscription may not use",
        400,
        "BadRequest",
        "The VM size of AgentPoolProfile:nodepool1 is not allowed in your subscription.",
        "dotnet/core#8000",
    ),
    AzureText(
        "an Azure Policy",
        403,
        "RequestDisallowedByPolicy",
        "Resource 'aks-1' was disallowed by policy.",
        "AKS#211",
    ),
    AzureText(
        "a role that is missing",
        403,
        "AuthorizationFailed",
        "The client does not have authorization to perform action "
        "'Microsoft.ContainerService/managedClusters/agentPools/write' over scope '/c'.",
        "Resource Manager",
    ),
    AzureText(
        "a lock on the cluster",
        409,
        "ScopeLocked",
        "cannot perform delete operation because following scope(s) are locked",
        "Resource Manager",
    ),
    AzureText("too many requests to AKS", 429, "Throttled", "Retry-After says when", "quotas"),
    AzureText(
        "too many requests to Resource Manager",
        429,
        "SubscriptionRequestsThrottled",
        "Number of requests for the subscription exceeded the limit.",
        "Resource Manager",
    ),
)
"""What is refused at once."""

FAILURES = (
    AzureText(
        "a throttle of Compute",
        0,
        "ReconcileVMSSAgentPoolFailed",
        'Status=429 Code="OperationNotAllowed" Message="too many requests have been received for '
        'this subscription" {\\"internalErrorCode\\":\\"TooManyRequestsReceived\\"}',
        "AKS#2417",
    ),
    AzureText(
        "vCPU quota of a family",
        0,
        "ReconcileVMSSAgentPoolFailed",
        'Code="OperationNotAllowed" Message="exceeding approved standardDSv3Family Cores quota"',
        "karpenter-provider-azure#192",
    ),
    AzureText(
        "an internal error that AKS works on",
        0,
        "CreateVMSSAgentPoolFailed",
        "AKS encountered an internal error while attempting the requested operation. AKS will "
        "continuously retry it until a retry timeout is hit.",
        "azure-docs#87348",
    ),
    AzureText("an internal error", 0, "ReconcileVMSSAgentPoolFailed", "internal error", "AKS#2720"),
    AzureText(
        "no room in the zones, in the details",
        0,
        "ResourceOperationFailure",
        "One or more operations failed.",
        "jenkins-infra/helpdesk#3584",
        details=(("OverconstrainedZonalAllocationRequest", "Allocation failed."),),
    ),
    AzureText(
        "the same as code of its own",
        0,
        "OverconstrainedZonalAllocationRequest",
        "Allocation failed. The condition is too restrictive.",
        "recordings",
    ),
    AzureText(
        "no room for the VM size",
        0,
        "ReconcileVMSSAgentPoolFailed",
        'Code="AllocationFailed" Message="We do not have sufficient capacity."',
        "recordings",
    ),
    AzureText(
        "a full subnet, in AKS's own wrapper",
        0,
        "CreateVMSSAgentPoolFailed",
        "Category: ClientError; SubCode: SubnetIsFull; Dependency: Microsoft.Network; AKSTeam: Net",
        "several issues",
    ),
    AzureText(
        "a full subnet",
        0,
        "SubnetIsFull",
        "Subnet with address prefix 10.0.0.0/20 does not have enough capacity.",
        "recordings",
    ),
    AzureText(
        "a pod that does not leave a node which AKS deletes",
        0,
        "DeleteVMSSAgentPoolFailed",
        'retry failed: { "code": "PodDrainFailure", "message": "failed to be drained" }',
        "AKS#2090",
    ),
    AzureText(
        "budgets that refuse an upgrade",
        0,
        "UnsatisfiablePDB",
        "Upgrade is blocked due to invalid Pod Disruption Budgets.",
        "AKS#4860",
    ),
    AzureText(
        "an operation that a deletion has taken over",
        0,
        "OriginalEtagNotExpect",
        "This operation has been preempted by Deleting operation.",
        "recordings",
    ),
    AzureText(
        "nodes that do not start",
        0,
        "VMExtensionProvisioningError",
        "VM has reported a failure when processing extension 'vmssCSE'.",
        "recordings",
    ),
)
"""What fails after it was accepted."""

CODES = (
    "AgentPoolK8sVersionNotSupported",
    "ControlPlaneNotReady",
    "CustomKubeletConfigOrCustomLinuxOSConfigCanNotBeChanged",
    "InsufficientAgentPoolMaxPodsPerAgentPool",
    "InsufficientMaxPods",
    "InsufficientOutboundPorts",
    "InsufficientPodCidr",
    "InternalOperationError",
    "InvalidLoadBalancerProfileAllocatedOutboundPorts",
    "InvalidOSSKU",
    "K8sVersionNotSupported",
    "MaxAgentPoolCountReached",
    "MustDefineAtLeastOneSystemPool",
    "NodesNotReady",
    "PolicyViolation",
    "PreviewFeatureNotRegistered",
    "ReadOnlyDisabledSubscription",
    "ResourceGroupLocked",
    "ResourceLocked",
    "RetryNeeded",
    "SystemPoolSkuTooLow",
    "UnsupportedGen2VMSize",
    "VMSizeNotSupported",
)
"""Of the service's public list: those that say what is wrong by themselves."""

WRAPPERS = (
    "CreateVMSSAgentPoolFailed",
    "InvalidTemplateDeployment",
    "ScaleVMSSAgentPoolFailed",
    "UpdateVMSSAgentPoolFailed",
    "UpgradeVMSSAgentPoolFailed",
)
"""Of the same list: those that say only what was attempted; the text and the details decide."""

ANSWERS = (
    *REFUSALS,
    *FAILURES,
    *(AzureText("", 400, code, "", "list of the service's codes") for code in CODES),
)
"""All, with one for each code alone."""
