"""A snapshot of a large cluster, generated from a seed.

Three pools, Deployments and StatefulSets with budgets, start times of 2 to 20 s; 400 of 1,000 nodes
are in the pool `workers`.
"""

import random

from azure_linux_migrator.model.cluster import (
    Allocatable,
    Budget,
    BudgetRule,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Pod,
)
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import SchedulingConstraints, Toleration
from azure_linux_migrator.model.selectors import Selector

NOW = 1_790_000_000.0
REPLICAS = 25


def cluster_snapshot(nodes: int, pods: int, seed: int = 1) -> ClusterSnapshot:
    """A snapshot of that size."""
    rng = random.Random(seed)
    snapshot = ClusterSnapshot(NOW)
    counts = {"system": max(1, nodes // 100), "workers": max(2, nodes * 2 // 5)}
    counts["others"] = max(1, nodes - sum(counts.values()))
    for name, count in counts.items():
        mode = "System" if name == "system" else "User"
        sku = "AzureLinux" if name == "system" else "Ubuntu"
        settings = {
            "count": count,
            "vmSize": "Standard_D16s_v5",
            "osSKU": sku,
            "mode": mode,
            "type": "VirtualMachineScaleSets",
            "currentOrchestratorVersion": "1.37.2",
        }
        snapshot.pools.append(Pool(name, sku, mode=mode, count=count, properties=settings))
        for index in range(count):
            machine = f"aks-{name}-12345678-vmss{index:06d}"
            allocatable = Allocatable(15_000, 60_000, 110)
            snapshot.nodes.append(Node(machine, name, os_sku=sku, allocatable=allocatable))
            size = "Standard_D16s_v5"
            snapshot.labels[machine] = {"node.kubernetes.io/instance-type": size, "agentpool": name}
            snapshot.taints[machine] = []
    where = [node.name for node in snapshot.nodes if node.pool != "system"]
    agents = Owner("DaemonSet", "agent", "ds")
    snapshot.controllers.append(
        Controller("DaemonSet", NamespacedName("kube-system", "agent"), "ds")
    )
    snapshot.scheduling["ds"] = SchedulingConstraints(tolerations=(Toleration(operator="Exists"),))
    for node in snapshot.nodes:
        snapshot.pods.append(
            _pod(NamespacedName("kube-system", f"agent-{node.name}"), node.name, agents, 2.0)
        )
    for number in range(max(1, (pods - len(snapshot.pods)) // REPLICAS)):
        _workload(snapshot, rng, number, where)
    return snapshot


def _workload(snapshot: ClusterSnapshot, rng: random.Random, number: int, where: list[str]) -> None:
    space, name = f"team-{number % 40}", f"app-{number}"
    stateful = number % 5 == 0
    kind = "StatefulSet" if stateful else "Deployment"
    uid, start = f"w-{number}", rng.uniform(2, 20)
    controller = Controller(kind, NamespacedName(space, name), uid, replicas=REPLICAS, rolling=True)
    snapshot.controllers.append(controller)
    owner = Owner(kind, name, uid)
    if not stateful:
        owner = Owner("ReplicaSet", f"{name}-1", f"{uid}-rs")
        snapshot.controllers.append(
            Controller("ReplicaSet", NamespacedName(space, f"{name}-1"), owner.uid, uid)
        )
    snapshot.scheduling[owner.uid] = SchedulingConstraints()
    for index in range(REPLICAS):
        key = NamespacedName(space, f"{name}-{index}")
        started = float(round(start * rng.uniform(0.8, 1.4)))
        snapshot.pods.append(_pod(key, rng.choice(where), owner, started, name))
    if number % 10 < 8:
        out = rng.choice((1, 2, 5))
        snapshot.rules.append(BudgetRule(max_unavailable=out))
        snapshot.budgets.append(
            Budget(
                NamespacedName(space, name),
                Selector((("app", name),)),
                allowed=out,
                healthy=REPLICAS,
                desired=REPLICAS - out,
                expected=REPLICAS,
                revision=1,
            )
        )


def _pod(key: NamespacedName, node: str, owner: Owner, started: float, app: str = "agent") -> Pod:
    return Pod(
        key,
        f"uid-{key}",
        node,
        "Running",
        ready=True,
        terminating=False,
        labels=(("app", app),),
        owner=owner,
        revision=1,
        created=NOW - 86_400,
        started_in=started,
        requests=(200, 256),
    )
