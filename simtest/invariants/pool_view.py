"""The two pools as Azure has them, and what others have changed of them."""

from collections import deque
from typing import Any

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import (
    Action,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    ReadPools,
    UpdatePool,
)
from simtest.custom_resource import Body
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.process import DecisionToJudge, ObservedProcess
from simtest.invariants.readings import starts_again

SAMPLE_SECONDS = 2.0
READ_SECONDS = 90.0
"""What azlm records of a pool was read within so many seconds."""
FRESH_SECONDS = 60.0
"""azlm changes a pool on a reading that is no older."""
_SEEN = ("count", "enableAutoScaling", "minCount", "maxCount")


class PoolView(Part):
    """Reads before and after every action, and from time to time in between."""

    def __init__(self, context: JudgeContext) -> None:
        super().__init__(context)
        self._last: dict[str, tuple[Any, ...]] = {}
        self._changed: dict[str, float] = {}
        self._overtaken: dict[str, float] = {}
        self._others_set: set[str] = set()
        self._looked_at = 0.0
        self._etag: object = None
        self.counts: deque[tuple[float, int]] = deque(maxlen=50)
        """The numbers of nodes that the source should have had, and since when."""
        self.held: tuple[int, int] | None = context.scenario.bounds
        """The bounds of the source when it last had an autoscaler."""
        self.bounds_had: set[tuple[int, int] | None] = {self.held}
        """Those that it had at any time; None if others turned its autoscaler off."""
        self.size: int | None = None
        """How many nodes the source had before azlm emptied it."""
        self._empties = False
        self.originals = dict(context.aks.properties("src"))
        """The source as it was."""
        self.zones = list(context.aks.properties("src").get("availabilityZones") or [])
        """The zones of the source."""
        self._look(ours=True)

    def others_set(self, pool: str) -> bool:
        """Whether others last set the autoscaler of a pool."""
        return pool in self._others_set

    def changed(self, pool: str, within: float = 1e9) -> bool:
        """Whether others have changed a pool within so many seconds."""
        at = self._changed.get(pool)
        return at is not None and self.context.now - at < within

    def overtaken(self, pool: str) -> None:
        """Others change a property that is not compared elsewhere."""
        self._overtaken[pool] = self.context.now

    def look(self) -> None:
        """Others have caused what differs from the last reading."""
        self._look(ours=False)

    def recent_counts(self) -> set[int]:
        """How many nodes a reading of the source may have shown lately."""
        since = self.context.now - READ_SECONDS
        before = [count for at, count in self.counts if at <= since][-1:]
        return {*before, *(count for at, count in self.counts if at > since)}

    def written(self, old: MigrationStatus, body: Body) -> None:
        """Another attempt finds the source as it is then."""
        if starts_again(old, body.status):
            self._empties = False

    def decided(self, process: ObservedProcess, decision: DecisionToJudge) -> None:
        """Read the pools."""
        if self.context.now - self._looked_at >= SAMPLE_SECONDS:
            self._look(ours=False)

    def begins(self, action: Action) -> None:
        """What differs before an action was not caused by it."""
        self._look(ours=False)
        resized = isinstance(action, UpdatePool) and "count" in dict(action.changes)
        if resized or isinstance(action, EvictPod | DeletePod | DeleteMachines):
            self._empties = True
        if isinstance(action, UpdatePool | DeletePool):
            self._etag = self.context.aks.properties(action.pool).get("eTag")

    def ends(self, action: Action) -> None:
        """What differs after an action was caused by it; it must not undo what the process has
        not read."""
        self._look(ours=True)
        context = self.context
        if isinstance(action, UpdatePool | DeletePool | CreatePool):
            age = context.now - context.acting.read_at
            text = f"{action.key} is sent on a reading {age:.0f} s old"
            # The reading of a process that began in the middle of one is not always seen.
            late = context.acting.decided_at < context.now - FRESH_SECONDS / 2
            late = late or not context.acting.read_at
            context.that("reading-fresh", age < FRESH_SECONDS, text, excuse=late)
        if isinstance(action, ReadPools):
            context.acting.read_at = context.now
        elif isinstance(action, UpdatePool | DeletePool):
            taken = context.aks.properties(action.pool).get("eTag") != self._etag
            others = max(
                changes.get(action.pool, 0.0) for changes in (self._changed, self._overtaken)
            )
            unread = others > context.acting.read_at
            text = f"{action.pool}, which others have changed since it was read, is changed"
            context.that("changed-unseen", not (taken and unread), text)

    def _look(self, *, ours: bool) -> None:
        self._looked_at = self.context.now
        for pool in {"src", self.context.target}:
            properties = self.context.aks.properties(pool)
            now = tuple(map(properties.get, _SEEN))
            if now == self._last.get(pool):
                continue
            if pool in self._last and not ours:
                self._changed[pool] = self.context.now
            if (self._last.get(pool) or now)[1:] != now[1:]:
                (self._others_set.discard if ours else self._others_set.add)(pool)
            self._last[pool] = now
            if pool == "src" and properties:
                self.counts.append((self.context.now, int(properties["count"])))
                if not self._empties:
                    self.size = int(properties["count"])
                if properties.get("enableAutoScaling"):
                    self.held = int(properties["minCount"]), int(properties["maxCount"])
                    self.bounds_had.add(self.held)
                elif not ours:
                    self.bounds_had.add(None)
