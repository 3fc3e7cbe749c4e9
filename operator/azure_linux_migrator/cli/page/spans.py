"""When each step began and ended: from the record of the migration, and better from having seen it.

The status keeps no time for each step, but its conditions and a few times show the long ones: how
long the target took, the drain, and the soak.
"""

from dataclasses import dataclass, field

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.status import MigrationStatus, since_epoch
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.cli.view.migration_view import MigrationView
from azure_linux_migrator.cli.view.step_view import StepState, steps_of

Span = tuple[float, float | None]
"""Begin and end in seconds since the epoch; no end while it lasts."""


def recorded_spans(view: MigrationView) -> dict[str, Span]:
    """The steps whose times are in the record."""
    status = view.status
    started, soaked = since_epoch(status.start_time), since_epoch(status.soak_started_at)
    ready = _became_true(status, ConditionType.TARGET_READY)
    drained = _became_true(status, ConditionType.DRAINED)
    retired = _became_true(status, ConditionType.SOURCE_RETIRED)
    ended = since_epoch(status.completion_time)
    passed = {step.name for step in steps_of(view) if step.state is not StepState.NEXT}
    moves = next((step.name for step in steps_of(view) if step.moves), "")
    spans: dict[str, Span] = {}
    if started is not None and not view.migration.in_place:
        spans[Step.CREATE_TARGET] = (started, ready)
    if (began := started if view.migration.in_place else ready) is not None:
        spans[moves] = (began, drained or soaked)
    if soaked is not None:
        spans[Step.SOAK] = (soaked, retired or ended)
    return {
        name: (began, end if end is None or end >= began else began)
        for name, (began, end) in spans.items()
        if name in passed
    }


def _became_true(status: MigrationStatus, kind: ConditionType) -> float | None:
    condition = status.condition(kind)
    if condition is None or condition.status != "True":
        return None
    return since_epoch(condition.last_transition_time)


@dataclass(slots=True)
class StepLog:
    """The steps that were seen to change, over those of the record."""

    _recorded: dict[str, Span] = field(default_factory=dict)
    _seen: dict[str, Span] = field(default_factory=dict)
    _step: str | None = None

    def see(self, view: MigrationView, now: float) -> None:
        """The migration as it is now, in seconds since the epoch."""
        self._recorded = recorded_spans(view)
        step = view.status.step
        if view.ended:
            step = ""
        if step == self._step:
            return
        if self._step in self._seen:
            began, _ = self._seen[self._step]
            self._seen[self._step] = (began, now)
        elif self._step in self._recorded and self._step is not None:
            self._seen[self._step] = (self._recorded[self._step][0], now)
        if step and self._step is not None:
            self._seen[step] = (now, None)
        self._step = step

    def spans(self) -> dict[str, Span]:
        """Begin and end of each step that is known."""
        return self._recorded | self._seen
