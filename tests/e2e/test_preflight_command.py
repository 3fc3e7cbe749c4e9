"""`azlm preflight` against a real cluster and the simulated AKS: its output and its exit code."""

import json

from testbed.demo.preflight import check, troubled
from tests.support.bed import Bed


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
