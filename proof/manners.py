"""How azlm asks: in measure, not while paused, and only for what the spec allows."""

from collections import defaultdict, deque

from azure_linux_migrator.core.actions import READS, Action, DeletePod, EvictPod
from azure_linux_migrator.sim.pilot.resource import Resource
from proof.scenario import NAME, Scenario

SLACK = 3.0
"""Seconds by which whole-second timestamps and the watches may be late."""
MOST_A_MINUTE = 70
"""How often the same thing may be asked for: once a second, as pools are listed, is the most."""


class ViolationError(AssertionError):
    """Something that must hold does not."""


class Manners:
    """Judges each action before it takes effect."""

    def __init__(self, stage: Scenario, resource: Resource) -> None:
        self._scene = stage.scene
        self._store = stage.scene.store
        self._stage = stage
        self._resource = resource
        self._paused_since: float | None = None
        self.stale = False
        """Whether the action that takes effect was long on its way: it is judged by what it does to
        budgets, and not by what has become of the migration meanwhile."""
        self._asked: defaultdict[str, deque[float]] = defaultdict(deque)

    @property
    def _backwards(self) -> bool:
        body = self._resource.body
        return body is not None and body.status.rollback is not None

    def _in_measure(self, action: Action) -> None:
        """Not in a hurry, and not at all while paused."""
        now = self._scene.kernel.now
        recent = self._asked[action.key]
        recent.append(now)
        while now - recent[0] > 60.0:
            recent.popleft()
        if len(recent) > MOST_A_MINUTE:
            raise ViolationError(f"{action.key} was asked {len(recent)} times in a minute")
        paused = None if self.stale else self._paused_since
        if paused is not None and now - paused > SLACK and not isinstance(action, READS):
            raise ViolationError(f"{action.key} although the migration is paused")

    def _as_wished(self, action: EvictPod | DeletePod) -> None:
        """What spec.drain does not allow."""
        drain = self._stage.spec["drain"]
        pod = self._store.pods.get(action.pod)
        if isinstance(action, DeletePod) and drain.get("onTimeout") != "Force":
            raise ViolationError(f"pod {action.pod} is deleted without onTimeout: Force")
        if pod is None or pod.uid != action.uid or self._backwards or self.stale:
            return
        job = pod.owner is not None and pod.owner.kind == "Job"
        evicted = isinstance(action, EvictPod)
        if evicted and job and not pod.finished and drain["jobs"] == "Wait":
            raise ViolationError(f"pod {action.pod} of a Job is evicted in spite of jobs: Wait")
        if pod.owner is not None and pod.owner.kind == "DaemonSet" and not pod.finished:
            raise ViolationError(f"pod {action.pod} of a DaemonSet is evicted")
        node = self._store.nodes.get(pod.node)
        if node is not None and not node.batch.startswith(f"{NAME}.") and not drain["prefetch"]:
            raise ViolationError(f"pod {action.pod} is evicted outside the batch")
