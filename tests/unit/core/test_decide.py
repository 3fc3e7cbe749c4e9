"""decide(), state by state."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import ActionProblem, Decision
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.model.actions import (
    CordonNode,
    CreatePool,
    DeletePool,
    EvictPod,
    MarkNode,
    ReadAzureFacts,
    ReadPools,
    ReleaseNode,
    ReviewAccess,
    UpdatePool,
)
from azure_linux_migrator.model.azure_facts import AzureFacts, ClusterFacts
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from tests.support.worlds import (
    NOW,
    at,
    budget,
    memory_of,
    migration,
    pod,
    seen,
    source,
    target,
    world,
)

OPEN = [Node("s-0", "src"), Node("s-1", "src"), Node("t-0", "srcazl")]


def kinds(decision: Decision) -> set[type]:
    return {type(action) for action in decision.actions}


def reason(decision: Decision) -> str:
    condition = decision.status.condition("Ready")
    assert condition is not None
    return condition.reason


def kstatus(decision: Decision) -> tuple[str, ...]:
    conditions = [
        decision.status.condition(kind) for kind in ("Ready", "Reconciling", "Stalled", "Succeeded")
    ]
    return tuple(condition.status if condition else "" for condition in conditions)


WORKING = ("False", "True", "False", "Unknown")
REFUSED = ("False", "False", "True", "False")
DONE = ("True", "False", "False", "True")


def test_it_reads_the_pools_then_asks_for_access_then_creates() -> None:
    state = world([], nodes=OPEN)
    nothing = Observation(state, memory_of(state))
    assert kinds(decide(migration(), nothing, NOW)) == {ReadPools}
    observation = seen(state, source(), missing_access=None)
    assert kinds(decide(migration(), observation, NOW)) == {ReviewAccess}
    [create] = decide(migration(), seen(state, source()), NOW).actions
    assert isinstance(create, CreatePool)
    assert create.tags == (
        ("azlm-migration", "m"),
        ("azlm-source-count", "2"),
        ("azlm-source-pool", "src"),
    )


def test_the_new_pool_gets_a_patch_that_aks_offers_also_after_a_restart() -> None:
    state, old = world([], nodes=OPEN), source(properties={"currentOrchestratorVersion": "1.34.1"})
    facts = AzureFacts(ClusterFacts(kubernetes_version="1.34.3"), versions=("1.34.2", "1.34.4"))
    [create] = decide(migration(), seen(state, old, azure_facts=facts), NOW).actions
    assert isinstance(create, CreatePool)
    assert create.overrides == {"orchestratorVersion": "1.34.2"}
    alias = {"currentOrchestratorVersion": "1.34.1", "orchestratorVersion": "1.34"}
    newest = AzureFacts(ClusterFacts(kubernetes_version="1.34.3"), versions=("1.34.2",))
    asked = seen(state, source(properties=alias), azure_facts=newest)
    [create] = decide(migration(), asked, NOW).actions
    assert isinstance(create, CreatePool)
    assert create.overrides == {"orchestratorVersion": "1.34"}, "AKS takes the newest patch"
    begun = migration(at("CreateTarget"))
    [read] = decide(begun, seen(state, old, azure_facts=None), NOW).actions
    assert isinstance(read, ReadAzureFacts)


@pytest.mark.parametrize(
    ("pools", "spec", "expected", "word"),
    [
        ([target()], {"source": {"nodePool": "nosuch"}}, "SourcePoolNotFound", "srcazl"),
        ([source(os_type="Windows")], {}, "SourceNotLinux", "Windows"),
        ([source(kind="AvailabilitySet")], {}, "SourceTypeUnsupported", "AvailabilitySet"),
        ([source(power="Stopped")], {}, "SourceStopped", "start it"),
        ([source(state="Failed")], {}, "SourceNotHealthy", "Failed"),
        (
            [source(mode="System")],
            {"sourcePool": "ScaleToZero"},
            "SystemPoolCannotBeEmpty",
            "spec.sourcePool",
        ),
        ([source(), target(tags=())], {}, "TargetPoolExists", "spec.target.nodePool"),
    ],
)
def test_preflight_refuses_and_says_why(
    pools: list[Pool], spec: dict[str, Any], expected: str, word: str
) -> None:
    decision = decide(migration(**spec), seen(world([], nodes=OPEN), *pools), NOW)
    assert reason(decision) == expected
    assert word in decision.status.message
    assert decision.actions == ()
    assert kstatus(decision) == REFUSED


def test_preflight_refuses_bare_pods_a_conflict_and_missing_access() -> None:
    state = world([pod("bare", owner=None)], nodes=OPEN)
    refused = decide(migration(), seen(state, source()), NOW)
    assert reason(refused) == "PodsBlocked"
    assert refused.status.preflight.blocked == 1
    assert refused.status.preflight.findings[0].rule == "pod.bare"
    changed = migration(preflight={"acknowledge": ["pod.bare"]})
    decision = decide(changed, seen(state, source()), NOW)
    assert reason(decision) not in {"PreflightBlocked", "PodsBlocked"}, "an admin answers for it"
    full = world([pod("cache", empty_dir=True)], nodes=OPEN)
    keep: dict[str, Any] = {
        "drain": {"emptyDir": "Block"},
        "preflight": {"acknowledge": ["pod.local-data"]},
    }
    decision = decide(migration(**keep), seen(full, source()), NOW)
    assert reason(decision) == "PodsBlocked", "what the drain never moves is not acknowledged away"
    clean = seen(world([], nodes=OPEN), source())
    assert reason(decide(migration(), replace(clean, conflict="other"), NOW)) == "SourceBusy"
    missing = replace(clean, missing_access=("create pods/eviction",))
    assert reason(decide(migration(), missing, NOW)) == "KubernetesForbidden"


def test_a_refused_write_stalls_until_its_time_and_a_busy_azure_does_not() -> None:
    observation = seen(world([], nodes=OPEN), source())
    key = "CreatePool/srcazl"
    final = replace(
        observation, problems={key: ActionProblem(Reason.AZURE_FORBIDDEN, "no", False, NOW + 300)}
    )
    decision = decide(migration(), final, NOW)
    assert (decision.actions, kstatus(decision)) == ((), REFUSED)
    assert decision.wake_at == NOW + 300
    busy = replace(
        observation, problems={key: ActionProblem(Reason.AZURE_BUSY, "wait", True, NOW + 2)}
    )
    assert kstatus(decide(migration(), busy, NOW)) == WORKING


def test_nothing_is_cordoned_before_the_target_stands() -> None:
    for state, nodes in (("Creating", OPEN), ("Succeeded", OPEN[:2])):
        observation = seen(world([], nodes=nodes), source(), target(state=state))
        decision = decide(migration(at("CreateTarget")), observation, NOW)
        assert decision.status.step == "CreateTarget"
        assert CordonNode not in kinds(decision)
    failed = seen(world([], nodes=OPEN), source(), target(state="Failed"))
    assert reason(decide(migration(at("CreateTarget")), failed, NOW)) == "TargetFailed"


def test_every_source_node_is_cordoned_before_any_pod_moves() -> None:
    observation = seen(world([pod("a")], nodes=OPEN), source(), target())
    decision = decide(migration(at("CreateTarget")), observation, NOW)
    assert {action.node for action in decision.actions if isinstance(action, CordonNode)} == {
        "s-0",
        "s-1",
    }
    assert kinds(decision) == {CordonNode}


def test_a_batch_is_admitted_drained_and_soaked_before_the_next() -> None:
    halves = {
        "strategy": {
            "canary": {"nodes": 0},
            "batch": {"size": "50%", "soak": "10m"},
            "finalSoak": "0s",
        }
    }
    nodes = [Node("s-0", "src", unschedulable=True), Node("s-1", "src", unschedulable=True)]
    state = world([pod("a", node="s-1")], nodes=[*nodes, Node("t-0", "srcazl")])
    first = decide(migration(at("Drain"), **halves), seen(state, source(), target()), NOW)
    assert first.actions == (MarkNode("s-0", "m.uid-m.1"),), "the emptiest node first"
    state.put_node(Node("s-0", "src", unschedulable=True, batch="m.uid-m.1"))
    soaking = decide(migration(first.status, **halves), seen(state, source(), target()), NOW)
    assert reason(soaking) == "BatchSoak"
    assert (soaking.status.batch.index, soaking.status.batch.of) == (1, 2)
    later = decide(migration(soaking.status, **halves), seen(state, source(), target()), NOW + 601)
    assert later.actions == (MarkNode("s-1", "m.uid-m.2"), ReadPools()), "and a look at the pools"


def test_no_eviction_without_a_ready_target_node() -> None:
    state = world([pod("a")])
    state.put_node(Node("t-0", "srcazl", ready=False))
    decision = decide(migration(at("Drain")), seen(state, source(), target()), NOW)
    assert (decision.actions, reason(decision)) == ((), "TargetNotReady")


def test_a_timeout_at_its_maximum_is_not_to_be_raised() -> None:
    stuck = budget(allowed=0, healthy=1, desired=1, expected=1)
    observation = seen(world([pod("a")], [stuck]), source(), target())
    longest = {"timeout": "168h"}
    first = decide(migration(at("Drain"), drain=longest), observation, NOW)
    late = decide(migration(first.status, drain=longest), observation, NOW + 168 * 3600 + 1)
    assert reason(late) == "DrainTimedOut"
    assert "fix that and run kubectl azlm retry m, to go on" in late.status.message


def test_a_drain_that_takes_too_long_stalls_and_a_longer_timeout_resumes_it() -> None:
    stuck = budget(allowed=0, healthy=1, desired=1, expected=1)
    observation = seen(world([pod("a"), pod("b", app="free")], [stuck]), source(), target())
    first = decide(migration(at("Drain"), drain={"timeout": "5m"}), observation, NOW)
    assert EvictPod in kinds(first)
    assert first.status.is_true("DrainBlocked")
    late = decide(migration(first.status, drain={"timeout": "5m"}), observation, NOW + 301)
    assert kinds(late) == {ReadPools}, "nothing but a look at the pools"
    assert (reason(late), kstatus(late)) == ("DrainTimedOut", REFUSED)
    assert "default/web" in late.status.message
    assert "run kubectl azlm retry m, or raise the timeout (at most 168h)" in late.status.message
    again = decide(migration(late.status, drain={"timeout": "1h"}), observation, NOW + 302)
    assert EvictPod in kinds(again)


def test_after_a_restart_an_unread_world_concludes_nothing() -> None:
    empty = seen(world([], nodes=[]), source(), target(), world_ready=False)
    for step in ("CordonSource", "Drain", "Soak", "RetireSource"):
        decision = decide(migration(at(step)), empty, NOW)
        assert (decision.actions, decision.status.step) == ((), step)


def test_retire_deletes_scales_or_keeps() -> None:
    observation = seen(world([]), source(), target())
    assert decide(migration(at("Drain")), observation, NOW).actions == (DeletePool("src", "e1"),)
    zero = decide(migration(at("Drain"), sourcePool="ScaleToZero"), observation, NOW)
    assert zero.actions == (UpdatePool("src", (("count", 0),), "e1"),)
    decision = decide(migration(at("Drain"), sourcePool="Keep"), observation, NOW)
    assert (decision.actions, kstatus(decision)) == ((), DONE)


def test_a_pool_in_use_is_never_retired() -> None:
    used = world([pod("a")])
    decision = decide(migration(at("RetireSource")), seen(used, source(), target()), NOW)
    assert ([type(action) for action in decision.actions], decision.status.step) == (
        [EvictPod],
        "RetireSource",
    )
    opened = world([])
    opened.put_node(Node("s-0", "src", cordoned_by="m", batch="m.uid-m.1"))
    status = at("Soak", soak_started_at=timestamp(NOW))
    decision = decide(migration(status), seen(opened, source(), target()), NOW)
    assert (decision.actions, reason(decision)) == ((), "NodeUncordoned")
    lonely = decide(migration(at("RetireSource")), seen(world([]), source()), NOW)
    assert (lonely.actions, reason(lonely)) == ((), "TargetMissing")


def test_done_stays_done_and_is_silent() -> None:
    gone = seen(world([], nodes=[Node("t-0", "srcazl")]), target())
    decision = decide(migration(at("RetireSource")), gone, NOW)
    assert kstatus(decision) == DONE
    again = decide(migration(decision.status), gone, NOW + 1000)
    assert (again.actions, again.status) == ((), decision.status)


def test_a_recreated_resource_finds_its_work_by_the_tags() -> None:
    gone = seen(world([], nodes=[Node("t-0", "srcazl")]), target())
    decision = decide(migration(), gone, NOW)
    assert (reason(decision), kstatus(decision)) == ("AlreadyMigrated", DONE)


def test_paused_it_only_reads() -> None:
    observation = seen(world([pod("a")]), source(), target())
    decision = decide(migration(at("Drain"), paused=True), observation, NOW)
    assert decision.actions == ()
    assert (reason(decision), kstatus(decision)) == ("Paused", WORKING)
    assert kinds(
        decide(migration(paused=True), Observation(world([], nodes=OPEN), DecisionMemory()), NOW)
    ) == {ReadPools}


def test_deletion_releases_only_our_nodes_and_waits_for_them() -> None:
    nodes = [
        Node("s-0", "src", unschedulable=True, cordoned_by="m", batch="m.uid-m.1"),
        Node("s-1", "src", unschedulable=True),
        Node("s-2", "src", unschedulable=True, cordoned_by="other"),
    ]
    leaving: Migration = replace(migration(at("Drain")), deleting=True)
    decision = decide(leaving, seen(world([pod("a")], nodes=nodes), source(), target()), NOW)
    assert decision.actions == (ReleaseNode("s-0", "m"),)
    assert not decision.released
    after = decide(leaving, seen(world([], nodes=nodes[1:]), source(), target()), NOW)
    assert (after.actions, after.released) == ((), True)
    unread = decide(leaving, seen(world([], nodes=[]), source(), world_ready=False), NOW)
    assert not unread.released


def test_marks_that_a_former_migration_of_the_name_has_left_are_cleared_first() -> None:
    left = [Node(f"s-{number}", "src", batch="m.uid-old.1") for number in range(6)]
    nodes = [*left, Node("s-6", "src"), Node("t-0", "srcazl")]
    observation = seen(world([pod("a")], nodes=nodes), source(), target())
    decision = decide(migration(at("CordonSource")), observation, NOW)
    assert set(decision.actions) == {MarkNode(node.name, "") for node in left}
    drained = decide(migration(at("Drain")), observation, NOW)
    assert drained.status.batch.index == 0, "no node is in a batch"
    leaving = replace(migration(at("Drain")), deleting=True)
    released = decide(leaving, observation, NOW).actions
    assert set(released) == {ReleaseNode(node.name, "m") for node in left}


def test_deletion_releases_the_pool_that_a_finished_migration_has_kept() -> None:
    nodes = [Node("s-0", "src", unschedulable=True, cordoned_by="m", batch="m.uid-m.1")]
    observation = seen(world([], nodes=nodes), source(), target())
    finished = decide(migration(at("RetireSource"), sourcePool="Keep"), observation, NOW)
    assert finished.status.is_true("Succeeded")
    leaving = replace(migration(finished.status, sourcePool="Keep"), deleting=True)
    for _ in range(2):  # whether the status of the first pass was recorded makes no difference
        decision = decide(leaving, observation, NOW)
        assert decision.actions == (ReleaseNode("s-0", "m"),)
        assert not decision.released
        leaving = replace(leaving, status=decision.status)
    bare = seen(world([], nodes=[Node("s-0", "src")]), source(), target())
    assert decide(leaving, bare, NOW).released


def test_the_same_sight_gives_the_same_status_later() -> None:
    stuck = budget(allowed=0, healthy=2, desired=2, expected=2)
    observation = seen(world([pod("a"), pod("b")], [stuck]), source(), target())
    first = decide(migration(at("Drain")), observation, NOW)
    assert decide(migration(first.status), observation, NOW + 20).status == first.status
