"""What the status reports is what is: its counts, its batch, its blockers and its times, counted
again from the records that the process had read and from the simulated cluster."""

from collections.abc import Iterator

from azure_linux_migrator.api.status import MigrationStatus, Phase, since_epoch
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod
from simtest.custom_resource import Body
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.operator_time import SLACK
from simtest.invariants.process import DecisionToJudge, ObservedProcess
from simtest.invariants.readings import in_batch

READS_SECONDS = 60.0
"""So many seconds after its first decision a process has read every list."""
PAUSED_SECONDS = 60.0
"""A process has seen a pause after so many seconds."""
ETA_SECONDS, ETA_TIMES = 600.0, 10.0
"""Without faults, a drain lasts so many times as long as was reported, and so many
seconds, at most."""
COUNTED = frozenset((Phase.RUNNING, Phase.BLOCKED, Phase.STALLED, Phase.ROLLING_BACK))
MOVES = frozenset(("Drain", "DrainTarget"))


class ReportedInvariants(Part):
    """Judges statuses, when a process decides and when they are written."""

    def __init__(self, context: JudgeContext, *, calm: bool) -> None:
        super().__init__(context)
        self._calm = calm
        self._first: dict[ObservedProcess, float] = {}
        self._judged: object = None
        self._told_eta: str | None = None
        self._eta: tuple[float, float] | None = None
        """When the first time of an end was reported, and that time."""

    # Decisions

    def decided(self, process: ObservedProcess, decision: DecisionToJudge) -> None:
        """The counts are those of the records."""
        if not process.world.nodes:
            self._first[process] = self.context.now  # its watches begin anew
        first = self._first.setdefault(process, self.context.now)
        status = decision.status
        self._ends_at(status)
        fields = (status.pods, status.nodes, status.batch, status.step)
        if fields == self._judged or not self._counts_now(status):
            return
        self._judged = fields
        emptied = self._emptied(process, status)
        starts = self.context.now - first < READS_SECONDS
        self._nodes(process, status, emptied, starts=starts)
        self._pods(process, status, emptied, starts=starts)

    def _counts_now(self, status: MigrationStatus) -> bool:
        """Whether the status is counted anew: not at the end, and not while it turns."""
        turned = (status.rollback is None) != (self.context.status.rollback is None)
        begun = status.step not in {"", "Preflight"}
        return begun and status.phase in COUNTED and not turned and not self.context.in_place

    def _emptied(self, process: ObservedProcess, status: MigrationStatus) -> dict[str, Node]:
        pool = self.context.target if status.rollback is not None else "src"
        return {node.name: node for node in process.world.nodes.values() if node.pool == pool}

    def _nodes(
        self,
        process: ObservedProcess,
        status: MigrationStatus,
        emptied: dict[str, Node],
        *,
        starts: bool,
    ) -> None:
        that, counts = self.context.that, status.nodes
        filled = "src" if status.rollback is not None else self.context.target
        ready = sum(node.pool == filled and node.ready for node in process.world.nodes.values())
        text = f"{counts.target_ready} nodes of {filled} are reported to be Ready, {ready} are"
        that("counts-true", counts.target_ready == ready, text, excuse=starts)
        cordoned = sum(node.unschedulable for node in emptied.values())
        text = f"{counts.cordoned} nodes are reported to be cordoned, {cordoned} are"
        that("counts-true", counts.cordoned == cordoned, text, excuse=starts)
        drained = f"{counts.drained} of {counts.total} nodes are reported to be drained"
        that("counts-true", 0 <= counts.drained <= counts.total, drained, excuse=starts)
        marks = {in_batch(node) for node in emptied.values()} - {0}
        if status.step in MOVES and marks:
            text = f"batch {status.batch.index} of {status.batch.of} is reported, marks are {marks}"
            right = status.batch.index == max(marks) <= status.batch.of
            # Nodes that others have replaced carry no marks any more.
            others = starts or self.context.pools_changed()
            that("batch-true", right, text, excuse=others)

    def _pods(
        self,
        process: ObservedProcess,
        status: MigrationStatus,
        emptied: dict[str, Node],
        *,
        starts: bool,
    ) -> None:
        that, counts = self.context.that, status.pods
        pods = [pod for pod in process.world.pods.values() if pod.node in emptied and _is_left(pod)]
        lost = sum(self._is_lost(pod, emptied[pod.node]) for pod in pods)
        text = f"{counts.remaining} pods are reported to be left, {len(pods)} are"
        that("counts-true", len(pods) - lost <= counts.remaining <= len(pods), text, excuse=starts)
        drained = status.condition("Drained")
        if drained is not None and drained.status == "True" and pods:
            text = f"Drained is reported, and {pods[0].key} is on {pods[0].node}"
            that("drained-true", len(pods) == lost, text, excuse=starts)
        elif drained is not None and drained.status == "True":
            that("drained-true", holds=True)

    def _is_lost(self, pod: Pod, node: Node) -> bool:
        """Whether its node may have been silent for so long that it is not waited for."""
        return pod.terminating and not node.ready

    # Writes

    def written(self, old: MigrationStatus, body: Body) -> None:
        """Blockers are there, and times are possible."""
        new = body.status
        if new is old:
            return
        for blocker in new.blockers:
            if blocker not in old.blockers:
                text = f"{blocker.cause} names {blocker.kind} {blocker.namespace}/{blocker.name}"
                self.context.that("blockers-true", self._exists(blocker), f"{text}, which is gone")
        turned = old.rollback is None and new.rollback is not None
        if turned and new.rollback is not None and new.rollback.reason != "Requested":
            long = self.context.paused(self.context.now - PAUSED_SECONDS) > PAUSED_SECONDS - SLACK
            text = f"the migration turns back while it is paused: {new.rollback.reason}"
            self.context.that("paused-turns-nothing", not long, text)
        self._lasts(old, new)

    def _exists(self, blocker: BlockerStatus) -> bool:
        key = NamespacedName(blocker.namespace, blocker.name)
        store = self.context.store
        if blocker.kind == "Eviction":
            return True  # what is refused for every pod alike has no object
        if blocker.kind == "Node":
            return blocker.name in store.nodes or self._was_known(key)
        return any(key == other for other in self._keys()) or self._was_known(key)

    def _keys(self) -> Iterator[NamespacedName]:
        store = self.context.store
        yield from store.pods
        yield from store.budgets
        yield from (controller.key for controller in store.controllers.values())
        for pod in store.pods.values():
            if pod.owner is not None:
                yield NamespacedName(pod.key.namespace, pod.owner.name)

    def _was_known(self, key: NamespacedName) -> bool:
        """Whether a process still knows an object that is gone since."""
        return any(
            key in process.world.pods
            or key in process.world.budgets
            or key.name in process.world.nodes
            for process in self._first
        )

    def _ends_at(self, status: MigrationStatus) -> None:
        if status.timing.eta in {self._told_eta, self.context.status.timing.eta}:
            return  # one that is kept was judged when it was new
        self._told_eta = status.timing.eta
        eta = since_epoch(status.timing.eta)
        if eta is not None:
            late = self.context.now - eta
            text = f"the drain is reported to be over {late:.0f} s ago"
            self.context.that("eta-true", late <= self.context.slack(0.0), text)
            self._eta = self._eta or (self.context.now, eta)

    def _lasts(self, old: MigrationStatus, new: MigrationStatus) -> None:
        if new.is_true("Drained") and not old.is_true("Drained") and self._eta and self._calm:
            told_at, eta = self._eta
            took, was_reported = self.context.now - told_at, eta - told_at
            text = f"the drain took {took:.0f} s, {was_reported:.0f} s were reported"
            possible = took <= ETA_TIMES * was_reported + ETA_SECONDS
            possible = possible and was_reported <= ETA_TIMES * took + ETA_SECONDS
            self.context.that("eta-true", possible, text)


def _is_left(pod: Pod) -> bool:
    """Whether a pod has yet to leave its node: those that have ended are evicted, too, and of
    DaemonSets those alone."""
    daemon = pod.owner is not None and pod.owner.kind == "DaemonSet"
    return not pod.mirror and (pod.finished or not daemon)
