"""A process of the operator as the judges see it: what it has read, what it has sent, and what it
decides. Of its own indexes and ledgers they see nothing."""

from typing import Protocol

from msgspec import Struct

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import Action
from azure_linux_migrator.model.cluster import (
    Attachment,
    Budget,
    Controller,
    NamespacedName,
    Node,
    Pod,
)


class DecisionToJudge(Protocol):
    """What a process asks for and tells."""

    @property
    def actions(self) -> tuple[Action, ...]:
        """The requests that it decided on."""

    @property
    def status(self) -> MigrationStatus:
        """What it is about to tell."""


class OwnerRecords(Protocol):
    """The records of controllers and attachments that a process has read."""

    def all_controllers(self) -> list[Controller]:
        """Every controller."""

    def all_attachments(self) -> list[Attachment]:
        """Every volume that is attached to a node."""


class Records(Protocol):
    """The records that the watches of a process have delivered, and none of its indexes."""

    nodes: dict[str, Node]
    pods: dict[NamespacedName, Pod]
    budgets: dict[NamespacedName, Budget]

    @property
    def owner_index(self) -> OwnerRecords:
        """Controllers and attachments."""


class NoOwners:
    """Nothing was read yet."""

    def all_controllers(self) -> list[Controller]:
        """None."""
        return []

    def all_attachments(self) -> list[Attachment]:
        """None."""
        return []


class NoRecords:
    """The records of a process that has read nothing yet."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.pods: dict[NamespacedName, Pod] = {}
        self.budgets: dict[NamespacedName, Budget] = {}
        self.owner_index = NoOwners()


class SentAction(Struct):
    """An eviction that a process sent, or a deletion. `answered` is whether its answer arrived."""

    at: float
    revision: int
    answered: bool
    granted: bool = False
    charged: tuple[object, ...] = ()
    free: bool = False
    """Whether it was sent while it took no slot: the process cannot know that its pod is Ready
    since."""


class ObservedProcess:
    """One operator process, since `began`. `world` is what its watches have shown it, `sent` its
    evictions, by the uids of the pods; `read_at` is when it last read the pools."""

    def __init__(self, began: float = 0.0) -> None:
        self.began = began
        self.world: Records = NoRecords()
        self.sent: dict[str, SentAction] = {}
        self.decided_at = 0.0
        self.read_at = 0.0

    def controller(self, uid: str) -> Controller | None:
        """The controller of that uid, as the process has read it."""
        records = self.world.owner_index.all_controllers()
        return next((record for record in records if record.uid == uid), None)

    def volume_on(self, node: str) -> str:
        """A volume that is attached to a node, as the process has read it; empty for none."""
        attachments = self.world.owner_index.all_attachments()
        return next((a.volume for a in attachments if a.node == node and a.volume), "")
