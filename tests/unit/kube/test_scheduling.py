"""Where a pod may land, out of its JSON, and what of the forecast reports as left out."""

import json
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.kube.pod_spec import PodSpec
from azure_linux_migrator.kube.scheduling import scheduling, unmodelled
from azure_linux_migrator.kube.snapshot import read_cluster
from azure_linux_migrator.model.cluster import Owner
from azure_linux_migrator.model.scheduling import (
    NodeTerm,
    PodTerm,
    SchedulingConstraints,
    Toleration,
    TopologySpread,
)
from azure_linux_migrator.model.selectors import Requirement, Selector

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
HOST = "kubernetes.io/hostname"
LABELS = {"app": "web", "rev": "7"}
WEB = {"matchLabels": {"app": "web"}}
OF_WEB = Selector((("app", "web"),))
DAEMON = Owner("DaemonSet", "agent", "u")
ELSEWHERE = {"namespaceSelector": {"matchLabels": {"team": "x"}}}


def decoded(spec: dict[str, Any]) -> PodSpec:
    return msgspec.json.decode(json.dumps(spec), type=PodSpec)


def nodes(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}}


def pods(kind: str, **term: Any) -> dict[str, Any]:
    return {"affinity": {kind: {REQUIRED: [{"topologyKey": HOST, **term}]}}}


def spread(**constraint: Any) -> dict[str, Any]:
    whole = {"topologyKey": HOST, "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}
    return {"topologySpreadConstraints": [whole | constraint]}


NAMED = {"key": "metadata.name", "operator": "In", "values": ["n-1"]}
LARGER = {"key": "size", "operator": "Gt", "values": ["8"]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, SchedulingConstraints()),
        (
            {"nodeSelector": {"b": "1", "a": "2"}},
            SchedulingConstraints(selector=(("a", "2"), ("b", "1"))),
        ),
        (
            nodes({"matchExpressions": [LARGER], "matchFields": [NAMED]}, {}),
            SchedulingConstraints(
                terms=(
                    NodeTerm(
                        (Requirement("size", "Gt", ("8",)),),
                        (Requirement("metadata.name", "In", ("n-1",)),),
                    ),
                    NodeTerm(),
                )
            ),
        ),
        (
            {"tolerations": [{"operator": "Exists"}]},
            SchedulingConstraints(tolerations=(Toleration(operator="Exists"),)),
        ),
        (
            pods("podAffinity", labelSelector=WEB),
            SchedulingConstraints(near=(PodTerm(HOST, OF_WEB),)),
        ),
        (
            pods("podAntiAffinity", labelSelector=WEB, namespaces=["b", "a"]),
            SchedulingConstraints(apart=(PodTerm(HOST, OF_WEB, ("a", "b")),)),
        ),
        (
            pods("podAntiAffinity", labelSelector=WEB, namespaceSelector={}),
            SchedulingConstraints(apart=(PodTerm(HOST, OF_WEB, None),)),
        ),
        (pods("podAffinity"), SchedulingConstraints(near=(PodTerm(HOST),))),
        (pods("podAffinity", labelSelector=WEB, **ELSEWHERE), SchedulingConstraints()),
        (
            pods("podAffinity", labelSelector=WEB, matchLabelKeys=["rev", "none"]),
            SchedulingConstraints(
                near=(PodTerm(HOST, Selector(OF_WEB.equal, (Requirement("rev", "In", ("7",)),))),)
            ),
        ),
        (
            pods("podAntiAffinity", labelSelector=WEB, mismatchLabelKeys=["rev"]),
            SchedulingConstraints(
                apart=(
                    PodTerm(HOST, Selector(OF_WEB.equal, (Requirement("rev", "NotIn", ("7",)),))),
                )
            ),
        ),
        (
            {"affinity": {"podAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": {}}]}}},
            SchedulingConstraints(),
        ),
        (
            spread(labelSelector=WEB, maxSkew=2),
            SchedulingConstraints(spread=(TopologySpread(HOST, OF_WEB, 2),)),
        ),
        (spread(labelSelector=WEB, whenUnsatisfiable="ScheduleAnyway"), SchedulingConstraints()),
        (
            spread(minDomains=3, nodeAffinityPolicy="Ignore", nodeTaintsPolicy="Honor"),
            SchedulingConstraints(
                spread=(
                    TopologySpread(
                        HOST, None, 1, min_domains=3, honor_affinity=False, honor_taints=True
                    ),
                )
            ),
        ),
    ],
)
def test_where_a_pod_may_land(spec: dict[str, Any], expected: SchedulingConstraints) -> None:
    assert scheduling(decoded(spec), LABELS, None) == expected


