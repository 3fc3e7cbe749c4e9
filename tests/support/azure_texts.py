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
        "a pool of an unknown cluster",
        404,
        "ParentResourceNotFound",
        "Failed to perform 'write' on agentPools: the parent resource '/c' could not be found.",
        "Resource Manager",
    ),
    AzureText(
        "a cluster whose resource group is being deleted",
        409,
        "ResourceGroupBeingDeleted",
        "The resource group 'g' is in deprovisioning state and cannot perform this operation.",
        "Resource Manager",
    ),
    AzureText(
        "a subnet that is gone, with the code of the service that looked for it",
        400,
        "SubnetNotFound",
        'The subnet was not found. StatusCode=404 -- Original Error: Code="NotFound"',
        "list of the service's codes",
    ),
    AzureText(
        "a resource of the request that is gone, in the words of gRPC",
        400,
        "InvalidResourceReference",
        "rpc error: code = NotFound desc = the resource was not found",
        "list of the service's codes",
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
    AzureText(
        "vCPU quota, in Compute's older words",
        409,
        "OperationNotAllowed",
        "Operation results in exceeding quota limits of Core. Maximum allowed: 4.",
        "azure-resource-manager, troubleshooting/error-resource-quota",
    ),
    AzureText(
        "a cluster that is in state Failed",
        409,
        "OperationNotAllowed",
        "Upgrades are disallowed while cluster is in a failed state.",
        "aka.ms/aks-cluster-failed",
    ),
    AzureText(
        "a feature of Compute that the subscription has not registered",
        400,
        "InvalidParameter",
        "securityProfile.encryptionAtHost is not valid because the "
        "'Microsoft.Compute/EncryptionAtHost' feature is not enabled for this subscription.",
        "virtual-machines/disks-enable-host-based-encryption",
    ),
)
"""What is refused at once."""
