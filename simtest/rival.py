"""Another migration in the cluster of some runs: one that has a pool in common with that of the run
and has to wait for it, or one of another pool, with which it has nothing to do.

Its admin deletes it when the other one is over, or before.
"""

import random
from typing import Any

from msgspec import Struct

from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.model.actions import READS
from azure_linux_migrator.simulator.kernel import Kernel
from simtest.custom_resource import Body, CustomResource
from simtest.invariants.registry import Judge
from simtest.scenario import Scenario

NAME = "rival"
SHARE = 0.12
"""How many of the runs have one."""
BEGINS_SECONDS = (2.0, 60.0)
"""When it is applied, counted from the beginning of the run."""
LASTS_SECONDS = (20.0, 600.0)


class RivalDraw(Struct, frozen=True):
    """What the other migration asks for, when it is applied and when it is deleted, in seconds
    from the beginning of the run; `shares` is whether it has a pool in common."""

    spec: dict[str, Any]
    begins: float
    ends: float
    shares: bool


def draw_rival(seed: str, target: str) -> RivalDraw | None:
    """The other migration of a seed, if it has one; `target` is the pool that the first one fills
    or changes."""
    rng = random.Random(f"{seed}/rival")
    if rng.random() >= SHARE:
        return None
    begins = rng.uniform(*BEGINS_SECONDS)
    shared = [
        {"source": {"nodePool": "src"}, "target": {"nodePool": "other"}},
        {"source": {"nodePool": "src"}, "strategy": {"type": "InPlace"}},
        {"source": {"nodePool": "system"}, "target": {"nodePool": target}},
    ]
    alone = {"source": {"nodePool": "system"}, "strategy": {"type": "InPlace"}}
    shares = rng.random() < 0.75
    spec = rng.choice(shared) if shares else alone
    return RivalDraw(spec, begins, begins + rng.uniform(*LASTS_SECONDS), shares)


class Rival:
    """The other migration of a run. `first` is the resource of the run; one that shares a pool with
    it may change nothing before that is over."""

    def __init__(
        self, drawn: RivalDraw, scenario: Scenario, first: CustomResource, judge: Judge
    ) -> None:
        self._drawn, self._judge = drawn, judge
        self._kernel: Kernel = scenario.simulation.kernel
        self._first = first
        self.resource = CustomResource(
            scenario.simulation.store, NAME, None, lambda: self._kernel.now
        )
        self._kernel.after(drawn.begins, self._begin)
        self._kernel.after(drawn.ends, self.resource.delete)
        first.watchers.append(self._first_written)

    def _begin(self) -> None:
        if not _is_over(self._first.body):
            self.resource.recreate(self._drawn.spec)

    def _first_written(self, body: Body | None) -> None:
        if _is_over(body):
            self.resource.delete()

    def decided(self, decision: Decision) -> None:
        """A process has decided about it: nothing is changed that both would change."""
        writes = [action.key for action in decision.actions if not isinstance(action, READS)]
        alone = not self._drawn.shares or _is_over(self._first.body)
        text = f"{NAME} asks for {writes[:1]} beside the migration of the same pool"
        self._judge.that("one-at-a-time", alone or not writes, text)


def _is_over(body: Body | None) -> bool:
    if body is None or body.status.phase == Phase.ROLLED_BACK:
        return True
    return body.status.is_true("Succeeded")