def test_the_node_of_one_daemon_is_no_rule_for_the_others() -> None:
    pinned = decoded(nodes({"matchFields": [NAMED]}))
    assert scheduling(pinned, LABELS, DAEMON) == SchedulingConstraints()
    assert scheduling(pinned, LABELS, None).terms == (
        NodeTerm(fields=(Requirement("metadata.name", "In", ("n-1",)),)),
    )


PORT = {"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"schedulerName": "default-scheduler", "priority": 0}, []),
        (pods("podAffinity", namespaceSelector={}), []),
        (pods("podAffinity", **ELSEWHERE), ["podAffinity with a namespaceSelector"]),
        (pods("podAntiAffinity", **ELSEWHERE), ["podAntiAffinity with a namespaceSelector"]),
        (
            {"schedulerName": "volcano"},
            ["another scheduler (schedulerName)"],
        ),
        (
            {"priority": 1000, "priorityClassName": "high"},
            ["a priority that may displace others (preemption)"],
        ),
        ({"priority": 1000, "preemptionPolicy": "Never"}, []),
        ({"priority": 2_000_000_000, "priorityClassName": "system-cluster-critical"}, []),
        ({"resourceClaims": [{"name": "gpu"}]}, ["ResourceClaims"]),
        ({"schedulingGates": [{"name": "g"}]}, ["schedulingGates"]),
        (PORT, ["a hostPort"]),
        (
            {"tolerations": [{"key": "k", "operator": "Gt", "value": "1"}]},
            ["a toleration with Gt or Lt"],
        ),
        (spread(labelSelector=WEB, minDomains=2, matchLabelKeys=["rev"]), []),
    ],
)
def test_what_is_not_modelled(spec: dict[str, Any], expected: list[str]) -> None:
    assert list(unmodelled(decoded(spec), None, mirror=False)) == expected
    assert list(unmodelled(decoded(spec), DAEMON, mirror=False)) == []
    assert list(unmodelled(decoded(spec), None, mirror=True)) == []


class ListedCluster:
    """Answers lists: of pods these, one node, of all else none."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
        spec = {"taints": [taint], "providerID": "azure:///x", "unschedulable": True}
        self._items = {
            "/api/v1/pods": pods,
            "/api/v1/nodes": ({"metadata": {"name": "n-1"}, "spec": spec},),
        }

    async def request(self, method: str, path: str, **_: Any) -> bytes:
        items = self._items.get(path, ())
        return json.dumps({"metadata": {}, "items": items}).encode()


def a_pod(number: int, spec: dict[str, Any], phase: str = "Running") -> dict[str, Any]:
    meta = {"name": f"p-{number}", "namespace": "d", "uid": f"u-{number}", "labels": LABELS}
    return {"metadata": meta, "spec": spec, "status": {"phase": phase}}


async def test_a_snapshot_lists_what_is_left_out_a_line_for_each() -> None:
    apart = pods("podAntiAffinity", labelSelector=WEB)
    specs: list[dict[str, Any]] = [PORT, PORT, {"resourceClaims": [{"name": "gpu"}]}, apart]
    done = a_pod(9, PORT, "Succeeded")
    cluster = ListedCluster(done, *(a_pod(at, spec) for at, spec in enumerate(specs)))
    snapshot = await read_cluster(cluster, 1.0)  # type: ignore[arg-type]
    assert snapshot.unseen == [
        "scheduling: 1 pod uses ResourceClaims, which the forecast does not model",
        "scheduling: 2 pods use a hostPort, which the forecast does not model",
    ]
    assert snapshot.scheduling["u-3"] == SchedulingConstraints(apart=(PodTerm(HOST, OF_WEB),))
    assert snapshot.taints == {"n-1": ["gpu=yes:NoSchedule"]}
    assert [node.unschedulable for node in snapshot.nodes] == [True]
