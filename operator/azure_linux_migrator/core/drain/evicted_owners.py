"""Whose pods have left the source, and whose came back to it.

Owners that have no pod left are forgotten, all but the last few: between a singleton's end and its
replacement there is none, while one-off Jobs would fill the memory of a drain that takes weeks.
"""

from azure_linux_migrator.core.state.world import World

LASTING = 1_000
"""Owners that are remembered whether they have pods or not: those that lost one last."""


class EvictedOwners:
    """By the owner's uid, as seen since `born` (seconds since the epoch; 0 before a first look)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.born = 0.0
        self._owners: dict[str, int] = {}
        self._limit = 2 * LASTING

    def __contains__(self, owner: str) -> bool:
        return owner in self._owners

    def __len__(self) -> int:
        return len(self._owners)

    def left(self, owner: str, *, late: bool) -> None:
        """A pod of the owner left the source; `late` if it had come after the drain began."""
        # Put at the end: owners stand in the order in which they lost a pod last.
        self._owners[owner] = self._owners.pop(owner, 0) + late
        if len(self._owners) > self._limit:
            last = len(self._owners) - LASTING
            self._owners = {
                uid: returns
                for number, (uid, returns) in enumerate(self._owners.items())
                if number >= last or self._world.implicit_budgets.known(uid)
            }
            self._limit = max(2 * LASTING, 2 * len(self._owners))

    def returns(self, owner: str) -> int:
        """How many late pods of the owner have left again."""
        return self._owners.get(owner, 0)
