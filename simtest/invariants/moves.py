"""Each replica moves once: which pod replaces which, and how often azlm has moved a replica.

Replicas of a StatefulSet are identified by name. In other workloads, the next new pod replaces the
pod that left first, or an additional pod has replaced it already.
"""

from collections import Counter, defaultdict, deque

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import Action, DeletePod, EvictPod, RestoreScale
from azure_linux_migrator.model.cluster import NamespacedName, Pod
from azure_linux_migrator.model.scheduling import CORDON
from azure_linux_migrator.simulator.cluster.store import NullWatcher
from azure_linux_migrator.simulator.cluster.workload import Workload
from simtest.custom_resource import Body
from simtest.invariants.blame import Blame
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.nodes import Openings
from simtest.invariants.process import ObservedProcess
from simtest.invariants.readings import counts, leaves

EXPIRY_SECONDS = 118.0
"""An eviction without a visible effect is forgotten after two minutes."""
ANSWERED_SECONDS = 0.2
RETRY_SECONDS = 0.9
RETURNS = 3
"""Pods that tolerate a cordon come back; a process moves so many of an owner again."""
LATE_SECONDS = 15.0
"""A pod that appears so many seconds after its batch and its process began has come back."""


class IntendedPod(Part):
    """The pod is the intended one: judged for each eviction and deletion, however late it
    arrives."""

    def __init__(self, context: JudgeContext) -> None:
        super().__init__(context)
        self._other: Pod | None = None

    def begins(self, action: Action) -> None:
        """Another pod may have its name by now."""
        self._other = None
        if isinstance(action, EvictPod | DeletePod):
            pod = self.context.store.pods.get(action.pod)
            if pod is not None and pod.uid != action.uid and not pod.terminating:
                self._other = pod

    def ends(self, action: Action) -> None:
        """The intended pod stays."""
        if not isinstance(action, EvictPod | DeletePod):
            return
        other, self._other = self._other, None
        pod = self.context.store.pods.get(action.pod)
        gone = other is not None and (pod is None or pod.uid != other.uid or pod.terminating)
        self.context.that(
            "right-pod", not gone, f"{action.pod}: not {action.uid} but its successor"
        )


