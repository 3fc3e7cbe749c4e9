"""What the Azure role that changes node pools allows (deploy/azure/writer.json)."""

_CLUSTER = "Microsoft.ContainerService/managedClusters"
WRITER_ACTIONS = frozenset(
    (
        f"{_CLUSTER}/read",
        f"{_CLUSTER}/agentPools/read",
        f"{_CLUSTER}/agentPools/write",
        f"{_CLUSTER}/agentPools/delete",
        f"{_CLUSTER}/agentPools/deleteMachines/action",
        f"{_CLUSTER}/availableAgentPoolVersions/read",
        f"{_CLUSTER}/maintenanceConfigurations/read",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
    )
)
"""Azure compares actions without regard to case."""
