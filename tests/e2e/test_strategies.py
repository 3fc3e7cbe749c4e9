"""Rolling, InPlace, rollbacks and the operator's own pod, on the real control plane."""

import json
from collections import Counter
from datetime import datetime, timedelta

import pytest

from testbed.fill.workloads import Manifest, budget, deployment
from testbed.observer import PodObserver
from tests.support.bed import Bed

SOAKS = {"batch": {"size": "50%", "soak": "0s"}, "finalSoak": "0s", "maxSurge": 2}


def _apps() -> list[Manifest]:
    return [
        manifest
        for index in range(3)
        for manifest in (deployment(f"app-{index}", 8), budget(f"app-{index}", maxUnavailable=2))
    ]


def _restricted(manifest: Manifest) -> Manifest:
    """Fit for the operator's namespace, which enforces the restricted pod security standard."""
    spec = manifest["spec"]["template"]["spec"]
    spec["securityContext"] = {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in spec["containers"]:
        container["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
    return manifest


def _observer(bed: Bed) -> tuple[PodObserver, int]:
    source = {node["metadata"]["name"] for node in bed.nodes("workers")}
    observer = PodObserver(bed.plane.kubeconfig, source)
    return observer, observer.start()


def _pods_by_pool(bed: Bed) -> dict[str, int]:
    pools = {
        node["metadata"]["name"]: node["metadata"]["labels"]["kubernetes.azure.com/agentpool"]
        for node in json.loads(bed.kubectl("get", "nodes", "-o", "json"))["items"]
    }
    counts: dict[str, int] = {}
    for pod in json.loads(bed.kubectl("get", "pods", "-n", "default", "-o", "json"))["items"]:
        pool = pools.get(pod["spec"].get("nodeName", ""), "")
        counts[pool] = counts.get(pool, 0) + 1
    return counts


def test_rolling_moves_every_pod_once_within_its_surge(bed: Bed) -> None:
    bed.fill(_apps(), nodes=4)
    bed.start_aks()
    bed.start_operator()
    observer, expected = _observer(bed)
    bed.migrate(strategy=SOAKS | {"type": "Rolling"})
    most = 0

    def done() -> bool:
        nonlocal most
        most = max(most, len(bed.nodes("workers")) + len(bed.nodes("workersazl")))
        return bed.condition("Succeeded").get("status") == "True"

    bed.wait("Succeeded", done, patience=90)
    seen = observer.stop()
    assert (seen.moves, seen.second_moves, seen.violations) == (expected, 0, [])
    assert most <= 6
    assert bed.nodes("workers") == []
    assert len(bed.nodes("workersazl")) == 4
    assert set(bed.audit.evictions()) == {201}


def test_in_place_aks_changes_the_pool_and_we_name_what_it_waits_for(bed: Bed) -> None:
    stuck = budget("app-0", maxUnavailable=0)
    bed.fill([*_apps()[2:], deployment("app-0", 2), stuck], nodes=3)
    bed.start_aks()
    bed.start_operator()
    bed.migrate(strategy=SOAKS | {"type": "InPlace"}, preflight={"acknowledge": ["pdb.zero"]})
    bed.wait(
        "the blocker is named",
        lambda: (
            "app-0" in bed.status().get("message", "")
            and bed.status().get("step") == "UpdateInPlace"
        ),
    )
    assert bed.condition("DrainBlocked")["reason"] == "BudgetDeadlocked"
    bed.kubectl("patch", "pdb", "app-0", "--type=merge", "-p", '{"spec":{"maxUnavailable":1}}')
    bed.wait("Succeeded", lambda: bed.condition("Succeeded").get("status") == "True", patience=90)
    labels = [node["metadata"]["labels"] for node in bed.nodes("workers")]
    assert {label["kubernetes.azure.com/os-sku"] for label in labels} == {"AzureLinux"}
    assert len(labels) == 3
    assert bed.nodes("workersazl") == []


@pytest.mark.parametrize("how", ["token", "onFailure"])
def test_a_rollback_mid_drain_brings_everything_back(bed: Bed, how: str) -> None:
    bed.fill(_apps(), nodes=4)
    before = _pods_by_pool(bed)
    bed.start_aks()
    bed.start_operator()
    slow = SOAKS | {"batch": {"size": "50%", "soak": "10m"}}
    if how == "token":
        bed.migrate(strategy=slow)
        bed.wait_reason("BatchSoak")
        assert _pods_by_pool(bed) != before
        bed.kubectl("annotate", "azlm", "workers", "azlm.dev/rollback=1")
    else:
        whole = SOAKS | {"batch": {"size": "100%", "soak": "0s"}}
        bed.migrate(strategy=whole, drain={"timeout": "1s"}, onFailure="Rollback")
    bed.wait("rolled back", lambda: bed.status().get("phase") == "RolledBack", patience=90)
    assert bed.nodes("workersazl") == []
    nodes = bed.nodes("workers")
    assert len(nodes) == 4
    assert not any(node["spec"].get("unschedulable") for node in nodes)
    assert not any(
        name.startswith("azlm.dev/")
        for node in nodes
        for name in node["metadata"].get("annotations") or {}
    )
    bed.wait("every pod is back", lambda: _pods_by_pool(bed) == before)
    assert (
        bed.status()["rollback"]["reason"]
        == {
            "token": "Requested",
            "onFailure": "DrainTimedOut",
        }[how]
    )
    refused = Counter(
        request.name
        for request in bed.audit.requests()
        if request.resource == "pods/eviction" and request.code == 429
    )
    assert set(refused.values()) <= {1}
    assert set(refused) <= _turned_ready_on_the_way(bed)
    assert set(bed.audit.evictions()) <= {201, 429}


def _turned_ready_on_the_way(bed: Bed) -> set[str]:
    """Pods that became Ready less than 5 s before an eviction of theirs reached the API server.

    A rollback evicts replacements that are still starting. That takes no slot of their budget,
    unless they become Ready before the request is there: then the API server may refuse it once.
    """
    requests = list(bed.audit.requests())
    ready: dict[str, datetime] = {}
    for request in requests:
        if request.resource == "pods/status":
            ready.setdefault(request.name, datetime.fromisoformat(request.at))
    return {
        request.name
        for request in requests
        if request.resource == "pods/eviction"
        and request.name in ready
        and abs(datetime.fromisoformat(request.at) - ready[request.name]) < timedelta(seconds=5)
    }


def test_an_approval_is_waited_for(bed: Bed) -> None:
    bed.fill([deployment("web", 4)], nodes=2)
    bed.start_aks()
    bed.start_operator()
    bed.migrate(approval="BeforeDrain")
    bed.wait_reason("AwaitingApproval")
    assert "azlm.dev/approve=BeforeDrain" in bed.status()["message"]
    assert not any(node["spec"].get("unschedulable") for node in bed.nodes("workers"))
    bed.kubectl("annotate", "azlm", "workers", "azlm.dev/approve=BeforeDrain")
    bed.wait_done()


def test_the_operators_own_pod_leaves_last_and_its_successor_goes_on(bed: Bed) -> None:
    own = _restricted(deployment("azlm-self", 1, namespace="azlm-system"))
    bed.fill([deployment("web", 8), budget("web", maxUnavailable=2), own], nodes=3)
    listed = json.loads(bed.kubectl("get", "pods", "-n", "azlm-system", "-o", "json"))["items"]
    [name] = [pod["metadata"]["name"] for pod in listed]
    bed.start_aks()
    bed.start_operator(identity=name)
    bed.migrate(strategy=SOAKS | {"batch": {"size": "100%", "soak": "0s"}})

    def evicted() -> list[str]:
        return [
            request.name
            for request in bed.audit.requests()
            if request.resource == "pods/eviction" and request.code == 201
        ]

    bed.wait("its own pod is evicted", lambda: name in evicted())
    bed.kill_operator()
    assert evicted()[-1] == name, "the last of all"
    assert len(evicted()) == 9
    bed.wait(
        "a successor runs",
        lambda: "Running" in bed.kubectl("get", "pods", "-n", "azlm-system"),
    )
    bed.start_operator(identity="azlm-self-successor")
    bed.wait_done()
    assert len(evicted()) == 9, "each pod moved once, by both of them together"
    bed.try_kubectl("delete", "deployment", "azlm-self", "-n", "azlm-system")
