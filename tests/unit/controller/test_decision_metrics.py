"""What decisions add to the metrics."""

from azure_linux_migrator.api.elapsed import Elapsed
from azure_linux_migrator.api.status import MigrationStatus, Phase
from azure_linux_migrator.controller.decision_metrics import DecisionMetrics
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.core.drain.node_progress import NodeProgress, PoolProgress
from azure_linux_migrator.core.state.slot_timing import SlotTimes
from azure_linux_migrator.model.cluster import Node

RUNNING = MigrationStatus(phase=Phase.RUNNING, elapsed=Elapsed(moving=60, paused=0))


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.registry.get_sample_value(name, labels)


def node(name: str, *, batch: int, moving: int = 0) -> NodeProgress:
    return NodeProgress(Node(name, "src", unschedulable=True), batch=batch, moving=moving)


def pool(*nodes: NodeProgress) -> PoolProgress:
    progress = PoolProgress()
    for node in nodes:
        progress.add(node)
    return progress


def test_an_end_counts_once_with_the_time_of_each_part() -> None:
    telemetry = Telemetry()
    metrics = DecisionMetrics(telemetry, "m")
    over = RUNNING.model_copy(update={"phase": Phase.ROLLED_BACK})
    for before, after in ((RUNNING, RUNNING), (RUNNING, over), (over, over)):
        metrics.decided(before, after, "Rolling")
    labels = {"strategy": "Rolling"}
    name = "azlm_migrations_finished_total"
    assert value(telemetry, name, result="RolledBack", **labels) == 1
    assert value(telemetry, name, result="Succeeded", **labels) == 0
    name = "azlm_migrations_duration_seconds_sum"
    assert value(telemetry, name, part="moving", **labels) == 60
    assert value(telemetry, name, part="paused", **labels) is None


def test_a_node_is_measured_from_its_batch_until_it_is_drained() -> None:
    telemetry = Telemetry()
    metrics = DecisionMetrics(telemetry, "m")
    metrics.drained(pool(node("a", batch=0, moving=2), node("old", batch=1, moving=1)), 0.0)
    metrics.drained(pool(node("a", batch=1, moving=2), node("old", batch=1)), 100.0)
    metrics.drained(pool(node("a", batch=1, moving=1), node("old", batch=1)), 110.0)
    metrics.drained(pool(node("a", batch=1), node("old", batch=1)), 130.0)
    assert value(telemetry, "azlm_node_drain_duration_seconds_sum") == 30
    assert value(telemetry, "azlm_node_drain_duration_seconds_count") == 1


def test_a_node_that_is_gone_or_leaves_its_batch_is_not_measured() -> None:
    telemetry = Telemetry()
    metrics = DecisionMetrics(telemetry, "m")
    metrics.drained(pool(), 0.0)
    metrics.drained(pool(node("a", batch=1, moving=2), node("b", batch=1, moving=2)), 10.0)
    metrics.drained(pool(node("b", batch=0, moving=2)), 20.0)
    assert value(telemetry, "azlm_node_drain_duration_seconds_count") == 0


def test_a_slot_time_is_taken_once() -> None:
    telemetry, times = Telemetry(), SlotTimes()
    metrics = DecisionMetrics(telemetry, "m")
    times.recent.extend((2.0, 4.0))
    metrics.moved(times)
    metrics.moved(times)
    assert value(telemetry, "azlm_pod_move_duration_seconds_sum") == 6
    assert value(telemetry, "azlm_pod_move_duration_seconds_count") == 2
