"""The watches of the simulated operator: events of the store arrive late, in order within a kind,
in a World.

A watch can be held up, and it can lose its place: then no event arrives before everything is listed
again, as kube/reflector.py does after 410 Gone. A list shows one moment, which is never older than
what was seen before (no resourceVersion asks for the latest). It arrives in parts, with decisions
in between, and deleted objects are known only at its end.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, cast, get_args

from msgspec import Struct

from azure_linux_migrator.core.state.watch_health import watch_problem
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Attachment, Budget, Controller, Node, Pod, Volume
from azure_linux_migrator.simulator.cluster.store import NullWatcher, Store
from azure_linux_migrator.simulator.controller.process import SimulatedProcess
from azure_linux_migrator.simulator.controller.watch_stream import Stream

WatchKind = Literal[
    "node",
    "pod",
    "budget",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "volume",
    "attachment",
]
KINDS: tuple[WatchKind, ...] = get_args(WatchKind)
PIECES = 3
"""The number of parts in which a list arrives: what a read of the connection returns at one
time."""


class _List(Struct):
    """A list in progress: its number, its objects by name at one moment, and the parts to come."""

    number: int
    names: frozenset[Any]
    parts: list[list[Any]]
    revision: int


class Informer(NullWatcher):
    """Updates the World of one operator. `delay` draws the seconds of an event on its way."""

    def __init__(
        self,
        store: Store,
        process: SimulatedProcess,
        world: World,
        delay: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        self._store = store
        self._process = process
        self.world = world
        self._delay = delay
        self._on_change = on_change
        self._streams = {kind: Stream(process.now) for kind in KINDS}
        self._running = False

    @property
    def synced(self) -> bool:
        """Whether every first list has arrived."""
        return self._running and all(stream.listed for stream in self._streams.values())

    def problem(self) -> str:
        """The watch that has delivered nothing for longest, and why; empty if all deliver."""
        now = self._process.now
        failing = [
            (stream.heard_at, kind, problem)
            for kind, stream in self._streams.items()
            if (problem := stream.problem(now))
        ]
        if not failing:
            return ""
        heard_at, kind, problem = min(failing)
        return watch_problem(f"{kind.lower()}s", heard_at, problem)

    def start(self) -> None:
        """Start to watch; each first list arrives after a delay."""
        self._running = True
        now = self._process.now
        self._streams = {kind: Stream(now, old.held_until) for kind, old in self._streams.items()}
        self._store.watchers.append(self)
        for kind, stream in self._streams.items():
            self._process.after(self._delay() * 4, partial(self._list, kind, stream))

    def stop(self) -> None:
        """Stop to watch."""
        if self._running:
            self._running = False
            self._store.watchers.remove(self)

    def hold(self, kind: WatchKind, until: float, *, broken: bool = False) -> None:
        """Hold the events of a kind until then; the connection is up, or `broken`."""
        stream = self._streams[kind]
        stream.falls_silent(self._process.now, broken=broken)
        stream.held_until = max(stream.held_until, until)

    def lose(self, kind: WatchKind, seconds: float) -> None:
        """The watch loses its place; it is listed again after so many seconds."""
        stream = self._streams[kind]
        if not stream.needs_list:
            stream.falls_silent(self._process.now, broken=True)
            stream.needs_list, stream.listing = True, False
            stream.lists += 1
            stream.queue.clear()
            self._process.after(seconds, partial(self._list, kind, stream))

    # Events of the store

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
        kind = cast("WatchKind", (new or old).kind)  # type: ignore[union-attr]
        self._send(kind, old, new)

    def volume(self, old: Volume | None, new: Volume | None) -> None:
        """A volume."""
        self._send("volume", old, new)

    def attachment(self, old: Attachment | None, new: Attachment | None) -> None:
        """An attachment."""
        self._send("attachment", old, new)

    def _send(self, kind: WatchKind, old: Any, new: Any) -> None:
        stream = self._streams[kind]
        if stream.needs_list:
            return  # the list in progress contains it
        at = max(self._process.now + self._delay(), stream.held_until)
        if stream.queue:
            at = max(at, stream.queue[-1][0])
        stream.queue.append((at, old, new, self._store.revision))
        if not stream.listing:
            self._deliver_at(at, kind, stream)

    def _deliver_at(self, at: float, kind: WatchKind, stream: Stream) -> None:
        if not stream.due:
            stream.due = True
            self._process.at(at, lambda: self._deliver(kind, stream))

    def _deliver(self, kind: WatchKind, stream: Stream) -> None:
        stream.due = False
        if not self._running or stream is not self._streams[kind] or stream.listing:
            return
        now, queue = self._process.now, stream.queue
        if now < stream.held_until:
            self._deliver_at(stream.held_until, kind, stream)
            return
        while queue and queue[0][0] <= now:
            _, old, new, revision = queue.popleft()
            self._apply(kind, old, new, revision)
        if queue:
            self._deliver_at(queue[0][0], kind, stream)
        self._on_change()

    def _apply(self, kind: WatchKind, old: Any, new: Any, revision: int) -> None:
        world = self.world
        match kind:
            case "pod":
                world.put_pod(new) if new is not None else world.remove_pod(old.key, revision)
            case "node":
                world.put_node(new) if new is not None else world.remove_node(old.name)
            case "budget":
                world.put_budget(new) if new is not None else world.remove_budget(old.key)
            case "volume":
                world.put_volume(new) if new is not None else world.remove_volume(old.name)
            case "attachment":
                if new is not None:
                    world.put_attachment(new)
                else:
                    world.remove_attachment(old.name)
            case _ if new is not None:
                world.put_controller(new)
            case _:
                world.remove_controller(old.kind, old.key)

    def _list(self, kind: WatchKind, stream: Stream) -> None:
        """List the objects of a kind."""
        if not self._running or stream is not self._streams[kind]:
            return
        if self._process.now < stream.held_until:
            self._process.at(stream.held_until, partial(self._list, kind, stream))
            return
        stream.needs_list, stream.listing = False, True
        there = self._there(kind)
        records = list(there.values())
        size = max(1, -(-len(records) // PIECES))
        parts = [records[at : at + size] for at in range(0, len(records), size)]
        begun = _List(stream.lists, frozenset(there), parts, self._store.revision)
        self._piece(kind, stream, begun)

    def _piece(self, kind: WatchKind, stream: Stream, begun: _List) -> None:
        """Apply the next part of a list; after the last part, remove the objects that are not in
        it."""
        stale = stream is not self._streams[kind] or begun.number != stream.lists
        if not self._running or stale:
            return
        if self._process.now < stream.held_until:
            self._process.at(stream.held_until, partial(self._piece, kind, stream, begun))
            return
        if begun.parts:
            for part in begun.parts.pop(0):
                self._apply(kind, None, part, begun.revision)
            self._process.after(self._delay(), partial(self._piece, kind, stream, begun))
            if stream.listed:
                self._on_change()
            return
        for name, old in self._here(kind).items():
            if name not in begun.names:
                self._apply(kind, old, None, begun.revision)
        stream.listed, stream.listing = True, False
        if stream.queue:
            self._deliver_at(stream.queue[0][0], kind, stream)
        self._on_change()

    def _here(self, kind: WatchKind) -> dict[Any, Any]:
        """The objects of a kind in the world."""
        world, owner_index = self.world, self.world.owner_index
        match kind:
            case "pod":
                return dict(world.pods)
            case "node":
                return dict(world.nodes)
            case "budget":
                return dict(world.budgets)
            case "volume":
                return {volume.name: volume for volume in owner_index.all_volumes()}
            case "attachment":
                return {attachment.name: attachment for attachment in owner_index.all_attachments()}
        return {
            controller.uid: controller
            for controller in owner_index.all_controllers()
            if controller.kind == kind
        }

    def _there(self, kind: WatchKind) -> dict[Any, Any]:
        """The objects of a kind in the store."""
        store = self._store
        match kind:
            case "pod":
                return store.pods
            case "node":
                return store.nodes
            case "budget":
                return store.budgets
            case "volume":
                return store.volumes
            case "attachment":
                return store.attachments
        return {
            uid: controller
            for uid, controller in store.controllers.items()
            if controller.kind == kind
        }
