"""`azlm status`, `list`, `blockers`, `history` and `wait` beside a running operator."""

import json
import subprocess
import tarfile
from pathlib import Path

from testbed.fill.workloads import budget, deployment
from tests.support.bed import AZLM, Bed


def azlm(bed: Bed, *args: str) -> "subprocess.CompletedProcess[str]":
    command = [*AZLM, *args, f"--kubeconfig={bed.plane.kubeconfig}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def _a_report_names_nothing(bed: Bed, directory: Path) -> None:
    """The bundle of a blocked migration: what is wrong is in it, and no name of the cluster."""
    file = directory / "report.tar.gz"
    report = azlm(bed, "report", "-o", str(file), "--no-plan")
    assert report.returncode == 0, report.stderr
    with tarfile.open(file) as bundle:
        files = {
            member.name.rpartition("/")[2]: content.read().decode()
            for member in bundle
            if (content := bundle.extractfile(member)) is not None
        }
    assert {"README.txt", "migration.yaml", "history.txt", "nodes.json", "snapshot.json"} <= set(
        files
    )
    assert "BudgetDeadlocked" in files["migration.yaml"]
    assert "DrainBlocked" in files["history.txt"]
    assert "operator.log: no pod" in files["README.txt"], "it runs outside the cluster here"
    names = {"default/web", "default/api"}
    for name, text in files.items():
        assert not [word for word in names if word in text], name
    assert "default/web" not in files["migration.yaml"]


def test_a_blocked_migration_is_shown_with_its_remedy_and_followed_to_its_end(
    bed: Bed, tmp_path: Path
) -> None:
    bed.fill([deployment("web", 2), budget("web", maxUnavailable=0), deployment("api", 2)])
    bed.start_aks()
    bed.start_operator()
    bed.migrate(preflight={"acknowledge": ["pdb.zero"]})
    bed.wait("the drain is blocked", lambda: "● Drain" in azlm(bed, "status").stdout)

    blocked = azlm(bed, "status", "workers")
    assert blocked.returncode == 2, blocked.stderr
    for word in (
        "workers → workersazl",
        "● Drain",
        "batch 1: 2 nodes",
        "BudgetDeadlocked",
        "→ let",
    ):
        assert word in blocked.stdout
    assert "\x1b" not in blocked.stdout, "no colour where there is no terminal"
    assert azlm(bed, "wait", "--for=drained").returncode == 2, "somebody has to act"

    header, line = azlm(bed, "list").stdout.splitlines()
    assert header.startswith("NAME")
    assert line.startswith("workers  workers → workersazl")
    listed = azlm(bed, "list", "-o", "json")
    [migration] = json.loads(listed.stdout)
    assert (migration["name"], migration["verdict"]) == ("workers", "waiting")
    shown = azlm(bed, "blockers", "-o", "json")
    assert [blocker["cause"] for blocker in json.loads(shown.stdout)] == ["BudgetDeadlocked"]

    _a_report_names_nothing(bed, tmp_path)

    bed.kubectl("patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"maxUnavailable":1}}')
    waited = azlm(bed, "wait", "--for=end", "--timeout=60")
    assert (waited.returncode, waited.stdout.split(":")[1].strip()) == (0, "Succeeded")
    done = azlm(bed, "status", "-w")
    assert done.returncode == 0
    assert "✓ HandOverAutoscaler" in done.stdout
    past = azlm(bed, "history", "-o", "json").stdout
    assert "Succeeded=True Succeeded" in past
    assert "let the budget allow" in past

    unknown = azlm(bed, "status", "wokers")
    assert "has no AzureLinuxMigration wokers; there are: workers" in unknown.stderr

    bed.kubectl("delete", "azlm", "workers")
    nothing = azlm(bed, "status")
    assert (nothing.returncode, nothing.stderr.strip()) == (1, "azlm: there is no migration")


def strip(bed: Bed) -> None:
    """Remove what Git does not have, as Flux does at its next sync."""
    words = ["pause", "resume", "abort", "rollback", "approve", "retry"]
    bed.kubectl("annotate", "azlm", "workers", *(f"azlm.dev/{word}-" for word in words))


def test_words_of_an_admin_hold_though_a_gitops_tool_removes_them(bed: Bed) -> None:
    bed.fill([deployment("web", 4), budget("web", maxUnavailable=1)])
    bed.start_aks()
    bed.start_operator()
    bed.migrate(approval="BeforeDrain")
    bed.wait_reason("AwaitingApproval")
    assert azlm(bed, "wait").returncode == 2
    retry = azlm(bed, "retry")
    assert retry.returncode == 0, retry.stderr

    paused = azlm(bed, "pause")
    assert "workers: Paused: paused since" in paused.stdout, paused.stderr
    strip(bed)
    approved = azlm(bed, "approve", "workers")
    assert approved.returncode == 0, approved.stderr
    strip(bed)
    assert bed.status()["phase"] == "Paused"
    assert not bed.audit.evictions()

    refused = azlm(bed, "abort")
    assert (refused.returncode, bed.status()["phase"]) == (1, "Paused"), "nobody has confirmed it"
    aborted = azlm(bed, "abort", "--yes")
    assert "workers: Aborted: stopped by azlm.dev/abort" in aborted.stdout, aborted.stderr
    strip(bed)
    assert azlm(bed, "status").returncode == 1
    assert not any(node["spec"].get("unschedulable") for node in bed.nodes("workers"))
    late = azlm(bed, "pause")
    assert (late.returncode, late.stderr) == (1, "azlm: workers has ended: Aborted\n")

    assert azlm(bed, "retry").returncode == 0
    strip(bed)
    bed.wait_reason("AwaitingApproval")
    assert azlm(bed, "approve").returncode == 0
    strip(bed)
    bed.wait_done()
