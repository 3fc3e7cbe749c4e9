"""What `preflight`, `plan` and `snapshot` read of the Kubernetes API and of Azure. Writes nothing.

The preflight sees what the operator would see: the same watches, the same reads of Azure, the same
rules.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from azure_linux_migrator.api.spec import MigrationSpec, SourcePool
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.azure.client import AksPools, open_pools
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.reconcile.observer import observed_once
from azure_linux_migrator.core.steps.preflight import ON_AZURE_LOCAL, preflight
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.forecast.snapshot import with_azure
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.services import on_azure_local, with_kubernetes
from azure_linux_migrator.kube.snapshot import read_cluster
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool

READ_SECONDS = 120.0


@asynccontextmanager
async def _connected(
    settings: Settings, spec: MigrationSpec | None
) -> AsyncIterator[tuple[Client, AksPools]]:
    """The cluster that the spec or, where it does not say, the settings name."""
    client = await Client.connect(settings.kubeconfig, settings.context)
    try:
        if await on_azure_local(client):
            raise SettingsError(ON_AZURE_LOCAL)
        async with connected_pools(settings, spec) as pools:
            yield client, pools
    finally:
        await client.close()


@asynccontextmanager
async def connected_pools(
    settings: Settings, spec: MigrationSpec | None
) -> AsyncIterator[AksPools]:
    """The pools of the cluster that the spec or, where it does not say, the settings name. Raises
    SettingsError where neither does."""
    cluster = (spec.cluster if spec else None) or settings.cluster
    if cluster is None:
        raise SettingsError(
            "the cluster is not given: set spec.cluster in the file, or pass "
            "--subscription-id, --resource-group and --cluster-name"
        )
    pools = open_pools(
        cluster,
        endpoint=settings.arm_endpoint,
        cloud=settings.cloud,
        api_version=settings.aks_api_version,
        on_request=lambda *_: None,
    )
    try:
        yield pools
    finally:
        await pools.close()


async def _azure(
    pools: AksPools, spec: MigrationSpec | None
) -> tuple[dict[str, Pool], AzureFacts | None]:
    """The pools; with a spec whose source is among them, also what a preflight needs to know."""
    pools_by_name = await pools.list_pools()
    source = pools_by_name.get(spec.source.node_pool) if spec else None
    return pools_by_name, await pools.azure_facts(source) if source else None


async def take(settings: Settings, spec: MigrationSpec | None) -> ClusterSnapshot:
    """The cluster and its pools as they are; with a spec, what its preflight needs of Azure too."""
    async with _connected(settings, spec) as (client, pools):
        now = time.time()
        snapshot, (pools_by_name, azure_facts) = await asyncio.gather(
            read_cluster(client, now), _azure(pools, spec)
        )
        facts = await with_kubernetes(client, azure_facts) if azure_facts else None
    return with_azure(snapshot, pools_by_name.values(), facts)


class Replacement(NamedTuple):
    """The pool that a migration has made, the name of the one that it replaces, and whether that is
    there and stays."""

    pool: Pool
    old: str
    stays: bool


async def replacement(settings: Settings, name: str, spec: MigrationSpec) -> Replacement:
    """What a migration has made. Raises SettingsError where it has made no pool."""
    migration = Migration(name, "", 0, spec, MigrationStatus())
    async with connected_pools(settings, spec) as pools:
        pools_by_name = await pools.list_pools()
    owned = [pool for pool in pools_by_name.values() if migration.owns(pool)]
    pool = owned[0] if owned else pools_by_name.get(migration.new_pool)
    if pool is None:
        raise SettingsError(
            f"the cluster has no node pool {migration.new_pool}, and none with the tags of "
            f"migration {name}; its pools are: {', '.join(sorted(pools_by_name))}"
        )
    stays = spec.source_pool is not SourcePool.DELETE and migration.old_pool in pools_by_name
    return Replacement(pool, migration.old_pool, stays)


Checked = dict[str, tuple[Finding, ...]]
"""The findings of each migration, by its name."""


async def check(settings: Settings, name: str, spec: MigrationSpec) -> Checked:
    """Everything the rules find; what cannot work at all comes as a finding named `migration`."""
    async with _connected(settings, spec) as (client, pools):
        return await _check(client, pools, {name: spec})


async def check_pools(settings: Settings, names: Sequence[str]) -> Checked:
    """The same for a migration of each of these pools with default settings; without names, of
    every pool that does not run Azure Linux yet. Raises SettingsError for a pool that there is not.
    """
    async with _connected(settings, None) as (client, pools):
        pools_by_name = await pools.list_pools()
        unknown = [name for name in names if name not in pools_by_name]
        if unknown:
            listed = ", ".join(sorted(pools_by_name))
            raise SettingsError(f"there is no node pool {unknown[0]}; there are: {listed}")
        chosen = names or [name for name, pool in sorted(pools_by_name.items()) if _old(pool)]
        sources = {name: {"source": {"nodePool": name}} for name in chosen}
        specs = {name: MigrationSpec.model_validate(spec) for name, spec in sources.items()}
        return await _check(client, pools, specs)


_NEW = ("AzureLinux", "AzureContainerLinux")


def _old(pool: Pool) -> bool:
    """Whether a pool may be moved: Linux, and not Azure Linux."""
    return pool.os_type == "Linux" and not pool.os_sku.startswith(_NEW)


async def _check(client: Client, pools: AksPools, specs: Mapping[str, MigrationSpec]) -> Checked:
    """One reading of the cluster for all of them."""
    cluster_watch = ClusterWatch(client)
    woken = asyncio.Event()
    await cluster_watch.acquire(woken.set)
    try:
        checked: Checked = {}
        for name, spec in specs.items():
            pools_by_name, azure_facts = await _azure(pools, spec)
            await _synced(cluster_watch)
            now = time.time()
            observation = observed_once(
                cluster_watch.world,
                pools_by_name,
                await with_kubernetes(client, azure_facts) if azure_facts else None,
                now,
            )
            migration = Migration(name, "preflight", 0, spec, MigrationStatus())
            progress = preflight(context_of(migration, observation, now))
            text = f"{progress.reason}: {progress.message}"
            refusal = Finding("migration", Severity.BLOCK, name, text, final=True)
            checked[name] = (refusal,) if progress.findings is None else progress.findings
            observation.memory.forget()
        return checked
    finally:
        await cluster_watch.release(woken.set)


async def _synced(cluster_watch: ClusterWatch) -> None:
    deadline = time.monotonic() + READ_SECONDS
    while not cluster_watch.synced:
        if time.monotonic() > deadline:
            raise SettingsError(
                "the cluster's pods, nodes and budgets could not be read within "
                f"{READ_SECONDS:.0f} s: {cluster_watch.problem() or 'no answer'}"
            )
        await asyncio.sleep(0.05)
