"""Which pods to evict now: an eviction is planned only into a slot that is known to be free."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.api.spec_drain import ReplacementPolicy
from azure_linux_migrator.core.drain.batch_times import Batch, BatchDuration, BatchTimes
from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.core.drain.blockers import find_blockers, unschedulable
from azure_linux_migrator.core.drain.drain_listener import DrainListener
from azure_linux_migrator.core.drain.evicted_owners import EvictedOwners
from azure_linux_migrator.core.drain.eviction_queue import (
    FREE,
    EvictionQueue,
    QueueId,
    Surge,
    evaluate,
)
from azure_linux_migrator.core.drain.force import forced
from azure_linux_migrator.core.drain.node_progress import PoolProgress
from azure_linux_migrator.core.drain.pod_tracker import PodTracker
from azure_linux_migrator.core.drain.remaining_time import RemainingTime
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.drain.starvation import Starvation
from azure_linux_migrator.core.drain.stuck_terminating import StuckTerminating
from azure_linux_migrator.core.drain.surges import Surges
from azure_linux_migrator.core.drain.unrecovered import UnrecoveredWorkloads
from azure_linux_migrator.core.drain.unschedulable import UnschedulableReplacements
from azure_linux_migrator.core.state.results import ActionProblem
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import Action, DeletePod, EvictPod
from azure_linux_migrator.model.cluster import NamespacedName, Pod

BLOCKERS_SHOWN = 20

NO_PROBLEMS: Mapping[str, ActionProblem] = MappingProxyType({})

BLOCKERS_AGE = 1.0
"""Seconds for which a list of as many blockers is taken for the same."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be sent now, and what is to be reported. Times are in seconds.

    `unschedulable_replacements` are pods that replace evicted ones and that the scheduler finds no
    node for, `unrecovered` those that are not made, or not Ready; `rest` is the estimate of what is
    left and `limited_by` the budget or owner it comes from. `deadlocked` is whether nothing of the
    batch moves or could, until one of the blockers is gone.
    """

    evictions: tuple[EvictPod, ...] = ()
    surges: tuple[Action, ...] = ()
    waiting: int = 0
    blockers: tuple[Blocker, ...] = ()
    blocker_count: int = 0
    unschedulable_replacements: tuple[Pod, ...] = ()
    unrecovered: tuple[Blocker, ...] = ()
    rest: float = 0.0
    limited_by: str = ""
    wake_at: float | None = None
    deadlocked: bool = False


class Planner:
    """Plans one drain: owns its tracker, and keeps which queues grant, block and starve."""

    def __init__(self, world: World, scope: Scope) -> None:
        self.tracker = PodTracker(world, scope)
        self.listener = DrainListener(self.tracker)
        """Gets every change of the world."""
        self._since = 0.0
        self._granting: dict[EvictionQueue, None] = {}
        self._blocking: dict[EvictionQueue, None] = {}
        self._starvation = Starvation()
        self._stuck_terminating = StuckTerminating(self.tracker)
        self.surges = Surges(self.tracker)
        """The Deployments that are surged instead of evicted."""
        self._now = 0.0
        self._remaining_time = RemainingTime()
        self._prefetching = False
        self._last_blockers: tuple[tuple[object, ...], float, list[Blocker]] = ((), 0.0, [])
        self._replacements = self._new_replacements()
        self._unrecovered = self._new_unrecovered()

    @property
    def since(self) -> float:
        """When the migration began, in seconds since the epoch; 0 before."""
        return self._since

    @since.setter
    def since(self, at: float) -> None:
        if at != self._since:
            self._since = at
            self.tracker.queues.touch_all()

    @property
    def pool_progress(self) -> PoolProgress:
        """What is left on the nodes of the source."""
        return self.tracker.pool_progress

    def _new_replacements(self) -> UnschedulableReplacements:
        tracker = self.tracker
        return UnschedulableReplacements(
            tracker.world, tracker.scope, tracker.evicted_owners, tracker.by_owner
        )

    def _new_unrecovered(self) -> UnrecoveredWorkloads:
        tracker = self.tracker
        return UnrecoveredWorkloads(tracker.world, tracker.scope, tracker.evicted_owners)

    def remember(self, evicted_owners: EvictedOwners, batch_times: BatchTimes) -> None:
        """Go on with what another planner of the same nodes has seen."""
        self.tracker.evicted_owners, self.tracker.batch_times = evicted_owners, batch_times
        self._replacements = self._new_replacements()
        self._unrecovered = self._new_unrecovered()

    def plan(
        self, now: float, stamp: str = "", problems: Mapping[str, ActionProblem] = NO_PROBLEMS
    ) -> Plan:
        """The plan for now; asked again with nothing changed, it is the same. `problems` are those
        of the actions that failed last, by key."""
        self._now = now
        self.tracker.world.tick(now)
        self._watch_batch(now)
        self._stuck_terminating.tick(now)
        for queue in self._starvation.tick(now):
            queue.yields = True
            self.tracker.queues.touch(queue)
        surges = self._surge(stamp, now, problems)
        self._evaluate(now)
        evictions = self._evictions(now)
        replacements = self._replacements.find(now, self.since, self.tracker.began)
        unrecovered: tuple[Blocker, ...] = ()
        if self.tracker.scope.policy.unhealthy_replacements is ReplacementPolicy.HOLD:
            unrecovered = self._unrecovered.find(now, self.since)
        pool = self.tracker.scope.target
        unsound = (*unrecovered, *(unschedulable(pod, pool) for pod in replacements))
        blockers = self._blockers(now, unsound)
        rest, ident = self._remaining_time.longest()
        blocker_count = sum(blocker.blocks for blocker in blockers)
        return Plan(
            evictions=evictions,
            surges=surges,
            deadlocked=blocker_count > 0 and not evictions and not surges and self._deadlocked(),
            waiting=max(0, self.tracker.eligible - len(evictions)),
            blockers=tuple(blockers[:BLOCKERS_SHOWN]),
            blocker_count=blocker_count,
            unschedulable_replacements=replacements,
            unrecovered=unrecovered,
            rest=rest,
            limited_by=self._name(ident),
            wake_at=self._wake_at(),
        )

    def batch_time(self, now: float, batch: Batch) -> BatchDuration | None:
        """What a batch that ended now took and had to take; None where that was not seen."""
        self._watch_batch(now)
        return self.tracker.batch_times.of(batch)

    def forced(self) -> tuple[DeletePod, ...]:
        """Deletions of everything that is admitted and left, as of the last plan."""
        return forced(self.tracker, self._now)

    def _deadlocked(self) -> bool:
        """Whether no pod of the batch is leaving, asked for or waited for, and every queue is
        blocked."""
        progress, tier = self.pool_progress, self.tracker.tier
        if self._leaving() or self.tracker.asked():
            return False
        if any(node.waiting for node in progress.by_node.values() if node.batch > 0):
            return False
        return not any(
            queue.blocker is None and (queue.admitted or queue.again)
            for queue in self.tracker.queues.all()
            if queue.tier == tier
        )

    def _leaving(self) -> bool:
        gone = len(self._stuck_terminating) + len(self.tracker.abandoned)
        return self.pool_progress.terminating > gone

    def moves(self, plan: Plan) -> bool:
        """Whether a pod is leaving, or is asked for, now or just before, that was not refused."""
        inflight = self.tracker.world.inflight
        refused = inflight.pod_refusals.times
        if self._leaving() or any(not refused(item.pod, item.uid) for item in plan.evictions):
            return True
        return self.tracker.asked() > 0 and any(
            inflight.under_way(key, entry.pod.uid) and not refused(key, entry.pod.uid)
            for key, entry in self.tracker.entries.items()
        )

    def _watch_batch(self, now: float) -> None:
        busy = self.pool_progress.undrained_admitted > 0
        self.tracker.batch_times.tick(now, busy=busy, began=self.tracker.began)

    def _surge(
        self, stamp: str, now: float, problems: Mapping[str, ActionProblem]
    ) -> tuple[Action, ...]:
        before = self.surges.reserved
        actions = self.surges.actions(stamp, now, problems)
        for budget in before.keys() | self.surges.reserved.keys():
            if before[budget] != self.surges.reserved[budget]:
                self.tracker.queues.touch_ident(budget)
        return actions

    def _evaluate(self, now: float) -> None:
        prefetch = self.tracker.scope.policy.prefetch and bool(self.tracker.tiers)
        # A batch has begun or ended: queues that have no pod in it may, or may no longer, move.
        turned, self._prefetching = prefetch != self._prefetching, prefetch
        for queue in self.tracker.queues.take_changed(everything=turned):
            before = queue.rest
            evaluate(
                queue,
                self.tracker.world,
                self.tracker.weight,
                prefetch=prefetch,
                probe=Check.PDB_ZERO in self.tracker.scope.accepted,
                since=self._since,
                reserved=self.surges.reserved[queue.ident],
            )
            _keep(self._granting, queue, wanted=bool(queue.granted))
            _keep(self._blocking, queue, wanted=queue.blocker is not None)
            competes = isinstance(queue.ident, NamespacedName | str) and queue.ident != FREE
            waits = competes and queue.admitted > 0
            starves = waits and not queue.granted and not queue.blocker
            self._starvation.note(queue, now, starves=starves)
            if queue.empty and not isinstance(queue.ident, Surge):
                self.tracker.queues.drop(queue)
            elif queue.rest > 0 and queue.rest != before:
                self._remaining_time.push(queue)
        self._remaining_time.trim(self.tracker.queues.all(), len(self.tracker.queues))

    def _evictions(self, now: float) -> tuple[EvictPod, ...]:
        tier, breaker = self.tracker.tier, self.tracker.world.inflight.breaker
        if not breaker.admits(now):
            return ()
        granted = (
            eviction for queue in self._granting if queue.tier == tier for eviction in queue.granted
        )
        return tuple(granted) if breaker.trouble is None else self._probe(granted)

    def _probe(self, granted: Iterable[EvictPod]) -> tuple[EvictPod, ...]:
        """The one that was refused least often: it may be another pod that is at fault."""
        refusals = self.tracker.world.inflight.pod_refusals
        chosen = min(
            granted, key=lambda eviction: refusals.times(eviction.pod, eviction.uid), default=None
        )
        return () if chosen is None else (chosen,)

    def _blockers(self, now: float, unsound: tuple[Blocker, ...]) -> list[Blocker]:
        """Sorted; found again when their number may have changed, and else once in BLOCKERS_AGE."""
        signature = (
            len(self._blocking),
            self.pool_progress.blocked_pods,
            len(self.pool_progress.detaching),
            len(self.tracker.world.inflight.pod_refusals),
            len(self.tracker.world.inflight.budget_backoffs.by_budget),
            self.tracker.world.inflight.breaker.trouble is None,
            len(self.tracker.notes),
            len(self._stuck_terminating),
            len(self.tracker.abandoned),
            len(self._starvation),
            self.surges.stuck(),
            unsound,
        )
        cached, at, blockers = self._last_blockers
        if signature != cached or now - at >= BLOCKERS_AGE:
            blockers = self._find_blockers(unsound)
            self._last_blockers = (signature, now, blockers)
        return blockers

    def _find_blockers(self, unsound: tuple[Blocker, ...]) -> list[Blocker]:
        queues = [queue for queue in self._blocking if queue.blocker is not None]
        stuck_pods = self._stuck_terminating.pods()
        unsound = (*unsound, *self.surges.stuck())
        return find_blockers(self.tracker, queues, self._starvation.starved(), stuck_pods, unsound)

    def _name(self, ident: QueueId | None) -> str:
        if ident is None or isinstance(ident, Surge):
            return ""
        if isinstance(ident, NamespacedName):
            return f"PodDisruptionBudget {ident}"
        controller = self.tracker.world.owner_index.controller_of_uid(ident)
        return f"{controller.kind} {controller.key}" if controller else ""

    def _wake_at(self) -> float | None:
        inflight = self.tracker.world.inflight
        times = [] if inflight.next_wait is None else [inflight.next_wait]
        if (check_at := self._stuck_terminating.next_check) is not None:
            times.append(check_at)
        if (check_at := self.surges.next_check) is not None:
            times.append(check_at)
        if (trouble := inflight.breaker.trouble) is not None and self._granting:
            times.append(trouble.until)
        times += self._starvation.checks()
        # What is due and not done (for example, paused) causes no wake-up.
        return min((time_ for time_ in times if time_ > self._now), default=None)


def _keep(queues: dict[EvictionQueue, None], queue: EvictionQueue, *, wanted: bool) -> None:
    if wanted:
        queues[queue] = None
    else:
        queues.pop(queue, None)
