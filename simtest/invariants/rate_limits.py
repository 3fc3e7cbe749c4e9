"""How often azlm sends requests: within limits, not while paused, and only after the step is
recorded."""

from collections import defaultdict, deque

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import (
    READS,
    Action,
    CordonNode,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    MarkNode,
    ReadAzureFacts,
    ReadPools,
    UpdatePool,
)
from simtest.custom_resource import Body
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.operator_time import SLACK
from simtest.invariants.process import DecisionToJudge, ObservedProcess

MOST_A_MINUTE = 70
"""Requests of one kind per second: at most one, as the pools are listed."""
MOST_AN_HOUR = 1000
WRITES_BASE = 40
WRITES_EACH = 4
"""Writes per minute: a base, and more for each pod and node."""
MINUTE = 60.0
HOUR = 3600.0
SUSPENDED_SECONDS = 45.0
"""A process is not suspended for longer."""
AZURE = (ReadPools, ReadAzureFacts, CreatePool, UpdatePool, DeletePool, DeleteMachines)


class RateLimits(Part):
    """Judges each action before it takes effect."""

    def __init__(self, context: JudgeContext) -> None:
        super().__init__(context)
        self._still_since: float | None = None
        self._quiet_since: dict[ObservedProcess, float] = {}
        """When each process first decided while actions are forbidden."""
        self._asked: defaultdict[str, deque[float]] = defaultdict(deque)
        self._hourly: defaultdict[str, deque[float]] = defaultdict(deque)
        self._writes: deque[float] = deque()
        self._recorded: set[str] = set()
        self.most_writes = 0.0
        """The highest number of writes in a minute, as a fraction of the limit."""

    def written(self, old: MigrationStatus, body: Body) -> None:
        """Since when actions are forbidden, and which steps were recorded."""
        still = self.context.is_paused or body.spec.get("mode") == "Plan"
        still = still and not body.deleting
        now = self.context.now
        self._still_since = (self._still_since or now) if still else None
        if not still:
            self._quiet_since.clear()
        self._recorded.add(body.status.step)

    def decided(self, process: ObservedProcess, decision: DecisionToJudge) -> None:
        """The process looks at the spec again, now or soon after."""
        if self._still_since is not None:
            self._quiet_since.setdefault(process, self.context.now)

    def _still(self) -> bool:
        """Whether actions are forbidden, and the acting process has had the time to stop: one that
        was suspended sends the second request of an action before it learns of the pause."""
        since, now = self._still_since, self.context.now
        if since is None:
            return False
        quiet_since = self._quiet_since.get(self.context.acting, since + SUSPENDED_SECONDS)
        return now - max(since, quiet_since) > SLACK

    def begins(self, action: Action) -> None:
        """Check that the action is within the limits, not paused, and in a recorded step."""
        now, that = self.context.now, self.context.that
        recent = self._asked[action.key]
        recent.append(now)
        while now - recent[0] > MINUTE:
            recent.popleft()
        text = f"{action.key} was asked {len(recent)} times in a minute"
        that("in-measure", len(recent) <= MOST_A_MINUTE, text)
        if isinstance(action, AZURE):
            lately = self._hourly[type(action).__name__]
            lately.append(now)
            while now - lately[0] > HOUR:
                lately.popleft()
            text = f"{type(action).__name__} was asked {len(lately)} times in an hour"
            that("hourly", len(lately) <= MOST_AN_HOUR, text)
        if isinstance(action, READS):
            return
        self._counted(now)
        text = f"{action.key} although the migration is paused"
        that("paused-means-paused", not self._still(), text)
        steps = self._steps_of(action)
        if steps and not self.context.deleting:
            text = f"{action.key} before any of {', '.join(steps)} was recorded"
            that("recorded-first", self._recorded & set(steps), text)

    def _counted(self, now: float) -> None:
        writes, store = self._writes, self.context.store
        writes.append(now)
        while now - writes[0] > MINUTE:
            writes.popleft()
        most = WRITES_BASE + WRITES_EACH * (len(store.pods) + len(store.nodes))
        self.most_writes = max(self.most_writes, len(writes) / most)
        self.context.that("writes-bounded", len(writes) <= most, f"{len(writes)} in a minute")

    def _steps_of(self, action: Action) -> tuple[str, ...]:
        """The steps that have such an action; none if several may."""
        match action:
            case CreatePool():
                return ("CreateTarget",)
            case CordonNode():
                return ("CordonSource", "CordonTarget")
            case MarkNode(batch=""):
                pass  # a leftover of a predecessor is removed at once
            case EvictPod() | DeletePod() | MarkNode():
                return ("Drain", "DrainTarget")
            case DeleteMachines():
                return ("Drain",)
            case DeletePool(pool):
                return ("RetireSource",) if pool == "src" else ("RemoveTarget",)
            case UpdatePool("src", changes) if dict(changes).get("count") == 0:
                return ("RetireSource",)
            case UpdatePool("src", changes) if dict(changes).get("enableAutoScaling") is False:
                return ("HoldAutoscaler", "CordonSource")
            case UpdatePool(changes=changes) if "osSKU" in dict(changes):
                return ("UpdateInPlace",)
        return ()
