"""How often Azure is asked for the pools while somebody else has to act or is at work.

AKS lets a subscription list pools once a second
(learn.microsoft.com/azure/aks/quotas-skus-regions#throttling-limits-on-aks-resource-provider-apis).
"""

from dataclasses import replace

import pytest

from azure_linux_migrator.api.status import MigrationStatus, RollbackStatus, SourceRecord, timestamp
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import Decision, PoolReading
from azure_linux_migrator.model.actions import ReadPools
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from tests.support.worlds import NOW, migration, pod, seen, source, target, world


def _status(step: str, rollback: RollbackStatus | None) -> MigrationStatus:
    record = SourceRecord(count=2, os_sku="Ubuntu")
    begun = timestamp(NOW - 600)
    return MigrationStatus(step=step, start_time=begun, source=record, rollback=rollback)


BACK = RollbackStatus(reason="Requested", message="", requested_at=timestamp(NOW - 60))
STOPPED = (migration(_status("RestoreSource", BACK)), source(power="Stopped"), 15.0)
IN_PLACE = migration(_status("UpdateInPlace", None), strategy={"type": "InPlace"})
UPDATING = (IN_PLACE, source(state="Upgrading"), 5.0)
IGNORED = (IN_PLACE, source(), 5.0)
"""AKS was asked 50 s ago, and the pool shows its old OS."""


@pytest.mark.parametrize(
    ("wanted", "old", "seconds"),
    [STOPPED, UPDATING, IGNORED],
    ids=["stopped", "at-work", "ignored"],
)
def test_pools_are_read_again_after_a_while(wanted: Migration, old: Pool, seconds: float) -> None:
    def decided(age: float) -> Decision:
        reading = PoolReading({"src": old, "srcazl": target()}, NOW - age)
        cluster = world([pod("a")], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")])
        asked = {"src": NOW - 50} if old.state == "Succeeded" and old.power == "Running" else {}
        return decide(wanted, replace(seen(cluster), pools=reading, asked=asked), NOW)

    early, due = decided(seconds - 2), decided(seconds + 1)
    assert (early.actions, early.wake_at) == ((), NOW + 2)
    assert due.actions == (ReadPools(),)
    assert due.status.conditions == early.status.conditions, (
        "a look changes nothing that is reported"
    )


@pytest.mark.parametrize(
    ("kept", "pools", "reason"),
    [
        ("ScaleToZero", (source(mode="System"), target()), "SystemPoolCannotBeEmpty"),
        ("Keep", (target(),), "SourcePoolGone"),
        ("Keep", (source(),), "TargetMissing"),
    ],
)
def test_a_refused_retirement_stays_refused_while_the_pools_are_read_again(
    kept: str, pools: tuple[Pool, ...], reason: str
) -> None:
    cluster = world([], nodes=[Node("t-0", "srcazl")])
    status = _status("RetireSource", None)
    read_at = NOW
    for now in (NOW, NOW + 5, NOW + 20, NOW + 21, NOW + 61):
        reading = PoolReading({pool.name: pool for pool in pools}, read_at)
        wanted = migration(status, sourcePool=kept)
        decision = decide(wanted, replace(seen(cluster), pools=reading), now)
        status = decision.status
        stalled = status.condition("Stalled")
        assert stalled is not None
        assert (stalled.status, stalled.reason) == ("True", reason), now - NOW
        if now - read_at < 15:
            assert (decision.actions, decision.wake_at) == ((), now + 60)
        else:
            assert decision.actions == (ReadPools(),)
            read_at = now


@pytest.mark.parametrize("age", [20.0, 300.0])
def test_a_rollback_does_not_call_a_source_stopped_by_an_old_reading(age: float) -> None:
    """An admin may have started it before asking to go back."""
    reading = PoolReading({"src": source(power="Stopped"), "srcazl": target()}, NOW - age)
    cluster = world([pod("a")], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")])
    observation = replace(seen(cluster), pools=reading)
    decision = decide(migration(_status("ReleaseSource", BACK)), observation, NOW)
    assert not decision.status.is_true("Stalled")
    assert ReadPools() in decision.actions
