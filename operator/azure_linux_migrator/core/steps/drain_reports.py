"""What the conditions of nodes report of the drain, where the operator may write them.

DrainInProgress from a node's batch on, Drained once nothing is left to move, else neither.
"""

from azure_linux_migrator.api.names import DRAIN_IN_PROGRESS, DRAINED
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.model.actions import Action, ReportDrain
from azure_linux_migrator.model.cluster import Node


def drain_reports(ctx: Context) -> tuple[Action, ...]:
    """The conditions of both pools that are to change now."""
    if not ctx.seen.reports_drain or not ctx.seen.world_ready:
        return ()
    name = ctx.migration.name
    conditions = {
        load.node.name: DRAINED if load.drained else DRAIN_IN_PROGRESS
        for load in ctx.pool_progress.by_node.values()
        if load.batch > 0 and load.node.unschedulable
    }
    pools = dict.fromkeys((ctx.migration.source, ctx.migration.target))
    reports = [
        ReportDrain(node.name, name, conditions.get(node.name, ""))
        for pool in pools
        for node in ctx.seen.world.pool_nodes(pool)
        if _reported(node, name) != conditions.get(node.name, "")
    ]
    attempts = [ctx.attempt(report, "", "") for report in reports]
    return tuple(action for attempt in attempts for action in attempt.actions)


def reports_to_clear(ctx: Context) -> list[Action]:
    """Conditions that this migration has set, and that are not taken back yet. What the API server
    has refused is left: it does not keep a resource from going."""
    name = ctx.migration.name
    reports = [
        ReportDrain(node.name, name, "")
        for node in ctx.seen.world.nodes.values()
        if ctx.seen.reports_drain and _reported(node, name)
    ]
    return [report for report in reports if report.key not in ctx.seen.problems]


def _reported(node: Node, migration: str) -> str:
    """The condition that a migration has set on a node; empty for none, or another's."""
    by, _, condition = node.drain.rpartition("/")
    return condition if by == migration else ""
