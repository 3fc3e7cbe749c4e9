"""The simulated counterpart of azure/client.py: calls on the modelled cluster, errors as
AzureError."""

from typing import Any

from azure_linux_migrator.azure.failures import codes_in, message_of
from azure_linux_migrator.azure.pools import pool_record
from azure_linux_migrator.azure.template import target_body, updated_body
from azure_linux_migrator.core.state.outcomes import ChangesPool
from azure_linux_migrator.errors import AzureError
from azure_linux_migrator.model.actions import CreatePool, DeleteMachines, DeletePool, UpdatePool
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.simulator.aks.errors import ArmError
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster


class SimulatedArm:
    """The same interface as azure/client.py. Raises AzureError if a call is refused."""

    def __init__(self, aks: ManagedCluster) -> None:
        self._aks = aks

    def list_pools(self, now: float) -> dict[str, Pool]:
        """All pools by name."""
        try:
            bodies = self._aks.list_pools(now)
        except ArmError as error:
            raise _ours(error) from error
        return {pool.name: pool for body in bodies if (pool := pool_record(body))}

    def change(self, action: ChangesPool, now: float) -> None:
        """Request a change, with the precondition that the adapter sends."""
        try:
            self._change(action, now)
        except ArmError as error:
            ours = _ours(error)
            if isinstance(action, DeletePool) and ours.status in {200, 404}:
                return
            raise ours from error

    def _change(self, action: ChangesPool, now: float) -> None:
        match action:
            case CreatePool(source, target, os_sku, count, overrides, tags):
                body = target_body(
                    self._properties(source, now),
                    os_sku=os_sku,
                    count=count,
                    overrides=overrides,
                    tags=dict(tags),
                )
                self._aks.put(target, body, now, if_none_match="*")
            case UpdatePool(pool, changes, etag, tags):
                body = updated_body(self._properties(pool, now), dict(changes), dict(tags))
                self._aks.put(pool, body, now, if_match=etag)
            case DeleteMachines(pool, nodes):
                self._aks.delete_machines(pool, nodes, now)
            case DeletePool(pool, etag):
                self._aks.delete(pool, now, if_match=etag)

    def _properties(self, pool: str, now: float) -> dict[str, Any]:
        return dict(self._aks.get(pool, now)["properties"])


def _ours(error: ArmError) -> AzureError:
    return AzureError(
        error.code,
        message_of(error.body),
        status=error.status,
        retry_after=error.retry_after,
        more_codes=tuple(codes_in(error.body))[1:],
    )
