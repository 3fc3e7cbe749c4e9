"""What an admin must not do, done wherever a migration may stand: the migration ends or says why
not, contradicts itself nowhere, and its deletion leaves nothing behind."""

from collections.abc import Callable

import pytest

from simtest.faults import azure_cli
from tests.edits.holds import HOLDS, IN_PLACE, Hold
from tests.support.edited_migration import EditedMigration

Destroy = Callable[[EditedMigration], None]


def _nodes(migration: EditedMigration, pool: str) -> list[str]:
    nodes = migration.cluster.store.nodes.values()
    return sorted(node.name for node in nodes if node.pool == pool)


def _uncordon_a_node(migration: EditedMigration) -> None:
    """As kubectl uncordon does: the annotations of azlm stay."""
    for name in _nodes(migration, "src")[:1]:
        migration.cluster.store.change_node(name, unschedulable=False)


def _uncordon_the_source(migration: EditedMigration) -> None:
    for name in _nodes(migration, "src"):
        migration.cluster.store.change_node(name, unschedulable=False)


def _cordon_the_target(migration: EditedMigration) -> None:
    for name in _nodes(migration, "srcazl"):
        migration.cluster.store.change_node(name, unschedulable=True)


def _strip_annotations(migration: EditedMigration) -> None:
    for node in tuple(migration.cluster.store.nodes.values()):
        migration.cluster.store.change_node(node.name, cordoned_by="", batch="")


def _delete_source(migration: EditedMigration) -> None:
    azure_cli.delete(migration.cluster, "src")


def _delete_target(migration: EditedMigration) -> None:
    azure_cli.delete(migration.cluster, "srcazl")


def _delete_a_source_machine(migration: EditedMigration) -> None:
    for name in _nodes(migration, "src")[:1]:
        azure_cli.delete_machine(migration.cluster, "src", name)


def _delete_a_target_machine(migration: EditedMigration) -> None:
    for name in _nodes(migration, "srcazl")[:1]:
        azure_cli.delete_machine(migration.cluster, "srcazl", name)


def _strip_tags(migration: EditedMigration) -> None:
    azure_cli.update(migration.cluster, "srcazl", tags={})


def _scale_source_to_nothing(migration: EditedMigration) -> None:
    azure_cli.update(migration.cluster, "src", count=0)


def _delete_resource(migration: EditedMigration) -> None:
    migration.resource.delete()


def _strip_finalizer(migration: EditedMigration) -> None:
    """The finalizer is taken off, the resource is gone, and is applied again."""
    migration.resource.delete()
    migration.resource.release()
    migration.apply_again()


DESTRUCTIONS: tuple[Destroy, ...] = (
    _uncordon_a_node,
    _uncordon_the_source,
    _cordon_the_target,
    _strip_annotations,
    _delete_source,
    _delete_target,
    _delete_a_source_machine,
    _delete_a_target_machine,
    _strip_tags,
    _scale_source_to_nothing,
    _delete_resource,
    _strip_finalizer,
)
PLACES = [
    *(("BlueGreen", hold) for hold in HOLDS),
    *(("Rolling", hold) for hold in HOLDS[::2]),
    *(("InPlace", hold) for hold in IN_PLACE),
]


@pytest.mark.parametrize(("kind", "hold"), PLACES, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("destroy", DESTRUCTIONS, ids=lambda destroy: destroy.__name__.strip("_"))
def test_it_ends_or_says_why_not(destroy: Destroy, kind: str, hold: Hold) -> None:
    migration = hold.reach(kind)
    destroy(migration)
    migration.pass_time(300.0)
    if not migration.help_on(rounds=30):
        remedy = "kubectl uncordon" in migration.status.message
        assert migration.status.phase == "Stalled" or remedy, migration.where
    if not migration.gone:
        migration.resource.delete()
    assert migration.until(lambda run: run.gone, hours=0.5), migration.where
    migration.pass_time(300.0)
    assert migration.leftovers() == []
    assert migration.contradictions() == []
    if not _closed(migration):
        assert migration.unwell() == []


def _closed(migration: EditedMigration) -> bool:
    """Whether no node of a user pool takes pods, by what an admin did."""
    nodes = migration.cluster.store.nodes.values()
    return all(node.unschedulable for node in nodes if node.pool != "system")
