"""`python -m testbed aks`: serve one simulated managed cluster."""

import argparse
import asyncio
import json
import random
import signal
from pathlib import Path

import msgspec

from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.simulator.aks.limits import ClusterShape, Limits, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.region import Region
from testbed.aks.nodes import KubernetesNodes
from testbed.aks.server import ArmServer
from testbed.aks.subscription import Subscription


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "aks", help="serve a simulated AKS whose pools are nodes of a cluster; prints its base URL"
    )
    shape = ClusterShape()
    parser.add_argument("--kubeconfig", required=True, help="the cluster its nodes live in")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--boot-seconds", type=float, default=5.0)
    parser.add_argument("--delete-seconds", type=float, default=3.0)
    parser.add_argument("--subscription", default=shape.subscription)
    parser.add_argument("--resource-group", default=shape.resource_group)
    parser.add_argument("--cluster", default=shape.name)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--region", type=_region, default=Region(), help="quotas, sizes, locks, as JSON"
    )
    parser.add_argument("--vcpu-quota", type=int, help="of every VM family; default: no limit")
    parser.add_argument(
        "--pool",
        type=json.loads,
        default={},
        help="more ARM properties of pools, by name, as JSON",
    )
    parser.add_argument(
        "--new", action="store_true", help="the resource group and the cluster do not exist yet"
    )
    parser.set_defaults(run=lambda arguments: asyncio.run(_serve(arguments)))


def _region(text: str) -> Region:
    return msgspec.json.decode(text, type=Region)


async def _serve(arguments: argparse.Namespace) -> None:
    client = await Client.connect(arguments.kubeconfig)
    cluster = ManagedCluster(
        random.Random(arguments.seed),
        shape=ClusterShape(
            subscription=arguments.subscription,
            resource_group=arguments.resource_group,
            name=arguments.cluster,
        ),
        timings=Timings(boot=arguments.boot_seconds, delete=arguments.delete_seconds, update=1.0),
        limits=Limits(vcpus_per_family=arguments.vcpu_quota),
        region=arguments.region,
        wait_for_drains=True,
    )
    nodes = KubernetesNodes(client)
    surroundings = None
    if arguments.new:
        surroundings = Subscription(cluster, Path(arguments.kubeconfig), arguments.boot_seconds)
    else:
        await nodes.adopt_into(cluster, arguments.pool)
    server = ArmServer(cluster, nodes, surroundings=surroundings)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    print(await server.start(arguments.port), flush=True)
    try:
        await stop.wait()
    finally:
        await server.stop()
        await client.close()
