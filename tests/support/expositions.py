"""What /metrics serves for migrations in the middle of a drain, with a sample of every family."""

from prometheus_client import generate_latest

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.elapsed import Elapsed
from azure_linux_migrator.api.status import Condition, MigrationStatus, timestamp
from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.api.status_drain import BlockerStatus, NodeCounts, Timing
from azure_linux_migrator.controller.metrics import MetricsSnapshot, Telemetry
from azure_linux_migrator.controller.migration_metrics import MigrationSample

EPOCH = timestamp(0)
BLOCKERS = tuple(
    BlockerStatus(
        cause=cause,
        kind="PodDisruptionBudget",
        namespace="shop",
        name=f"web-{cause}",
        pods=3,
        since=EPOCH,
    )
    for cause in tuple(Cause)[:20]
)
STATUS = MigrationStatus(
    conditions=tuple(
        Condition(type=kind, status="False", reason="Draining", last_transition_time=EPOCH)
        for kind in ConditionType
    ),
    blockers=BLOCKERS,
    phase="Running",
    step="Drain",
    nodes=NodeCounts(total=9, draining=2, drained=3, cordoned=9, target_ready=4, extra=4),
    timing=Timing(
        estimate_seconds=5,
        measured_seconds=5.0,
        ideal_seconds=4.0,
        floor_seconds=4.5,
        ratio=1.25,
        eta=timestamp(60),
    ),
    elapsed=Elapsed(part="moving", counted_to=EPOCH),
    forecast=ForecastStatus(at=EPOCH, seconds=90),
    start_time=EPOCH,
    last_progress_time=timestamp(7),
)
OVER = STATUS.model_copy(update={"phase": "Succeeded", "completion_time": timestamp(90)})


def exposition(migrations: int = 1, status: MigrationStatus = STATUS) -> str:
    """The text of a scrape."""
    telemetry = Telemetry()
    views = tuple(
        MigrationSample(f"m{number}", "src", "srcazl", "BlueGreen", status)
        for number in range(migrations)
    )
    telemetry.watch(lambda: MetricsSnapshot(True, {"pods": 1.0}, views, orphaned_cordons=0))
    telemetry.azure_request("create", "200", 0.5)
    telemetry.kubernetes_request("patch nodes", "200", 0.05)
    telemetry.finished("Succeeded", "Rolling", Elapsed(moving=60))
    telemetry.node_drained(30.0, "m0")
    telemetry.pod_moved(3.0)
    return generate_latest(telemetry.registry).decode()
