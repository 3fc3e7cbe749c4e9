"""The operator: whether it leads and hears, what it asks, and how long the answers take."""

from monitoring.dashboards.model import Dashboard, Panel, PanelRow, Query, Threshold, Unit, Variable

OF = 'cluster=~"$cluster"'
RATE = "[$__rate_interval]"


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{OF}}}{RATE}))"


def _quantile(fraction: float, metric: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({fraction}, {_rate(f'{metric}_bucket', labels)})"


def _since_start(fraction: float, metric: str) -> str:
    """Few nodes are drained in a minute: all since the process began are taken."""
    return f"histogram_quantile({fraction}, sum by (le) ({metric}_bucket{{{OF}}}))"


def _requests(name: str, metric: str) -> tuple[Panel, Panel]:
    return (
        Panel(
            f"Requests to {name}",
            "lines",
            (Query(_rate(f"{metric}_count", "operation, code"), "{{operation}}: {{code}}"),),
            "By operation and code.",
            unit=Unit.PER_SECOND,
            many=True,
            width=12,
        ),
        Panel(
            f"Requests to {name}: 95th percentile",
            "lines",
            (Query(_quantile(0.95, metric, "operation"), "{{operation}}"),),
            "By operation; from histograms, so that values lie within a bucket.",
            unit=Unit.SECONDS,
            many=True,
            width=12,
        ),
    )


_NOW = PanelRow(
    "Now",
    (
        Panel(
            "Leaders",
            "stat",
            (Query(f"sum(azlm_leader{{{OF}}})"),),
            "One for each cluster.",
            width=4,
        ),
        Panel(
            "Since the lease was renewed",
            "stat",
            (Query(f"time() - max(azlm_lease_renewal_timestamp_seconds{{{OF}}} > 0)"),),
            "A leader that does not renew for 10 s ends.",
            unit=Unit.SECONDS,
            thresholds=(Threshold(60, "warning"), Threshold(120, "error")),
            width=4,
        ),
        Panel(
            "Leader changes",
            "stat",
            (Query(f"max(azlm_lease_transitions_total{{{OF}}})"),),
            "As the Lease says, since it was created.",
            width=4,
        ),
        Panel(
            "Orphaned cordons",
            "stat",
            (Query(f"sum(max by (cluster) (azlm_orphaned_cordons{{{OF}}}))"),),
            "Nodes cordoned for a migration that does not exist.",
            thresholds=(Threshold(1, "error"),),
            width=4,
        ),
        Panel(
            "Unexpected errors",
            "stat",
            (Query(f"sum(azlm_unexpected_errors_total{{{OF}}})"),),
            "Since the processes began.",
            thresholds=(Threshold(1, "error"),),
            width=4,
        ),
        Panel(
            "Status conflicts",
            "stat",
            (Query(f"sum(azlm_status_conflicts_total{{{OF}}})"),),
            "Since the processes began.",
            width=4,
        ),
    ),
)
_REQUESTS = PanelRow(
    "Requests",
    (
        *_requests("Azure", "azlm_azure_request_duration_seconds"),
        *_requests("Kubernetes", "azlm_kubernetes_request_duration_seconds"),
    ),
)
_WORK = PanelRow(
    "Watches and work",
    (
        Panel(
            "Since the last event of a watch",
            "lines",
            (
                Query(
                    "time() - max by (resource) (azlm_watch_last_event_timestamp_seconds"
                    f"{{{OF}}} > 0) and on () max(azlm_watches_running{{{OF}}}) == 1",
                    "{{resource}}",
                ),
            ),
            "While a migration needs the watches; bookmarks come once a minute.",
            unit=Unit.SECONDS,
            many=True,
        ),
        Panel(
            "Node drains",
            "lines",
            tuple(
                Query(_since_start(share, "azlm_node_drain_duration_seconds"), f"{share:.0%}")
                for share in (0.5, 0.95)
            ),
            "From a node's batch until it is drained; median and 95 %, since the process began.",
            unit=Unit.SECONDS,
        ),
        Panel(
            "Pod moves",
            "lines",
            tuple(
                Query(_since_start(share, "azlm_pod_move_duration_seconds"), f"{share:.0%}")
                for share in (0.5, 0.95)
            ),
            "From an eviction until the replacement is Ready; median and 95 %, of pods with a "
            "budget.",
            unit=Unit.SECONDS,
        ),
        Panel(
            "Memory",
            "lines",
            (Query(f'process_resident_memory_bytes{{{OF},job=~".*azlm.*"}}', "{{instance}}"),),
            "Resident memory of each replica.",
            unit=Unit.BYTES,
        ),
        Panel(
            "CPU",
            "lines",
            (
                Query(
                    f'rate(process_cpu_seconds_total{{{OF},job=~".*azlm.*"}}{RATE})', "{{instance}}"
                ),
            ),
            "Cores that each replica uses.",
        ),
        Panel(
            "Finished migrations",
            "lines",
            (
                Query(
                    f"sum by (result) (azlm_migrations_finished_total{{{OF}}})",
                    "{{result}}",
                ),
            ),
            "Since the processes began.",
        ),
    ),
)
OPERATOR = Dashboard(
    "operator",
    "azlm / Operator",
    "The operator's process: leadership, requests, watches, durations.",
    (Variable("cluster", "azlm_build_info", multiple=True),),
    (_NOW, _REQUESTS, _WORK),
)
