"""`azlm preflight` against a real cluster and the simulated AKS: its output and its exit code."""

import json
import subprocess

from testbed.demo.preflight import check, troubled
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import budget, deployment
from tests.support.bed import AZLM, ZERO, Bed


def test_it_names_what_blocks_and_what_to_do_and_changes_nothing(bed: Bed) -> None:
    bed.fill(troubled(), nodes=3)
    done = check(bed.plane, locks=("keep",))
    assert done.returncode == 2, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["SEVERITY", "RULE", "FINDING"]
    for word in ("pdb.zero", "pod.selector-pool", "os.cert-path", "lock.policy", "→ "):
        assert word in done.stdout
    assert "blocked: 3 block" in done.stdout
    assert set(bed.audit.writes("azlm-testbed-admin")) == set(), "read-only"

    machine = check(bed.plane, "--output=json")
    report = json.loads(machine.stdout)
    assert (machine.returncode, report["blocked"]) == (2, 3)
    blocking = {finding["rule"] for finding in report["findings"] if finding["severity"] == "Block"}
    assert blocking == {"pdb.zero", "pod.selector-pool", "os.cert-path"}

    acknowledged = check(bed.plane, acknowledge=sorted(blocking))
    assert acknowledged.returncode == 0, acknowledged.stdout
    assert "clear to begin" in acknowledged.stdout


def test_what_it_cannot_read_is_reported_with_the_remedy(bed: Bed) -> None:
    done = check(bed.plane, "--context=nosuch")
    assert done.returncode == 1
    assert "nosuch" in done.stderr


def test_every_pool_is_checked_without_a_migration(bed: Bed) -> None:
    bed.fill([deployment("web", 2), budget("web", maxUnavailable=0)], nodes=2)
    apply(bed.plane.kubeconfig, pool_nodes("batch", 1, os_sku="Ubuntu"))
    server = bed.start_aks()
    where = (
        f"--kubeconfig={bed.plane.kubeconfig}",
        f"--arm-endpoint={server.url}",
        f"--subscription-id={ZERO}",
        "--resource-group=demo-rg",
        "--cluster-name=demo",
    )

    def preflight(*args: str) -> "subprocess.CompletedProcess[str]":
        command = [*AZLM, "preflight", *args, *where]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    pools = json.loads(preflight("--all-pools", "-o", "json").stdout)["pools"]
    assert sorted(pools) == ["batch", "workers"], "the system pool runs Azure Linux already"
    one = preflight("--pool=batch", "-o", "junit")
    assert (one.returncode, one.stdout.count("<testsuite ")) == (0, 1)
    assert preflight("--pool=workers").returncode == 2
    unknown = preflight("--pool=wokers")
    assert "there is no node pool wokers; there are: batch, system, workers" in unknown.stderr
    assert preflight("--pool=batch", "--all-pools").returncode == 64
