"""Order, deadlocks, deadlines and singletons, on the real control plane."""

import json
from typing import Any

from testbed.fill.workloads import Manifest, budget, deployment
from tests.support.bed import Bed
from tests.support.self_heal import SelfHeal

ROOT = "deploy/kustomize/components"


def _component(bed: Bed, name: str) -> None:
    bed.kubectl("apply", "-f", f"{ROOT}/{name}/rbac.yaml")


def _started(
    bed: Bed, workloads: list[Manifest], acknowledge: tuple[str, ...] = (), **drain: Any
) -> None:
    bed.fill(workloads)
    bed.start_aks()
    bed.start_operator()
    strategy = {"batch": {"size": "100%", "soak": "0s"}, "finalSoak": "0s"}
    bed.migrate(drain=drain, strategy=strategy, preflight={"acknowledge": [*acknowledge]})


def _evicted(bed: Bed) -> list[str]:
    return [
        request.name
        for request in bed.audit.requests()
        if request.resource == "pods/eviction" and request.code == 201
    ]


def test_pods_leave_in_the_order_of_the_rules(bed: Bed) -> None:
    rule = {"selector": {"matchLabels": {"app": "first"}}, "order": -1}
    apps = [deployment("first", 4), budget("first", maxUnavailable=2), deployment("second", 4)]
    _started(bed, apps, order=[rule])
    bed.wait_done()
    order = [name.split("-")[0] for name in _evicted(bed)]
    assert order == ["first"] * 4 + ["second"] * 4


def test_a_deadlock_is_reported_before_any_eviction_and_goes_when_it_is_fixed(
    bed: Bed,
) -> None:
    _started(bed, [deployment("web", 2), budget("web", maxUnavailable=0), deployment("api", 2)])
    bed.wait_reason("BudgetDeadlocked", "DrainBlocked")
    [blocker] = bed.status()["blockers"]
    assert (blocker["kind"], blocker["name"], blocker["pods"]) == ("PodDisruptionBudget", "web", 2)
    assert "2 of 2 pods healthy, 2 needed" in blocker["message"]
    assert "let the budget allow" in blocker["remedy"]
    field = "involvedObject.kind=PodDisruptionBudget"
    bed.wait(
        "an event on the budget",
        lambda: "BudgetDeadlocked" in bed.kubectl("get", "events", "-A", "--field-selector", field),
    )
    bed.kubectl("patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"maxUnavailable":1}}')
    bed.wait_done()
    assert bed.status().get("blockers", []) == []
    assert set(bed.audit.evictions()) == {201}


def test_force_deletes_what_is_left_when_the_time_is_over(bed: Bed) -> None:
    _component(bed, "force")
    apps = [deployment("web", 2), budget("web", maxUnavailable=0), deployment("api", 2)]
    _started(bed, apps, timeout="4s", onTimeout="Force")
    bed.wait_done()
    assert bed.status()["pods"]["forced"] == 2
    assert all(name.startswith("api-") for name in _evicted(bed))
    assert "DrainForced" in bed.kubectl("get", "events", "-A", "-o", "wide")


def test_a_rollback_uncordons_and_stays_until_the_spec_changes(bed: Bed) -> None:
    _started(
        bed,
        [deployment("web", 2), budget("web", maxUnavailable=0)],
        acknowledge=("pdb.zero",),
        timeout="3s",
        onTimeout="Rollback",
    )
    bed.wait_reason("RolledBack")
    bed.wait(
        "uncordoned",
        lambda: not any(node["spec"].get("unschedulable") for node in bed.nodes("workers")),
    )
    assert bed.status()["phase"] == "RolledBack"
    assert bed.status()["rollback"]["reason"] == "DrainTimedOut"
    assert _evicted(bed) == []
    bed.kubectl("patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"maxUnavailable":1}}')
    bed.kubectl(
        "patch", "azlm", "workers", "--type=merge", "-p", '{"spec":{"drain":{"timeout":"5m"}}}'
    )
    bed.wait_done()


def test_singletons_are_surged_and_never_evicted(bed: Bed) -> None:
    _component(bed, "surge")
    plain = deployment("plain", 1)
    plain["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    recreate = deployment("again", 1)
    recreate["spec"]["strategy"] = {"type": "Recreate"}
    apps = [deployment("solo", 1), budget("solo", maxUnavailable=0), plain, recreate]
    _started(bed, apps, singletons="SurgeFirst")
    bed.wait_done()
    assert [name.split("-")[0] for name in _evicted(bed)] == ["again"]
    for name in ("solo", "plain"):
        replicas = bed.kubectl("get", "deployment", name, "-o", "jsonpath={.spec.replicas}")
        assert replicas == "1"
        assert "azlm.dev/surge" not in bed.kubectl("get", "deployment", name, "-o", "yaml")


def test_nothing_more_is_evicted_while_a_replacement_finds_no_node(bed: Bed) -> None:
    picky = deployment("picky", 4)
    expression = {
        "key": "kubernetes.azure.com/os-sku",
        "operator": "NotIn",
        "values": ["AzureLinux"],
    }
    picky["spec"]["template"]["spec"]["affinity"] = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [expression]}]
            }
        }
    }
    apps = [picky, budget("picky", maxUnavailable=1), deployment("web", 2)]
    _started(bed, apps, acknowledge=("pod.selector-pool",))
    bed.wait_reason("ReplacementsUnschedulable")
    assert bed.status()["phase"] == "Blocked"
    assert "node affinity" in bed.status()["message"]
    assert len([name for name in _evicted(bed) if name.startswith("picky")]) == 1
    remove = '[{"op":"remove","path":"/spec/template/spec/affinity"}]'
    bed.kubectl("patch", "deployment", "picky", "--type=json", "-p", remove)
    bed.wait_done()


