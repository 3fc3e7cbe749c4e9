"""A migration is forecast and then run: which pods move, in which order, and to which nodes."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.api.spec import ClusterRef, MigrationSpec
from azure_linux_migrator.cli.read import take
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.run import ForecastRun
from testbed.fill.workloads import Manifest, budget, daemonset, deployment, job, statefulset
from tests.support.bed import ZERO, Bed

WHERE = ClusterRef(subscription_id=ZERO, resource_group="demo-rg", name="demo")
SCRATCH = [{"name": "scratch", "emptyDir": {}}]
LATE = ("Job", "DaemonSet")
FIRST = {"selector": {"matchLabels": {"app": "first"}}, "order": -1}

HOSTNAME = "kubernetes.io/hostname"


def _evenly(name: str, skew: int) -> Manifest:
    """A hard spread over nodes; cordoned ones and the tainted system node are domains, too."""
    selector = {"matchLabels": {"app": name}}
    constraint = {"maxSkew": skew, "topologyKey": HOSTNAME, "labelSelector": selector}
    return {"topologySpreadConstraints": [constraint | {"whenUnsatisfiable": "DoNotSchedule"}]}


def _apart(*names: str) -> Manifest:
    """Not on a node with pods of these apps."""
    chosen = {"matchExpressions": [{"key": "app", "operator": "In", "values": list(names)}]}
    terms = [{"topologyKey": HOSTNAME, "labelSelector": chosen}]
    return {
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    }


CASES: dict[str, tuple[list[Manifest], dict[str, Any]]] = {
    "budgets": (
        [
            *(deployment("web", 6), budget("web", maxUnavailable="25%")),
            *(deployment("api", 4), budget("api", minAvailable=3)),
            deployment("free", 3),
        ],
        {},
    ),
    "order": (
        [deployment("first", 4), budget("first", maxUnavailable=2), deployment("second", 4)],
        {"drain": {"order": [FIRST]}},
    ),
    "kinds": (
        [
            *(statefulset("db", 3), budget("db", maxUnavailable=1)),
            job("report", 4000),
            daemonset("agent", "default"),
            deployment("cache", 3, volumes=SCRATCH),
        ],
        {},
    ),
    "ordered": (
        [
            *(statefulset("db", 6, policy="OrderedReady"), budget("db", maxUnavailable=2)),
            *(statefulset("queue", 4, policy="OrderedReady"), budget("queue", minAvailable=2)),
        ],
        {},
    ),
    "batches": (
        [deployment("web", 8), budget("web", maxUnavailable=2)],
        {
            "strategy": {
                "canary": {"nodes": 0},
                "batch": {"size": 1, "soak": "1s"},
                "finalSoak": "0s",
            }
        },
    ),
    "rolling": (
        [deployment("web", 6), budget("web", maxUnavailable=2)],
        {
            "strategy": {
                "type": "Rolling",
                "maxSurge": 2,
                "canary": {"nodes": 0},
                "batch": {"soak": "0s"},
                "finalSoak": "0s",
            }
        },
    ),
    "spread": (
        [
            *(deployment("web", 6, scheduling=_evenly("web", 2)), budget("web", maxUnavailable=1)),
            deployment("loud", 1),
            deployment("quiet", 2, scheduling=_apart("loud", "quiet")),
        ],
        {},
    ),
}


def _spec(more: dict[str, Any]) -> dict[str, Any]:
    strategy = {"canary": {"nodes": 0}, "batch": {"size": "100%", "soak": "0s"}, "finalSoak": "0s"}
    return {"source": {"nodePool": "workers"}, "strategy": strategy} | more


@pytest.mark.cluster
@pytest.mark.parametrize("name", CASES)
def test_the_forecast_happens(name: str, bed: Bed) -> None:
    workloads, more = CASES[name]
    spec = _spec(more)
    bed.fill(workloads, nodes=3)
    bed.start_aks()
    settings = Settings(
        kubeconfig=str(bed.plane.kubeconfig), arm_endpoint=bed.aks.url, cluster=WHERE
    )
    snapshot = asyncio.run(take(settings, MigrationSpec.model_validate(spec)))
    assert snapshot.unseen == []
    assumed = Assumptions(stop=0.3, node_boot=2.0, node_delete=1.0, job=4.0)
    forecast = ForecastRun(snapshot, "workers", spec, assumed, 1)
    run_result = forecast.go()
    evicted = [pod.name for pod in forecast.operator.runner.evicted]
    assert run_result.succeeded, run_result.message

    bed.start_operator()
    bed.migrate(**spec)
    bed.wait_done()
    requests = [request for request in bed.audit.requests() if request.resource == "pods/eviction"]
    done = [request.name for request in requests if request.code == 201]
    assert {request.code for request in requests} == {201}
    assert len(done) == run_result.evictions
    assert Counter(_app(pod) for pod in done) == Counter(_app(pod) for pod in evicted)
    assert _left(bed) == _left_in(forecast)
    if name == "spread":
        assert _spread(_landed(bed)) == _spread(_landed_in(forecast))
    if name == "order":
        assert [_app(pod) for pod in evicted] == [_app(pod) for pod in done]
    if name == "ordered":
        sets = [
            controller for controller in snapshot.controllers if controller.kind == "StatefulSet"
        ]
        assert [controller.ordered for controller in sets] == [True, True]
    if name == "kinds":
        ours = sorted(pod for pod in evicted if pod.startswith("db-"))
        assert ours == sorted(pod for pod in done if pod.startswith("db-"))
        assert ours == ["db-0", "db-1", "db-2"]
    assert Counter(run_result.blockers) == Counter()
    assert bed.status()["batch"]["index"] == run_result.batches[-1].index


def _app(pod: str) -> str:
    return pod.partition("-")[0]


def _left(bed: Bed) -> Counter[str]:
    """Pods of each app that run; DaemonSets' are collected some time after their nodes."""
    bed.wait("all pods run", lambda: all(p["ready"] for p in _pods(bed)))
    return Counter(_app(p["name"]) for p in _pods(bed) if p["owner"] not in LATE)


