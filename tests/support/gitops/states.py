"""Migrations in every state that GitOps tools tell apart, with statuses as the operator decides."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.names import API_VERSION, KIND
from azure_linux_migrator.api.status import MigrationStatus, RollbackStatus, timestamp
from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.migration import Migration
from tests.support.worlds import NOW, at, budget, migration, pod, seen, source, target, world

GUARD = [budget(allowed=0, healthy=1, desired=1, expected=1)]
OPEN = [Node("s-0", "src"), Node("t-0", "srcazl")]
BACK = RollbackStatus(reason="Requested", requested_at=timestamp(NOW))


def resource(wanted: Migration, status: MigrationStatus | None) -> dict[str, Any]:
    """A migration as the API server has it."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": wanted.name,
            "generation": wanted.generation,
            **({"annotations": dict(wanted.annotations)} if wanted.annotations else {}),
        },
        "spec": {"approval": str(wanted.spec.approval)},
        **({"status": status.model_dump(mode="json", by_alias=True)} if status else {}),
    }


def decided(
    status: MigrationStatus, words: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    """A migration with the status that the operator decides for it."""
    given = {f"azlm.dev/{verb}": value for verb, value in (words or {}).items()}
    wanted = replace(migration(status, **spec), annotations=given)
    nodes = OPEN if status.step == "AwaitDrainApproval" else None
    observation = seen(world([pod("a")], GUARD, nodes=nodes), source(), target())
    return resource(wanted, decide(wanted, observation, NOW).status)


def finished() -> dict[str, Any]:
    """A migration at its end."""
    wanted = migration(at("HandOverAutoscaler"))
    ended = decide(wanted, seen(world([], nodes=[Node("t-0", "srcazl")]), target()), NOW)
    return resource(wanted, ended.status)


def rolled_back() -> dict[str, Any]:
    """A migration whose target is gone again."""
    wanted = migration(at("RemoveTarget", rollback=BACK))
    returned = decide(wanted, seen(world([], nodes=[Node("s-0", "src")]), source()), NOW)
    return resource(wanted, returned.status)


def refused() -> dict[str, Any]:
    """A migration whose source does not exist."""
    wanted = migration()
    return resource(wanted, decide(wanted, seen(world([])), NOW).status)


def timed_out() -> dict[str, Any]:
    """A migration whose drain took longer than spec.drain.timeout."""
    observation = seen(world([pod("a")], GUARD), source(), target())
    limited: dict[str, Any] = {"drain": {"timeout": "5m"}}
    begun = decide(migration(at("Drain"), **limited), observation, NOW)
    wanted = migration(begun.status, **limited)
    return resource(wanted, decide(wanted, observation, NOW + 301).status)


def soaking() -> dict[str, Any]:
    """A migration whose pods have all moved."""
    wanted = migration(at("Soak"), strategy={"finalSoak": "1h"})
    return resource(wanted, decide(wanted, seen(world([]), source(), target()), NOW).status)


def planned(**forecast: Any) -> dict[str, Any]:
    """A migration of mode Plan; without a forecast, it is still being made."""
    wanted = migration(mode="Plan")
    status = ForecastStatus(generation=1, at=timestamp(NOW - 10), **forecast) if forecast else None
    observation = seen(world([]), source(), forecast=status)
    return resource(wanted, decide(wanted, observation, NOW).status)


def deleted() -> dict[str, Any]:
    """A migration that is being deleted: its cordons are removed."""
    wanted = replace(migration(at("Drain")), deleting=True)
    observation = seen(world([pod("a")], GUARD), source(), target())
    body = resource(wanted, decide(wanted, observation, NOW).status)
    body["metadata"]["deletionTimestamp"] = timestamp(NOW)
    return body


STATES: dict[str, tuple[dict[str, Any], str]] = {
    "new": (resource(migration(), None), "Progressing"),
    "draining and blocked": (decided(at("Drain")), "Progressing"),
    "paused by the spec": (decided(at("Drain"), paused=True), "Suspended"),
    "paused by a word": (decided(at("Drain"), {"pause": "1"}), "Suspended"),
    "waiting for an approval": (
        decided(at("AwaitDrainApproval"), approval="BeforeDrain"),
        "Progressing",
    ),
    "aborted": (decided(at("Drain"), {"abort": "1"}), "Degraded"),
    "moved back": (decided(at("Drain", rollback=BACK)), "Progressing"),
    "rolled back": (rolled_back(), "Degraded"),
    "refused": (refused(), "Degraded"),
    "timed out": (timed_out(), "Degraded"),
    "soaking": (soaking(), "Progressing"),
    "forecasting": (planned(), "Progressing"),
    "planned": (planned(seconds=60, pods_moving=4), "Healthy"),
    "planned and blocked": (
        planned(blocked=True, blocked_by=("a budget allows 0",)),
        "Degraded",
    ),
    "finished": (finished(), "Healthy"),
    "being deleted": (deleted(), "Progressing"),
}
"""By name: the resource, and its health in the words of Argo CD."""
