"""Every metric, once: its name, type, labels and meaning. docs/metrics.md is generated from here.

Label `migration` is the name of the resource. A metric that `stays` is still exported when its
migration is over; all others of a migration end with it, and all end with the resource.
"""

from dataclasses import dataclass
from typing import Literal

from azure_linux_migrator.api.elapsed import ElapsedPart
from azure_linux_migrator.api.status import Phase

Kind = Literal["info", "gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One family. A counter's name is without `_total`, an info's without `_info`."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    text: str
    stays: bool = False
    buckets: tuple[float, ...] = ()

    @property
    def sample(self) -> str:
        """The name of its samples, as queries write it."""
        return self.name + {"info": "_info", "counter": "_total"}.get(self.kind, "")


REQUEST_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0)
POD_BUCKETS = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
NODE_BUCKETS = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0)
MIGRATION_BUCKETS = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0)

_PARTS = ", ".join(f"`{part.value}`" for part in ElapsedPart)
_OVER = f"`{Phase.SUCCEEDED}`, `{Phase.ROLLED_BACK}` or `{Phase.ABORTED}`"
_OF = ("migration",)

PROCESS_METRICS = (
    MetricSpec("azlm_build", "info", ("version",), "the running version"),
    MetricSpec("azlm_leader", "gauge", (), "1 if this process leads"),
    MetricSpec(
        "azlm_lease_renewal_timestamp_seconds",
        "gauge",
        (),
        "last renewal of the Lease by this process; 0 if it has never led",
    ),
    MetricSpec("azlm_lease_transitions", "counter", (), "changes of the leader, as the Lease says"),
    MetricSpec(
        "azlm_watches_running", "gauge", (), "1 while watches run, because a migration needs them"
    ),
    MetricSpec(
        "azlm_watch_last_event_timestamp_seconds",
        "gauge",
        ("resource",),
        "last event or bookmark of a watch; 0 if there was none",
    ),
    MetricSpec(
        "azlm_orphaned_cordons",
        "gauge",
        (),
        "nodes cordoned by azlm for a migration that does not exist, as the leader last counted",
    ),
    MetricSpec(
        "azlm_unexpected_errors",
        "counter",
        ("where",),
        "errors that the code does not expect, in an `action` or the `loop` of a migration",
    ),
    MetricSpec(
        "azlm_status_conflicts", "counter", (), "writes of a status that met a newer resource"
    ),
    MetricSpec(
        "azlm_azure_request_duration_seconds",
        "histogram",
        ("operation", "code"),
        "requests to Azure by operation and Azure's code (`200`: success)",
        buckets=REQUEST_BUCKETS,
    ),
    MetricSpec(
        "azlm_kubernetes_request_duration_seconds",
        "histogram",
        ("operation", "code"),
        "requests to the Kubernetes API by operation and status code (`none`: no answer), "
        "without watches and without those of Kopf",
        buckets=REQUEST_BUCKETS,
    ),
    MetricSpec(
        "azlm_migrations_finished",
        "counter",
        ("result", "strategy"),
        f"migrations that ended; the result is {_OVER}",
    ),
    MetricSpec(
        "azlm_migrations_duration_seconds",
        "histogram",
        ("part", "strategy"),
        f"time that finished migrations spent, by part: {_PARTS}",
        buckets=MIGRATION_BUCKETS,
    ),
    MetricSpec(
        "azlm_node_drain_duration_seconds",
        "histogram",
        (),
        "from the batch that a node joins until it is drained",
        buckets=NODE_BUCKETS,
    ),
    MetricSpec(
        "azlm_pod_move_duration_seconds",
        "histogram",
        (),
        "from a pod's eviction until its budget has the slot again, which is when the replacement "
        "is Ready; only pods with a budget",
        buckets=POD_BUCKETS,
    ),
)

