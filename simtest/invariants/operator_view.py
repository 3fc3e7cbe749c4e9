"""What a process decides, judged by what it knew: a lag is no excuse here. Everything is counted
from the records of the operator's watches, without the indexes of the core."""

from collections import Counter
from collections.abc import Mapping

from azure_linux_migrator.api.status import MigrationStatus, Phase
from azure_linux_migrator.model.actions import (
    READS,
    Action,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    UpdatePool,
)
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Pod
from simtest.custom_resource import Body
from simtest.invariants.blame import Blame
from simtest.invariants.budgets import (
    FORCED_SECONDS,
    GOVERNED,
    believed_healthy,
    believed_of_budget,
    room_of,
)
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.process import DecisionToJudge, ObservedProcess
from simtest.invariants.readings import leaves

DENIED_SECONDS = 120.0
"""After an eviction that was not granted, other pods may be refused for the same reason."""
PROBE_SECONDS = 55.0
"""A budget that never grants is asked once a minute (docs/drain.md)."""


class OperatorView(Part):
    """Judges decisions."""

    def __init__(self, context: JudgeContext, blame: Blame) -> None:
        super().__init__(context)
        self._blame = blame
        self._moved: set[str] = set()
        """Workloads of which azlm has moved a pod in this direction."""
        self._forced_at = -FORCED_SECONDS
        self._probes: dict[tuple[int, NamespacedName], float] = {}

    def ends(self, action: Action) -> None:
        """Owners whose pods were moved."""
        if isinstance(action, EvictPod | DeletePod):
            pod = self.context.store.pods.get(action.pod)
            workload = self.context.simulation.workloads.workload(pod) if pod else None
            if workload is not None and pod is not None and pod.terminating and pod.node:
                self._moved.add(workload.uid)
                self.context.moved.add(workload.uid)

    def written(self, old: MigrationStatus, body: Body) -> None:
        """A rollback begins without any."""
        if (old.rollback is None) != (body.status.rollback is None):
            self._moved.clear()

    def decided(self, process: ObservedProcess, decision: DecisionToJudge) -> None:
        """Every action that writes."""
        if not decision.actions:
            return
        status = decision.status
        writes = [action for action in decision.actions if not isinstance(action, READS)]
        if not writes:
            return
        spec = self.context.specs.get(status.observed_generation, self.context.spec)
        still = bool(spec.get("paused")) or spec.get("mode") == "Plan"
        if status.phase != Phase.DELETING:
            self.context.that("paused-means-paused", not still, f"{writes[0].key} is decided")
        back = status.rollback is not None
        there = self.context.target
        emptied, filled = (there, "src") if back else ("src", there)
        evictions = [action for action in writes if isinstance(action, EvictPod)]
        deletions = [action for action in writes if isinstance(action, DeletePod)]
        if evictions or deletions:
            self._may_move(process, emptied, filled, placed=bool(evictions))
            self._slots(process, evictions, deletions)
        for write in writes:
            match write:
                case DeleteMachines(pool, nodes):
                    self._retires(process, pool, nodes, filled)
                case DeletePool(pool):
                    self._retires(process, pool, None, filled)
                case UpdatePool(pool, changes) if dict(changes).get("count") == 0:
                    self._retires(process, pool, None, filled)

    # Moves

    def _may_move(
        self, process: ObservedProcess, emptied: str, filled: str, *, placed: bool
    ) -> None:
        world, that = process.world, self.context.that
        nodes = [node for node in world.nodes.values() if node.pool == emptied]
        opened = next((node.name for node in nodes if not node.unschedulable), "")
        that("cordoned-first", not opened, f"pods are evicted while {opened} is known to be open")
        ready = any(node.pool == filled and node.ready for node in world.nodes.values())
        that("target-ready", ready, f"pods are evicted though no node of {filled} is Ready")
        if placed:
            self._placed("placed-first", process, "pods are evicted")

    def _placed(self, name: str, process: ObservedProcess, what: str) -> None:
        """Every pod that replaces one that azlm moved fits on a node. Of a workload that others
        have scaled it may be a replica that they added."""
        context, added = self.context, None
        for pod in process.world.pods.values():
            if pod.unschedulable and not pod.terminating:
                workload = context.simulation.workloads.workload(pod)
                if workload is None or workload.uid not in self._moved:
                    continue
                if workload.key not in context.rescaled:
                    context.that(name, holds=False, text=f"{what} while {pod.key} has no node")
                added = pod.key
        context.that(name, added is None, excuse=True)

    # Slots

    def _slots(
        self, process: ObservedProcess, evictions: list[EvictPod], deletions: list[DeletePod]
    ) -> None:
        wanted: dict[NamespacedName, int] = {}
        owners: dict[str, int] = {}
        again: dict[NamespacedName, int] = {}
        for eviction in evictions:
            pod = process.world.pods.get(eviction.pod)
            if pod is None or pod.uid != eviction.uid or pod.terminating or pod.finished:
                continue
            if pod.phase == "Pending":
                continue
            if (sent := process.sent.get(pod.uid)) is not None:
                # An eviction whose answer was lost holds its slot already.
                for key in (
                    self.context.simulation.disruption.budgets_of(pod) if not sent.granted else ()
                ):
                    again[key] = again.get(key, 0) + 1
                continue
            self._ask(process, pod, wanted, owners)
        if deletions:
            self._forced_at = self.context.now
        forces = self.context.now - self._forced_at < FORCED_SECONDS
        for key, asked in wanted.items():
            budget = process.world.budgets[key]
            if 0 < budget.expected <= budget.desired and self._lets_pass():
                self._probed(process, key, asked)
                continue
            free = self._free(process, budget)
            text = f"{asked} pods of budget {key} are evicted, {free} slots are known to be free"
            self.context.that("slot-known-free", asked <= free, text, excuse=forces)
        for uid, asked in owners.items():
            self._room(process, uid, asked)
        for force in deletions:
            pod = process.world.pods.get(force.pod)
            if pod is not None and pod.ready and not pod.terminating:
                self._forced(process, pod, Counter(wanted) + Counter(again))

    def _lets_pass(self) -> bool:
        """Whether the admin went on, at any time, in spite of budgets that never grant."""
        return any(
            "pdb.zero" in (spec.get("preflight") or {}).get("acknowledge", ())
            for spec in self.context.specs.values()
        )

    def _probed(self, process: ObservedProcess, key: NamespacedName, asked: int) -> None:
        """A budget that can never grant is asked all the same, for a webhook to move the pod."""
        now, last = self.context.now, self._probes.get((id(process), key), -PROBE_SECONDS)
        self._probes[id(process), key] = now
        slow = asked == 1 and now - last >= PROBE_SECONDS
        text = f"{asked} pods of budget {key} are probed {now - last:.0f} s after the last"
        self.context.that("probes-slow", slow, text)

    def _ask(
        self,
        process: ObservedProcess,
        pod: Pod,
        wanted: dict[NamespacedName, int],
        owners: dict[str, int],
    ) -> None:
        budgets = [
            k
            for k in self.context.simulation.disruption.budgets_of(pod)
            if k in process.world.budgets
        ]
        two = f"{pod.key} is evicted in spite of two budgets"
        obvious = len(budgets) < 2
        self.context.that("slot-known-free", obvious, two)
        if budgets and obvious:
            budget = process.world.budgets[budgets[0]]
            if pod.ready or not _free_unready(budget):
                wanted[budgets[0]] = wanted.get(budgets[0], 0) + 1
        elif not budgets and pod.ready:
            workload = self.context.simulation.workloads.workload(pod)
            if workload is not None and workload.kind in GOVERNED:
                owners[workload.uid] = owners.get(workload.uid, 0) + 1

    def _free(self, process: ObservedProcess, budget: Budget) -> int:
        """By the status of the budget with azlm's evictions that it does not show yet; and by
        the pods."""
        if budget.observed_generation < budget.generation:
            return 0
        unshown = sum(
            budget.key in sent.charged
            and sent.granted
            and not sent.free
            and sent.revision >= budget.revision
            for sent in process.sent.values()
        )
        believed = believed_of_budget(self.context, process, budget.key)
        return min(budget.allowed - unshown, believed - budget.desired)

    def _room(self, process: ObservedProcess, uid: str, asked: int) -> None:
        """Replicas without a budget."""
        controller = process.controller(uid)
        workload = self.context.simulation.workloads.by_uid[uid]
        if controller is None:
            return
        out = controller.replicas - believed_healthy(self.context, process, workload)
        allowance = room_of(controller)
        text = f"{asked} pods of {controller.key} are evicted, {out} are out and {allowance} may be"
        self.context.that("slot-known-free", asked + out <= allowance, text)

    def _forced(
        self, process: ObservedProcess, pod: Pod, wanted: Mapping[NamespacedName, int]
    ) -> None:
        budgets = self.context.simulation.disruption.budgets_of(pod)
        budget = process.world.budgets.get(budgets[0]) if len(budgets) == 1 else None
        if budget is not None:
            free = self._free(process, budget) - wanted.get(budget.key, 0)
            text = f"{pod.key} is deleted while its budget has {free} free slots"
            denied = self._denied(process, pod)
            self.context.that("forced-without-slot", free <= 0, text, excuse=denied)

    def _denied(self, process: ObservedProcess, pod: Pod) -> bool:
        """Whether an eviction of the pod was not granted, or one of any pod lately."""
        since = self.context.now - DENIED_SECONDS
        return any(
            not sent.granted and (uid == pod.uid or sent.at > since)
            for uid, sent in process.sent.items()
        )

    # Retiring

    def _retires(
        self, process: ObservedProcess, pool: str, names: tuple[str, ...] | None, filled: str
    ) -> None:
        world, that = process.world, self.context.that
        for node in world.nodes.values():
            if node.pool != pool or (names is not None and node.name not in names):
                continue
            that("retired-cordoned", node.unschedulable, f"{node.name} takes new pods")
            volume = process.volume_on(node.name) if node.ready else ""
            that("retired-detached", not volume, f"{volume} is attached to {node.name}")
            left = [pod.key for pod in world.pods.values() if pod.node == node.name and leaves(pod)]
            that("retired-empty", not left, f"{node.name} is deleted with pod {left[:1]}")
        self._placed("retired-placed", process, f"{pool} is retired")
        ready = any(node.pool == filled and node.ready for node in world.nodes.values())
        that("retired-with-target", ready, f"{pool} is retired, no node of {filled} is Ready")


def _free_unready(budget: Budget) -> bool:
    """Whether a budget lets unready pods go without a slot."""
    return budget.unhealthy_policy == "AlwaysAllow" or budget.healthy >= budget.desired > 0
