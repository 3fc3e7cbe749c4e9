"""Whose pods have left the source, how many their workloads had before, and whose came back to it.

Owners that have no pod left are forgotten, all but the last few: between a singleton's end and its
replacement there is none, while one-off Jobs would fill the memory of a drain that takes weeks.
"""

from collections.abc import Callable

from msgspec import Struct

from azure_linux_migrator.core.state.implicit_budgets import ImplicitBudgets
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Pod

LASTING = 1_000
"""Owners that are remembered whether they have pods or not: those that lost one last."""


class Loss(Struct):
    """What an owner lost: `before` are the pods with a node that its workload had at most while
    pods of it left, `unready` those of them that were not Ready, `start` the longest that one took
    to become Ready (seconds); `returns` are those that came after the drain began and have left
    again."""

    before: int = 0
    unready: int = 0
    start: float = 0.0
    returns: int = 0


class EvictedOwners:
    """By the owner's uid. `watched_since` is in seconds since the epoch, 0 before that."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.watched_since = 0.0
        self._owners: dict[str, Loss] = {}
        self._limit = 2 * LASTING

    def __len__(self) -> int:
        return len(self._owners)

    def left(self, owner: str, pod: Pod, *, late: bool) -> None:
        """A pod of the owner begins to leave the source, or is gone from it, as it was seen last;
        `late` if it had come after the drain began."""
        # Put at the end: owners stand in the order in which they lost a pod last.
        loss = self._owners[owner] = self._owners.pop(owner, Loss())
        loss.returns += late
        loss.start = max(loss.start, pod.started_in)
        if not pod.terminating:
            placed = self._sum(owner, self._budgets.placed) + 1
            if not loss.before:
                placed = self._with_leaving(owner, pod, placed)
            if placed > loss.before:
                loss.unready = placed - self._sum(owner, self._budgets.healthy) - pod.ready
            loss.before = max(loss.before, placed)
        elif not loss.before:
            unscheduled = self._budgets.present(owner) - self._budgets.placed(owner)
            loss.before = max(1, self._sum(owner, self._budgets.placed) + unscheduled)
        if len(self._owners) > self._limit:
            last = len(self._owners) - LASTING
            self._owners = {
                uid: lost
                for number, (uid, lost) in enumerate(self._owners.items())
                if number >= last or self._budgets.has_pods(uid)
            }
            self._limit = max(2 * LASTING, 2 * len(self._owners))

    def _with_leaving(self, owner: str, pod: Pod, placed: int) -> int:
        """The placed pods of an owner that has lost none here before, and those that have begun to
        leave already, such as in the other direction before a rollback. They had nodes, too, unless
        their replacements have them, which are no more than the wanted replicas."""
        controller = self._world.owner_index.controller_of_uid(owner)
        if controller is None:
            return placed
        leaving = self._sum(owner, self._budgets.pods) - self._sum(owner, self._budgets.present)
        current = self._world.pods.get(pod.key)
        leaving -= current is not None and current.uid == pod.uid and current.terminating
        return max(placed, min(placed + leaving, controller.replicas))

    def assume(self, owner: str, lost: int) -> None:
        """The owner's workload lost so many pods before this process watched it."""
        before = self._sum(owner, self._budgets.placed) + lost
        self._owners.setdefault(owner, Loss()).before = before

    def resized(self, owner: str) -> None:
        """The wanted replicas of an owner's workload may have changed: fewer are missed then."""
        loss = self._owners.get(owner)
        controller = self._world.owner_index.controller_of_uid(owner) if loss is not None else None
        if loss is not None and controller is not None:
            loss.before = min(loss.before, controller.replicas)

    def missing(self, owner: str) -> int:
        """How many pods with a node the owner's workload has fewer than before it lost any here;
        0 for one that has lost none. Replicas that were added since then are not missed."""
        before = max((loss.before for loss in self._losses(owner)), default=0)
        controller = self._world.owner_index.controller_of_uid(owner)
        if controller is not None:
            before = min(before, controller.replicas)
        return max(0, before - self._sum(owner, self._budgets.placed))

    def lost_any(self, owner: str) -> bool:
        """Whether the owner's workload has lost a pod here."""
        return any(uid in self._owners for uid in self._world.owner_index.owners_of(owner))

    def unready_before(self, owner: str) -> int:
        """How many pods of the owner's workload were not Ready when they began to leave."""
        return max((loss.unready for loss in self._losses(owner)), default=0)

    def start_seconds(self, owner: str) -> float:
        """How long a pod of the owner's workload took to become Ready, at most."""
        return max((loss.start for loss in self._losses(owner)), default=0.0)

    def missing_pods(self) -> list[tuple[str, int]]:
        """Owners of which pods do not exist that did, and how many; those that are leaving still
        exist. Of owners without a known controller nobody knows how many there should be."""
        short: list[tuple[str, int]] = []
        for owner, loss in self._owners.items():
            controller = self._world.owner_index.controller_of_uid(owner)
            if controller is None:
                continue
            exist = self._sum(owner, self._budgets.pods)
            if controller.ordered and exist > self._sum(owner, self._budgets.healthy):
                continue  # the controller waits for those before the next to be Ready
            missing = min(loss.before, controller.replicas) - exist
            if missing > 0:
                short.append((owner, missing))
        return short

    def returns(self, owner: str) -> int:
        """How many late pods of the owner have left again."""
        loss = self._owners.get(owner)
        return loss.returns if loss is not None else 0

    def _losses(self, owner: str) -> list[Loss]:
        uids = self._world.owner_index.owners_of(owner)
        return [self._owners[uid] for uid in uids if uid in self._owners]

    @property
    def _budgets(self) -> ImplicitBudgets:
        return self._world.implicit_budgets

    def _sum(self, owner: str, count: Callable[[str], int]) -> int:
        """A count of pods over all owners of the owner's workload."""
        return sum(count(uid) for uid in self._world.owner_index.owners_of(owner))