MIGRATION_METRICS = (
    MetricSpec(
        "azlm_migration",
        "info",
        (*_OF, "source", "target", "strategy", "result"),
        f"one for each migration; the result is empty until it is over, then {_OVER}",
        stays=True,
    ),
    MetricSpec(
        "azlm_migration_start_timestamp_seconds",
        "gauge",
        _OF,
        "when the target pool was first asked for",
        stays=True,
    ),
    MetricSpec(
        "azlm_migration_completion_timestamp_seconds",
        "gauge",
        _OF,
        "when the migration succeeded",
        stays=True,
    ),
    MetricSpec(
        "azlm_migration_seconds",
        "gauge",
        (*_OF, "part"),
        f"time since the start, by part: {_PARTS}",
        stays=True,
    ),
    MetricSpec(
        "azlm_migration_phase",
        "gauge",
        (*_OF, "phase"),
        "1 for the phase that the migration is in, 0 for every other that is not its end",
    ),
    MetricSpec(
        "azlm_migration_step",
        "gauge",
        (*_OF, "step"),
        "1 for the step that is worked on, 0 for every other of the strategy, or of a rollback",
    ),
    MetricSpec(
        "azlm_migration_reason",
        "gauge",
        (*_OF, "reason"),
        "1 for the [reason](conditions.md) of Ready: what it does or waits for, such as `Paused` "
        "or `AwaitingApproval`; the others, more than a hundred, have no series",
    ),
    MetricSpec(
        "azlm_migration_condition",
        "gauge",
        (*_OF, "type", "status"),
        "1 for the status that a condition has; the others have no series",
    ),
    MetricSpec(
        "azlm_migration_last_progress_timestamp_seconds",
        "gauge",
        _OF,
        "when a step, a batch, a node or a pod was last finished; kept in the status",
    ),
    MetricSpec(
        "azlm_migration_nodes",
        "gauge",
        (*_OF, "state"),
        "source nodes, each in one state: `pending`, `draining` or `drained`",
    ),
    MetricSpec("azlm_migration_source_nodes", "gauge", _OF, "source nodes, drained ones included"),
    MetricSpec("azlm_migration_source_nodes_cordoned", "gauge", _OF, "cordoned source nodes"),
    MetricSpec("azlm_migration_target_nodes_ready", "gauge", _OF, "Ready nodes of the target"),
    MetricSpec(
        "azlm_migration_extra_nodes", "gauge", _OF, "nodes of both pools beyond the source's size"
    ),
    MetricSpec(
        "azlm_migration_extra_node_seconds",
        "counter",
        _OF,
        "those nodes times seconds: what double capacity has cost",
    ),
    MetricSpec("azlm_migration_batch", "gauge", _OF, "number of the current batch, from 1"),
    MetricSpec("azlm_migration_batches", "gauge", _OF, "expected number of batches"),
    MetricSpec("azlm_migration_pods_remaining", "gauge", _OF, "pods left to move"),
    MetricSpec("azlm_migration_pods_waiting", "gauge", _OF, "pods whose budget has no free slot"),
    MetricSpec(
        "azlm_migration_pods_forced", "gauge", _OF, "pods deleted regardless of their budgets"
    ),
    MetricSpec(
        "azlm_pods_evicted",
        "counter",
        (*_OF, "method", "result"),
        "answers to `evict` and `delete` requests for pods since the process began; "
        "check any result other than `granted`",
    ),
    MetricSpec(
        "azlm_migration_blocked_pods",
        "gauge",
        (*_OF, "cause"),
        "pods that cannot move, by [cause](drain.md#blockers); the 5 causes with the most pods",
    ),
    MetricSpec(
        "azlm_migration_budget_blocked_pods",
        "gauge",
        # Not `namespace`: a scrape sets that to the operator's own.
        (*_OF, "budget_namespace", "budget"),
        "pods that cannot move because of this budget; the 10 budgets that have blocked longest",
    ),
    MetricSpec(
        "azlm_migration_forecast_seconds",
        "gauge",
        _OF,
        "length of the migration as `spec.mode: Plan` forecast it",
    ),
    MetricSpec(
        "azlm_migration_drain_estimate_seconds",
        "gauge",
        _OF,
        "length of the drain, soaks between batches included, as estimated before it",
    ),
    MetricSpec("azlm_migration_eta_timestamp_seconds", "gauge", _OF, "expected end of the drain"),
    MetricSpec(
        "azlm_migration_drain_seconds",
        "gauge",
        _OF,
        "time spent in batches that are drained, without soaks",
    ),
    MetricSpec(
        "azlm_migration_drain_measured_seconds",
        "gauge",
        _OF,
        "time of the batches that were watched as a whole and that nothing blocked",
    ),
    MetricSpec(
        "azlm_migration_drain_ideal_seconds",
        "gauge",
        _OF,
        "what these batches had to take, by the start times of the pods and the budgets",
    ),
    MetricSpec(
        "azlm_migration_drain_floor_seconds",
        "gauge",
        _OF,
        "the same with the latency of this control plane on each slot",
    ),
    MetricSpec(
        "azlm_migration_drain_ratio",
        "gauge",
        _OF,
        "measured time divided by the ideal",
    ),
)

METRICS = {spec.name: spec for spec in PROCESS_METRICS + MIGRATION_METRICS}


def table() -> str:
    """The table of docs/metrics.md."""
    rows = ["| metric | type | meaning |", "|---|---|---|"]
    for spec in METRICS.values():
        labels = "{" + ",".join(spec.labels) + "}" if spec.labels else ""
        text = spec.text + (" (stays)" if spec.stays else "")
        rows.append(f"| `{spec.sample}{labels}` | {spec.kind} | {text} |")
    return "\n".join(rows)
