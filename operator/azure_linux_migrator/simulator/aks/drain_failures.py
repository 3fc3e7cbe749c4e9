"""How an operation fails whose own drain does not end."""

from azure_linux_migrator.simulator.aks.operations import Operation


def drain_failure(operation: Operation, node: str, seconds: float) -> dict[str, str]:
    """The error: of an upgrade, of the deletion of a pool, or of that of nodes (Azure/AKS#2090;
    learn.microsoft.com/troubleshoot/azure/azure-kubernetes, error-code-poddrainfailure)."""
    if operation.state == "Upgrading":
        return {
            "code": "UpgradeFailed",
            "message": f"Drain node {node} failed when evicting a pod: Eviction failed with Too "
            "Many Requests error. This is often caused by a restrictive Pod Disruption Budget "
            "(PDB) policy. See https://aka.ms/aks/debugdrainfailures",
        }
    cause = (
        f"Node '{node}' failed to be drained with error: 'Drain did not complete within "
        f"{seconds:.0f}s'"
    )
    if not operation.deletes_pool:
        return {"code": "PodDrainFailure", "message": cause}
    inner = f'{{\n  "code": "PodDrainFailure",\n  "message": "{cause}"\n }}'
    return {
        "code": "DeleteVMSSAgentPoolFailed",
        "message": f"VMSSAgentPoolReconciler retry failed: {inner}",
    }
