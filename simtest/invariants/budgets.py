"""Budgets and replicas, judged by the state of the cluster after every pod that azlm removes.

The API server enforces budgets by their status, which is late by a moment; only what others took
from the same budget within that moment is not azlm's. Only azlm limits replicas without a budget:
there, the knowledge of the acting process counts.
"""

from azure_linux_migrator.model.actions import Action, DeletePod, EvictPod
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Pod
from azure_linux_migrator.simulator.cluster.workload import Workload
from simtest.invariants.blame import Blame
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.process import ObservedProcess, SentAction
from simtest.invariants.readings import counts

GOVERNED = frozenset(("Deployment", "StatefulSet"))
FORCED_SECONDS = 30.0
"""Pods that spec.drain.onTimeout: Force has deleted lately use slots of later evictions."""


class BudgetInvariants(Part):
    """Judges granted evictions."""

    def __init__(self, context: JudgeContext, blame: Blame) -> None:
        super().__init__(context)
        self._blame = blame
        self._pod: Pod | None = None
        self.granted = 0
        self.refused = 0
        self.outrun = 0
        """Evictions that were refused soon after a forced deletion, which may have reached the
        server before them and have taken their slot."""
        self._forced_at = 0.0
        blame.on_consequence.append(self._removed)

    def begins(self, action: Action) -> None:
        """Remember the pod before the action."""
        if not isinstance(action, EvictPod | DeletePod):
            return
        context = self.context
        pod = context.store.pods.get(action.pod)
        self._pod = pod if pod is not None and pod.uid == action.uid else None
        budgets = context.simulation.disruption.budgets_of(self._pod) if self._pod else ()
        before = context.acting.sent.get(action.uid)
        if before is not None and before.granted:
            before.at, before.answered = context.now, context.answered
        else:
            context.acting.sent[action.uid] = SentAction(
                context.now,
                context.store.revision,
                context.answered,
                charged=budgets,
                free=bool(budgets) and action.budget is None,
            )

    def ends(self, action: Action) -> None:
        """The pod leaves, or the eviction was refused."""
        if not isinstance(action, EvictPod | DeletePod):
            return
        before, self._pod = self._pod, None
        if before is None or before.terminating:
            return
        pod = self.context.store.pods.get(action.pod)
        if pod is not None and not pod.terminating:
            self.refused += 1
            self.outrun += self.context.now - self._forced_at < FORCED_SECONDS
            return
        self.granted += 1
        self.context.acting.sent[action.uid].granted = True
        if isinstance(action, DeletePod):
            self._forced_at = self.context.now
        forced = self.context.now - self._forced_at < FORCED_SECONDS
        if isinstance(action, EvictPod) and counts(before):
            self._classify(before, f"after evicting {action.pod}", forced=forced)

    def _classify(self, pod: Pod, occasion: str, *, forced: bool) -> None:
        """Check that no budget that selects the pod is below its required count, nor its
        controller."""
        simulation, store = self.context.simulation, self.context.store
        budgets = [key for key in simulation.disruption.budgets_of(pod) if key in store.budgets]
        for key in budgets:
            _, desired = simulation.disruption.wanted(key)
            healthy = simulation.disruption.healthy(key)
            text = f"budget {key} has {healthy} of {desired} {occasion}"
            others = forced or self._blame.budget_disturbed(key)
            self.context.that("budget-kept", healthy >= desired, text, excuse=others)
        workload = simulation.workloads.workload(pod)
        if not budgets and workload is not None and workload.kind in GOVERNED:
            self._replicas(workload, occasion, forced=forced)

    def _replicas(self, workload: Workload, occasion: str, *, forced: bool) -> None:
        """Check that no more pods are out than the controller permits, unless the process could
        not know."""
        context = self.context
        healthy = sum(counts(pod) for pod in self._pods(workload))
        out, allowance = workload.replicas - healthy, room_of(workload)
        name = workload.key
        text = (
            f"{out} of {workload.replicas} pods of {name} are out, {allowance} may be, {occasion}"
        )
        kept = out <= allowance
        others = not kept and (forced or self._misled(workload, healthy))
        context.that("replicas-kept", kept, text, excuse=others)

    def _misled(self, workload: Workload, healthy: int) -> bool:
        """Whether the acting process counted more healthy pods than there are, because of
        others."""
        if self._blame.workload_disturbed(workload.uid):
            return True
        process = self.context.acting
        believed = believed_healthy(self.context, process, workload)
        controller = process.controller(workload.uid)
        return believed > healthy or controller is None or controller.replicas != workload.replicas

    def _removed(self, pod: Pod) -> None:
        """A controller removes a healthy pod because azlm restored a scale, or restarted the
        workload."""
        workload = self.context.simulation.workloads.workload(pod)
        if workload is None:
            return
        pods = self._pods(workload)
        healthy = sum(counts(pod) for pod in pods)
        allowance = workload.max_unavailable if workload.rolling else workload.replicas
        text = f"{workload.key} has {healthy} of {workload.replicas} pods once {pod.key} leaves"
        kept = healthy >= workload.replicas - allowance
        others = self._blame.workload_disturbed(workload.uid, 60.0)
        self.context.that("surge-kept", kept, text, excuse=others)

    def _pods(self, workload: Workload) -> list[Pod]:
        simulation = self.context.simulation
        return [self.context.store.pods[key] for key in simulation.workloads.pods_of[workload.uid]]


def room_of(workload: Workload | Controller) -> int:
    """The number of pods that may be out without a budget."""
    if workload.kind == "StatefulSet":
        return 1
    if not workload.rolling:
        return max(1, int(workload.replicas * 0.1))
    return max(1, workload.max_unavailable)


def believed_healthy(context: JudgeContext, process: ObservedProcess, workload: Workload) -> int:
    """The pods of a workload that a process believes to be healthy, without those that it
    evicted."""
    workloads = context.simulation.workloads
    return sum(
        counts(pod) and not _sent(process, pod.uid)
        for pod in process.world.pods.values()
        if workloads.workload(pod) is workload
    )


def believed_of_budget(
    context: JudgeContext, process: ObservedProcess, budget: NamespacedName
) -> int:
    """The same for the pods of a budget."""
    budgets_of = context.simulation.disruption.budgets_of
    return sum(
        counts(pod) and not _sent(process, pod.uid)
        for pod in process.world.pods.values()
        if budget in budgets_of(pod)
    )


def _sent(process: ObservedProcess, uid: str) -> bool:
    attempt = process.sent.get(uid)
    return attempt is not None and attempt.granted and not attempt.free