def test_a_pod_held_by_a_finalizer_is_distinguished_from_a_blocked_one(bed: Bed) -> None:
    held = deployment("held", 1)
    held["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
    bed.fill([held])
    [pod] = bed.kubectl("get", "pods", "-n", "default", "-o", "name").split()
    patch = ("patch", pod, "-n", "default", "--type=merge", "-p")
    bed.kubectl(*patch, '{"metadata":{"finalizers":["example.com/hold"]}}')
    try:
        bed.start_aks()
        bed.start_operator()
        bed.migrate()
        bed.wait(
            "reported a minute after its grace is over",
            lambda: "StuckTerminating" in str(bed.status().get("blockers", "")),
            patience=100,
        )
        [blocker] = bed.status()["blockers"]
        assert (blocker["cause"], blocker["kind"]) == ("StuckTerminating", "Pod")
    finally:
        bed.kubectl(*patch, '{"metadata":{"finalizers":null}}')
    bed.wait_done()


def test_prefetch_lets_an_idle_budget_work_outside_the_batch(bed: Bed) -> None:
    slow = deployment("slow", 4, annotations={"delete-ms": "15000ms"})
    slow["spec"]["template"]["spec"]["topologySpreadConstraints"] = [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "slow"}},
        }
    ]
    apps = [slow, budget("slow", maxUnavailable=1), deployment("web", 8)]
    bed.fill([*apps, budget("web", maxUnavailable=2)], nodes=4)
    bed.start_aks()
    bed.start_operator()
    strategy = {"batch": {"size": 1, "soak": "0s"}, "finalSoak": "0s"}
    bed.migrate(strategy=strategy, drain={"prefetch": True})
    bed.wait(
        "the other budget's pods all left while the first batch ends slowly",
        lambda: len([name for name in _evicted(bed) if name.startswith("web")]) == 8,
    )
    batch = bed.status()["batch"]
    assert (batch["index"], batch.get("drainedAt")) == (1, None)
    assert set(bed.audit.evictions()) == {201}


def test_a_tool_that_heals_the_scale_costs_no_pod(bed: Bed) -> None:
    _component(bed, "surge")
    surging, replacing = deployment("surging", 1), deployment("replacing", 1)
    surging["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "shop:apps/x"}
    replacing["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    with SelfHeal(bed) as heal:
        _started(bed, [surging, replacing], singletons="SurgeFirst")
        bed.wait_reason("SurgeUndone", "DrainBlocked")
        assert heal.reverted == ["replacing"]
        [blocker] = bed.status()["blockers"]
        assert "sets the replicas of Deployment default/replacing" in blocker["message"]
        strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        patch = json.dumps({"spec": {"strategy": strategy}})
        bed.kubectl("patch", "deployment", "replacing", "--type=merge", "-p", patch)
        bed.wait_done()
        assert heal.reverted == ["replacing"]
    assert _evicted(bed) == []
