"""Where a migration may stand when somebody changes something."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from azure_linux_migrator.api.names import ABORT, PAUSE, ROLLBACK
from tests.support.edited_migration import CALM, EditedMigration


@dataclass(frozen=True)
class Hold:
    """A place where a migration stays: the spec that leads there, and what an admin does."""

    name: str
    there: Callable[[EditedMigration], bool]
    spec: dict[str, Any] = field(default_factory=dict)
    act: Callable[[EditedMigration], None] = lambda _: None

    def reach(self, kind: str) -> EditedMigration:
        """A migration of this strategy that stands here."""
        strategy = CALM | {"type": kind} | self.spec.get("strategy", {})
        migration = EditedMigration(self.spec | {"strategy": strategy})
        self.act(migration)
        assert migration.until(self.there), f"{self.name} is not reached: {migration.where}"
        return migration


def _step(name: str) -> Callable[[EditedMigration], bool]:
    return lambda migration: migration.status.step == name


def _reason(name: str) -> Callable[[EditedMigration], bool]:
    return lambda migration: migration.reason == name


def _phase(name: str) -> Callable[[EditedMigration], bool]:
    return lambda migration: migration.status.phase == name


def _on_the_way_back(migration: EditedMigration) -> bool:
    return migration.status.phase == "RollingBack"


def _close_db(migration: EditedMigration) -> None:
    """After the preflight no budget lets the pod of `db` go."""
    assert migration.until(lambda run: run.status.step not in {"", "Preflight"})
    migration.allow_db(allowed=False)


def _said(annotation: str) -> Callable[[EditedMigration], None]:
    def act(migration: EditedMigration) -> None:
        _close_db(migration)
        assert migration.until(_step("Drain")), migration.where
        migration.pass_time(5.0)
        migration.say(annotation)

    return act


HELD_SOAK = {"strategy": {"batch": {"size": 1, "soak": "1h"}}}
HOLDS = (
    Hold("creating", _step("CreateTarget")),
    Hold("before-drain", _reason("AwaitingApproval"), {"approval": "BeforeDrain"}),
    Hold("blocked", lambda run: run.status.is_true("DrainBlocked"), act=_close_db),
    Hold("timed-out", _reason("DrainTimedOut"), {"drain": {"timeout": "2m"}}, _close_db),
    Hold("batch-soak", _reason("BatchSoak"), HELD_SOAK),
    Hold("paused", _phase("Paused"), act=_said(PAUSE)),
    Hold("soaking", _reason("Soaking"), {"strategy": {"finalSoak": "1h"}}),
    Hold("before-retire", _reason("AwaitingApproval"), {"approval": "BeforeRetire"}),
    Hold("rolling-back", _on_the_way_back, act=_said(ROLLBACK)),
    Hold("rolled-back", _phase("RolledBack"), act=_said(ROLLBACK)),
    Hold("aborted", _phase("Aborted"), act=_said(ABORT)),
    Hold("succeeded", _phase("Succeeded"), {"sourcePool": "Keep"}),
)
IN_PLACE = (
    HOLDS[1],
    Hold("updating", _step("UpdateInPlace")),
    Hold("done", _phase("Succeeded")),
)
