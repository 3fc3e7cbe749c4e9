"""One migration: where it is, what holds it up, and what it costs."""

from monitoring.dashboards.model import Dashboard, Panel, PanelRow, Query, Threshold, Unit, Variable

OF = 'cluster=~"$cluster",migration="$migration"'
_DRAIN = 'part=~"moving|soaking"'


def _max(metric: str, *more: str, by: str = "") -> str:
    selector = ",".join((OF, *more))
    return f"max by ({by}) ({metric}{{{selector}}})" if by else f"max({metric}{{{selector}}})"


_NOW = PanelRow(
    "Now",
    (
        Panel(
            "Phase",
            "stat",
            (Query(f"{_max('azlm_migration_phase', by='phase')} == 1", "{{phase}}"),),
            "The phase of the migration. It has none when it is over.",
            names=True,
            width=4,
        ),
        Panel(
            "Step",
            "stat",
            (Query(f"{_max('azlm_migration_step', by='step')} == 1", "{{step}}"),),
            "The step that is worked on.",
            names=True,
            width=4,
        ),
        Panel(
            "Reason",
            "stat",
            (Query(_max("azlm_migration_reason", by="reason"), "{{reason}}"),),
            "What it does or waits for: docs/conditions.md.",
            names=True,
            width=4,
        ),
        Panel(
            "Nodes drained",
            "stat",
            (Query(f"max(azlm:nodes_drained:ratio{{{OF}}})"),),
            "Drained source nodes as a part of all.",
            unit=Unit.FRACTION,
            width=4,
        ),
        Panel(
            "Time left",
            "stat",
            (Query(f"clamp_min({_max('azlm_migration_eta_timestamp_seconds')} - time(), 0)"),),
            "Until the expected end of the drain; 0 when it is late.",
            unit=Unit.SECONDS,
            width=4,
        ),
        Panel(
            "Since progress",
            "stat",
            (Query(f"time() - {_max('azlm_migration_last_progress_timestamp_seconds')}"),),
            "Since a step, a batch, a node or a pod was last finished.",
            unit=Unit.SECONDS,
            thresholds=(Threshold(900, "warning"), Threshold(1800, "error")),
            width=4,
        ),
    ),
)
_PROGRESS = PanelRow(
    "Progress",
    (
        Panel(
            "Source nodes",
            "areas",
            (Query(_max("azlm_migration_nodes", by="state"), "{{state}}"),),
            "Each source node is in one state.",
        ),
        Panel(
            "Pods",
            "lines",
            (
                Query(_max("azlm_migration_pods_remaining"), "remaining"),
                Query(_max("azlm_migration_pods_waiting"), "waiting for a budget"),
                Query(_max("azlm_migration_pods_forced"), "forced"),
            ),
            "Pods left to move, those whose budget has no free slot, and those deleted regardless.",
        ),
        Panel(
            "Answers to evictions",
            "lines",
            (
                Query(
                    f"sum by (method, result) (azlm_pods_evicted_total{{{OF}}}) > 0",
                    "{{method}}: {{result}}",
                ),
            ),
            "What the API server has answered since the process began; any result other than "
            "`granted` costs time.",
        ),
        Panel(
            "Blocked pods by budget",
            "lines",
            (
                Query(
                    _max("azlm_migration_budget_blocked_pods", by="budget_namespace, budget"),
                    "{{budget_namespace}}/{{budget}}",
                ),
            ),
            "Pods that cannot move because of a disruption budget.",
        ),
        Panel(
            "Blocked pods by cause",
            "lines",
            (Query(_max("azlm_migration_blocked_pods", by="cause"), "{{cause}}"),),
            "Pods that cannot move: docs/drain.md#blockers.",
        ),
        Panel(
            "Batches",
            "lines",
            (
                Query(_max("azlm_migration_batch"), "current"),
                Query(_max("azlm_migration_batches"), "expected"),
            ),
            "The current batch, and how many are expected.",
        ),
    ),
)
_COST = PanelRow(
    "Time and capacity",
    (
        Panel(
            "Time by part",
            "areas",
            (Query(_max("azlm_migration_seconds", by="part"), "{{part}}"),),
            "How the time since the start was spent.",
            unit=Unit.SECONDS,
        ),
        Panel(
            "Drain: forecast and reality",
            "lines",
            (
                Query(
                    f"sum({_max('azlm_migration_seconds', _DRAIN, by='part')})",
                    "spent",
                ),
                Query(_max("azlm_migration_drain_estimate_seconds"), "estimate"),
            ),
            "Time spent moving and soaking, beside the estimate before the first eviction.",
            unit=Unit.SECONDS,
        ),
        Panel(
            "Nodes of both pools",
            "lines",
            (
                Query(_max("azlm_migration_source_nodes"), "source"),
                Query(_max("azlm_migration_source_nodes_cordoned"), "cordoned"),
                Query(_max("azlm_migration_target_nodes_ready"), "target"),
                Query(_max("azlm_migration_extra_nodes"), "extra"),
            ),
            "Source nodes, those cordoned, Ready target nodes, and nodes beyond the source's size.",
        ),
    ),
)
MIGRATION = Dashboard(
    "migration",
    "azlm / Migration",
    "One AzureLinuxMigration: where it is, what holds it up, what it costs.",
    (
        Variable("cluster", "azlm_migration_info", multiple=True),
        Variable("migration", "azlm_migration_info"),
    ),
    (_NOW, _PROGRESS, _COST),
)
