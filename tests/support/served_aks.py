"""The simulated AKS over HTTP, on a clock that the test moves."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from azure_linux_migrator.simulator.aks.limits import ClusterShape, Limits, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.nodes import make_node
from azure_linux_migrator.simulator.aks.region import Region
from testbed.aks.server import ArmServer

VERSION = "api-version=2026-08-01"
TIMINGS = Timings(boot=90, delete=60, update=5, abort=2)
CALM = Limits(refused_beside_others=0.0)


class ServedAks:
    """One managed cluster and its server."""

    def __init__(self, cluster: ManagedCluster) -> None:
        self.now = 1_800_000_000.0
        self.cluster = cluster
        self.server = ArmServer(cluster, None, clock=lambda: self.now)
        self.url = ""

    @property
    def path(self) -> str:
        """The path of the cluster."""
        shape = self.cluster.shape
        return (
            f"/subscriptions/{shape.subscription}/resourceGroups/{shape.resource_group}/providers/"
            f"Microsoft.ContainerService/managedClusters/{shape.name}"
        )

    def pool(self, name: str, suffix: str = "") -> str:
        """The path and query of a pool, or of something below it."""
        return f"{self.path}/agentPools/{name}{suffix}?{VERSION}"

    def adopt(self, name: str, properties: dict[str, Any]) -> None:
        """Add a pool with its nodes."""
        shape = self.cluster.shape
        described = {
            "currentOrchestratorVersion": shape.kubernetes_version,
            "nodeImageVersion": "AKS-1",
            "type": "VirtualMachineScaleSets",
            **properties,
        }
        count = properties.get("count", 1)
        nodes = [make_node(self.cluster.setting, name, described, at) for at in range(count)]
        self.cluster.adopt(name, properties, nodes)

    async def ask(
        self, method: str, path: str, body: Any = None
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers by lower-case name, and the body."""
        url = path if path.startswith("http") else self.url + path
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body) as answer,
        ):
            text = await answer.text()
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, headers, json.loads(text) if text else None

    def pass_time(self, seconds: float) -> None:
        """Let that much time go by."""
        self.now += seconds
        self.cluster.advance(self.now)


@asynccontextmanager
async def served_aks(
    *, limits: Limits = CALM, region: Region | None = None, **shape: Any
) -> AsyncIterator[ServedAks]:
    """A cluster without pools."""
    cluster = ManagedCluster(
        random.Random(1),
        shape=ClusterShape(**shape),
        timings=TIMINGS,
        limits=limits,
        region=region,
        digits="12345678",
    )
    served = ServedAks(cluster)
    served.url = await served.server.start(0)
    try:
        yield served
    finally:
        await served.server.stop()
