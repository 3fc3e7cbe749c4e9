"""Small clusters and constructed forecasts."""

from typing import Any

from msgspec import structs

from azure_linux_migrator.api.status_checks import FindingStatus
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.forecast.alternatives import Variation
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.forecast import Forecast, Range
from azure_linux_migrator.forecast.pod_summary import PodSummary
from azure_linux_migrator.forecast.run import BatchTime, Point, RunResult, StepTime
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
from azure_linux_migrator.model.selectors import Selector

NOW = 1_790_000_000.0
SIZE = "Standard_D4s_v5"
STEPS = [
    StepTime("Preflight", 0, 1),
    StepTime("CreateTarget", 1, 122),
    StepTime("CordonSource", 122, 122.2),
    StepTime("Drain", 122.2, 4622),
    StepTime("Soak", 4622, 8222),
    StepTime("AwaitRetireApproval", 8222, 8222),
    StepTime("RetireSource", 8222, 8284),
]
BATCHES = [BatchTime(at + 1, 6, 123 + 900 * at, 126 + 900 * at) for at in range(6)]
POINTS = [
    Point(0, 45, 6, 0),
    Point(121, 45, 6, 6),
    *(Point(126 + 900 * at, 45 - 9 * at, 6, 6) for at in range(6)),
    Point(4622, 0, 6, 6),
    Point(8284, 0, 0, 6),
]


def run_result(**changes: Any) -> RunResult:
    """About that of the demo."""
    fields: dict[str, Any] = {
        "seconds": 8284.0,
        "succeeded": True,
        "ending": "Succeeded",
        "message": "",
        "steps": STEPS,
        "batches": BATCHES,
        "points": POINTS,
        "evictions": 45,
        "extra_nodes": 6,
        "node_hours": 13.7,
        "moving_seconds": 21.0,
        "pause_seconds": 4440.0,
        "ideal_seconds": 12.0,
        "floor_seconds": 13.0,
        "limited_by": "PodDisruptionBudget default/ledger",
        "blockers": (),
        "findings": (),
    }
    return RunResult(**(fields | changes))


def forecast(result: RunResult | None = None, **changes: Any) -> Forecast:
    """A forecast with that typical run."""
    typical = result or run_result()
    base = Forecast(
        name="workers",
        strategy="BlueGreen",
        source="workers",
        target="AzureLinux",
        blocked=not typical.succeeded,
        total=Range(8281.0, 8284.0, 8290.0),
        drain=Range(19.0, 21.0, 23.0),
        typical=typical,
        runs=10,
        pod_summary=PodSummary(nodes=6, move=44, stay=30),
        choices=[],
        untried=[],
        assumed=Assumptions(node_boot=120.0),
        unseen=[],
        at=NOW,
    )
    return structs.replace(base, **changes)


def blocked(*texts: str, remedy: str = "", **changes: Any) -> RunResult:
    """A run that a drain's blockers end."""
    blockers = tuple(
        BlockerStatus(
            cause="BudgetDeadlocked",
            kind="PodDisruptionBudget",
            name="web",
            message=text,
            remedy=remedy,
            since="2026-01-01T00:00:00Z",
        )
        for text in texts
    )
    fields = {"succeeded": False, "ending": "DrainBlocked", "message": "it is blocked"}
    return run_result(**(fields | {"blockers": blockers} | changes))


def finding(rule: str, severity: str = "Warn", **more: Any) -> FindingStatus:
    """A finding of the preflight."""
    return FindingStatus(rule=rule, severity=severity, subject="s", message="m", **more)


def choice(seconds: float, node_hours: float) -> Variation:
    """Another setting."""
    return Variation("batch 50% instead of 10%", seconds, node_hours)


def snapshot(workers: int = 2) -> ClusterSnapshot:
    """A system pool with a node, and `workers` nodes to migrate."""
    snapshot = ClusterSnapshot(NOW)
    for name, sku, mode, count in (
        ("system", "AzureLinux", "System", 1),
        ("workers", "Ubuntu", "User", workers),
    ):
        settings: dict[str, Any] = {
            "count": count,
            "vmSize": SIZE,
            "osSKU": sku,
            "mode": mode,
            "type": "VirtualMachineScaleSets",
            "currentOrchestratorVersion": "1.37.2",
        }
        snapshot.pools.append(
            Pool(name, sku, mode=mode, count=count, vm_size=SIZE, properties=settings)
        )
        for index in range(count):
            machine = f"aks-{name}-12345678-vmss{index:06d}"
            allocatable = Allocatable(3800, 12_000, 110)
            snapshot.nodes.append(Node(machine, name, os_sku=sku, allocatable=allocatable))
            snapshot.labels[machine] = {"node.kubernetes.io/instance-type": SIZE, "agentpool": name}
            snapshot.taints[machine] = []
    return snapshot


def pod(cluster_snapshot: ClusterSnapshot, name: str, owner: Owner | None, **more: Any) -> None:
    """A pod on one of the workers, in turn."""
    nodes = [node.name for node in cluster_snapshot.nodes if node.pool == "workers"]
    fields: dict[str, Any] = {
        "phase": "Running",
        "ready": True,
        "terminating": False,
        "labels": (("app", owner.name if owner else name),),
        "owner": owner,
        "revision": 1,
        "created": NOW - 86_400,
        "started_in": 5.0,
        "requests": (100, 128),
    }
    place = nodes[len(cluster_snapshot.pods) % len(nodes)]
    cluster_snapshot.pods.append(
        Pod(NamespacedName("default", name), f"u-{name}", place, **(fields | more))
    )


def deployment(cluster_snapshot: ClusterSnapshot, name: str, pods: int, **more: Any) -> None:
    """A Deployment with that many Ready pods."""
    key, uid = NamespacedName("default", name), f"d-{name}"
    cluster_snapshot.controllers += [
        Controller("Deployment", key, uid, replicas=pods, rolling=True, max_surge=1),
        Controller(
            "ReplicaSet", NamespacedName("default", f"{name}-abc"), f"rs-{name}", uid, replicas=pods
        ),
    ]
    for index in range(pods):
        owner = Owner("ReplicaSet", f"{name}-abc", f"rs-{name}")
        pod(cluster_snapshot, f"{name}-{index}", owner, labels=(("app", name),), **more)


def budget(cluster_snapshot: ClusterSnapshot, name: str, allowed: int) -> None:
    """A budget over a Deployment that `deployment` made."""
    count = sum(("app", name) in pod.labels for pod in cluster_snapshot.pods)
    selector = Selector((("app", name),))
    cluster_snapshot.rules.append(BudgetRule(max_unavailable=allowed))
    figures: dict[str, Any] = {
        "allowed": allowed,
        "healthy": count,
        "desired": count - allowed,
        "expected": count,
    }
    cluster_snapshot.budgets.append(
        Budget(NamespacedName("default", name), selector, revision=1, uid=name, **figures)
    )
