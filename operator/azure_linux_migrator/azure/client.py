"""The port of port.py on the real azure-mgmt-containerservice SDK."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError as SdkError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool, AgentPoolDeleteMachinesParameter

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.azure.facts import API_VERSION, read_facts
from azure_linux_migrator.azure.identity import BY_NAME, credential
from azure_linux_migrator.azure.pools import pool_record
from azure_linux_migrator.azure.port import PoolPort
from azure_linux_migrator.azure.sdk_errors import translate
from azure_linux_migrator.azure.template import target_body, updated_body
from azure_linux_migrator.errors import AzureError
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.pool import Pool

OnRequest = Callable[[str, str, float], None]
"""Called once per call with an operation's name, Azure's code (`200` for success) and the seconds
it took."""

REQUEST_SECONDS = 60.0


class AksPools(PoolPort):
    """The pools of one cluster. Retries, waiting and polling are the caller's: here is one try."""

    def __init__(
        self,
        client: ContainerServiceClient,
        cluster: ClusterRef,
        on_request: OnRequest,
        identity: AsyncTokenCredential | None = None,
        before_change: Callable[[], None] = lambda: None,
        api_version: str = API_VERSION,
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._where = (cluster.resource_group, cluster.name)
        self._on_request = on_request
        self._identity = identity
        self._before_change = before_change
        self._api_version = api_version

    async def list_pools(self) -> dict[str, Pool]:
        """All pools by name, every page of them."""
        async with self._asking("list"):
            return {
                pool.name: pool
                async for agent_pool in self._client.agent_pools.list(*self._where)
                if (pool := pool_record(agent_pool.as_dict()))
            }

    async def create_target(
        self,
        source: str,
        target: str,
        *,
        os_sku: str,
        count: int | None,
        overrides: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> None:
        """Read the source again, build the target from it, create it if it does not exist."""
        properties = await self._properties(source)
        body = target_body(properties, os_sku=os_sku, count=count, overrides=overrides, tags=tags)
        async with self._changing("create"):
            await self._client.agent_pools.begin_create_or_update(
                *self._where,
                target,
                AgentPool(body),
                etag="*",
                match_condition=MatchConditions.IfMissing,
                polling=False,
            )

    async def update(
        self,
        pool: str,
        changes: Mapping[str, Any],
        *,
        tags: Mapping[str, str | None],
        etag: str,
    ) -> None:
        """There is no PATCH for pools: the pool is sent back with these changes."""
        body = updated_body(await self._properties(pool), changes, tags)
        async with self._changing("update"):
            await self._client.agent_pools.begin_create_or_update(
                *self._where,
                pool,
                AgentPool(body),
                polling=False,
                **_if_unchanged(etag),
            )

    async def delete_machines(self, pool: str, names: Sequence[str]) -> None:
        """Ask for it; names are those of the nodes."""
        machines = AgentPoolDeleteMachinesParameter(machine_names=list(names))
        async with self._changing("delete_machines"):
            await self._client.agent_pools.begin_delete_machines(
                *self._where, pool, machines, polling=False
            )

    async def azure_facts(self, source: Pool) -> AzureFacts:
        """Each part is one try; a refusal is returned instead."""
        return await read_facts(self._client, self._cluster, source, self._api_version)

    async def delete(self, pool: str, *, etag: str) -> None:
        """Ask for the deletion; Azure drains what is left, with budgets kept."""
        try:
            async with self._changing("delete"):
                await self._client.agent_pools.begin_delete(
                    *self._where, pool, polling=False, **_if_unchanged(etag)
                )
        except AzureError as error:
            # The SDK takes a plain 200 for an error; a pool that is gone is what was wanted.
            if error.status not in {200, 404} or error.code == "ResourceNotFound":
                raise

    async def close(self) -> None:
        """Close the SDK's session and the credential's."""
        await self._client.close()
        if self._identity is not None:
            await self._identity.close()

    async def _properties(self, pool: str) -> dict[str, Any]:
        async with self._asking("get"):
            agent_pool = await self._client.agent_pools.get(*self._where, pool)
        return dict(agent_pool.as_dict().get("properties") or {})

    @asynccontextmanager
    async def _changing(self, operation: str) -> AsyncIterator[None]:
        self._before_change()
        async with self._asking(operation):
            yield

    @asynccontextmanager
    async def _asking(self, operation: str) -> AsyncIterator[None]:
        began = time.monotonic()
        try:
            yield
        except SdkError as error:
            ours = translate(error)
            self._on_request(operation, ours.code, time.monotonic() - began)
            raise ours from error
        self._on_request(operation, "200", time.monotonic() - began)


def open_pools(
    cluster: ClusterRef,
    *,
    endpoint: str | None,
    cloud: str,
    on_request: OnRequest,
    api_version: str | None = None,
    before_change: Callable[[], None] = lambda: None,
    transport: AsyncHttpTransport[Any, Any] | None = None,
) -> AksPools:
    """Connect to a cluster's pools. A plain-http endpoint, as a test server has, gets no token.

    `before_change` is called right before each request that changes a pool, and prevents it by an
    exception. `api_version` of Microsoft.ContainerService is the SDK's unless one is given, for a
    cloud that does not have that yet. `transport` is the SDK's own unless one is given.
    """
    chosen = BY_NAME[cloud]
    more: dict[str, Any] = {"retry_total": 0, "user_agent": "azlm"}
    version = api_version or API_VERSION
    if transport is not None:
        more["transport"] = transport
    identity: AsyncTokenCredential | None = None
    if endpoint is not None and endpoint.startswith("http://"):
        more["authentication_policy"] = SansIOHTTPPolicy()
        token: Any = _NoCredential()
    else:
        token = identity = credential(chosen)
        more["credential_scopes"] = [chosen.scope]
    client = ContainerServiceClient(
        token,
        cluster.subscription_id,
        base_url=endpoint or chosen.arm,
        connection_timeout=15,
        read_timeout=REQUEST_SECONDS,
        api_version=version,
        **more,
    )
    return AksPools(client, cluster, on_request, identity, before_change, version)


class _NoCredential:
    """Stands where the SDK's constructor wants a credential that no request uses."""

    async def get_token(self, *_: str, **__: object) -> AccessToken:
        raise AzureError("NoCredential", "a plain-http endpoint is not given tokens")


def _if_unchanged(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
