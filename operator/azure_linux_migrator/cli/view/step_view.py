"""The steps of a migration's route as a reader sees them, on the terminal and on the page."""

from dataclasses import dataclass
from enum import StrEnum

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.spec import Approval
from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.cli.view.migration_view import MigrationView
from azure_linux_migrator.core.steps.routes import route_of

_APPROVALS = {
    Step.AWAIT_DRAIN_APPROVAL: Approval.BEFORE_DRAIN,
    Step.AWAIT_RETIRE_APPROVAL: Approval.BEFORE_RETIRE,
}
"""Steps that are passed at once unless spec.approval names them."""


class StepState(StrEnum):
    """Whether a step is behind, being worked on, or to come."""

    DONE = "done"
    NOW = "now"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class StepView:
    """A step. `moves` is whether it is the one in which pods move."""

    name: str
    state: StepState
    moves: bool = False


def steps_of(view: MigrationView) -> list[StepView]:
    """The steps of its route in order, without the gates that are passed at once."""
    status, route = view.status, route_of(view.migration)
    here = route.position(status.step) if status.step else -1
    over = status.phase == Phase.SUCCEEDED or status.is_true(ConditionType.SUCCEEDED)
    steps = []
    for at, (name, _) in enumerate(route.steps):
        if at != here and _passed_at_once(name, view.migration.spec.approval):
            continue
        state = StepState.DONE if over or at < here else StepState.NEXT
        if at == here and not over:
            state = StepState.NOW
        steps.append(StepView(name, state, name == route.moves))
    return steps


def _passed_at_once(step: str, approval: Approval) -> bool:
    return any(step == gate and approval is not needed for gate, needed in _APPROVALS.items())
