"""One migration as the core reads it: spec, last status and annotations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from azure_linux_migrator.api.names import TAG_MIGRATION, TAG_SOURCE
from azure_linux_migrator.api.quantities import seconds, share
from azure_linux_migrator.api.spec import MigrationSpec, Mode
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.pool import Pool

TARGET_SUFFIX = "azl"
POOL_NAME_LIMIT = 12


@dataclass(frozen=True, slots=True)
class Migration:
    """The custom resource: what is wanted, and the status last written.

    `created` is its creationTimestamp in seconds since the epoch, by the API server's clock.
    """

    name: str
    uid: str
    generation: int
    spec: MigrationSpec
    status: MigrationStatus
    deleting: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    backwards: bool = False
    created: float = 0.0

    @property
    def source(self) -> str:
        """Name of the pool that is emptied: the source, or the target while rolling back."""
        return self.new_pool if self.backwards else self.old_pool

    @property
    def target(self) -> str:
        """Name of the pool that is filled."""
        return self.old_pool if self.backwards else self.new_pool

    @property
    def in_place(self) -> bool:
        """Whether one and the same pool is source and target."""
        return self.spec.strategy.type is StrategyType.IN_PLACE

    @property
    def paused(self) -> bool:
        """Whether nothing may be changed until it is resumed: by the spec, or by an annotation."""
        return self.spec.paused or self.status.paused_at is not None

    @property
    def only_plans(self) -> bool:
        """Whether nothing may be changed."""
        return self.spec.mode is Mode.PLAN

    @property
    def batch_size(self) -> int | str:
        """Nodes drained together; on the way back all of them: no canary is needed."""
        if self.backwards:
            return "100%"
        strategy = self.spec.strategy
        return strategy.max_surge if strategy.type is StrategyType.ROLLING else strategy.batch.size

    def batch_nodes(self, index: int, total: int) -> int:
        """How many of a pool's `total` nodes belong to a batch; the first one is the canary."""
        size = share(self.batch_size, total)
        canary = 0 if self.backwards else self.spec.strategy.canary.nodes
        return min(size, canary) if canary and index == 1 else size

    def batch_soak(self, index: int, total: int) -> float:
        """Seconds to watch after a batch, before the next one."""
        if self.backwards:
            return 0.0
        strategy = self.spec.strategy
        first = index == 1 and 0 < strategy.canary.nodes < total
        return seconds(strategy.canary.soak if first else strategy.batch.soak)

    @property
    def old_pool(self) -> str:
        """Name of the pool to migrate."""
        return self.spec.source.node_pool

    @property
    def new_pool(self) -> str:
        """Name of the Azure Linux pool: as given, else the source's with `azl`. One that is too
        long for that loses letters at the end, but keeps its number: production01 becomes
        product01azl."""
        if self.in_place:
            return self.old_pool
        if self.spec.target.node_pool:
            return self.spec.target.node_pool
        if self.status.target_pool:
            return self.status.target_pool
        room = POOL_NAME_LIMIT - len(TARGET_SUFFIX)
        if len(self.old_pool) <= room:
            return self.old_pool + TARGET_SUFFIX
        word = self.old_pool.rstrip("0123456789")
        number = self.old_pool[len(word) :]
        return word[: max(1, room - len(number))] + number[-(room - 1) :] + TARGET_SUFFIX

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """The durable identity of the target pool: found again even by a re-created resource."""
        return ((TAG_MIGRATION, self.name), (TAG_SOURCE, self.old_pool))

    def owns(self, pool: Pool) -> bool:
        """Whether a pool was created for this migration."""
        return all(pool.tag(name) == value for name, value in self.tags)

    def batch_of(self, node: Node) -> int:
        """The batch this migration gave a node; 0 for none, or for another migration's mark."""
        return batch_of(node, self.name, self.uid)

    def batch_mark(self, index: int) -> str:
        """The annotation value that puts a node into a batch."""
        return f"{self.name}.{self.uid}.{index}"

    def left_mark(self, node: Node) -> bool:
        """Whether a node carries a mark of a migration of this name, be it a former one."""
        return node.batch.rpartition(".")[0].rpartition(".")[0] == self.name


def batch_of(node: Node, migration: str, uid: str) -> int:
    """The batch a migration gave a node; 0 for none, or for another migration's mark. A resource
    that was deleted and applied again is another one."""
    owner, _, index = node.batch.rpartition(".")
    return int(index) if owner == f"{migration}.{uid}" and index.isdecimal() else 0
