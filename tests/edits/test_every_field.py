"""Each field of the spec is edited wherever a migration may stand: validly, and as an API server
with an older definition would let it through."""

import os
from typing import Any

import pytest

from tests.edits.holds import HOLDS, IN_PLACE, Hold
from tests.support.edited_migration import EditedMigration
from tests.support.spec_edits import INVALID, LOCKED, VALID, edited, fields_of_the_spec

PLACES = [
    *((kind, hold) for hold in HOLDS for kind in ("BlueGreen", "Rolling")),
    *(("InPlace", hold) for hold in IN_PLACE),
]


def test_every_field_is_edited_or_locked() -> None:
    assert set(VALID) == set(INVALID)
    assert set(VALID) | LOCKED == fields_of_the_spec()


def _edits(kind: str, number: int, values: dict[str, Any]) -> list[str]:
    """Every third field with BlueGreen, else every sixth: at each place others, so that each field
    meets several. With EDITS=all in the environment, every field."""
    if os.environ.get("EDITS") == "all":
        return sorted(values)
    every = 3 if kind == "BlueGreen" and values is VALID else 6
    return sorted(values)[number % every :: every]


@pytest.mark.parametrize(("kind", "hold"), PLACES, ids=lambda value: getattr(value, "name", value))
def test_a_valid_edit_is_survived_and_followed(kind: str, hold: Hold) -> None:
    for path in _edits(kind, PLACES.index((kind, hold)), VALID):
        migration = hold.reach(kind)
        before = dict(migration.resource.body.spec)  # type: ignore[union-attr]
        migration.resource.edit(**edited(before, path, VALID[path]))
        migration.pass_time(300.0)
        if not migration.help_on():
            migration.resource.replace(before)
            assert migration.help_on(), f"{path}: {migration.where}"
        _ends_well(migration, path)


@pytest.mark.parametrize(("kind", "hold"), PLACES, ids=lambda value: getattr(value, "name", value))
def test_an_invalid_edit_changes_nothing_and_is_reported(kind: str, hold: Hold) -> None:
    for path in _edits(kind, PLACES.index((kind, hold)), INVALID):
        migration = hold.reach(kind)
        before = dict(migration.resource.body.spec)  # type: ignore[union-attr]
        pools = _counts(migration)
        migration.resource.edit(**edited(before, path, INVALID[path]))
        migration.pass_time(300.0)
        assert migration.reason == "InvalidSpec", f"{path}: {migration.where}"
        assert path.split(".")[-1] in migration.status.message, f"{path}: {migration.where}"
        if hold.name not in {"creating", "updating"}:
            assert _counts(migration) == pools, (
                f"{path}: a pool was changed by a spec that cannot be read"
            )
        migration.resource.replace(before)
        assert migration.help_on(), f"{path}: {migration.where}"
        _ends_well(migration, path)


def _counts(migration: EditedMigration) -> dict[str, int]:
    """How many nodes each pool has."""
    pools = migration.cluster.arm.list_pools(migration.kernel.now)
    return {name: pool.count for name, pool in pools.items()}


def _ends_well(migration: EditedMigration, path: str) -> None:
    """The resource is deleted: nothing of it is left, and all workloads run."""
    migration.resource.delete()
    assert migration.until(lambda run: run.gone, hours=0.5), f"{path}: {migration.where}"
    migration.pass_time(120.0)
    assert migration.leftovers() == [], path
    assert migration.unwell() == [], path
    assert migration.contradictions() == [], path
