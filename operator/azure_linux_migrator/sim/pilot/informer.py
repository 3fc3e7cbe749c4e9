"""The operator's watches: what the store tells, later, in order within a kind, into a World.

A watch can be held up, and it can lose its place: then nothing comes until everything is listed
anew, as a reflector does after 410 Gone.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from azure_linux_migrator.core.records import (
    Attachment,
    Budget,
    Controller,
    Node,
    Pod,
    Volume,
)
from azure_linux_migrator.core.world import World
from azure_linux_migrator.sim.cluster.store import Deaf, Store
from azure_linux_migrator.sim.kernel import Kernel

WatchKind = Literal["node", "pod", "budget", "controller", "volume", "attachment"]
KINDS: tuple[WatchKind, ...] = ("node", "pod", "budget", "controller", "volume", "attachment")


class Stream:
    """One kind's watch: events under way, and when the last of them is due."""

    __slots__ = ("deaf", "due", "held_until", "listed", "queue")

    def __init__(self) -> None:
        self.queue: deque[tuple[float, Any, Any, int]] = deque()
        self.listed = False
        self.deaf = False
        self.held_until = 0.0
        self.due = False


class Informer(Deaf):
    """Feeds one operator's World. `delay` draws an event's seconds on the way."""

    def __init__(
        self,
        store: Store,
        kernel: Kernel,
        world: World,
        delay: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._world = world
        self._delay = delay
        self._on_change = on_change
        self._streams = {kind: Stream() for kind in KINDS}
        self._running = False

    @property
    def synced(self) -> bool:
        """Whether every first list has arrived."""
        return self._running and all(each.listed for each in self._streams.values())

    def start(self) -> None:
        """Begin to watch; the first lists arrive after a while each."""
        self._running = True
        self._streams = {kind: Stream() for kind in KINDS}
        self._store.watchers.append(self)
        for kind in KINDS:
            self._kernel.after(self._delay() * 4, lambda kind=kind: self._list(kind))  # type: ignore[misc]

    def stop(self) -> None:
        """Watch no longer."""
        if self._running:
            self._running = False
            self._store.watchers.remove(self)

    def hold(self, kind: WatchKind, until: float) -> None:
        """Nothing of that kind arrives before then."""
        stream = self._streams[kind]
        stream.held_until = max(stream.held_until, until)

    def lose(self, kind: WatchKind, seconds: float) -> None:
        """The watch has lost its place; it is listed anew after so many seconds."""
        stream = self._streams[kind]
        if stream.listed and not stream.deaf:
            stream.deaf = True
            stream.queue.clear()
            self._kernel.after(seconds, lambda: self._list(kind))

    # What the store tells

    def node(self, old: Node | None, new: Node | None) -> None:
        """A node."""
        self._send("node", old, new)

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod."""
        self._send("pod", old, new)

    def budget(self, old: Budget | None, new: Budget | None) -> None:
        """A budget."""
        self._send("budget", old, new)

    def controller(self, old: Controller | None, new: Controller | None) -> None:
        """A controller."""
        self._send("controller", old, new)

    def volume(self, old: Volume | None, new: Volume | None) -> None:
        """A volume."""
        self._send("volume", old, new)

    def attachment(self, old: Attachment | None, new: Attachment | None) -> None:
        """An attachment."""
        self._send("attachment", old, new)

    def _send(self, kind: WatchKind, old: Any, new: Any) -> None:
        stream = self._streams[kind]
        if not stream.listed or stream.deaf:
            return  # the list that is still to come has it
        at = max(self._kernel.now + self._delay(), stream.held_until)
        if stream.queue:
            at = max(at, stream.queue[-1][0])
        stream.queue.append((at, old, new, self._store.revision))
        if not stream.due:
            stream.due = True
            self._kernel.at(at, lambda: self._deliver(kind))

    def _deliver(self, kind: WatchKind) -> None:
        stream = self._streams[kind]
        stream.due = False
        if not self._running:
            return
        now, queue = self._kernel.now, stream.queue
        if now < stream.held_until:
            stream.due = True
            self._kernel.at(stream.held_until, lambda: self._deliver(kind))
            return
        while queue and queue[0][0] <= now:
            _, old, new, revision = queue.popleft()
            self._apply(kind, old, new, revision)
        if queue:
            stream.due = True
            self._kernel.at(queue[0][0], lambda: self._deliver(kind))
        self._on_change()

    def _apply(self, kind: WatchKind, old: Any, new: Any, revision: int) -> None:
        world = self._world
        match kind:
            case "pod":
                world.put_pod(new) if new is not None else world.remove_pod(old.key, revision)
            case "node":
                world.put_node(new) if new is not None else world.remove_node(old.name)
            case "budget":
                world.put_budget(new) if new is not None else world.remove_budget(old.key)
            case "controller" if new is not None:
                world.put_controller(new)
            case "controller":
                world.remove_controller(old.kind, old.key)
            case "volume" if new is not None:
                world.put_volume(new)
            case "attachment":
                if new is not None:
                    world.put_attachment(new)
                else:
                    world.remove_attachment(old.name)

    def _list(self, kind: WatchKind) -> None:
        """Everything of a kind as it is now; what is not in it any more is gone."""
        if not self._running:
            return
        stream = self._streams[kind]
        stream.listed, stream.deaf = True, False
        stream.queue.clear()
        revision = self._store.revision
        here, there = self._both(kind)
        for name, old in tuple(here.items()):
            if name not in there:
                self._apply(kind, old, None, revision)
        for each in tuple(there.values()):
            self._apply(kind, None, each, revision)
        self._on_change()

    def _both(self, kind: WatchKind) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """What the world has of a kind, and what the store has."""
        world, store = self._world, self._store
        catalog = world.catalog
        match kind:
            case "pod":
                return world.pods, store.pods
            case "node":
                return world.nodes, store.nodes
            case "budget":
                return world.budgets, store.budgets
            case "controller":
                return {each.uid: each for each in catalog.all_controllers()}, store.controllers
            case "volume":
                return {each.name: each for each in catalog.all_volumes()}, store.volumes
        return {each.name: each for each in catalog.all_attachments()}, store.attachments
