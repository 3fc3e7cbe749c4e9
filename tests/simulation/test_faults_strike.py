"""Every kind of fault takes effect in some run; otherwise it would test nothing."""

import random

import pytest

from simtest.fault_targets import fault_targets
from simtest.faults import processes, requests
from simtest.faults.draws import timed
from simtest.faults.registry import FaultKind, FaultSet
from simtest.faults.schedule import FAULTS, SHELVED, STRIKING, schedule
from simtest.run import Run
from simtest.scenario_draw import draw_scenario

ENOUGH = 60
"""Seeds within which each kind takes effect if it is the only fault."""
SURGING = ("crash-late-surge", "rescaled")
"""Kinds that strike only where singletons are surged: other seeds are left out for them."""
TURNING = {"rollback": "rollback", "deleted": "deleted", "recreated": "recreated"}


def _strikes(kind: str, seed: str) -> bool:
    rng = random.Random(f"{seed}/{kind}")
    fault = FAULTS.kinds[kind].draw(
        kind, rng, fault_targets(draw_scenario(seed), TURNING.get(kind, ""))
    )
    run = Run(seed, (fault,))
    return run.reaches(lambda: fault.kind in {struck for struck, _ in run.injector.strikes})


@pytest.mark.parametrize("kind", FAULTS.kinds)
def test_it_strikes_before_long(kind: str) -> None:
    seeds = [str(seed) for seed in range(ENOUGH)]
    if kind in SURGING:
        specs = {seed: draw_scenario(seed).spec for seed in seeds}
        seeds = [seed for seed in seeds if specs[seed]["drain"]["singletons"] == "SurgeFirst"]
    assert any(_strikes(kind, seed) for seed in seeds)


def test_what_is_shelved_is_known() -> None:
    assert set(SHELVED) <= FAULTS.timed.keys() | FAULTS.requests.keys()
    assert not set(SHELVED) & set(STRIKING)


def test_a_name_is_registered_once() -> None:
    faults = FaultSet()
    kind = FaultKind("crash", 1, timed())
    faults.at_time(kind)(processes.crash)
    with pytest.raises(ValueError, match="registered twice: crash"):
        faults.at_request(kind)(requests.slow)
    with pytest.raises(ValueError, match="registered twice: crash"):
        FaultSet(faults, processes.FAULTS)


def test_every_drawn_fault_is_registered() -> None:
    for seed in range(300):
        for fault in schedule(str(seed), shelved=True):
            assert (fault.kind in FAULTS.timed) != (fault.kind in FAULTS.requests), fault.kind
