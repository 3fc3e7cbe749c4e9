"""The objects of the API server by name, one revision for all, and the watchers."""

from collections import defaultdict
from typing import Protocol

from msgspec import structs

from azure_linux_migrator.model.cluster import (
    Attachment,
    Budget,
    Controller,
    NamespacedName,
    Node,
    Pod,
    Volume,
)
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity


class Watcher(Protocol):
    """Called for each change when it is made."""

    def node(self, old: Node | None, new: Node | None) -> None:
        """A node."""

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod."""

    def budget(self, old: Budget | None, new: Budget | None) -> None:
        """A disruption budget."""

    def controller(self, old: Controller | None, new: Controller | None) -> None:
        """A controller."""

    def volume(self, old: Volume | None, new: Volume | None) -> None:
        """A bound volume."""

    def attachment(self, old: Attachment | None, new: Attachment | None) -> None:
        """A volume's attachment."""


class NullWatcher:
    """A watcher that ignores everything; subclasses override some methods."""

    def node(self, old: Node | None, new: Node | None) -> None:
        """Ignored."""

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """Ignored."""

    def budget(self, old: Budget | None, new: Budget | None) -> None:
        """Ignored."""

    def controller(self, old: Controller | None, new: Controller | None) -> None:
        """Ignored."""

    def volume(self, old: Volume | None, new: Volume | None) -> None:
        """Ignored."""

    def attachment(self, old: Attachment | None, new: Attachment | None) -> None:
        """Ignored."""


class Store:
    """Every write has one revision; watchers are called in the order of registration."""

    def __init__(self) -> None:
        self.revision = 0
        self.nodes: dict[str, Node] = {}
        self.machines: dict[str, NodeCapacity] = {}
        self.pods: dict[NamespacedName, Pod] = {}
        self.budgets: dict[NamespacedName, Budget] = {}
        self.controllers: dict[str, Controller] = {}
        self.volumes: dict[str, Volume] = {}
        self.attachments: dict[str, Attachment] = {}
        self._by_claim: dict[NamespacedName, Volume] = {}
        self._attached: defaultdict[str, dict[str, Attachment]] = defaultdict(dict)
        self.pods_on: defaultdict[str, dict[NamespacedName, Pod]] = defaultdict(dict)
        self.watchers: list[Watcher] = []

    def next_revision(self) -> int:
        """The revision of the write that comes next."""
        self.revision += 1
        return self.revision

    def volumes_of(self, pod: Pod) -> list[Volume]:
        """The bound volumes of a pod."""
        keys = (NamespacedName(pod.key.namespace, claim) for claim in pod.claims)
        return [volume for key in keys if (volume := self._by_claim.get(key)) is not None]

    def attached(self, volume: str) -> list[Attachment]:
        """Where a volume is attached."""
        return list(self._attached[volume].values())

    # Nodes

    def put_node(self, node: Node, machine: NodeCapacity | None = None) -> None:
        """Add or change a node; a new node has a `machine` for the scheduler."""
        self.revision += 1
        old = self.nodes.get(node.name)
        self.nodes[node.name] = node
        if machine is not None:
            self.machines[node.name] = machine
            for pod in self.pods_on[node.name].values():  # of a node that returned under its name
                if not pod.finished:
                    machine.take(pod)
        for watcher in self.watchers:
            watcher.node(old, node)

    def change_node(self, name: str, **changes: object) -> None:
        """Change fields of a node. Does nothing if they are equal or the node is gone."""
        old = self.nodes.get(name)
        if old is None:
            return
        new = structs.replace(old, **changes)
        if new != old:
            self.put_node(new)

    def remove_node(self, name: str) -> None:
        """Delete a node; its pods stay until the garbage collector removes them."""
        old = self.nodes.pop(name, None)
        if old is None:
            return
        self.revision += 1
        self.machines.pop(name, None)
        for watcher in self.watchers:
            watcher.node(old, None)

    # Pods

    def put_pod(self, pod: Pod) -> None:
        """Add or change a pod, whatever revision it has."""
        self.revision += 1
        old = self.pods.get(pod.key)
        new = structs.replace(pod, revision=self.revision)
        self.pods[pod.key] = new
        if new.node:
            self.pods_on[new.node][pod.key] = new
            if holds(old) != holds(new) and (capacity := self.machines.get(new.node)):
                capacity.take(new, 1 if holds(new) else -1)
        for watcher in self.watchers:
            watcher.pod(old, new)

    def change_pod(self, key: NamespacedName, **changes: object) -> None:
        """Change fields of a pod. Does nothing if they are equal or the pod is gone."""
        old = self.pods.get(key)
        if old is None:
            return
        new = structs.replace(old, **changes)
        if new != old:
            self.put_pod(new)

    def remove_pod(self, key: NamespacedName) -> None:
        """Delete a pod at once."""
        old = self.pods.pop(key, None)
        if old is None:
            return
        self.revision += 1
        if old.node:
            self.pods_on[old.node].pop(key, None)
            if holds(old) and (capacity := self.machines.get(old.node)):
                capacity.take(old, -1)
        for watcher in self.watchers:
            watcher.pod(old, None)

    # Other objects

    def put_budget(self, budget: Budget) -> None:
        """Add or change a budget."""
        self.revision += 1
        old = self.budgets.get(budget.key)
        new = self.budgets[budget.key] = structs.replace(budget, revision=self.revision)
        for watcher in self.watchers:
            watcher.budget(old, new)

    def remove_budget(self, key: NamespacedName) -> None:
        """Delete a budget."""
        old = self.budgets.pop(key, None)
        if old is not None:
            self.revision += 1
            for watcher in self.watchers:
                watcher.budget(old, None)

    def put_controller(self, controller: Controller) -> None:
        """Add or change a controller. Does nothing if it is equal."""
        old = self.controllers.get(controller.uid)
        if old == controller:
            return
        self.revision += 1
        self.controllers[controller.uid] = controller
        for watcher in self.watchers:
            watcher.controller(old, controller)

    def remove_controller(self, uid: str) -> None:
        """Delete a controller; the objects that it owns stay."""
        old = self.controllers.pop(uid, None)
        if old is not None:
            self.revision += 1
            for watcher in self.watchers:
                watcher.controller(old, None)

    def put_volume(self, volume: Volume) -> None:
        """A volume is bound."""
        self.revision += 1
        old = self.volumes.get(volume.name)
        self.volumes[volume.name] = self._by_claim[volume.claim] = volume
        for watcher in self.watchers:
            watcher.volume(old, volume)

    def remove_volume(self, name: str) -> None:
        """A volume is deleted, and its claim with it."""
        old = self.volumes.pop(name, None)
        if old is not None:
            self.revision += 1
            self._by_claim.pop(old.claim, None)
            for watcher in self.watchers:
                watcher.volume(old, None)

    def put_attachment(self, attachment: Attachment) -> None:
        """A volume is attached."""
        self.revision += 1
        self.attachments[attachment.name] = attachment
        self._attached[attachment.volume][attachment.name] = attachment
        for watcher in self.watchers:
            watcher.attachment(None, attachment)

    def remove_attachment(self, name: str) -> None:
        """A volume is detached."""
        old = self.attachments.pop(name, None)
        if old is not None:
            self.revision += 1
            self._attached[old.volume].pop(name, None)
            for watcher in self.watchers:
                watcher.attachment(old, None)


def holds(pod: Pod | None) -> bool:
    """Whether a pod uses resources of its node: the scheduler does not see finished pods (field
    selector of the pod informer in pkg/scheduler/scheduler.go)."""
    return pod is not None and bool(pod.node) and not pod.finished
