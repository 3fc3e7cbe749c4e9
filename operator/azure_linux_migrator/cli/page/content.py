"""What the page shows, as plain data: the head of a migration, and rows of nodes, pods and budgets.

The page computes nothing that an admin acts on: state, steps, blockers and remedies are those of
the terminal. Times are in seconds since the epoch.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from azure_linux_migrator.api.status import since_epoch
from azure_linux_migrator.cli.render.migration_history import entries
from azure_linux_migrator.cli.view.intents import ANNOTATIONS, futile
from azure_linux_migrator.cli.view.migration_view import MigrationView
from azure_linux_migrator.cli.view.step_view import steps_of
from azure_linux_migrator.model.cluster import Budget, Node, Pod
from azure_linux_migrator.model.migration import Migration

Json = dict[str, Any]


def head(
    view: MigrationView, events: Iterable[Mapping[str, Any]], *, allow_actions: bool = False
) -> Json:
    """Everything of the page but the rows. `actions` are the intents that may have an effect."""
    status = view.status
    return {
        "name": view.name,
        "source": view.migration.old_pool,
        "target": view.migration.new_pool,
        "inPlace": view.migration.in_place,
        "strategy": str(view.migration.spec.strategy.type),
        "phase": str(status.phase),
        "verdict": view.state.value,
        "reason": str(view.reason),
        "message": status.message,
        "ended": view.ended,
        "nodes": status.nodes.model_dump(mode="json", by_alias=True),
        "pods": status.pods.model_dump(mode="json", by_alias=True),
        "batch": {"index": status.batch.index, "of": status.batch.of},
        "steps": [
            {"name": step.name, "state": step.state.value, "moves": step.moves}
            for step in steps_of(view)
        ],
        "blockers": [
            blocker.model_dump(mode="json", by_alias=True) | {"since": since_epoch(blocker.since)}
            for blocker in status.blockers
        ],
        "times": {
            "started": since_epoch(status.start_time),
            "batch": since_epoch(status.batch.started_at),
            "soak": since_epoch(status.soak_started_at),
            "ended": since_epoch(status.completion_time),
            "eta": since_epoch(status.timing.eta),
            "estimate": status.timing.estimate_seconds,
            "limitedBy": status.timing.limited_by,
        },
        "history": [
            entry.data() | {"time": since_epoch(entry.time)} for entry in entries(view, events)
        ],
        "actions": [verb for verb in ANNOTATIONS if not futile(view, verb)]
        if allow_actions
        else [],
        "missing": view.missing,
    }


def side_of(migration: Migration, node: Node) -> str:
    """The pool that a node is shown in, `source` or `target`; empty for other pools. Where the pool
    is migrated in place, the nodes that already run the new OS are its target."""
    if node.pool == migration.old_pool:
        new = migration.in_place and node.runs(migration.spec.target.os_sku)
        return "target" if new else "source"
    return "target" if node.pool == migration.new_pool else ""


def node_row(migration: Migration, node: Node) -> Json | None:
    """A node; None for one of another pool."""
    side = side_of(migration, node)
    if not side:
        return None
    return {
        "side": side,
        "ready": node.ready,
        "cordoned": node.unschedulable,
        "batch": migration.batch_of(node),
        "zone": node.zone,
        "os": node.os_effective or node.os_sku,
    }


def pod_row(pod: Pod) -> list[str]:
    """A pod: the name of its node, and its state."""
    return [pod.node, _state(pod)]


def _state(pod: Pod) -> str:
    if pod.terminating:
        return "leaving"
    if pod.mirror or (pod.owner is not None and pod.owner.kind == "DaemonSet"):
        return "stays"
    if pod.failing:
        return "failing"
    return "running" if pod.ready else "starting"


def budget_row(budget: Budget, waiting: int) -> Json:
    """A budget with its slots; `waiting` is the number of its pods on the source."""
    return {
        "slots": max(0, budget.capacity),
        "free": budget.allowed,
        "healthy": budget.healthy,
        "desired": budget.desired,
        "expected": budget.expected,
        "waiting": waiting,
    }
