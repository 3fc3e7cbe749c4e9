"""Operator and migrations are removed in any order: no finalizer and no cordon is left."""

import json
import subprocess

import pytest

from testbed.fill.workloads import budget, deployment
from tests.support.bed import AZLM, ZERO, Bed

pytestmark = pytest.mark.cluster

MARKS = ("azlm.dev/cordoned-by", "azlm.dev/batch")


def uninstall(bed: Bed, *flags: str) -> "subprocess.CompletedProcess[str]":
    command = [
        *AZLM, "uninstall", "--yes", f"--kubeconfig={bed.plane.kubeconfig}",
        f"--arm-endpoint={bed.aks.url}", f"--subscription-id={ZERO}", "--resource-group=demo-rg",
        "--cluster-name=demo", *flags,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def draining(bed: Bed) -> None:
    """A drain that a budget holds up, so that it is under way at every step of a test."""
    bed.fill([deployment("web", 2), budget("web", maxUnavailable=0), deployment("api", 2)])
    bed.start_aks()
    bed.start_operator()
    bed.migrate(preflight={"acknowledge": ["pdb.zero"]})
    bed.wait_reason("DrainBlocked")
    assert all(node["spec"].get("unschedulable") for node in bed.nodes("workers"))


def assert_nothing_left(bed: Bed) -> None:
    assert json.loads(bed.kubectl("get", "azlm", "-o", "json"))["items"] == []
    for node in (*bed.nodes("workers"), *bed.nodes("workersazl")):
        assert not node["spec"].get("unschedulable"), node["metadata"]["name"]
        assert not set(MARKS) & set(node["metadata"].get("annotations") or {})
    assert bed.nodes("workers"), "no pool is deleted because a resource was"


def test_the_migrations_first(bed: Bed) -> None:
    draining(bed)
    bed.kubectl("delete", "azlm", "--all", "--timeout=60s")
    bed.stop_operator()
    assert_nothing_left(bed)


def test_both_at_once(bed: Bed) -> None:
    draining(bed)
    bed.kubectl("delete", "azlm", "--all", "--wait=false")
    bed.stop_operator()
    assert_nothing_left(bed)


def test_the_operator_first(bed: Bed) -> None:
    draining(bed)
    bed.kill_operator()
    bed.kubectl("delete", "azlm", "--all", "--wait=false")
    assert bed.status(), "nobody removes its finalizer"
    done = uninstall(bed)
    assert done.returncode == 0, done.stderr
    assert "workers: gone; both pools stay" in done.stdout
    assert_nothing_left(bed)


def test_the_command_beside_a_running_operator(bed: Bed) -> None:
    draining(bed)
    done = uninstall(bed)
    assert done.returncode == 0, done.stderr
    bed.stop_operator()
    assert_nothing_left(bed)


def test_marks_of_a_migration_whose_finalizer_was_removed_by_hand(bed: Bed) -> None:
    draining(bed)
    bed.kill_operator()
    bed.kubectl("cordon", bed.nodes("system")[0]["metadata"]["name"])
    bed.kubectl("delete", "azlm", "--all", "--wait=false")
    finalizers = '{"metadata":{"finalizers":null}}'
    bed.kubectl("patch", "azlm", "workers", "--type=merge", "-p", finalizers)
    done = uninstall(bed)
    assert done.returncode == 0, done.stderr
    assert "released; its migration was gone before" in done.stdout
    assert_nothing_left(bed)
    assert bed.nodes("system")[0]["spec"]["unschedulable"], "somebody else's cordon stays"
