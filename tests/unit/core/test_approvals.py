"""What a migration does while it waits for an admin, and right after the word is given."""

from dataclasses import replace

from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.model.actions import DeletePool, ReadPools
from azure_linux_migrator.model.cluster import Node
from tests.support.worlds import NOW, at, migration, seen, source, target, world

NODES = [
    Node("s-0", "src", unschedulable=True, cordoned_by="m", batch="m.uid-m.1"),
    Node("t-0", "srcazl"),
]
WAITING = migration(at("AwaitRetireApproval"), approval="BeforeRetire")


def read_before(seconds: float) -> Observation:
    """Both pools, as they were read so long ago."""
    observation = seen(world([], nodes=NODES), source(), target())
    pools = {pool.name: pool for pool in (source(), target())}
    return replace(observation, pools=PoolReading(pools, NOW - seconds))


def test_while_an_admin_is_waited_for_the_reason_stays_and_pools_are_read_once_a_minute() -> None:
    decision = decide(WAITING, read_before(20.0), NOW)
    assert "AwaitingApproval" in str(decision.status.conditions)
    assert decision.actions == ()
    later = decide(WAITING, read_before(61.0), NOW)
    assert "AwaitingApproval" in str(later.status.conditions)
    assert later.actions == (ReadPools(),)


def test_a_source_is_retired_only_after_a_fresh_look_at_the_pools() -> None:
    given = replace(WAITING, annotations={"azlm.dev/approve": "BeforeRetire"})
    decision = decide(given, read_before(20.0), NOW)
    assert any(isinstance(action, ReadPools) for action in decision.actions)
    assert not any(isinstance(action, DeletePool) for action in decision.actions)
    assert "ReadingPools" in str(decision.status.conditions)
