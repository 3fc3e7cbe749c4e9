"""Pods that fit nowhere, and when they are tried again.

Equal pods wait together: one attempt stands for all of them until an event could help. The times
are those of kube-scheduler (pkg/scheduler/backend/queue).
"""

from dataclasses import dataclass, field

from azure_linux_migrator.core.state.retry_delay import RetryDelay
from azure_linux_migrator.model.cluster import ExtendedResources, NamespacedName, Pod
from azure_linux_migrator.model.scheduling import SchedulingConstraints
from azure_linux_migrator.simulator.kernel import Timer

RETRY = RetryDelay(1.0, 10.0)
"""DefaultPodInitialBackoffDuration and DefaultPodMaxBackoffDuration."""
LEFTOVER_SECONDS = 300.0
"""A pod is tried again after so many seconds even without an event
(DefaultPodMaxInUnschedulablePodsDuration)."""

Sort = tuple[str, tuple[int, int], ExtendedResources, tuple[tuple[str, ...], ...]]
"""What equal pods share: owner, requests, and the zones of their volumes."""


@dataclass(slots=True, eq=False)
class Group:
    """Pods of one sort. `stuck` is whether the last attempt failed and no event since could have
    helped; `sample` is one of the pods."""

    sort: Sort
    sample: Pod
    scheduling: SchedulingConstraints
    pods: dict[tuple[NamespacedName, str], None] = field(default_factory=dict)
    why: str = ""
    stuck: bool = False
    attempts: int = 0
    tried: float = 0.0
    timer: Timer | None = None

    def ready_at(self) -> float:
        """When the back-off ends; it doubles with every attempt."""
        return self.tried + RETRY.after(self.attempts)
