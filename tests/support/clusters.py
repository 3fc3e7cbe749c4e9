"""A small cluster whose pods have strict scheduling constraints."""

from typing import Any

from azure_linux_migrator.model.cluster import (
    Allocatable,
    Budget,
    BudgetRule,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Pod,
    Volume,
)
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import NodeTerm, SchedulingConstraints, Toleration
from azure_linux_migrator.model.selectors import Requirement, Selector

NOW = 1_790_000_000.0
SIZE = "Standard_D8s_v5"
ZONES = ("westeurope-1", "westeurope-2", "westeurope-3")
TEAM = {"acme.example/team": "payments"}
TAINT = "acme.example/dedicated=payments:NoSchedule"
TOLERATES = Toleration("acme.example/dedicated", "Equal", "payments", "NoSchedule")
PAYS = SchedulingConstraints(selector=tuple(TEAM.items()), tolerations=(TOLERATES,))
ONE_OF = Requirement("acme.example/team", "In", ("payments", "billing"))


def particular() -> ClusterSnapshot:
    """Pods may only go where a label and a taint of their own let them; volumes are in zones."""
    snapshot = ClusterSnapshot(NOW)
    _pool(snapshot, "others", "43218765", labels={}, taints=[])
    _pool(snapshot, "workers", "43218765", labels=TEAM, taints=[TAINT])
    _workload(snapshot, NamespacedName("payments", "gateway"), "Deployment", PAYS, 7)
    _workload(
        snapshot,
        NamespacedName("payments", "audit"),
        "Deployment",
        SchedulingConstraints((), (NodeTerm((ONE_OF,)),), (TOLERATES,)),
    )
    for name in ("kafka", "kafka-2"):
        _workload(snapshot, NamespacedName("ledger", name), "StatefulSet", PAYS, volumes=True)
    _workload(snapshot, NamespacedName("kube-system", "coredns"), "Deployment", PAYS, 2)
    _workload(snapshot, NamespacedName("ab", "search"), "Deployment", PAYS, 4)
    return snapshot


def _pool(
    snapshot: ClusterSnapshot, name: str, digits: str, *, labels: dict[str, str], taints: list[str]
) -> None:
    settings = {
        "count": 6,
        "vmSize": SIZE,
        "osSKU": "Ubuntu",
        "mode": "User",
        "type": "VirtualMachineScaleSets",
        "currentOrchestratorVersion": "1.37.2",
        "availabilityZones": ["1", "2", "3"],
        "nodeLabels": labels,
        "nodeTaints": taints,
    }
    snapshot.pools.append(Pool(name, "Ubuntu", count=6, vm_size=SIZE, properties=settings))
    for index in range(6):
        node, zone = f"aks-{name}-{digits}-vmss{index:06d}", ZONES[index % 3]
        snapshot.nodes.append(
            Node(node, name, os_sku="Ubuntu", zone=zone, allocatable=Allocatable(8000, 30000, 60))
        )
        snapshot.labels[node] = labels | {
            "agentpool": name,
            "kubernetes.io/hostname": node,
            "node.kubernetes.io/instance-type": SIZE,
            "kubernetes.azure.com/cluster": "MC_acme-rg_acme_westeurope",
        }
        snapshot.taints[node] = list(taints)
        snapshot.boots[node] = 30.0 + index


def _workload(
    snapshot: ClusterSnapshot,
    key: NamespacedName,
    kind: str,
    scheduling: SchedulingConstraints,
    replicas: int = 3,
    *,
    volumes: bool = False,
) -> None:
    space, name = key
    uid = f"uid-{space}-{name}"
    snapshot.controllers.append(Controller(kind, key, uid, replicas=replicas, rolling=True))
    owner = Owner(kind, name, uid)
    if kind == "Deployment":
        owner = Owner("ReplicaSet", f"{name}-7d9f", f"{uid}-rs")
        snapshot.controllers.append(
            Controller("ReplicaSet", NamespacedName(space, owner.name), owner.uid, uid, replicas)
        )
    snapshot.scheduling[owner.uid] = scheduling
    for index in range(replicas):
        suffix = f"{index}" if kind == "StatefulSet" else f"7d9f-{'qxbm'[index % 4]}{index}"
        claims: tuple[str, ...] = (f"data-{name}-{index}",) if volumes else ()
        pod = _pod(NamespacedName(space, f"{name}-{suffix}"), owner, index, claims)
        snapshot.pods.append(pod)
        if volumes:
            zone = snapshot.nodes[6 + index].zone
            snapshot.volumes.append(
                Volume(f"pvc-{pod.uid}", NamespacedName(space, claims[0]), (zone,))
            )
    out = 1 if kind == "StatefulSet" else 2
    snapshot.rules.append(BudgetRule(max_unavailable=out))
    snapshot.budgets.append(
        Budget(
            key,
            Selector((("acme.example/app", name),)),
            allowed=out,
            healthy=replicas,
            desired=replicas - out,
            expected=replicas,
            revision=1,
        )
    )


def _pod(key: NamespacedName, owner: Owner, index: int, claims: tuple[str, ...]) -> Pod:
    more: dict[str, Any] = {"claims": claims, "requests": (900, 1500)}
    return Pod(
        key,
        f"uid-{key}",
        f"aks-workers-43218765-vmss{index % 6:06d}",
        "Running",
        ready=True,
        terminating=False,
        labels=(("acme.example/app", owner.name.removesuffix("-7d9f")),),
        owner=owner,
        revision=1,
        created=NOW - 86_400 - index,
        started_in=3.0 + 2 * index + len(key.name) % 5,
        **more,
    )
