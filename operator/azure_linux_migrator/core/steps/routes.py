"""The migrations, top to bottom. Each step answers: is it done, and what now?

Steps before the recorded one are not asked again, but for the level-based ones from `again` on:
until the source pool is being retired, whatever appears on it is cordoned and drained.
"""

from collections.abc import Callable
from dataclasses import dataclass

from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.steps import approvals, autoscaler, rollback
from azure_linux_migrator.core.steps.cordon_source import cordon_source
from azure_linux_migrator.core.steps.create_target import create_target
from azure_linux_migrator.core.steps.drain import drain
from azure_linux_migrator.core.steps.preflight import preflight
from azure_linux_migrator.core.steps.progress import Context, Progress
from azure_linux_migrator.core.steps.retire_source import retire_source
from azure_linux_migrator.core.steps.rolling import complete, roll
from azure_linux_migrator.core.steps.soak import soak
from azure_linux_migrator.core.steps.update_in_place import update_in_place
from azure_linux_migrator.model.migration import Migration

StepFunction = Callable[[Context], Progress]


@dataclass(frozen=True, slots=True)
class Route:
    """An ordered list of steps. `moves` is the one that moves pods; `guarded` those during which
    others' changes of the pools are looked for."""

    steps: tuple[tuple[str, StepFunction], ...]
    moves: str
    again: str
    guarded: frozenset[str] = frozenset()

    def position(self, name: str) -> int:
        """Where a step stands in the list; -1 for none."""
        for at, (step, _) in enumerate(self.steps):
            if step == name:
                return at
        return -1

    def resumes_at(self, recorded: str) -> int:
        """Where to go on after a restart, or on the next pass: see the module's docstring."""
        at = max(self.position(recorded), 0)
        return at if at >= self.position(FINAL) > 0 else min(at, self.position(self.again))

    def before(self, step: str, other: str) -> bool:
        """Whether a step comes before another one; the end comes after all of them."""
        return step != "" and self.position(step) < self.position(other)


FINAL = Step.RETIRE_SOURCE
"""From this step on nothing is taken back."""

_BEGIN: tuple[tuple[str, StepFunction], ...] = (
    (Step.PREFLIGHT, preflight),
    (Step.HOLD_AUTOSCALER, autoscaler.hold),
    (Step.CREATE_TARGET, create_target),
    (Step.AWAIT_DRAIN_APPROVAL, approvals.before_drain),
    (Step.CORDON_SOURCE, cordon_source),
)
_END: tuple[tuple[str, StepFunction], ...] = (
    (Step.SOAK, soak),
    (Step.AWAIT_RETIRE_APPROVAL, approvals.before_retire),
    (FINAL, retire_source),
    (Step.HAND_OVER_AUTOSCALER, autoscaler.hand_over),
)
_GUARDED = frozenset(
    (
        Step.AWAIT_DRAIN_APPROVAL,
        Step.CORDON_SOURCE,
        Step.DRAIN,
        Step.SOAK,
        Step.AWAIT_RETIRE_APPROVAL,
    )
)

_SCALED = (*_BEGIN[:3], (Step.SCALE_TARGET, autoscaler.scale_target), *_BEGIN[3:])

BLUE_GREEN = Route((*_SCALED, (Step.DRAIN, drain), *_END), Step.DRAIN, Step.CORDON_SOURCE, _GUARDED)
ROLLING = Route(
    (*_BEGIN, (Step.DRAIN, roll), *_END[:-1], (Step.COMPLETE_TARGET, complete), _END[-1]),
    Step.DRAIN,
    Step.CORDON_SOURCE,
    _GUARDED,
)
IN_PLACE = Route(
    (
        (Step.PREFLIGHT, preflight),
        (Step.AWAIT_DRAIN_APPROVAL, approvals.before_drain),
        (Step.UPDATE_IN_PLACE, update_in_place),
    ),
    Step.UPDATE_IN_PLACE,
    Step.UPDATE_IN_PLACE,
)
ROLLBACK = Route(
    (
        (Step.RELEASE_SOURCE, rollback.release_source),
        (Step.RESTORE_SOURCE, rollback.restore_size),
        (Step.HOLD_TARGET, rollback.hold_target),
        (Step.CORDON_TARGET, rollback.cordon_target),
        (Step.DRAIN_TARGET, rollback.drain_target),
        (Step.RESTORE_AUTOSCALER, autoscaler.restore),
        (Step.REMOVE_TARGET, rollback.remove_target),
    ),
    Step.DRAIN_TARGET,
    Step.RELEASE_SOURCE,
    frozenset((Step.DRAIN_TARGET,)),
)


def forward(strategy: StrategyType) -> Route:
    """The steps of a strategy, in the direction of the target."""
    return {
        StrategyType.BLUE_GREEN: BLUE_GREEN,
        StrategyType.ROLLING: ROLLING,
        StrategyType.IN_PLACE: IN_PLACE,
    }[strategy]


def route_of(migration: Migration) -> Route:
    """The steps of a migration."""
    if migration.backwards:
        return ROLLBACK
    return forward(migration.spec.strategy.type)
