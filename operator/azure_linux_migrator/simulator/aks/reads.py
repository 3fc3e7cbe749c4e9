"""The calls of the modelled AKS that change nothing."""

from typing import Any

from azure_linux_migrator.simulator.aks import errors, views
from azure_linux_migrator.simulator.aks import region as surroundings
from azure_linux_migrator.simulator.aks.base import Base


class Reads(Base):
    """Of the managed cluster itself, and of the region around it."""

    # Reads ---------------------------------------------------------------------------------------

    def cluster(self, now: float) -> dict[str, Any]:
        """The managed cluster."""
        self._enter("GetCluster", None, now)
        running = self._engine.cluster_operation
        state = running.state if running and running.running else "Succeeded"
        seen = [pool for pool in self._engine.pools.values() if pool.hidden_until <= now]
        return views.cluster(self.setting, self.shape, state, self._etag, seen)

    def get(self, pool: str, now: float) -> dict[str, Any]:
        """One pool."""
        self._enter("GetPool", pool, now)
        return views.pool(self.shape, self._visible(pool, now))

    def list_pools(self, now: float) -> list[dict[str, Any]]:
        """All pools, by name."""
        self._enter("ListPools", None, now)
        pools = sorted(self._engine.pools.items())
        return [views.pool(self.shape, pool) for _, pool in pools if pool.hidden_until <= now]

    def machines(self, pool: str, now: float) -> list[dict[str, Any]]:
        """The pool's machines, by name."""
        self._enter("ListMachines", pool, now)
        nodes = self._visible(pool, now).nodes
        return [views.machine(self.shape, pool, nodes[name]) for name in sorted(nodes)]

    def machine(self, pool: str, name: str, now: float) -> dict[str, Any]:
        """One machine of the pool."""
        self._enter("GetMachine", pool, now)
        node = self._visible(pool, now).nodes.get(name)
        if node is None:
            raise errors.machine_not_found(pool, name)
        return views.machine(self.shape, pool, node)

    def upgrade_profile(self, pool: str, now: float) -> dict[str, Any]:
        """Versions and image that the pool can go to. The image is that of the pool's own OS."""
        self._enter("UpgradeProfile", pool, now)
        return views.upgrade_profile(self.shape, self._visible(pool, now))

    def available_versions(self, now: float) -> dict[str, Any]:
        """Kubernetes versions for new pools."""
        self._enter("AvailableVersions", None, now)
        return views.available_versions(self.shape)

    def operation(self, op_id: str, now: float) -> dict[str, Any]:
        """The state of an operation, as its `Azure-AsyncOperation` URL gives it."""
        self._enter("GetOperation", None, now)
        operation = self._engine.operations.get(op_id)
        if operation is None:
            raise errors.operation_not_found(op_id)
        return operation.body()

    def operation_result(self, op_id: str, now: float) -> int:
        """The status of `operationresults`: 202 while the operation runs, then 204."""
        self._enter("GetOperationResult", None, now)
        operation = self._engine.operations.get(op_id)
        if operation is None:
            raise errors.operation_not_found(op_id)
        return 202 if operation.running else 204

    # Around it -----------------------------------------------------------------------------------

    def usages(self, now: float) -> list[dict[str, Any]]:
        """The region's vCPU quotas."""
        self._enter("Usages", None, now)
        return surroundings.usages(self.region, self.limits, self._engine.pools)

    def skus(self, now: float) -> list[dict[str, Any]]:
        """The region's VM sizes."""
        self._enter("Skus", None, now)
        return surroundings.skus(self.region, self.shape)

    def subnet(self, resource_id: str, now: float) -> dict[str, Any]:
        """A subnet by its resource id, which is taken in any case."""
        self._enter("Subnet", None, now)
        prefix = self.region.subnets.get(resource_id.lower())
        if prefix is None:
            raise errors.ArmError(404, "NotFound", f"Resource {resource_id} not found.")
        return surroundings.subnet(prefix, len(self.nodes()))

    def locks(self, now: float) -> list[dict[str, Any]]:
        """Management locks on the cluster or its node resource group."""
        self._enter("Locks", None, now)
        group = f"/subscriptions/{self.shape.subscription}/resourceGroups"
        return surroundings.locks(self.region, f"{group}/{self.setting.node_resource_group}")

    def maintenance_configurations(self, now: float) -> list[dict[str, Any]]:
        """Maintenance windows."""
        self._enter("MaintenanceConfigurations", None, now)
        return surroundings.windows(self.region)

    def scale_sets(self, now: float) -> list[dict[str, Any]]:
        """Scale sets of the node resource group."""
        self._enter("ScaleSets", None, now)
        return surroundings.scale_sets(self.region, self._engine.pools)
