"""The world of a simulated operator: it follows the store of its cluster without a delay."""

from collections.abc import Callable
from typing import TypeVar

from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Attachment, Budget, Controller, Node, Pod, Volume
from azure_linux_migrator.simulator.cluster.store import NullWatcher, Store

T = TypeVar("T")


class WorldWatch(NullWatcher):
    """Keeps a World like the store; `on_change` is called after every change. `synced` is whether
    it is being watched."""

    def __init__(self, store: Store, on_change: Callable[[], None]) -> None:
        self._store = store
        self._on_change = on_change
        self.world = World()
        self.synced = False

    def problem(self) -> str:
        """No watch ever fails."""
        return ""

    def start(self) -> None:
        """Take over what is in the store, and follow it."""
        self.synced = True
        store, world = self._store, self.world
        for controller in store.controllers.values():
            world.put_controller(controller)
        for volume in store.volumes.values():
            world.put_volume(volume)
        for attachment in store.attachments.values():
            world.put_attachment(attachment)
        for node in store.nodes.values():
            world.put_node(node)
        for budget in store.budgets.values():
            world.put_budget(budget)
        for pod in store.pods.values():
            world.put_pod(pod)
        store.watchers.append(self)
        self._on_change()

    def stop(self) -> None:
        """Follow the store no more, and forget what was in it."""
        self.synced = False
        self._store.watchers.remove(self)
        self.world.clear()

    def node(self, old: Node | None, new: Node | None) -> None:
        """A node changed."""
        world = self.world
        self._take(old, new, world.put_node, lambda node: world.remove_node(node.name))

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod changed."""
        world, revision = self.world, self._store.revision
        self._take(old, new, world.put_pod, lambda pod: world.remove_pod(pod.key, revision))

    def budget(self, old: Budget | None, new: Budget | None) -> None:
        """A budget changed."""
        world = self.world
        self._take(old, new, world.put_budget, lambda budget: world.remove_budget(budget.key))

    def controller(self, old: Controller | None, new: Controller | None) -> None:
        """A controller changed."""
        world = self.world
        self._take(old, new, world.put_controller, lambda c: world.remove_controller(c.kind, c.key))

    def volume(self, old: Volume | None, new: Volume | None) -> None:
        """A volume changed."""
        world = self.world
        self._take(old, new, world.put_volume, lambda volume: world.remove_volume(volume.name))

    def attachment(self, old: Attachment | None, new: Attachment | None) -> None:
        """An attachment changed."""
        world = self.world
        self._take(old, new, world.put_attachment, lambda a: world.remove_attachment(a.name))

    def _take(
        self, old: T | None, new: T | None, put: Callable[[T], None], remove: Callable[[T], None]
    ) -> None:
        if new is not None:
            put(new)
        elif old is not None:
            remove(old)
        self._on_change()
