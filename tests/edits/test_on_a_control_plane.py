"""A sample of the edits on the real control plane, whose API server refuses what is invalid."""

import json
from typing import Any

import pytest

from testbed.fill.workloads import budget, deployment
from tests.support.bed import Bed
from tests.support.spec_edits import INVALID, VALID, edited

pytestmark = pytest.mark.cluster

MARKS = ("azlm.dev/cordoned-by", "azlm.dev/batch")
SOAKS: dict[str, Any] = {"batch": {"size": 1, "soak": "0s"}, "finalSoak": "0s", "maxSurge": 1}
PATIENCE = 120.0
"""Seconds: an approval comes after a whole drain."""
ENDS = {"paused", "mode"}
"""Fields that would stop the migration, or are at their value already."""


def _patch(bed: Bed, path: str, value: Any) -> str:
    spec = edited({}, path, value)
    patch = json.dumps({"spec": spec})
    return bed.try_kubectl("patch", "azlm", "workers", "--type=merge", "-p", patch)


def _begin(bed: Bed, kind: str, **spec: Any) -> None:
    bed.patience = PATIENCE
    bed.fill([deployment("web", 4), budget("web", maxUnavailable=1)], nodes=2)
    bed.start_aks()
    bed.start_operator()
    bed.migrate(strategy=SOAKS | {"type": kind}, **spec)


def _is_consistent(bed: Bed) -> None:
    """The operator has seen the last generation, and reports one state."""
    generation = json.loads(bed.kubectl("get", "azlm", "workers", "-o", "json"))["metadata"]
    seen = generation["generation"]
    bed.wait("the generation is seen", lambda: bed.status().get("observedGeneration") == seen)
    conditions = {c["type"]: c["status"] for c in bed.status()["conditions"]}
    true = [kind for kind in ("Ready", "Reconciling", "Stalled") if conditions[kind] == "True"]
    assert len(true) == 1, conditions
    assert "Traceback" not in bed.log()


def _is_clean(bed: Bed) -> None:
    for pool in ("workers", "workersazl"):
        for node in bed.nodes(pool):
            assert not node["spec"].get("unschedulable"), node["metadata"]["name"]
            assert not set(MARKS) & set(node["metadata"].get("annotations") or {})


@pytest.mark.parametrize("kind", ["BlueGreen", "Rolling"])
def test_edits_while_an_approval_is_waited_for(bed: Bed, kind: str) -> None:
    _begin(bed, kind, approval="BeforeRetire", sourcePool="Keep")
    bed.wait_reason("AwaitingApproval")
    for path, value in INVALID.items():
        answer = _patch(bed, path, value)
        if path != "preflight.acknowledge":  # known to preflight, not to the schema
            assert "invalid" in answer.lower() or "Error" in answer, f"{path}: {answer}"
    before = json.loads(bed.kubectl("get", "azlm", "workers", "-o", "json"))["spec"]
    assert before["approval"] == "BeforeRetire"
    for path, value in VALID.items():
        if path not in ENDS and not path.startswith(("target.", "sourcePool", "approval")):
            answer = _patch(bed, path, value)
            assert "patched" in answer, f"{path}: {answer}"
    _is_consistent(bed)
    node = bed.nodes("workers")[0]["metadata"]["name"]
    bed.kubectl("annotate", "node", node, *(f"{mark}-" for mark in MARKS))
    bed.kubectl("uncordon", node)
    _is_consistent(bed)
    bed.migrate("rival", strategy=SOAKS)
    bed.wait(
        "the rival is refused", lambda: bed.condition("Stalled", "rival").get("status") == "True"
    )
    bed.kubectl("delete", "azlm", "rival", "--timeout=30s")
    _is_consistent(bed)
    bed.kubectl("delete", "azlm", "workers", "--timeout=60s")
    _is_clean(bed)


def test_a_finalizer_that_is_taken_off_in_the_middle(bed: Bed) -> None:
    bed.patience = PATIENCE
    bed.fill([deployment("web", 2), budget("web", maxUnavailable=0)], nodes=2)
    bed.start_aks()
    bed.start_operator()
    spec: dict[str, Any] = {"preflight": {"acknowledge": ["pdb.zero"]}, "strategy": SOAKS}
    bed.migrate(**spec)
    bed.wait_reason("DrainBlocked")
    bed.kubectl("delete", "azlm", "workers", "--wait=false")
    finalizers = '{"metadata":{"finalizers":null}}'
    bed.try_kubectl("patch", "azlm", "workers", "--type=merge", "-p", finalizers)
    bed.wait("it is gone", lambda: "NotFound" in bed.try_kubectl("get", "azlm", "workers"))
    bed.migrate(**spec)
    bed.wait_reason("DrainBlocked")
    patch = '{"spec":{"maxUnavailable":1}}'
    bed.kubectl("patch", "pdb", "web", "--type=merge", "-p", patch)
    bed.wait_done()


def test_edits_of_a_pool_that_aks_changes_itself(bed: Bed) -> None:
    _begin(bed, "InPlace", approval="BeforeDrain")
    bed.wait_reason("AwaitingApproval")
    answer = _patch(bed, "target.vmSize", "Standard_D8s_v5")
    assert "only spec.target.osSKU and spec.target.securityProfile can be given" in answer
    for path in ("drain.timeout", "strategy.finalSoak", "preflight.acknowledge"):
        assert "patched" in _patch(bed, path, VALID[path])
    _is_consistent(bed)
    bed.kubectl("annotate", "azlm", "workers", "azlm.dev/approve=BeforeDrain")
    bed.wait_done()
    bed.kubectl("delete", "azlm", "workers", "--timeout=60s")
    _is_clean(bed)
