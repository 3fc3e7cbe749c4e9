"""Pods that fit nowhere, and when they are tried again.

Pods that fit or do not fit alike wait together: one attempt speaks for all of them until something
has happened that could help. The times are kube-scheduler's (pkg/scheduler/backend/queue).
"""

from dataclasses import dataclass, field

from azure_linux_migrator.core.state.retry_delay import RetryDelay
from azure_linux_migrator.model.cluster import ExtendedResources, NamespacedName, Pod
from azure_linux_migrator.model.scheduling import SchedulingConstraints
from azure_linux_migrator.simulator.kernel import Timer

RETRY = RetryDelay(1.0, 10.0)
"""DefaultPodInitialBackoffDuration and DefaultPodMaxBackoffDuration."""
LEFTOVER_SECONDS = 300.0
"""Whatever happens, or does not, a pod is tried again after this
(DefaultPodMaxInUnschedulablePodsDuration)."""

Sort = tuple[str, tuple[int, int], ExtendedResources, tuple[tuple[str, ...], ...]]
"""What pods have in common that fit alike: owner, requests, and the zones of their volumes."""


@dataclass(slots=True, eq=False)
class Group:
    """Pods of one sort. `stuck` says that the last of them to be tried fitted nowhere, and that
    nothing has happened since that could have changed that; `sample` is one of them."""

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
        """When its back-off is over: doubled with every attempt."""
        return self.tried + RETRY.after(self.attempts)
