"""Bad input and missing permission: a clear condition and event, and nothing changed."""

from typing import Any

import pytest

from testbed.fill.workloads import deployment
from tests.support.bed import Bed

pytestmark = pytest.mark.cluster

SIZES = {"batch": {"size": "50%", "soak": "0s"}, "finalSoak": "0s"}


def _assert_untouched(bed: Bed) -> None:
    assert not any(node["spec"].get("unschedulable") for node in bed.nodes("workers"))
    assert not bed.audit.evictions()
    writes = [r for r in bed.aks.requests() if r["method"] != "GET" and r["status"] < 400]
    assert writes == []


def _assert_refused(bed: Bed, reason: str, *words: str) -> None:
    bed.wait_reason(reason)
    status = bed.status()
    assert bed.condition("Stalled")["status"] == "True"
    assert bed.condition("Reconciling")["status"] == "False"
    assert bed.condition("Succeeded")["status"] == "False"
    for word in words:
        assert word in status["message"]
    assert status["observedGeneration"] >= 1
    bed.wait(
        "an event",
        lambda: reason in bed.kubectl("get", "events", "-n", "default", "-o", "wide"),
    )
    _assert_untouched(bed)


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"source": {"nodePool": "nosuch"}}, "SourcePoolNotFound", ("nosuch", "workers")),
        ({"source": {"nodePool": "win"}}, "SourceNotLinux", ("win", "Windows")),
        (
            {"target": {"nodePool": "system"}},
            "TargetPoolExists",
            ("system", "spec.target.nodePool"),
        ),
        (
            {
                "target": {"osSKU": "AmigaOS"},
                "preflight": {"acknowledge": ["os.target-k8s"]},
            },
            "ParameterRefused",
            ("InvalidParameter",),
        ),
    ],
)
def test_a_spec_that_cannot_work_is_refused(
    bed: Bed, spec: dict[str, Any], reason: str, words: tuple[str, ...]
) -> None:
    bed.fill([deployment("web", 2)])
    from testbed.fill.command import apply
    from testbed.fill.nodes import pool_nodes

    apply(bed.plane.kubeconfig, pool_nodes("win", 1, os_sku="Windows2022"))
    bed.start_aks()
    bed.start_operator()
    bed.migrate(**spec)
    _assert_refused(bed, reason, *words)


def test_no_permission_in_azure(bed: Bed) -> None:
    bed.fill([deployment("web", 2)])
    bed.start_aks()
    refusal = {"kind": "Refuse", "status": 403, "code": "AuthorizationFailed", "message": "no."}
    bed.aks.inject([{"call": "PutPool", "effect": refusal, "times": 100}])
    bed.start_operator()
    bed.migrate()
    _assert_refused(bed, "AzureForbidden", "azure-role.md")


def test_no_permission_in_kubernetes(bed: Bed) -> None:
    bed.fill([deployment("web", 2)])
    role = bed.kubectl("get", "clusterrole", "azlm", "-o", "json")
    without = [
        {"op": "remove", "path": "/rules/4"},
    ]
    import json

    assert json.loads(role)["rules"][4]["resources"] == ["pods/eviction"]
    bed.kubectl("patch", "clusterrole", "azlm", "--type=json", "-p", json.dumps(without))
    try:
        bed.start_aks()
        bed.start_operator()
        bed.migrate()
        _assert_refused(bed, "KubernetesForbidden", "create pods/eviction", "ClusterRole")
    finally:
        rules = json.dumps(
            [{"op": "add", "path": "/rules/4", "value": json.loads(role)["rules"][4]}]
        )
        bed.kubectl("patch", "clusterrole", "azlm", "--type=json", "-p", rules)
