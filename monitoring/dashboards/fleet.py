"""Every migration of every cluster that one Prometheus sees."""

from monitoring.dashboards.model import (
    Column,
    Dashboard,
    Panel,
    PanelRow,
    Query,
    Table,
    Threshold,
    Unit,
    Variable,
)

OF = 'cluster=~"$cluster"'
KEY = ("cluster", "migration")
BY = ", ".join(KEY)
_WAITS = 'type=~"Stalled|DrainBlocked",status="True"'


def _max(metric: str, by: str = BY) -> str:
    return f"max by ({by}) ({metric}{{{OF}}})"


_TABLE = Table(
    "Migrations",
    KEY,
    (
        Column("Cluster", label="cluster"),
        Column("Migration", label="migration"),
        Column("Phase", label="phase"),
        Column("First blocker", label="cause"),
        # Labels `phase` and `cause` come with two of the queries.
        Column(
            "In phase", expr=f"{_max('azlm_migration_phase', f'{BY}, phase')} == 1", hidden=True
        ),
        Column("Drained", expr=f"max by ({BY}) (azlm:nodes_drained:ratio{{{OF}}})",
               unit=Unit.FRACTION),
        Column("Nodes", expr=_max("azlm_migration_source_nodes")),
        Column(
            "Time left",
            expr=f"clamp_min({_max('azlm_migration_eta_timestamp_seconds')} - time(), 0)",
            unit=Unit.SECONDS,
        ),
        Column(
            "Since progress",
            expr=f"time() - {_max('azlm_migration_last_progress_timestamp_seconds')}",
            unit=Unit.SECONDS,
        ),
        Column(
            "Blocked pods",
            expr=f"topk by ({BY}) (1, {_max('azlm_migration_blocked_pods', f'{BY}, cause')})",
        ),
        Column("Forced pods", expr=_max("azlm_migration_pods_forced")),
    ),
    "One line for each migration that is not over. The first blocker is the cause that holds the "
    "most pods back.",
)  # fmt: skip
FLEET = Dashboard(
    "fleet",
    "azlm / Fleet",
    "All migrations of all clusters.",
    (Variable("cluster", "azlm_migration_info", multiple=True),),
    (
        PanelRow(
            "Now",
            (
                Panel(
                    "Migrations by phase",
                    "stat",
                    (Query(f"sum by (phase) (azlm:migrations:by_phase{{{OF}}})", "{{phase}}"),),
                    "Those that are over included, while their resource exists.",
                    width=12,
                ),
                Panel(
                    "Stalled or blocked",
                    "stat",
                    (
                        Query(
                            f"count(max by ({BY}) (azlm_migration_condition{{{OF},{_WAITS}}}))"
                            " or vector(0)"
                        ),
                    ),
                    "Migrations that wait for an admin.",
                    thresholds=(Threshold(1, "error"),),
                    width=6,
                ),
                Panel(
                    "Extra nodes",
                    "stat",
                    (Query(f"sum({_max('azlm_migration_extra_nodes')}) or vector(0)"),),
                    "Nodes beyond the sizes of the source pools.",
                    width=6,
                ),
            ),
        ),
        PanelRow("Migrations", (_TABLE,)),
        PanelRow(
            "Over time",
            (
                Panel(
                    "Phases",
                    "areas",
                    (Query(f"sum by (phase) (azlm:migrations:by_phase{{{OF}}})", "{{phase}}"),),
                    "How many migrations are in each phase.",
                    width=12,
                ),
                Panel(
                    "Nodes drained",
                    "lines",
                    (
                        Query(
                            f"max by ({BY}) (azlm:nodes_drained:ratio{{{OF}}})",
                            "{{cluster}} {{migration}}",
                        ),
                    ),
                    "Drained source nodes as a part of all.",
                    unit=Unit.FRACTION,
                    width=12,
                ),
            ),
        ),
    ),
)
