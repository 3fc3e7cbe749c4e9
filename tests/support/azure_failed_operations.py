"""How operations of AKS fail that were accepted: the codes, and the words that decide.

The error is in the pool's provisioningError. Rewritten as in tests.support.azure_texts.
"""

from tests.support.azure_codes import CODES
from tests.support.azure_texts import REFUSALS, AzureText

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
    AzureText(
        "nodes that find no way out, in the details of the text",
        0,
        "CreateVMSSAgentPoolFailed",
        'Unable to establish outbound connection from agents. Details: Code="VMExtension'
        'ProvisioningError" Message="command terminated with exit status=50"',
        "error-code-outboundconnfailvmextensionerror",
    ),
    AzureText(
        "a budget that AKS's own drain finds closed: the 429 is the apiserver's",
        0,
        "UpgradeFailed",
        "Drain node aks-1 failed when evicting pod web-1 failed with Too Many Requests error. "
        "This is often caused by a restrictive Pod Disruption Budget (PDB) policy.",
        "upgrade-options; SupportArticles, error-code-poddrainfailure",
    ),
    AzureText(
        "a right that the cluster's own identity lacks",
        0,
        "ReconcileVMSSAgentPoolFailed",
        "Category: ClientError; SubCode: LinkedAuthorizationFailed; OrginalError: the client has "
        "permission to perform action 'Microsoft.Compute/virtualMachineScaleSets/write' on scope "
        "'/vmss'; however, it does not have permission to perform action "
        "'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subnet'",
        "SupportArticles, linkedauthorizationfailed-error",
    ),
    AzureText(
        "an internal error of Compute",
        0,
        "ReconcileVMSSAgentPoolFailed",
        'Code="InternalExecutionError" Message="An internal execution error occurred."',
        "azure-libraries-for-java",
    ),
    AzureText(
        "an internal error of the network",
        0,
        "CreateVMSSAgentPoolFailed",
        'Code="NetworkingInternalOperationError" Message="An unexpected error occured."',
        "virtual-machines/error-codes",
    ),
    AzureText(
        "a deletion that meets an internal error",
        0,
        "DeleteVMSSAgentPoolFailed",
        "We are unable to serve this request due to an internal error",
        "AKS#1189",
    ),
    AzureText(
        "a service principal of the cluster whose secret has expired",
        0,
        "ReconcileVMSSAgentPoolFailed",
        "AADSTS7000222: The provided client secret keys are expired.",
        "SupportArticles, error-code-badrequest-or-invalidclientsecret",
    ),
    AzureText(
        "a proximity placement group that is gone",
        0,
        "CreateVMSSAgentPoolFailed",
        'Code="ResourceNotFound" Message="The Resource \'Microsoft.Compute/proximityPlacementGroups'
        "/ppg' under resource group 'g' was not found.\"",
        "Resource Manager",
    ),
    AzureText(
        "a resource group of something that the pool refers to is gone",
        0,
        "ReconcileVMSSAgentPoolFailed",
        'Code="ResourceGroupNotFound" Message="Resource group \'network\' could not be found."',
        "Resource Manager",
    ),
    AzureText(
        "a resource of the network on which another operation works",
        0,
        "ReconcileVMSSAgentPoolFailed",
        'Code="ReferencedResourceNotProvisioned" Message="resource /subnet used by resource /nic '
        'is not in Succeeded state. Resource is in Updating state"',
        "AzureTRE#1494",
    ),
    AzureText(
        "a resource of the network whose last operation failed",
        0,
        "ReconcileVMSSAgentPoolFailed",
        'Code="ReferencedResourceNotProvisioned" Message="resource /pip used by resource /lb '
        'is not in Succeeded state. Resource is in Failed state"',
        "cloud-provider-azure",
    ),
    AzureText(
        "a virtual network on which another operation works",
        0,
        "SetVNetOwnershipFailed",
        'Code="VirtualNetworkNotInSucceededState" Message="Virtual network /vnet is in Updating '
        'state. It needs to be in Succeeded state in order to set resource ownership."',
        "AKS#4522",
    ),
    AzureText(
        "a virtual network whose last operation failed",
        0,
        "SetVNetOwnershipFailed",
        'Code="VirtualNetworkNotInSucceededState" Message="Virtual network /vnet is in Failed '
        'state. It needs to be in Succeeded state in order to set resource ownership."',
        "SupportArticles, virtualnetworknotinsucceededstate-error",
    ),
    AzureText(
        "an Azure Policy, by its text alone",
        0,
        "ReconcileVMSSAgentPoolFailed",
        "Resource 'aks-1-vmss' was disallowed by policy.",
        "AKS#211",
    ),
)
"""What fails after it was accepted."""

ANSWERS = (
    *REFUSALS,
    *FAILURES,
    *(AzureText("", 400, code, "", "list of the service's codes") for code in CODES),
)
"""All, with one for each code alone."""
