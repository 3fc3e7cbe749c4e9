"""Every kind of fault strikes something: one that never did would prove nothing."""

import random

import pytest

from simtest.fault_targets import fault_targets
from simtest.faults.schedule import KINDS, SHELVED, STRIKING
from simtest.run import Run
from simtest.scenario_draw import draw_scenario

ENOUGH = 60
"""Seeds within which each kind strikes where it is the only fault."""
TURNING = {"rollback": "rollback", "deleted": "deleted", "recreated": "recreated"}


def _strikes(kind: str, seed: str) -> set[str]:
    rng = random.Random(f"{seed}/{kind}")
    fault = KINDS[kind][1](rng, fault_targets(draw_scenario(seed), TURNING.get(kind, "")))
    run = Run(seed, (fault,))
    run.go()
    return {struck for struck, _ in run.injector.strikes} & {fault.kind}


@pytest.mark.parametrize("kind", KINDS)
def test_it_strikes_before_long(kind: str) -> None:
    assert any(_strikes(kind, str(seed)) for seed in range(ENOUGH))


def test_what_is_shelved_is_known() -> None:
    assert set(SHELVED) <= set(KINDS) | {"crash-late-deleted", "slow-deleted"}
    assert not set(SHELVED) & set(STRIKING)
