"""The core's model of the cluster: nodes, pods and disruption budgets with the indexes drains need.

Fed event by event; an event costs the same whatever the number of pods, but for a changed budget
selector, which costs its namespace once. It also holds what belongs to the cluster and not to one
migration: the evictions in flight, the slot times, and the indexes that drains are decided from.
"""

from collections import defaultdict
from collections.abc import Iterable

from azure_linux_migrator.core.state.evictions import Evictions
from azure_linux_migrator.core.state.implicit_budgets import ImplicitBudgets
from azure_linux_migrator.core.state.inflight import InflightEvictions
from azure_linux_migrator.core.state.listener import Listener
from azure_linux_migrator.core.state.owner_index import OwnerIndex
from azure_linux_migrator.core.state.pdb_index import PdbIndex, counts_as_healthy
from azure_linux_migrator.core.state.slot_timing import SlotTimes
from azure_linux_migrator.model.cluster import (
    Attachment,
    Budget,
    Controller,
    NamespacedName,
    Node,
    Pod,
    Volume,
)


class World(Evictions):
    """Indexes over the records; every method is total and idempotent."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.pods: dict[NamespacedName, Pod] = {}
        self.budgets: dict[NamespacedName, Budget] = {}
        self.owner_index = OwnerIndex()
        self.inflight = InflightEvictions(self._evictions_changed)
        self.slot_times = SlotTimes()
        self.implicit_budgets = ImplicitBudgets()
        self.listeners: list[Listener] = []
        self.unschedulable: dict[NamespacedName, Pod] = {}
        self.unread_scales: dict[str, str] = {}
        """Kinds of controllers that nothing is watched of, or single ones (kind and key), and why
        their scale is not known."""
        self.starting: dict[NamespacedName, Pod] = {}
        """Pods that have a node and are neither Ready nor at an end."""
        self._settling: set[NamespacedName] = set()
        self._nodes_of_pool: defaultdict[str, dict[str, Node]] = defaultdict(dict)
        self._ready_in_pool: defaultdict[str, int] = defaultdict(int)
        self._pods_on: defaultdict[str, dict[NamespacedName, Pod]] = defaultdict(dict)
        self._pods_in: defaultdict[str, set[NamespacedName]] = defaultdict(set)
        self.pdb_index = PdbIndex(self.budgets, self._pods_in)

    def clear(self) -> None:
        """Forget everything: no watch runs any more."""
        self.__init__()  # type: ignore[misc]  # every field is rebuilt, in one place

    # Reading

    def pool_nodes(self, pool: str) -> Iterable[Node]:
        """Nodes of a pool."""
        return self._nodes_of_pool.get(pool, {}).values()

    def ready_nodes(self, pool: str) -> int:
        """How many nodes of a pool are Ready."""
        return self._ready_in_pool.get(pool, 0)

    def pods_on(self, node: str) -> Iterable[Pod]:
        """Pods bound to a node."""
        return self._pods_on.get(node, {}).values()

    def pods_in(self, namespace: str) -> Iterable[Pod]:
        """Pods of a namespace."""
        return (self.pods[key] for key in tuple(self._pods_in.get(namespace, ())))

    def pods_of(self, deployment: Controller) -> Iterable[Pod]:
        """The pods of a Deployment's ReplicaSets."""
        owners = set(self.owner_index.replicasets_of(deployment.uid))
        return (
            pod
            for pod in self.pods_in(deployment.key.namespace)
            if pod.owner is not None and pod.owner.uid in owners
        )

    def budgets_of(self, pod: Pod) -> tuple[NamespacedName, ...]:
        """Keys of the budgets that select a pod, sorted."""
        return self.pdb_index.of(pod)

    def healthy(self, budget: NamespacedName) -> int:
        """Healthy pods of a budget by our own watch, which may be ahead of the budget's status."""
        return self.pdb_index.healthy(budget)

    # Time

    def tick(self, now: float) -> None:
        """Time passes (seconds since the epoch); costs only what is due."""
        self.inflight.tick(now)
        for key in self._settling:
            budget = self.budgets.get(key)
            if budget is not None:
                self.slot_times.settle(budget, self.inflight.unshown(key), now)
        self._settling.clear()

    # Events

    def put_node(self, node: Node) -> None:
        """A node was added or changed."""
        old = self.nodes.get(node.name)
        if old == node:
            return
        if old is not None:
            self._forget_node(old)
        self.nodes[node.name] = node
        self._nodes_of_pool[node.pool][node.name] = node
        self._ready_in_pool[node.pool] += node.ready
        for listener in self.listeners:
            listener.node_changed(old, node)

    def remove_node(self, name: str) -> None:
        """A node is gone; its pods go by their own events."""
        old = self.nodes.pop(name, None)
        if old is not None:
            self._forget_node(old)
            for listener in self.listeners:
                listener.node_changed(old, None)

    def put_pod(self, pod: Pod) -> None:
        """A pod was added or changed."""
        old = self.pods.get(pod.key)
        if old is not None:
            self._drop(old)
        self.pods[pod.key] = pod
        self._pods_in[pod.key.namespace].add(pod.key)
        if pod.node:
            self._pods_on[pod.node][pod.key] = pod
        self._tally(pod, 1)
        if pod.unschedulable:
            self.unschedulable[pod.key] = pod
        if pod.node and not (pod.ready or pod.terminating or pod.finished):
            self.starting[pod.key] = pod
        if old is not None and old.uid != pod.uid:
            self._leaves(old, pod.revision)
        if pod.terminating:
            self._leaves(pod, pod.revision)
        for listener in self.listeners:
            listener.pod_changed(old, pod)
        if old is not None and (old.node != pod.node or old.owner != pod.owner):
            self._vacate(old)

    def remove_pod(self, key: NamespacedName, revision: int = 0) -> None:
        """A pod is gone, as of that resourceVersion."""
        old = self.pods.pop(key, None)
        if old is None:
            return
        self._drop(old)
        self._pods_in[key.namespace].discard(key)
        self._leaves(old, revision or old.revision)
        for listener in self.listeners:
            listener.pod_changed(old, None)
        self._vacate(old)

    def put_budget(self, budget: Budget) -> None:
        """A budget was added or changed."""
        old = self.budgets.get(budget.key)
        self.budgets[budget.key] = budget
        newer = old is None or old.revision < budget.revision
        if newer and not budget.never_allows:  # one that never allows is probed at its own pace
            self.inflight.budget_backoffs.shown(budget.key)
        if old is None or old.selector != budget.selector:
            self.pdb_index.add(budget.key)
            self._regroup(budget.key.namespace)
        self.inflight.budget_shows(budget)
        self._settling.add(budget.key)
        for listener in self.listeners:
            listener.budget_changed(budget.key)

    def remove_budget(self, key: NamespacedName) -> None:
        """A budget is gone."""
        if self.budgets.pop(key, None) is not None:
            self.pdb_index.discard(key)
            self.inflight.forget_budget(key)
            self.slot_times.forget(key)
            self._regroup(key.namespace)

    def put_controller(self, controller: Controller) -> None:
        """A Deployment, ReplicaSet, StatefulSet or DaemonSet was added or changed, or a scale was
        read. One of its name that has another uid is gone: it was created again."""
        if self.owner_index.uid_of(controller.kind, controller.key) not in {"", controller.uid}:
            self.remove_controller(controller.kind, controller.key)
        settled = controller.polled and self.implicit_budgets.scale_read(controller.uid)
        if self.owner_index.put_controller(controller) or settled:
            self._notify_owner(controller.uid)

    def remove_controller(self, kind: str, key: NamespacedName) -> None:
        """A controller is gone."""
        uid = self.owner_index.remove_controller(kind, key)
        if uid:
            self._notify_owner(uid)

    def put_volume(self, volume: Volume) -> None:
        """A persistent volume was bound or changed."""
        self.owner_index.put_volume(volume)
        self._notify_volumes(volume.claim, "")

    def remove_volume(self, name: str) -> None:
        """A persistent volume is gone."""
        self._notify_volumes(self.owner_index.remove_volume(name), "")

    def put_attachment(self, attachment: Attachment) -> None:
        """A volume is attached to a node."""
        before = self.owner_index.remove_attachment(attachment.name)
        self.owner_index.put_attachment(attachment)
        for node in sorted({before, attachment.node} - {""}):
            self._notify_volumes(None, node)

    def remove_attachment(self, name: str) -> None:
        """A volume was detached."""
        self._notify_volumes(None, self.owner_index.remove_attachment(name))

    # Bookkeeping

    def _notify_volumes(self, claim: NamespacedName | None, node: str) -> None:
        for listener in self.listeners:
            listener.volumes_changed(claim, node)

    def _notify_owner(self, uid: str) -> None:
        for listener in self.listeners:
            listener.controller_changed(uid)

    def _forget_node(self, node: Node) -> None:
        self._nodes_of_pool[node.pool].pop(node.name, None)
        self._ready_in_pool[node.pool] -= node.ready

    def _leaves(self, pod: Pod, revision: int) -> None:
        shown_by = self.inflight.pod_leaves(pod.key, pod.uid, revision)
        if shown_by is not None and (budget := self.budgets.get(shown_by)) is not None:
            self.inflight.budget_shows(budget)

    def _evictions_changed(
        self, pod: NamespacedName, budget: NamespacedName | None, owner: str
    ) -> None:
        for listener in self.listeners:
            listener.evictions_changed(pod, budget, owner)

    def _drop(self, pod: Pod) -> None:
        if pod.node:
            self._pods_on[pod.node].pop(pod.key, None)
        if pod.unschedulable:
            self.unschedulable.pop(pod.key, None)
        self.starting.pop(pod.key, None)
        self._tally(pod, -1)

    def _tally(self, pod: Pod, change: int) -> None:
        healthy = counts_as_healthy(pod)
        if pod.owner is not None:
            self.implicit_budgets.tally(
                pod.owner.uid,
                change,
                healthy=healthy,
                leaving=pod.terminating,
                placed=bool(pod.node) and not pod.terminating and not pod.finished,
                finished=pod.finished,
            )
        if healthy:
            self.pdb_index.tally(pod, change)

    def _regroup(self, namespace: str) -> None:
        self.pdb_index.regroup(namespace, self.pods_in(namespace))
        for listener in self.listeners:
            listener.namespace_regrouped(namespace)

    def _vacate(self, pod: Pod) -> None:
        """A pod is gone, or stands elsewhere now: what has lost its last pod is forgotten."""
        if pod.owner is not None:
            self.implicit_budgets.settle(pod.owner.uid)
        if pod.node and not self._pods_on.get(pod.node):
            self._pods_on.pop(pod.node, None)
        namespace = pod.key.namespace
        if not self._pods_in.get(namespace):
            self._pods_in.pop(namespace, None)
            self.pdb_index.emptied(namespace)
