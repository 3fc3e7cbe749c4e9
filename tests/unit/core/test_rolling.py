"""Rolling: which nodes are next, and that zones stay even."""

from collections import Counter

from azure_linux_migrator.api.status import SourceRecord, timestamp
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.steps.rolling import balanced
from azure_linux_migrator.model.actions import CordonNode, DeleteMachines, UpdatePool
from azure_linux_migrator.model.cluster import Node
from tests.support.worlds import NOW, at, migration, pod, seen, source, target, world

ROLLING = {
    "type": "Rolling",
    "canary": {"nodes": 0},
    "maxSurge": 2,
    "batch": {"soak": "0s"},
    "finalSoak": "0s",
}


def node(name: str, pool: str, zone: str, batch: str = "") -> Node:
    old = pool == "src"
    cordoned = "m" if old else ""
    return Node(name, pool, unschedulable=old, cordoned_by=cordoned, batch=batch, zone=zone)


def test_a_batch_is_taken_from_the_fullest_zones() -> None:
    nodes = [node(f"s-{zone}{n}", "src", f"z-{zone}") for zone in "123" for n in range(2)]
    nodes += [node("t-1", "srcazl", "z-1"), node("t-2", "srcazl", "z-1")]
    observation = seen(world([], nodes=nodes), source(count=6), target(count=2))
    wanted = migration(at("Drain"), strategy=ROLLING)
    chosen = balanced(context_of(wanted, observation, NOW))
    assert [name[:3] for name in chosen] == ["s-1", "s-1"], "zone 1 has two new nodes already"


def test_without_a_fuller_zone_the_batch_is_spread() -> None:
    nodes = [node(f"s-{zone}{n}", "src", f"z-{zone}") for zone in "12" for n in range(3)]
    observation = seen(world([], nodes=nodes), source(count=6), target(count=2))
    chosen = balanced(context_of(migration(at("Drain"), strategy=ROLLING), observation, NOW))
    assert Counter(name[2] for name in chosen) == {"1": 1, "2": 1}


def test_drained_machines_go_before_the_target_grows() -> None:
    nodes = [node(f"s-{n}", "src", "0", "m.uid-m.1" if n < 2 else "") for n in range(4)]
    nodes += [node(f"t-{n}", "srcazl", "0") for n in range(2)]
    wanted = migration(at("Drain"), strategy=ROLLING)
    full = world([], nodes=nodes)
    shrink = decide(wanted, seen(full, source(count=4), target(count=2)), NOW)
    assert shrink.actions == (DeleteMachines("src", ("s-0", "s-1")),)
    waiting = decide(wanted, seen(full, source(count=2), target(count=2)), NOW)
    assert waiting.actions == (), "their nodes are about to vanish"
    for name in ("s-0", "s-1"):
        full.remove_node(name)
    status = at("Drain").model_copy(
        update={"source": at("Drain").source.model_copy(update={"count": 4})}
    )
    wanted = migration(status, strategy=ROLLING)
    grow = decide(wanted, seen(full, source(count=2), target(count=2)), NOW)
    assert grow.actions == (UpdatePool("srcazl", (("count", 4),), "e2"),)


def test_a_target_without_its_tags_is_not_grown_at_the_end() -> None:
    nodes = [node(f"t-{n}", "srcazl", "0") for n in range(2)]
    status = at("CompleteTarget", source=SourceRecord(count=4))
    wanted = migration(status, strategy=ROLLING)
    full = world([], nodes=nodes)
    stripped = decide(wanted, seen(full, target(count=2, tags=())), NOW)
    assert stripped.actions == ()
    ready = stripped.status.condition("Ready")
    assert ready is not None
    assert ready.reason == "TargetTagsChanged"
    grown = decide(wanted, seen(full, target(count=2)), NOW)
    assert grown.actions == (UpdatePool("srcazl", (("count", 4),), "e2"),)


def test_the_last_node_keeps_its_batch_when_somebody_uncordons_it() -> None:
    last = Node("s-3", "src", cordoned_by="m", batch="m.uid-m.4")
    nodes = [last, node("t-0", "srcazl", "0")]
    batch = BatchProgress(index=4, of=4, started_at=timestamp(NOW - 5))
    status = at("Drain", batch=batch, source=SourceRecord(count=4))
    observation = seen(world([pod("a", node="s-3")], nodes=nodes), source(count=1), target(count=4))
    decision = decide(migration(status, strategy=ROLLING), observation, NOW)
    assert decision.actions == (CordonNode("s-3", "m", ""),)