Landed = list[tuple[str, str, str]]
"""App, pool and node of each pod."""


def _spread(landed: Landed) -> tuple[dict[tuple[str, str], list[int]], bool]:
    """The number of pods of each app on its nodes in a pool, and whether quiet and loud pods
    share a node."""
    counts = Counter(landed)
    counts_by_pool: dict[tuple[str, str], list[int]] = {}
    for (app, pool, _), count in sorted(counts.items()):
        counts_by_pool.setdefault((app, pool), []).append(count)
    nodes = {
        app: {node for pod_app, _, node in landed if pod_app == app} for app in ("loud", "quiet")
    }
    return {key: sorted(node_counts) for key, node_counts in counts_by_pool.items()}, bool(
        nodes["loud"] & nodes["quiet"]
    )


def _landed(bed: Bed) -> Landed:
    return [(_app(p["name"]), _pool(p["node"]), p["node"]) for p in _pods(bed)]


def _landed_in(run: ForecastRun) -> Landed:
    pods = [pod for pod in run.simulation.store.pods.values() if pod.key.namespace == "default"]
    return [(_app(pod.key.name), _pool(pod.node), pod.node) for pod in pods]


def _pool(node: str) -> str:
    return node.split("-")[1]


def _pods(bed: Bed) -> list[dict[str, Any]]:
    items = json.loads(bed.kubectl("get", "pods", "-n", "default", "-o", "json"))["items"]
    return [
        {
            "name": item["metadata"]["name"],
            "owner": item["metadata"]["ownerReferences"][0]["kind"],
            "node": item["spec"].get("nodeName", ""),
            "ready": any(
                c["type"] == "Ready" and c["status"] == "True"
                for c in item["status"].get("conditions", ())
            )
            or item["status"]["phase"] == "Succeeded",
        }
        for item in items
        if "deletionTimestamp" not in item["metadata"]
    ]


def _left_in(run: ForecastRun) -> Counter[str]:
    kernel = run.simulation.kernel
    kernel.run(lambda: False, end=kernel.now + 120.0)
    pods = run.simulation.store.pods.values()
    assert all(pod.ready or pod.finished for pod in pods)
    return Counter(
        _app(pod.key.name)
        for pod in pods
        if pod.key.namespace == "default" and pod.owner is not None and pod.owner.kind not in LATE
    )


def test_a_snapshot_is_the_same_after_it_was_saved(bed: Bed, tmp_path: Path) -> None:
    from azure_linux_migrator.forecast.redact import redact
    from azure_linux_migrator.forecast.snapshot import load, save

    workloads, _ = CASES["kinds"]
    bed.fill(workloads, nodes=2)
    bed.start_aks()
    settings = Settings(
        kubeconfig=str(bed.plane.kubeconfig), arm_endpoint=bed.aks.url, cluster=WHERE
    )
    snapshot = asyncio.run(take(settings, MigrationSpec.model_validate(_spec({}))))
    for name in ("plain.json", "small.json.gz"):
        save(snapshot, tmp_path / name)
        assert msgspec.json.encode(load(tmp_path / name)) == msgspec.json.encode(snapshot)
    hidden = redact(snapshot, random.Random(1))
    save(hidden, tmp_path / "hidden.json")
    text = (tmp_path / "hidden.json").read_text()
    for secret in ("cache", "report", "registry.example", "subscriptions"):
        assert secret not in text
    spec = _spec({})
    seen = ForecastRun(snapshot, "m", spec, Assumptions(), 3).go()
    unseen = ForecastRun(load(tmp_path / "hidden.json"), "m", spec, Assumptions(), 3).go()
    assert unseen.succeeded
    assert unseen.evictions == seen.evictions
