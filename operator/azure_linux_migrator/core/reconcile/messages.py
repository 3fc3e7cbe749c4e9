"""The inputs of the reconcile loop, and its outputs to the drivers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.errors import KubernetesError


class Now(NamedTuple):
    """The time by two clocks: `wall` in seconds since the epoch, which may be set at any moment,
    and `steady`, in seconds since an arbitrary moment, which never is. Sleeping is steady."""

    wall: float
    steady: float


@dataclass(frozen=True, slots=True)
class ResourceSeen:
    """The resource at a version; `created` in seconds since the epoch. `lost` names the fields of
    the status that could not be read."""

    name: str
    uid: str
    version: int
    generation: int
    spec: Mapping[str, Any]
    status: MigrationStatus
    annotations: Mapping[str, str] = field(default_factory=dict)
    created: float = 0.0
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Apply this status to that version of the resource. Answer with a StatusWritten."""

    status: MigrationStatus
    version: int


class WriteAnswer(Enum):
    """What came of a write."""

    TAKEN = auto()
    CONFLICT = auto()
    """Another version of the resource is stored."""
    REFUSED = auto()
    UNANSWERED = auto()
    """The write may have taken effect."""
    GONE = auto()
    """The resource does not exist any more."""
    UNSENT = auto()
    """This process does not hold the Lease."""


_ANSWERS = {0: WriteAnswer.UNANSWERED, 404: WriteAnswer.GONE, 409: WriteAnswer.CONFLICT}


def answer_of(error: KubernetesError) -> WriteAnswer:
    """What a failed write of the status means."""
    return _ANSWERS.get(error.status, WriteAnswer.REFUSED)


@dataclass(frozen=True, slots=True)
class StatusWritten:
    """The answer to WriteStatus; `version` is the resource's new version where it was taken.
    Nothing is written again before `wait` seconds are over."""

    answer: WriteAnswer
    version: int = 0
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    """Start the watches that feed the world, or stop them (`on` is False)."""

    on: bool


@dataclass(frozen=True, slots=True)
class Submit:
    """Publish what changed since `before`, and start the actions of the decision."""

    before: MigrationStatus
    decision: Decision


@dataclass(frozen=True, slots=True)
class ReadResource:
    """Read the resource again. Answer with `resource_read`."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Another process has written the status; the loop goes on from what it wrote."""


@dataclass(frozen=True, slots=True)
class Released:
    """What was this migration's is undone; the resource may go."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The last status is written, or cannot be."""


Output = Watch | WriteStatus | Submit | ReadResource | Overtaken | Released | Closed
Outputs = list[Output]
