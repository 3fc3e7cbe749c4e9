"""`azlm plan` and `azlm snapshot`: read a cluster once, and say what a migration of it would do.

Reads only. What could not be read is told, and the forecast goes on without it.
"""

import asyncio
import time
from dataclasses import replace

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.azure.client import open_pools
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.forecast.forecast import Forecast
from azure_linux_migrator.forecast.snapshot import ClusterSnapshot, survey_out
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.services import dual_stack_services
from azure_linux_migrator.kube.snapshot import read_cluster
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.pool import Pool

CLEAR, BLOCKED = 0, 2


async def take(settings: Settings, spec: MigrationSpec | None) -> ClusterSnapshot:
    """The cluster and its pools as they are; with a spec, what its preflight needs of Azure too."""
    cluster = (spec.cluster if spec else None) or settings.cluster
    if cluster is None:
        raise SettingsError(
            "the cluster is not given: set spec.cluster in the file, or pass --subscription-id, "
            "--resource-group and --cluster-name"
        )
    client = await Client.connect(settings.kubeconfig, settings.context)
    pools = open_pools(
        cluster,
        endpoint=settings.arm_endpoint,
        cloud=settings.cloud,
        on_request=lambda _, __: None,
    )
    now = time.time()

    async def azure() -> tuple[dict[str, Pool], AzureFacts | None]:
        found = await pools.list_pools()
        source = found.get(spec.source.node_pool) if spec else None
        return found, await pools.azure_facts(source) if source else None

    try:
        made, (found, azure_facts) = await asyncio.gather(read_cluster(client, now), azure())
        services = await dual_stack_services(client)
    finally:
        await pools.close()
        await client.close()
    made.pools = list(found.values())
    if azure_facts is not None:
        made.azure_facts = survey_out(replace(azure_facts, services=services, at=now))
    return made


def exit_code(found: Forecast) -> int:
    """0 where the migration would succeed, 2 where something blocks it."""
    return BLOCKED if found.blocked else CLEAR
