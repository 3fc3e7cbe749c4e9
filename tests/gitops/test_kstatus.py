"""kstatus's own library, with which Flux judges resources, on statuses that the operator writes."""

import json
import subprocess
from typing import Any

import pytest

from testbed.binaries import KSTATUS, ensure_built
from tests.support.gitops.states import STATES


@pytest.mark.parametrize("state", STATES)
def test_kstatus_and_the_health_script_agree(state: str) -> None:
    body, health = STATES[state]
    expected = {"Healthy": "Current", "Degraded": "Failed"}.get(health, "InProgress")
    # kstatus takes a resource without a status for done: the shipped health checks do not.
    others = {"new": "Current", "being deleted": "Terminating"}
    assert kstatus(body) == others.get(state, expected)


def test_a_status_of_an_older_generation_is_no_verdict() -> None:
    body, _ = STATES["aborted"]
    stale = body | {"metadata": body["metadata"] | {"generation": 2}}
    assert kstatus(stale) == "InProgress"


def kstatus(body: dict[str, Any]) -> str:
    """What kstatus says of a resource."""
    binary = ensure_built((KSTATUS,))["kstatus"]
    done = subprocess.run(
        [str(binary)], input=json.dumps(body), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\t")[0]
