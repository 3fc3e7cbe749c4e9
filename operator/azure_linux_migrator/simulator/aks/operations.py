"""Long-running operations on a pool: a list of steps, and the agenda of their tasks.

An operation works on one step at a time. A step puts tasks on the agenda; when the last task of a
step is done, the next step begins, and after the last step the operation ends.
"""

import heapq
import itertools
import uuid
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from azure_linux_migrator.simulator.aks.nodes import NodeRecord


class Boot(msgspec.Struct, frozen=True):
    """Add `count` nodes and wait until their boot time is over.

    `surge` marks nodes that exist only during the operation.
    """

    count: int
    surge: bool = False


class Evicts(StrEnum):
    """Which pods AKS evicts from nodes before it ends their machines."""

    ALL = "all"
    """All that a drain evicts; the nodes are cordoned."""
    ADD_ONS = "add-ons"
    """Those of AKS's own add-ons, which are in kube-system; the nodes are cordoned."""
    NONE = "none"


class Remove(msgspec.Struct, frozen=True):
    """Evict pods from the nodes, then remove their machines."""

    nodes: tuple[str, ...]
    evicts: Evicts = Evicts.ALL


class Deallocate(msgspec.Struct, frozen=True):
    """Drain the nodes, then stop their machines: they stay registered, NotReady."""

    nodes: tuple[str, ...]


class Restart(msgspec.Struct, frozen=True):
    """Start deallocated machines again under their names."""

    nodes: tuple[str, ...]


class Reimage(msgspec.Struct, frozen=True):
    """Drain the nodes and start each again under its name with the current image of the pool."""

    nodes: tuple[str, ...]


class RemoveSurge(msgspec.Struct, frozen=True):
    """Remove the nodes that this operation added as surge."""


class Relabel(msgspec.Struct, frozen=True):
    """Give the current labels and taints of the pool to its nodes."""


class Wait(msgspec.Struct, frozen=True):
    """Wait so many seconds; None waits until the operation is aborted."""

    seconds: float | None


Step = Boot | Remove | Deallocate | Restart | Reimage | RemoveSurge | Relabel | Wait


class NodeAppears(msgspec.Struct, frozen=True):
    """A machine has joined the cluster."""

    at: float
    node: NodeRecord


class NodeChanges(msgspec.Struct, frozen=True):
    """The pool's labels or taints were changed on a running node."""

    at: float
    old: NodeRecord
    new: NodeRecord


class NodeDrains(msgspec.Struct, frozen=True):
    """AKS cordons and drains the node before its removal.

    If the model waits for drains, the driver reports the end with `drained()`.
    """

    at: float
    name: str
    pool: str
    operation: str
    evicts: Evicts = Evicts.ALL


class NodeStops(msgspec.Struct, frozen=True):
    """The machine is deallocated: its Node object stays and becomes NotReady."""

    at: float
    name: str
    pool: str


class NodeStarts(msgspec.Struct, frozen=True):
    """A deallocated machine runs again, with the labels and taints that its pool has now."""

    at: float
    node: NodeRecord


class NodeVanishes(msgspec.Struct, frozen=True):
    """The machine is gone, and its Node object with it."""

    at: float
    name: str
    pool: str


class OperationEnds(msgspec.Struct, frozen=True):
    """An operation reached `Succeeded`, `Failed` or `Canceled`; its pending drains end.

    The nodes of `kept` were not drained in an upgrade, and are schedulable again.
    """

    at: float
    operation: str
    pool: str
    status: str
    kept: tuple[str, ...] = ()


Event = (
    NodeAppears | NodeChanges | NodeDrains | NodeStops | NodeStarts | NodeVanishes | OperationEnds
)


class Then(StrEnum):
    """What becomes of a machine whose node is drained."""

    GONE = "gone"
    REIMAGED = "reimaged"
    STOPPED = "stopped"


class Ending(msgspec.Struct, frozen=True):
    """An end without success: `Failed` with an error, or `Canceled`.

    `nodes` is the number of nodes that are added or removed before that; None: all of them.
    """

    status: str
    code: str
    message: str
    nodes: int | None = None
    details: tuple[dict[str, str], ...] = ()
    """Inner errors: `code`, `message` and `target`."""


