"""azlm plan, azlm snapshot and spec.mode: Plan on the real control plane: correct, and
read-only."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import yaml

from testbed.demo.plan import SPEC, azlm_plan
from testbed.fill.workloads import Manifest, budget, deployment, statefulset
from testbed.kubectl import kubectl
from tests.support.bed import AZLM, Bed

CALM: dict[str, Any] = {"batch": {"size": "100%", "soak": "0s"}, "finalSoak": "0s"}
READS = {"get", "list", "watch"}
VIEWER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: viewer, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: viewer}
rules:
- {apiGroups: [""], resources: [nodes, pods, services], verbs: [list]}
- {apiGroups: [apps], resources: ["*"], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: viewer}
subjects: [{kind: ServiceAccount, name: viewer, namespace: default}]
"""


def _workloads() -> list[Manifest]:
    return [
        *(deployment("web", 6), budget("web", maxUnavailable=2)),
        *(statefulset("db", 2), budget("db", maxUnavailable=1)),
    ]


def _cordoned(bed: Bed) -> list[str]:
    return [n["metadata"]["name"] for n in bed.nodes("workers") if n["spec"].get("unschedulable")]


def test_a_forecast_is_printed_drawn_and_changes_nothing(bed: Bed, tmp_path: Path) -> None:
    bed.fill(_workloads(), nodes=4)
    bed.start_aks()
    picture = tmp_path / "plan.svg"
    done = azlm_plan(bed.plane.kubeconfig, bed.aks.url, f"--timeline={picture}")
    assert done.returncode == 0, done.stderr
    assert "node pool workers (4 nodes) to workersazl (AzureLinux)" in done.stdout
    assert "8 move" in done.stdout
    assert "set by PodDisruptionBudget default/" in done.stdout
    assert "batch 100% instead of 10%" in done.stdout
    assert ET.parse(picture).getroot().tag.endswith("svg")
    report = json.loads(azlm_plan(bed.plane.kubeconfig, bed.aks.url, "-ojson", "--runs=2").stdout)
    assert (report["blocked"], report["runs"], report["typical"]["evictions"]) == (False, 2, 8)
    same = yaml.safe_load(azlm_plan(bed.plane.kubeconfig, bed.aks.url, "-oyaml").stdout)
    assert same["podSummary"] == report["podSummary"]
    listed = {
        (workload["kind"], workload["name"]): workload
        for workload in report["podSummary"]["workloads"]
    }
    assert (listed["Deployment", "web"]["disposition"], listed["Deployment", "web"]["pods"]) == (
        "move",
        6,
    )
    assert report["typical"]["limitedBy"].startswith("PodDisruptionBudget default/")
    assert _cordoned(bed) == []
    assert {call["method"] for call in bed.aks.requests()} == {"GET"}


def test_a_migration_that_would_be_blocked_exits_with_2(bed: Bed) -> None:
    bed.fill([deployment("web", 2), budget("web", maxUnavailable=0)], nodes=2)
    bed.start_aks()
    done = azlm_plan(bed.plane.kubeconfig, bed.aks.url)
    assert done.returncode == 2
    assert "blocked in Preflight" in done.stdout
    assert "pdb.zero: PodDisruptionBudget default/web" in done.stdout
    acknowledgement = {"acknowledge": ["pdb.zero"]}
    later = azlm_plan(bed.plane.kubeconfig, bed.aks.url, preflight=acknowledgement)
    assert later.returncode == 2
    assert "PodDisruptionBudget default/web allows 0" in later.stdout


def test_what_may_not_be_read_is_named(bed: Bed) -> None:
    bed.fill(_workloads(), nodes=2)
    bed.start_aks()
    bed.kubectl("apply", "-f", "-", stdin=VIEWER)
    viewer = bed.plane.service_account_kubeconfig("default", "viewer")
    done = azlm_plan(viewer, bed.aks.url)
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines() if "Not seen" in line]
    assert any("poddisruptionbudgets" in line for line in lines)
    assert any("persistentvolumes" in line for line in lines)
    user = "system:serviceaccount:default:viewer"
    verbs = {request.verb for request in bed.audit.requests() if request.user == user}
    assert verbs <= READS
    bed.kubectl("delete", "clusterrole/viewer", "clusterrolebinding/viewer")


def test_a_pool_that_is_not_there_and_a_file_that_is_none(bed: Bed, tmp_path: Path) -> None:
    bed.fill([deployment("web", 1)], nodes=1)
    bed.start_aks()
    done = azlm_plan(bed.plane.kubeconfig, bed.aks.url, source={"nodePool": "nosuch"})
    assert done.returncode == 1
    assert "node pool nosuch (spec.source.nodePool) does not exist" in done.stderr
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    done = azlm_plan(bed.plane.kubeconfig, bed.aks.url, f"--snapshot={broken}")
    assert done.returncode == 1
    assert "is no snapshot made by azlm snapshot" in done.stderr


def test_a_saved_snapshot_is_forecast_without_the_cluster(bed: Bed, tmp_path: Path) -> None:
    bed.fill(_workloads(), nodes=2)
    bed.start_aks()
    file, saved = tmp_path / "m.json", tmp_path / "snapshot.json.gz"
    file.write_text(json.dumps(SPEC))
    connection = [f"--kubeconfig={bed.plane.kubeconfig}", f"--arm-endpoint={bed.aks.url}"]
    command = [*AZLM, "snapshot", "-f", str(file), "-o", str(saved), "--redact", *connection]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("3 nodes, 8 pods, 2 budgets")
    done = subprocess.run(
        [*AZLM, "plan", "-f", str(file), "--snapshot", str(saved)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"KUBECONFIG": "/nonexistent"},
    )
    assert done.returncode == 0, done.stderr
    assert "8 move" in done.stdout


def test_mode_plan_writes_a_forecast_and_nothing_else_until_it_is_run(bed: Bed) -> None:
    bed.fill(_workloads(), nodes=2)
    bed.start_aks()
    bed.start_operator()
    bed.migrate(mode="Plan", strategy=CALM)
    bed.wait_reason("Planned")
    status = bed.status()
    assert (status["phase"], status["forecast"]["podsMoving"]) == ("Planned", 8)
    assert status["forecast"]["seconds"] > 0
    assert status["forecast"]["limitedBy"].startswith("PodDisruptionBudget default/")
    assert bed.condition("Ready")["status"] == "True"
    assert bed.condition("Succeeded")["status"] == "Unknown"
    assert _cordoned(bed) == []
    assert {call["method"] for call in bed.aks.requests()} == {"GET"}
    assert not bed.audit.evictions()
    kubectl(
        bed.plane.kubeconfig,
        *("patch", "azlm", "workers", "--type=merge", "-p", '{"spec":{"mode":"Run"}}'),
    )
    bed.wait_done()
    refused = bed.try_kubectl(
        *("patch", "azlm", "workers", "--type=merge", "-p", '{"spec":{"mode":"Plan"}}')
    )
    assert "spec.mode cannot go back to Plan" in refused
