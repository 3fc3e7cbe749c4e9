"""Small simulated clusters."""

import random
from collections import Counter
from typing import Any

from azure_linux_migrator.model.cluster import Allocatable, NamespacedName, Node
from azure_linux_migrator.model.scheduling import PodTerm, SchedulingConstraints, TopologySpread
from azure_linux_migrator.model.selectors import Labels, Selector
from azure_linux_migrator.simulator.aks.limits import Limits, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.nodes import make_node
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity, Span, Template, Workload

NOW = 1_800_000_000.0
ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"
SMALL = Allocatable(4000, 16_000, 110)


def simulation(*, boot: float = 60.0, **pools: dict[str, Any]) -> SimulatedCluster:
    """A cluster with these AKS pools, by name; their settings as ARM has them."""
    rng = random.Random(1)
    timings = Timings(boot=boot, delete=30.0, drain_timeout=300.0)
    aks = ManagedCluster(rng, timings=timings, limits=Limits(), digits="12345678")
    for name, wanted in pools.items():
        settings = {
            "vmSize": "Standard_D4s_v5",
            "osSKU": "Ubuntu",
            "mode": "User",
            "type": "VirtualMachineScaleSets",
            **wanted,
        }
        full = {"currentOrchestratorVersion": "1.37.2", "nodeImageVersion": "AKS-1", **settings}
        nodes = [make_node(aks.setting, name, full, index) for index in range(full["count"])]
        aks.adopt(name, settings, nodes)
    cluster = SimulatedCluster(aks, rng, now=NOW)
    cluster.node_lifecycle.adopt()
    return cluster


def node(
    cluster: SimulatedCluster, name: str, *, allocatable: Allocatable = SMALL, **labels: str
) -> None:
    """A node that belongs to no pool; `zone=` labels it with a zone."""
    zone = labels.pop("zone", "")
    all_labels = {HOSTNAME: name, **labels, **({ZONE: zone} if zone else {})}
    cluster.store.put_node(
        Node(name, "p", allocatable=allocatable, zone=zone), NodeCapacity(all_labels)
    )


def app(
    cluster: SimulatedCluster,
    name: str,
    replicas: int,
    scheduling: SchedulingConstraints | None = None,
    **template: Any,
) -> Workload:
    """A Deployment whose pods are labelled `app`; they start at once and stop at once."""
    times: dict[str, Any] = {"start": Span(0.1, 0.1), "stop": Span(0.1, 0.1)}
    wanted = {"labels": of(name), "requests": (100, 100), **times, **template}
    pods = Template(scheduling=scheduling or SchedulingConstraints(), **wanted)
    workload = Workload("Deployment", NamespacedName("default", name), name, replicas, pods)
    cluster.workloads.add(workload)
    return workload


def of(name: str) -> Labels:
    """The labels of an app's pods."""
    return (("app", name),)


def term(topology: str, *apps: str) -> PodTerm:
    """An affinity term about an app's pods."""
    return PodTerm(topology, Selector(of(apps[0])))


def spread(topology: str, name: str, skew: int = 1, **more: Any) -> SchedulingConstraints:
    """A hard topology spread of an app."""
    return SchedulingConstraints(
        spread=(TopologySpread(topology, Selector(of(name)), skew, **more),)
    )


def run(cluster: SimulatedCluster, seconds: float) -> None:
    """Let time pass."""
    end = cluster.kernel.now + seconds
    cluster.kernel.at(end, lambda: None)  # the clock stops at the last event
    cluster.kernel.run(lambda: False, end=end)


def where(cluster: SimulatedCluster, name: str) -> Counter[str]:
    """How many of an app's pods are on each node; "" for those without one."""
    return Counter(pod.node for pod in cluster.store.pods.values() if pod.labels == of(name))


def delete(cluster: SimulatedCluster, name: str, count: int = 1) -> None:
    """Delete pods of an app; they come back."""
    for pod in [pod for pod in cluster.store.pods.values() if pod.labels == of(name)][:count]:
        cluster.api.delete(pod.key, pod.uid)
