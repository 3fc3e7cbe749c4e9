"""What must hold after every event, judged by the cluster's own truth and not by what azlm saw."""

from collections import deque

from azure_linux_migrator.api.names import APPROVE, TAG_MIGRATION
from azure_linux_migrator.api.quantities import seconds
from azure_linux_migrator.api.status import MigrationStatus, Phase
from azure_linux_migrator.core.actions import (
    Action,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    ReleaseNode,
    UpdatePool,
)
from azure_linux_migrator.core.records import Key, Node, Pod
from azure_linux_migrator.sim.cluster.store import Deaf
from azure_linux_migrator.sim.pilot.resource import Body, Resource
from proof.manners import SLACK, Manners, ViolationError
from proof.scenario import NAME, Scenario

OPEN_SECONDS = 45.0
"""How long a source node may stand open before evictions go on without it being a fault."""


MOST_STALLS = 12
"""How often a migration may begin to stall within ten minutes."""


class Audit(Manners, Deaf):
    """Watches one run."""

    def __init__(self, stage: Scenario, resource: Resource) -> None:
        super().__init__(stage, resource)
        self._upset_until = self._twins_until = self._pools_until = 0.0
        self._slack = SLACK
        self._granted: dict[str, float] = {}
        self._counted: dict[Key, bool] = {}
        self._foreign: set[str] = set()
        self._opened: dict[str, float] = {}
        self._last_left: dict[str, float] = {}
        self._soak = seconds(stage.spec["strategy"]["finalSoak"])
        self._steps: list[str] = []
        self._turned_at = 0.0
        self._was_stalled = False
        self._stalls: deque[float] = deque()
        self._approved: set[str] = set()
        self._scaled: set[Key] = set()
        self.succeeded = False
        self.refused = 0
        self.evictions = 0
        self._store.watchers.append(self)
        resource.watchers.append(self._written)
        now = self._scene.kernel.now
        for node in self._store.nodes.values():
            self._opened[node.name] = now

    # What is known to come from elsewhere

    def misfortune(self, length: float) -> None:
        """Pods become unhealthy without our doing, for so many seconds."""
        self._upset_until = max(self._upset_until, self._scene.kernel.now + length)

    def two_at_once(self, length: float) -> None:
        """Two operators work for so many seconds: where no budget is, neither knows of the other's
        evictions."""
        self._twins_until = max(self._twins_until, self._scene.kernel.now + length)

    def pools_changed(self, length: float) -> None:
        """Somebody changes a pool, which azlm learns of within so many seconds."""
        self._pools_until = max(self._pools_until, self._scene.kernel.now + length)

    def clock_jumped(self, by: float) -> None:
        """The operator's clock was set by so many seconds."""
        self._slack += abs(by)

    def soak_may_be(self, length: float) -> None:
        """The soak was edited."""
        self._soak = min(self._soak, length)

    def foreign_cordon(self, node: Node) -> None:
        """Somebody cordons a node that is not ours."""
        if not node.unschedulable or not node.cordoned_by:
            self._foreign.add(node.name)

    def foreign_uncordon(self, node: Node) -> None:
        """Somebody uncordons a node."""
        self._foreign.discard(node.name)

    def scaled_by_others(self, key: Key) -> None:
        """Somebody else scales a Deployment."""
        self._scaled.add(key)

    # The resource

    def _written(self, body: Body | None) -> None:
        if body is None:
            self._steps = []  # one that is applied anew begins at the beginning
            return
        still = bool(body.spec.get("paused")) or body.spec.get("mode") == "Plan"
        paused = still and not body.deleting
        now = self._scene.kernel.now
        self._paused_since = (self._paused_since or now) if paused else None
        if value := body.annotations.get(APPROVE):
            self._approved.add(value.partition(".")[0])
        self._check_status(body.status)

    def _check_status(self, status: MigrationStatus) -> None:
        """It never regresses but by a rollback or a changed spec after one."""
        self.succeeded = self.succeeded or status.is_true("Succeeded")
        self._steady(status)
        if status.phase in {Phase.DELETING, Phase.ROLLING_BACK, Phase.ROLLED_BACK}:
            if self._steps:
                self._turned_at = self._scene.kernel.now
            self._steps = []
            return
        if self._steps and self._steps[-1] == "done" and not status.is_true("Succeeded"):
            raise ViolationError("a succeeded migration is not succeeded any more")
        step = "done" if status.is_true("Succeeded") else status.step
        if not self._steps or self._steps[-1] != step:
            self._steps.append(step)
        final = self._steps.index("RetireSource") if "RetireSource" in self._steps else -1
        if final >= 0 and any(
            each in {"Preflight", "CreateTarget", "CordonSource", "Drain"}
            for each in self._steps[final:]
        ):
            raise ViolationError(f"the status goes back: {' → '.join(self._steps)}")
        order = [each for each in self._steps if each in {"", "Preflight", "CreateTarget"}]
        if order != sorted(order, key=["", "Preflight", "CreateTarget"].index):
            raise ViolationError(f"the status goes back: {' → '.join(self._steps)}")

    def _steady(self, status: MigrationStatus) -> None:
        """It does not flap between stalled and at work."""
        stalled, now = status.is_true("Stalled"), self._scene.kernel.now
        if stalled and not self._was_stalled:
            self._stalls.append(now)
        self._was_stalled = stalled
        while self._stalls and now - self._stalls[0] > 600.0:
            self._stalls.popleft()
        if len(self._stalls) > MOST_STALLS:
            ready = status.condition("Ready")
            raise ViolationError(
                f"stalled {len(self._stalls)} times in ten minutes: {ready.reason if ready else ''}"
            )

    # The nodes

    def node(self, old: Node | None, new: Node | None) -> None:
        """Since when a node takes new pods."""
        if new is None and old is not None:
            self._opened.pop(old.name, None)
            self._foreign.discard(old.name)
        elif new is not None and not new.unschedulable:
            if old is None or old.unschedulable:
                self._opened[new.name] = self._scene.kernel.now
        elif new is not None:
            self._opened.pop(new.name, None)

    # The pods

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """When the last pod left a pool."""
        was = old is not None and _moves(old) and old.node
        if not was or old is None:
            return
        if new is None or new.node != old.node:
            node = self._store.nodes.get(old.node)
            if node is not None:
                self._last_left[node.pool] = self._scene.kernel.now

    # Actions

    def begins(self, action: Action) -> None:
        """Is it allowed, as things are?"""
        self._in_measure(action)
        match action:
            case EvictPod(pod, uid) | DeletePod(pod, uid):
                self._counted = self._healthy(pod, uid)
                self._as_wished(action)
            case ReleaseNode(node, by):
                found = self._store.nodes.get(node)
                if node in self._foreign and found is not None and found.cordoned_by == by:
                    raise ViolationError(f"uncordons {node}, which somebody else cordoned")
            case DeletePool(pool):
                self._retires(pool, [n for n in self._store.nodes.values() if n.pool == pool])
            case UpdatePool(pool, changes) if dict(changes).get("count") == 0:
                self._retires(pool, [n for n in self._store.nodes.values() if n.pool == pool])
            case DeleteMachines(pool, nodes):
                found_nodes = [n for name in nodes if (n := self._store.nodes.get(name))]
                self._empty(f"machines of {pool}", found_nodes)

    def ends(self, action: Action) -> None:
        """What came of it."""
        match action:
            case EvictPod(pod, uid):
                self._evicted(pod, uid, forced=False)
            case DeletePod(pod, uid):
                self._evicted(pod, uid, forced=True)
        self._one_target()

    def _healthy(self, key: Key, uid: str) -> dict[Key, bool]:
        pod = self._store.pods.get(key)
        if pod is None or pod.uid != uid or pod.terminating:
            return {}
        counted = pod.ready and not pod.finished
        return dict.fromkeys(self._scene.disruption.guards(pod), counted) or {key: counted}

    def _evicted(self, key: Key, uid: str, *, forced: bool) -> None:
        before, self._counted = self._counted, {}
        pod = self._store.pods.get(key)
        if not before:
            return
        if pod is not None and not pod.terminating:
            self.refused += 1
            return
        self.evictions += 1
        now = self._scene.kernel.now
        if uid in self._granted:
            raise ViolationError(f"pod {key} was evicted twice")
        self._granted[uid] = now
        if pod is None:
            return
        self._from_source(pod)
        if forced or now < self._upset_until or not any(before.values()):
            return
        for budget in before:
            if budget in self._store.budgets and self._scene.disruption.settled(budget):
                _, desired = self._scene.disruption.wanted(budget)
                healthy = self._scene.disruption.healthy(budget)
                if healthy < desired:
                    raise ViolationError(
                        f"budget {budget} has {healthy} of {desired} after evicting {key}"
                    )
        if not any(budget in self._store.budgets for budget in before):
            self._owner_keeps(pod)

    def _owner_keeps(self, pod: Pod) -> None:
        """Replicas without a budget: no more are out than their controller allows."""
        workload = self._scene.workloads.workload(pod)
        if workload is None or workload.kind not in {"Deployment", "StatefulSet"}:
            return
        if (
            self.stale
            or workload.key in self._scaled
            or self._scene.kernel.now < self._twins_until + SLACK
        ):
            return
        keys = self._scene.workloads.pods_of[workload.uid]
        pods = [self._store.pods[key] for key in keys]
        healthy = sum(each.ready and not each.terminating for each in pods)
        room = 1 if workload.kind == "StatefulSet" else workload.max_unavailable
        room = max(1, room if workload.rolling else int(workload.replicas * 0.1))
        if workload.replicas - healthy > room:
            raise ViolationError(
                f"{workload.replicas - healthy} of {workload.replicas} pods of {workload.key} are "
                f"out, {room} may be"
            )

    def _from_source(self, pod: Pod) -> None:
        """Each pod moves once: off the pool that is emptied, while all of that takes no pods."""
        emptied = self._target() if self._backwards else "src"
        node, now = self._store.nodes.get(pod.node), self._scene.kernel.now
        just_turned = now - self._turned_at < SLACK
        if node is None or self.stale or now < self._pools_until or just_turned:
            return
        if node.pool != emptied:
            raise ViolationError(f"pod {pod.key} is evicted from pool {node.pool}")
        scaling = self._scene.aks.properties("src").get("enableAutoScaling")
        if emptied == "src" and scaling:
            raise ViolationError("pods are evicted while the source's autoscaler is on")
        for each in self._store.nodes.values():
            opened = self._opened.get(each.name)
            if each.pool == emptied and opened is not None and now - opened > OPEN_SECONDS:
                raise ViolationError(f"pods are evicted while node {each.name} takes new ones")

    def _target(self) -> str:
        body = self._resource.body
        return (body.status.target_pool if body else "") or self._stage.target

    def _retires(self, pool: str, nodes: list[Node]) -> None:
        self._empty(f"pool {pool}", nodes)
        if self._backwards or pool != "src":
            if pool == "src":
                raise ViolationError("the source is retired on the way back")
            if not self._backwards:
                raise ViolationError("the target is retired on the way there")
            return
        if self._stage.spec["approval"] == "BeforeRetire" and "BeforeRetire" not in self._approved:
            raise ViolationError("the source is retired without an approval")
        waited = self._scene.kernel.now - self._last_left.get(pool, 0.0)
        if waited < self._soak - self._slack:
            raise ViolationError(f"the source is retired {waited:.1f} s after its last pod left")

    def _empty(self, what: str, nodes: list[Node]) -> None:
        for node in nodes:
            for pod in self._store.pods_on[node.name].values():
                if _moves(pod) and self._scene.kernel.now - pod.created > OPEN_SECONDS:
                    raise ViolationError(f"{what} is deleted with pod {pod.key} on {node.name}")

    def _one_target(self) -> None:
        aks = self._scene.aks
        tagged = [
            name
            for name in aks.pool_names()
            if (aks.properties(name).get("tags") or {}).get(TAG_MIGRATION) == NAME
        ]
        if len(tagged) > 1:
            raise ViolationError(f"more than one target pool: {', '.join(tagged)}")


def _moves(pod: Pod) -> bool:
    """Whether a pod has to leave before its node may go."""
    if pod.mirror or pod.finished:
        return False
    return pod.owner is None or pod.owner.kind != "DaemonSet"