class Operation(msgspec.Struct, eq=False):
    """One asynchronous operation. `pool` is empty for an operation on the whole cluster."""

    id: str
    pool: str
    state: str
    """`provisioningState` of the pool while the operation runs."""
    started: float
    steps: deque[Step] = msgspec.field(default_factory=deque)
    outstanding: int = 0
    """Tasks of the current step that are not done."""
    status: str = "InProgress"
    ended: float | None = None
    error: dict[str, Any] | None = None
    deletes_pool: bool = False
    leaves: str = "Succeeded"
    """`provisioningState` of the pool after success."""
    surge_nodes: list[str] = msgspec.field(default_factory=list)
    draining: dict[str, Then] = msgspec.field(default_factory=dict)
    """Nodes in drain, and what becomes of their machines."""
    reimaging: dict[str, NodeRecord] = msgspec.field(default_factory=dict)
    """Nodes that are being reimaged, as they were before."""
    missing: int = 0
    """Nodes that never appear."""
    ending: Ending | None = None
    """How the operation ends instead of succeeding."""
    nodes_done: int = 0
    nodes_wanted: int = 0
    """Nodes that the operation adds."""

    @property
    def running(self) -> bool:
        """Whether the operation runs."""
        return self.ended is None

    def body(self) -> dict[str, Any]:
        """The answer to a poll of the operation's URL."""
        body: dict[str, Any] = {
            "name": swapped(self.id),
            "status": self._progress() if self.running else self.status,
            "startTime": timestamp(self.started),
        }
        if self.ended is not None:
            body["endTime"] = timestamp(self.ended)
        if self.error is not None:
            body["error"] = self.error
        return body

    def _progress(self) -> str:
        """The status of a running operation: free text for a creation (recorded in 2025)."""
        if self.state != "Creating" or not self.nodes_wanted:
            return self.status
        return f"CreatingAgentPools: {self.nodes_done}/{self.nodes_wanted} nodes completed"


def swapped(guid: str) -> str:
    """A GUID with the bytes of its first three groups in the other order: an operation's `name`
    differs so from the GUID in its URL."""
    return str(uuid.UUID(bytes_le=uuid.UUID(guid).bytes))


def timestamp(seconds: float) -> str:
    """Seconds since the epoch in the form of the recordings, with seven digits."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


class AppearTask(msgspec.Struct, frozen=True):
    """A node joins; with a name, a reimaged or deallocated node returns."""

    name: str = ""
    surge: bool = False


class DrainTask(msgspec.Struct, frozen=True):
    """A node's drain begins."""

    name: str
    evicts: Evicts = Evicts.ALL


class VanishTask(msgspec.Struct, frozen=True):
    """The machine of a node ends as `then` says; a reimaged one returns later."""

    name: str
    then: Then = Then.GONE


class TickTask(msgspec.Struct, frozen=True):
    """Time passes, without any other effect."""


class DrainDeadlineTask(msgspec.Struct, frozen=True):
    """The drain of a batch of nodes times out if one of them is still in drain."""

    nodes: tuple[str, ...]


class RelabelTask(msgspec.Struct, frozen=True):
    """The nodes get the current labels and taints of their pool."""


Task = AppearTask | DrainTask | VanishTask | TickTask | RelabelTask | DrainDeadlineTask


class Agenda:
    """Tasks in the order of their times; tasks of ended operations are dropped."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Operation, Task]] = []
        self._numbers: Iterator[int] = itertools.count()

    def add(self, at: float, operation: Operation, task: Task) -> None:
        """Add a task; tasks with equal times keep the order in which they are added."""
        if not isinstance(task, DrainDeadlineTask):
            operation.outstanding += 1
        heapq.heappush(self._heap, (at, next(self._numbers), operation, task))

    def next_at(self) -> float | None:
        """Time of the next task, or None."""
        heap = self._heap
        while heap and not heap[0][2].running:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop(self) -> tuple[float, Operation, Task]:
        """Remove and return the next task. Raises IndexError if there is none."""
        at, _, operation, task = heapq.heappop(self._heap)
        return at, operation, task
