"""The Deployments of one drain that are surged instead of evicted: what each needs now, and for how
long it has waited for it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.core.drain.blockers import scheduler_remedy
from azure_linux_migrator.core.drain.eviction_queue import EvictionQueue, QueueId
from azure_linux_migrator.core.drain.pod_tracker import PodTracker
from azure_linux_migrator.core.drain.surge_first import (
    Standing,
    adds_replica,
    lasting_replicas,
    next_action,
    starts,
)
from azure_linux_migrator.core.drain.surge_reserve import (
    SurgedDeployment,
    held_back,
    reserved_slots,
)
from azure_linux_migrator.core.state.results import ActionProblem
from azure_linux_migrator.model.actions import Action, RestoreScale, SurgeReplica
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Pod

PATIENCE_SECONDS = 600.0
"""A surge that has moved no pod for so long is reported, or given up where Kubernetes is not
starting its new pod: the default of a Deployment's progressDeadlineSeconds."""


class Surges:
    """What is known of the surges between two plans: since when each has moved no pod."""

    def __init__(self, tracker: PodTracker) -> None:
        self._tracker = tracker
        self._since: dict[str, tuple[float, int]] = {}
        self._slow: set[str] = set()
        self._refusals: dict[str, str] = {}
        self.reserved: Counter[QueueId] = Counter()
        """Slots by budget that are not for evictions, as of the last call of `actions`."""

    def actions(
        self, stamp: str, now: float, problems: Mapping[str, ActionProblem]
    ) -> tuple[Action, ...]:
        """What the Deployments need now; `stamp` marks the restarts of this migration. What failed
        (`problems`, by the action's key) waits for its next attempt."""
        wanted: dict[str, Action] = {}
        held: set[str] = set()
        self._refusals.clear()
        for uid, queue in self._tracker.queues.surging.items():
            controller = self._tracker.world.owner_index.controller(uid)
            if controller is None or not self._under_way(controller, queue):
                continue
            action = next_action(self._standing(controller, queue, stamp))
            if action is None:
                continue
            problem = problems.get(action.key)
            waits = problem is not None and now < problem.retry_at
            if problem is not None and not problem.retryable:
                self._refusals[uid] = problem.message
                if waits:
                    continue
            # One that failed may have been carried out all the same, unless it was refused.
            wanted[uid] = action
            if waits:
                held.add(uid)
        world = self._tracker.world
        surged = tuple(self._surged(wanted))
        reserved = reserved_slots(world, surged)
        held |= held_back(world, surged, reserved)
        self.reserved = Counter(reserved)
        return tuple(action for uid, action in wanted.items() if uid not in held)

    def _surged(self, actions: Mapping[str, Action]) -> Iterator[SurgedDeployment]:
        """The Deployments that have a healthy pod, or will have one, that goes again: also those
        that a former process has surged, and those whose scale was restored a moment ago."""
        world, surging = self._tracker.world, self._tracker.queues.surging
        migration = self._tracker.scope.migration
        recorded = (record.uid for record in world.owner_index.surged_by(migration))
        for uid in dict.fromkeys((*surging, *recorded)):
            controller, action = world.owner_index.controller(uid), actions.get(uid)
            if controller is None or self._given_up(uid):
                continue
            replicas = lasting_replicas(controller)
            added = isinstance(action, SurgeReplica) or replicas < controller.replicas
            surplus = max(0, self._healthy(controller) - replicas)
            if surplus or added:
                yield SurgedDeployment(
                    uid,
                    self._budgets_of(controller),
                    surplus,
                    rises=added and uid not in self._slow,
                    restores=isinstance(action, RestoreScale),
                )

    def _budgets_of(self, controller: Controller) -> frozenset[NamespacedName]:
        world, queue = self._tracker.world, self._tracker.queues.surging.get(controller.uid)
        pods = () if queue is None else tuple(queue.pods())
        pods = pods or tuple(world.pods_of(controller))
        return frozenset(key for pod in pods for key in world.budgets_of(pod))

    def _healthy(self, controller: Controller) -> int:
        world = self._tracker.world
        owners = world.owner_index.replicasets_of(controller.uid)
        return sum(world.implicit_budgets.healthy(owner) for owner in owners)

    def update(self, now: float, stamp: str, *, afresh: bool) -> None:
        """Notice the surges that have moved no pod for PATIENCE_SECONDS.

        One whose new pod is not Ready is reported and goes on: an eviction would take the pod that
        works. Any other is given up, and its pods are evicted: none of them is Ready, or they do
        not leave although another is. Only time in which a surge may act counts: none while pods
        of a lower order are moved, and none before now if `afresh` (the drain was held).
        """
        if afresh:
            self._since.clear()
        waiting: dict[str, tuple[float, int]] = {}
        self._slow.clear()
        for uid, queue in self._tracker.queues.surging.items():
            controller = self._tracker.world.owner_index.controller(uid)
            if controller is None or queue.empty or not _admitted(queue):
                continue
            if not self._under_way(controller, queue):
                continue
            since, left = self._since.get(uid, (now, queue.left))
            waiting[uid] = (since if queue.left >= left else now, queue.left)
            if now - waiting[uid][0] < PATIENCE_SECONDS:
                continue
            standing = self._standing(controller, queue, stamp)
            if standing.healthy > 0 and starts(standing):
                self._slow.add(uid)
            else:
                self._give_up(uid, controller, queue)
        self._since = {uid: entry for uid, entry in waiting.items() if not self._given_up(uid)}

    def stuck(self) -> list[Blocker]:
        """Surges whose new pod does not become Ready, by what Kubernetes says or by their time."""
        blockers: list[Blocker] = []
        unschedulable = self._unschedulable()
        for uid, queue in self._tracker.queues.surging.items():
            controller = self._tracker.world.owner_index.controller(uid)
            if controller is None or queue.empty:
                continue
            pod = unschedulable.get(uid) if self._under_way(controller, queue) else None
            if pod is not None:
                blockers.append(_without_a_node(controller, pod, queue.left, self._tracker))
                continue
            refusal = self._refusals.get(uid, "")
            if not (controller.stuck or refusal or uid in self._slow):
                continue
            why = controller.stuck or "its new pod has not been Ready for ten minutes"
            remedy = "see why its new pod does not become Ready (kubectl describe pods)"
            if refusal:
                why = f"the API server refuses its change: {refusal}"
                remedy = "allow the operator that change"
            blockers.append(
                Blocker(
                    Cause.SURGE_STUCK,
                    "Deployment",
                    controller.key,
                    f"Deployment {controller.key} does not progress: {why}",
                    f"{remedy}, or set spec.drain.singletons: Evict",
                    queue.left,
                    controller.uid,
                )
            )
        return blockers

    @property
    def next_check(self) -> float | None:
        """When the next surge will have waited too long, in seconds since the epoch."""
        return min(
            (
                since + PATIENCE_SECONDS
                for uid, (since, _) in self._since.items()
                if uid not in self._slow
            ),
            default=None,
        )

    def _unschedulable(self) -> dict[str, Pod]:
        """A pod that the scheduler finds no node for, of each surging Deployment that has one."""
        world, surging = self._tracker.world, self._tracker.queues.surging
        if not surging:
            return {}
        return {
            controller.uid: pod
            for pod in world.unschedulable.values()
            if not pod.terminating
            and (controller := world.owner_index.controller_of(pod)) is not None
            and controller.uid in surging
        }

    def _give_up(self, uid: str, controller: Controller, queue: EvictionQueue) -> None:
        tracker = self._tracker
        tracker.surges.given_up[uid] = (
            f"another migration has marked it ({controller.surge})"
            if controller.surge and not controller.surge.startswith(f"{tracker.scope.migration}/")
            else "ten minutes of surging moved none of its pods"
        )
        for pod in tuple(queue.pods()):
            tracker.place(pod)

    def _given_up(self, uid: str) -> bool:
        return uid in self._tracker.surges.given_up

    def _under_way(self, controller: Controller, queue: EvictionQueue) -> bool:
        if adds_replica(controller, self._tracker.scope.migration):
            return True
        return queue.tier == self._tracker.tier and _admitted(queue)

    def _standing(self, controller: Controller, queue: EvictionQueue, stamp: str) -> Standing:
        tracker = self._tracker
        budgets = tracker.world.implicit_budgets
        replica_sets = tracker.world.owner_index.replicasets_of(controller.uid)
        return Standing(
            controller=controller,
            on_source=tuple(queue.pods()),
            present=sum(budgets.present(replica_set) for replica_set in replica_sets),
            healthy=self._healthy(controller),
            migration=tracker.scope.migration,
            stamp=stamp,
            held=tuple(tracker.held_pods(replica_sets)),
        )


def _without_a_node(controller: Controller, pod: Pod, pods: int, tracker: PodTracker) -> Blocker:
    return Blocker(
        Cause.SURGE_STUCK,
        "Deployment",
        controller.key,
        f"Deployment {controller.key} does not progress: its new pod {pod.key.name} finds no node: "
        f"{pod.unschedulable}",
        scheduler_remedy(pod.unschedulable, tracker.scope.target),
        pods,
        controller.uid,
    )


def _admitted(queue: EvictionQueue) -> bool:
    return queue.admitted > 0
