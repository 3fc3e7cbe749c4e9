"""spec.drain: which pods stay, in which order they leave, how long a batch may take, and what
the status explains. Judged when a process decides, by the spec of the generation that its status
observes."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.api.status import MigrationStatus, Phase, since_epoch
from azure_linux_migrator.model.actions import READS, Action, DeletePod, EvictPod
from azure_linux_migrator.model.cluster import Node, Pod
from simtest.custom_resource import Body
from simtest.invariants.asked import length_of, order_of, policy_of
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.process import DecisionToJudge, ObservedProcess
from simtest.invariants.readings import in_batch, leaves

WAITS_SECONDS = 150.0
LOOKS_SECONDS = 20.0
OWN_SPACE = "azlm-system"
"""The namespace of the operator's own pod, which leaves last whatever its order."""
DRAINS = frozenset(("Drain", "DrainTarget"))


class DrainPolicyInvariants(Part):
    """Judges which pods are moved, and whether the status explains the others."""

    def __init__(self, context: JudgeContext) -> None:
        super().__init__(context)
        self._admitted: dict[str, float] = {}
        self._progress: dict[str, float] = {}
        self._looked_at = 0.0
        self._began = 0.0

    # Decisions

    def decided(self, process: ObservedProcess, decision: DecisionToJudge) -> None:
        """Check each pod that is to leave, and from time to time each that is not."""
        looks = self.context.now - self._looked_at >= LOOKS_SECONDS
        if not decision.actions and not looks:
            return
        spec = self.context.specs.get(decision.status.observed_generation, self.context.spec)
        policy = policy_of(spec)
        back = decision.status.rollback is not None
        moves = [action for action in decision.actions if isinstance(action, EvictPod | DeletePod)]
        filled = "src" if back else self.context.target
        for move in moves:
            pod = process.world.pods.get(move.pod)
            if pod is not None and pod.uid == move.uid:
                forced = isinstance(move, DeletePod)
                self._stays(process, pod, policy, filled, forced=forced)
                self._progress[_queue_name(self.context, pod)] = self.context.now
        if moves and policy["order"]:
            self._ordered(process, moves, policy, "src" if not back else self.context.target)
        for other in decision.actions:
            if not isinstance(other, (EvictPod, DeletePod, *READS)):
                self._progress[other.key.rpartition("/")[2]] = self.context.now
        if looks:
            self._looked_at = self.context.now
            self._explained(process, decision.status, policy)

    def _stays(
        self,
        process: ObservedProcess,
        pod: Pod,
        policy: Mapping[str, Any],
        filled: str,
        *,
        forced: bool,
    ) -> None:
        that, key, kind = self.context.that, pod.key, pod.owner.kind if pod.owner else ""
        if pod.finished or pod.terminating:
            return
        node = process.world.nodes.get(pod.node)
        if node is not None and not policy["prefetch"]:
            that("in-batch", in_batch(node) > 0, f"{key} is evicted outside the batch")
        that("daemons-stay", kind != "DaemonSet", f"{key} of a DaemonSet is evicted")
        if policy["jobs"] == "Wait" and not forced:
            that("jobs-wait", kind != "Job", f"{key} of a Job is evicted in spite of jobs: Wait")
        if policy["emptyDir"] == "Block":
            that("empty-dir-stays", not pod.empty_dir, f"{key} with an emptyDir is evicted")
        if policy["unmanagedPods"] == "Block":
            that("unmanaged-stays", pod.owner is not None, f"{key} without a controller is evicted")
        volumes = self.context.store.volumes_of(pod)
        if volumes:
            local = any(volume.local for volume in volumes)
            that("local-volume-stays", not local, f"{key} with a local volume is evicted")
            zones = {n.zone for n in process.world.nodes.values() if n.pool == filled}
            lost = [v for v in volumes if v.zones and zones and not zones & set(v.zones)]
            that("volume-reached", not lost, f"{key} is evicted, its volume reaches no target node")

    def _ordered(
        self,
        process: ObservedProcess,
        moves: list[EvictPod | DeletePod],
        policy: Mapping[str, Any],
        emptied: str,
    ) -> None:
        world = process.world
        left = [
            order_of(policy, pod)
            for pod in world.pods.values()
            if (node := world.nodes.get(pod.node)) is not None
            and node.pool == emptied
            and in_batch(node)
            and leaves(pod)
            and not pod.terminating
            and pod.key.namespace != OWN_SPACE
        ]
        if not left:
            return
        for move in moves:
            pod = world.pods.get(move.pod)
            if pod is not None and isinstance(move, EvictPod):
                text = f"{pod.key} is evicted while pods of a lower order are left"
                self.context.that("in-order", order_of(policy, pod) <= min(left), text)

    # Explanations

    def written(self, old: MigrationStatus, body: Body) -> None:
        """A pod waits from the moment when the drain begins or continues."""
        turned = (old.rollback is None) != (body.status.rollback is None)
        if turned or old.step != body.status.step or _course(old) != _course(body.status):
            self._began = self.context.now

    def _explained(
        self, process: ObservedProcess, status: MigrationStatus, policy: Mapping[str, Any]
    ) -> None:
        """What waits for long has a blocker, or the status says why nothing moves."""
        ready = status.condition("Ready")
        if status.step not in DRAINS or ready is None or ready.reason not in {"Draining", ""}:
            return
        context, now = self.context, self.context.now
        emptied = context.target if status.rollback is not None else "src"
        named = {(blocker.namespace, blocker.name) for blocker in status.blockers}
        others = len(named) >= 20 or (bool(named) and bool(policy["order"]))
        # Not all blockers fit in, and pods of a higher order wait for those that have one.
        nodes = {n.name: n for n in process.world.nodes.values() if n.pool == emptied}
        for name in [name for name in self._admitted if name not in nodes]:
            del self._admitted[name]
        for name, node in nodes.items():
            if in_batch(node):
                self._admitted.setdefault(name, now)
        admitted = [
            pod
            for pod in process.world.pods.values()
            if pod.node in self._admitted and pod.key.namespace != OWN_SPACE
        ]
        first = min((order_of(policy, pod) for pod in admitted if leaves(pod)), default=0)
        for pod in admitted:
            # Those of a higher order wait for all of a lower one, however long these take.
            if order_of(policy, pod) <= first and self._waits(pod, policy):
                since = self._since(pod)
                explained = now - since < self._patience() or self._is_named(pod, nodes, named)
                text = f"{pod.key} waits for {now - since:.0f} s, and nothing says why"
                context.that("reason-reported", explained, text, excuse=others)

    def _waits(self, pod: Pod, policy: Mapping[str, Any]) -> bool:
        if not leaves(pod) or pod.terminating or self.context.now - pod.created < WAITS_SECONDS:
            return False
        return pod.owner is None or pod.owner.kind != "Job" or policy["jobs"] == "Evict"

    def _patience(self) -> float:
        """Pods of a higher order wait for the slowest replacement of a lower one."""
        templates = [w.template for w in self.context.simulation.workloads.by_uid.values()]
        slowest = max((t.start.longest + t.stop.longest for t in templates), default=0.0)
        return WAITS_SECONDS + slowest

    def _since(self, pod: Pod) -> float:
        queue = _queue_name(self.context, pod)
        seen = max(self._began, self._admitted[pod.node])
        return max(seen, self._progress.get(queue, 0.0), self._progress.get(pod.key.name, 0.0))

    def _is_named(self, pod: Pod, nodes: Mapping[str, Node], named: set[tuple[str, str]]) -> bool:
        workload = self.context.simulation.workloads.workload(pod)
        keys = {pod.key, *self.context.simulation.disruption.budgets_of(pod)}
        names = {(key.namespace, key.name) for key in keys}
        if workload is not None:
            names.add((workload.key.namespace, workload.key.name))
        if pod.owner is not None:
            names.add((pod.key.namespace, pod.owner.name))
        return bool(names & named) or ("", pod.node) in named

    # State of the cluster

    def begins(self, action: Action) -> None:
        """Pods are deleted only with force, and both evictions and deletions only in time."""
        if not isinstance(action, EvictPod | DeletePod):
            return
        context = self.context
        specs = [policy_of(spec) for spec in context.in_force(context.now - 60.0)]
        forces = any(spec["onTimeout"] == "Force" for spec in specs)
        if isinstance(action, DeletePod):
            context.that("only-force-deletes", forces, f"{action.pod} is deleted without Force")
        recorded = since_epoch(context.status.batch.started_at)
        started = context.batch_at or recorded or 0.0  # recorded times are by the operator's clock
        if not started or context.backwards or context.status.step != "Drain":
            return
        limits = [
            length_of({"drain": policy_of(spec)}, "drain", "timeout")
            for spec in context.in_force(context.now - 60.0)
        ]
        # A new process, and a drain that somebody else delayed, have a full timeout.
        started = max(started, context.acting.began, context.held_until)
        paused = context.paused(started)
        if isinstance(action, DeletePod):
            early = min(limits) - (context.now - started)
            text = f"{action.pod} is deleted {early:.0f} s before the batch's time is over"
            context.that(
                "not-forced-early", early <= context.slack(started) or not min(limits), text
            )
            context.that("pause-stops-the-clock", early + paused <= context.slack(started), text)
        elif all(limits) and not forces:
            # A mark that arrives late begins the batch with the time that is recorded then.
            over = context.now - max(started, recorded or 0.0) - max(limits)
            late = over - paused - context.unattended(started)
            text = f"{action.pod} is evicted {late:.0f} s after the batch's time was over"
            context.that("timeout-kept", late <= context.slack(started), text)


def _course(status: MigrationStatus) -> str:
    """Its phase; whether a drain is blocked or goes on makes no difference."""
    return Phase.RUNNING if status.phase == Phase.BLOCKED else status.phase


def _queue_name(context: JudgeContext, pod: Pod) -> str:
    workload = context.simulation.workloads.workload(pod)
    return workload.key.name if workload is not None else pod.key.name
