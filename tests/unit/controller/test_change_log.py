"""What an admin finds in the operator's log: one line for each thing that happened."""

import logging
from typing import Any

import pytest
from aiohttp import web

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import Condition, MigrationStatus, RollbackStatus
from azure_linux_migrator.api.status_drain import BatchProgress, BlockerStatus
from azure_linux_migrator.controller import log_setup
from azure_linux_migrator.controller.change_log import log_changes
from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.operation_log import OperationLog
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import CreatePool, DeletePool, EvictPod
from azure_linux_migrator.model.cluster import NamespacedName, Node
from azure_linux_migrator.model.pool import Pool
from tests.support.fake_apiserver import serving
from tests.support.worlds import pod

WHEN = "2026-01-01T00:00:00Z"
CREATE = CreatePool("src", "srcazl", "AzureLinux", 2, {}, ())


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Log lines with what they are bound to."""
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(log_setup._bind)
    return caplog


def status(reason: Reason, **more: Any) -> MigrationStatus:
    ready = Condition(
        type=ConditionType.READY, status="False", reason=reason, last_transition_time=WHEN
    )
    return MigrationStatus(**({"step": "Drain", "phase": "Running"} | more), conditions=(ready,))


def blocked(**more: Any) -> BlockerStatus:
    fields: dict[str, Any] = {
        "cause": "BudgetDeadlocked",
        "kind": "PodDisruptionBudget",
        "namespace": "shop",
        "name": "db",
        "pods": 2,
        "message": "it never allows a disruption",
        "remedy": "lower minAvailable",
        "since": WHEN,
    }
    return BlockerStatus(**(fields | more))


@pytest.mark.parametrize(
    ("before", "after", "level", "line"),
    [
        (
            status(Reason.DRAINING),
            status(Reason.DRAIN_TIMED_OUT, phase="Stalled", message="batch 1 took too long"),
            "WARNING",
            "Running/Drain/Draining is now Stalled/Drain/DrainTimedOut: batch 1 took too long",
        ),
        (
            status(Reason.DRAIN_TIMED_OUT, phase="Stalled"),
            status(Reason.DRAINING, message="3 pods left to move"),
            "INFO",
            "Stalled/Drain/DrainTimedOut is now Running/Drain/Draining: 3 pods left to move",
        ),
        (
            status(Reason.DRAINING),
            status(Reason.PAUSED, phase="Paused", message="paused"),
            "INFO",
            "Running/Drain/Draining is now Paused/Drain/Paused: paused",
        ),
        (
            status(Reason.DRAINING, batch=BatchProgress(index=1, of=3)),
            status(Reason.DRAINING, batch=BatchProgress(index=2, of=3)),
            "INFO",
            "batch 2 of 3 begins",
        ),
        (
            status(Reason.DRAINING, batch=BatchProgress(index=2, of=3)),
            status(Reason.DRAINING, batch=BatchProgress(index=2, of=3, drained_at=WHEN)),
            "INFO",
            "batch 2 of 3 is drained",
        ),
        (
            status(Reason.DRAINING),
            status(Reason.DRAINING, blockers=(blocked(),)),
            "WARNING",
            (
                "PodDisruptionBudget shop/db holds 2 pods back: it never allows a disruption; "
                "lower minAvailable"
            ),
        ),
        (
            status(Reason.DRAINING, blockers=(blocked(),)),
            status(Reason.DRAINING),
            "INFO",
            "PodDisruptionBudget shop/db holds nothing back any more",
        ),
        (
            status(Reason.DRAINING),
            status(Reason.DRAINING, approved="BeforeDrain"),
            "INFO",
            "approval BeforeDrain is given",
        ),
        (
            status(Reason.DRAINING),
            status(
                Reason.DRAINING,
                rollback=RollbackStatus(reason="Requested", message="asked", requested_at=WHEN),
            ),
            "WARNING",
            "everything is moved back: asked",
        ),
    ],
)
def test_one_line_for_each_change(
    lines: pytest.LogCaptureFixture,
    before: MigrationStatus,
    after: MigrationStatus,
    level: str,
    line: str,
) -> None:
    log_changes(before, after)
    assert [(record.levelname, record.message) for record in lines.records] == [(level, line)]
    lines.clear()
    log_changes(after, after.model_copy(update={"message": "another pod is gone"}))
    assert lines.records == []


def test_a_line_names_batch_reason_and_object(lines: pytest.LogCaptureFixture) -> None:
    held = blocked(kind="Pod", name="db-0", cause="VolumeZone")
    log_changes(
        status(Reason.DRAINING, batch=BatchProgress(index=2, of=3)),
        status(Reason.DRAINING, batch=BatchProgress(index=2, of=3), blockers=(held,)),
    )
    (record,) = lines.records
    assert vars(record)["batch"] == "2"
    assert vars(record)["reason"] == "VolumeZone"
    assert vars(record)["pod"] == "shop/db-0"


async def test_an_eviction_granted_or_refused_is_a_line(lines: pytest.LogCaptureFixture) -> None:
    answers = iter((201, 429))

    async def evicting(_: web.Request) -> web.StreamResponse:
        body = {"message": "Cannot evict pod as it would violate the pod's disruption budget."}
        return web.json_response(body, status=next(answers))

    world = World()
    world.put_node(Node("aks-1", "src", batch="m.uid-m.2"))
    world.put_pod(pod("a", node="aks-1"))
    nothing: Any = None
    async with serving(evicting) as client:
        executor = Executor(
            client=client,
            world=world,
            pools=lambda: nothing,
            telemetry=Telemetry(),
            may_act=lambda: True,
            on_result=lambda: None,
        )
        for _ in range(2):
            executor.submit([EvictPod(NamespacedName("default", "a"), "uid-a", None, "")])
            await executor.stop()
    granted, refused = (record for record in lines.records if "eviction" in record.message)
    assert granted.message == "eviction of pod default/a is granted"
    assert (vars(granted)["node"], vars(granted)["batch"]) == ("aks-1", "2")
    assert refused.levelname == "WARNING"
    assert refused.message.startswith("eviction of pod default/a is refused: Cannot evict pod")


def test_an_operation_of_azure_has_a_start_an_end_and_seconds(
    lines: pytest.LogCaptureFixture,
) -> None:
    operations = OperationLog()
    operations.accepted(CREATE, 100.0, 101.5)
    operations.listed({}, 102.0)
    operations.listed({"srcazl": Pool("srcazl", state="Creating")}, 103.0)
    operations.listed({"srcazl": Pool("srcazl", state="Succeeded")}, 190.0)
    operations.accepted(DeletePool("srcazl", ""), 200.0, 200.5)
    operations.listed({"srcazl": Pool("srcazl", state="Deleting")}, 210.0)
    operations.listed({}, 260.0)
    operations.listed({}, 270.0)
    assert [record.message for record in lines.records] == [
        "Azure accepts CreatePool after 1.5 s",
        "CreatePool has ended after 90 s: state Succeeded",
        "Azure accepts DeletePool after 0.5 s",
        "DeletePool has ended after 60 s: the pool is gone",
    ]
    assert {vars(record)["pool"] for record in lines.records} == {"srcazl"}
