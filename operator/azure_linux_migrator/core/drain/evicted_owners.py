"""Whose pods have left the source, how many their workloads had before, and whose came back to it.

Owners that have no pod left are forgotten, all but the last few: between a singleton's end and its
replacement there is none, while one-off Jobs would fill the memory of a drain that takes weeks.
"""

from collections.abc import Iterable

from msgspec import Struct

from azure_linux_migrator.core.state.world import World

LASTING = 1_000
"""Owners that are remembered whether they have pods or not: those that lost one last."""


class Loss(Struct):
    """What an owner lost: `before` are the pods with a node that its workload had at most while
    pods of it left, `returns` those that came after the drain began and have left again."""

    before: int = 0
    returns: int = 0


class EvictedOwners:
    """By the owner's uid, as seen since `born` (seconds since the epoch; 0 before a first look)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.born = 0.0
        self._owners: dict[str, Loss] = {}
        self._limit = 2 * LASTING

    def __contains__(self, owner: str) -> bool:
        return owner in self._owners

    def __len__(self) -> int:
        return len(self._owners)

    def left(self, owner: str, *, late: bool, seen_before: bool) -> None:
        """A pod of the owner begins to leave the source, or is gone from it; `late` if it had come
        after the drain began. `seen_before` tells that it was seen while it did not leave."""
        # Put at the end: owners stand in the order in which they lost a pod last.
        loss = self._owners[owner] = self._owners.pop(owner, Loss())
        loss.returns += late
        if seen_before:
            loss.before = max(loss.before, self._placed(owner) + 1)
        elif not loss.before:
            loss.before = max(1, self._placed(owner) + self._unplaced(owner))
        if len(self._owners) > self._limit:
            last = len(self._owners) - LASTING
            self._owners = {
                uid: lost
                for number, (uid, lost) in enumerate(self._owners.items())
                if number >= last or self._world.implicit_budgets.known(uid)
            }
            self._limit = max(2 * LASTING, 2 * len(self._owners))

    def assume(self, owner: str, before: int) -> None:
        """An owner lost pods before anybody watched; its workload had so many placed then."""
        self._owners.setdefault(owner, Loss()).before = before

    def resized(self, owner: str) -> None:
        """The wanted replicas of an owner's workload may have changed: fewer are missed then."""
        loss = self._owners.get(owner)
        controller = self._world.owner_index.governing_uid(owner) if loss is not None else None
        if loss is not None and controller is not None:
            loss.before = min(loss.before, controller.replicas)

    def missing(self, owner: str) -> int:
        """How many pods with a node the owner's workload has fewer than before it lost any here;
        0 for one that has lost none. Replicas that were added since then are not missed."""
        owners = self._world.owner_index.owners_of(owner)
        before = max((self._owners[uid].before for uid in owners if uid in self._owners), default=0)
        controller = self._world.owner_index.governing_uid(owner)
        if controller is not None:
            before = min(before, controller.replicas)
        return max(0, before - self._sum(owners))

    def returns(self, owner: str) -> int:
        """How many late pods of the owner have left again."""
        loss = self._owners.get(owner)
        return loss.returns if loss is not None else 0

    def _placed(self, owner: str) -> int:
        return self._sum(self._world.owner_index.owners_of(owner))

    def _unplaced(self, owner: str) -> int:
        budgets = self._world.implicit_budgets
        return budgets.present(owner) - budgets.placed(owner)

    def _sum(self, owners: Iterable[str]) -> int:
        return sum(self._world.implicit_budgets.placed(uid) for uid in owners)