class MoveInvariants(Part, NullWatcher):
    """Lineages of replicas; `most` is how often one was moved in one direction."""

    def __init__(self, context: JudgeContext, blame: Blame, openings: Openings) -> None:
        super().__init__(context)
        self._blame = blame
        self._openings = openings
        self._moved: dict[str, int] = {}
        self._excused: set[str] = set()
        self._replacements: dict[NamespacedName, int] = {}
        self._left: defaultdict[str, deque[int]] = defaultdict(deque)
        self._extra: defaultdict[str, list[str]] = defaultdict(list)
        self._returns: Counter[tuple[ObservedProcess, str]] = Counter()
        self.most = 0

    # Requests

    def begins(self, action: Action) -> None:
        """A granted eviction is not repeated, and a refused one not at once."""
        if not isinstance(action, EvictPod | DeletePod):
            return
        before = self.context.acting.sent.get(action.uid)
        if before is None:
            return
        since = self.context.now - before.at
        done = before.granted and before.answered and ANSWERED_SECONDS < since < EXPIRY_SECONDS
        self.context.that("evicted-once", not done, f"{action.pod} was evicted {since:.1f} s ago")
        text = f"{action.pod} was refused {since:.2f} s ago"
        # A refused eviction permits a deletion, and a retry if the budget has a newer status.
        budgets = self.context.acting.world.budgets.values()
        newer = any(b.key in before.charged and b.revision > before.revision for b in budgets)
        other = isinstance(action, DeletePod) or newer
        self.context.that("retry-due", other or before.granted or since > RETRY_SECONDS, text)

    def written(self, old: MigrationStatus, body: Body) -> None:
        """In a rollback, and in another attempt, each replica may be moved once more."""
        if (old.rollback is None) != (body.status.rollback is None):
            self.gone()

    def gone(self) -> None:
        """From now on each replica may be moved once more."""
        self._moved.clear()
        self._replacements.clear()
        self._excused.clear()
        self._returns.clear()
        for uid, waiting in self._left.items():
            self._left[uid] = deque(0 for _ in waiting)

    # Events

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod is created, bound, or removed."""
        pod = new or old
        workload = self.context.simulation.workloads.workload(pod) if pod else None
        if workload is None or workload.kind == "DaemonSet":
            return
        if old is None and new is not None:
            self._comes(workload, new)
        elif old is not None and not old.terminating and (new is None or new.terminating):
            self._leaves(workload, old)
        elif old is not None and new is not None and not old.node:
            self._lands(new)

    def _lands(self, pod: Pod) -> None:
        """A pod that is bound to a node which others have uncordoned may be moved again."""
        if self._openings.by_others(pod.node):
            self._excused.add(pod.uid)

    def _comes(self, workload: Workload, pod: Pod) -> None:
        if workload.kind == "StatefulSet":
            self._moved[pod.uid] = self._replacements.pop(pod.key, 0)
        elif self._left[workload.uid]:
            self._moved[pod.uid] = self._left[workload.uid].popleft()
        elif self._blame.surging(workload.uid):
            self._extra[workload.uid].append(pod.uid)

    def _leaves(self, workload: Workload, pod: Pod) -> None:
        extra = self._extra[workload.uid]
        if pod.uid in extra:
            extra.remove(pod.uid)
        moved = self._moved.pop(pod.uid, 0)
        if self.context.is_ours(pod):
            moved += self._again(workload, pod, moved)
        elif counts(pod) and (action := self._blame.consequence(pod)) is not None:
            moved += 1
            if isinstance(action, RestoreScale):
                self._removed_by_scale(workload, pod)
        self.most = max(self.most, moved)
        if workload.kind == "StatefulSet":
            self._replacements[pod.key] = moved
        elif extra:
            self._moved[extra.pop(0)] = moved
        else:
            self._left[workload.uid].append(moved)

    def _again(self, workload: Workload, pod: Pod, moved: int) -> int:
        """Whether this move counts: not if somebody else let the pod come back."""
        if not leaves(pod):
            return 0
        if pod.uid in self._excused:
            self.context.that("moved-once", moved == 0, excuse=True)
            return 0
        if workload.template.scheduling.tolerates(CORDON):
            self._came_back(workload, pod)
            return 0
        if counts(pod):
            others = workload.key in self.context.rescaled
            text = f"{pod.key} is moved once more"
            self.context.that("moved-once", moved == 0, text, excuse=others)
        return 1

    def _came_back(self, workload: Workload, pod: Pod) -> None:
        """A moved replica may come back and be moved again, but not without limit. The operator
        does not count those on their way yet."""
        context, acting = self.context, self.context.acting
        if pod.owner is None or pod.created <= max(context.batch_at, acting.began) + LATE_SECONDS:
            return
        self._returns[acting, pod.owner.uid] += 1
        times = self._returns[acting, pod.owner.uid]
        text = f"{workload.key} is moved again, its pods came back {times} times"
        context.that("moved-once", times < RETURNS + workload.replicas, text)

    def _removed_by_scale(self, workload: Workload, pod: Pod) -> None:
        """A restored scale removes the replica on the pool that is emptied, if there is one."""
        context = self.context
        emptied = context.target if context.backwards else "src"
        pods = [
            context.store.pods[key] for key in context.simulation.workloads.pods_of[workload.uid]
        ]
        nodes = context.store.nodes
        on_old = [p for p in (*pods, pod) if (n := nodes.get(p.node)) and n.pool == emptied]
        right = context.deleting or not on_old or any(old.key == pod.key for old in on_old)
        context.that(
            "old-pod-first", right, f"{pod.key} goes instead of {[pod.key for pod in on_old]}"
        )
