"""The memory of the operator grows with the objects that exist, not with the events of the past."""

import pytest

from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from azure_linux_migrator.model.cluster import NamespacedName, Node, Owner
from tests.support.planners import names, planner
from tests.support.worlds import NOW, budget, pod, world


def test_heaps_do_not_grow_with_the_events_of_pods_that_wait() -> None:
    state = world(
        [pod(f"p{i}", started_in=5.0) for i in range(20)],
        [budget(allowed=0, healthy=20, desired=20, expected=20)],
    )
    state.put_node(Node("s-2", "src", unschedulable=True))
    state.put_pod(pod("later", node="s-2", app="other"))
    work = planner(state)
    for turn in range(500):
        started = 5.0 + turn % 7
        state.put_pod(pod(f"p{turn % 20}", revision=100 + turn, started_in=started))
        state.put_pod(pod("later", node="s-2", app="other", revision=100 + turn))
        work.plan(NOW + turn * 0.001)
    heaps = [
        len(pods._heap) for queue in work.tracker.queues.all() for pods in (queue.now, queue.later)
    ]
    assert max(heaps) <= 2 * 20 + 16
    assert len(work._remaining_time) <= 2 * len(work.tracker.queues) + 16


def test_a_heap_that_was_dropped_still_knows_the_emptiest_node() -> None:
    busy = [pod(f"b{i}") for i in range(30)]
    state = world([*busy, pod("only", node="s-1")], [budget(allowed=0, healthy=31, expected=31)])
    work = planner(state)
    for turn in range(100):
        state.put_pod(pod(f"b{turn % 30}", revision=100 + turn))
        assert names(work) == []
    state.put_budget(budget(allowed=1, healthy=31, desired=30, expected=31, revision=300))
    assert names(work) == ["only"]
    state.remove_pod(NamespacedName("default", "only"), 400)


@pytest.mark.parametrize("jobs", ["Wait", "Evict"])
def test_twenty_thousand_one_off_jobs_leave_nothing_behind(jobs: str) -> None:
    rule = {"selector": {"matchLabels": {"app": "early"}}, "order": -1}
    state = world([pod("stays")], [budget(allowed=1, healthy=1, desired=0, expected=1)])
    work = planner(state, jobs=jobs, order=[rule])
    work.tracker.began = NOW - 100
    for number in range(20_000):
        job = pod(
            f"job-{number}",
            node="s-0" if number % 2 else "t-0",
            owner=Owner("Job", f"job-{number}", f"job-{number}"),
            labels=(("job-name", f"job-{number}"),),
            claims=(f"claim-{number}",),
            created=NOW,
        )
        state.put_pod(job)
        if number % 10 == 1:
            for eviction in work.plan(NOW + number / 100).evictions:
                if eviction.pod == job.key:
                    state.evicting(eviction, NOW + number / 100)
        state.remove_pod(job.key, 100 + number)
    work.plan(NOW + 200)
    sizes = {
        "tallies": len(state.implicit_budgets._tallies),
        "answers": sum(map(len, state.pdb_index._answers.values())),
        "pods on": len(state._pods_on),
        "by owner": len(work.tracker.by_owner),
        "by claim": len(work.tracker.by_claim),
        "queues": len(work.tracker.queues),
        "queues of": len(work.tracker.queues._by_ident),
        "unseen": len(state.inflight._unseen_by_owner),
        "under way": len(state.inflight),
    }
    assert {name: size for name, size in sizes.items() if size > 100} == {}
    assert len(work.tracker.evicted_owners) <= 2_001
    assert work.tracker._order._tier.cache_info().currsize <= 10_000


def test_the_most_seen_of_an_owner_outlives_changes_of_its_last_pod() -> None:
    owner = Owner("CloneSet", "web", "clones")
    state = world([pod(f"p{i}", owner=owner) for i in range(20)])
    for number in range(1, 20):
        state.remove_pod(NamespacedName("default", f"p{number}"))
    state.put_pod(pod("p0", owner=owner, ready=False, revision=50))
    assert state.implicit_budgets.slots("clones", 0, None) < 0, "19 of 20 are out"
    state.remove_pod(NamespacedName("default", "p0"))
    assert not state.implicit_budgets.has_pods("clones")


def test_an_eviction_is_not_settled_by_an_earlier_pod_of_its_name() -> None:
    state = world([pod("web-0")], [budget(allowed=1, healthy=2, desired=1, expected=2)])
    key, guard = NamespacedName("default", "web-0"), NamespacedName("default", "web")
    state.inflight.sent(key, "uid-web-0", budget=guard, owner="o", now=NOW)
    state.remove_pod(key, 100)
    named = budget(healthy=1, desired=1, expected=2, revision=90, disrupted=frozenset({"web-0"}))
    state.put_budget(named)
    assert state.inflight.unshown(guard) == 0
    state.put_pod(pod("web-0", uid="next", revision=110))
    state.inflight.sent(key, "next", budget=guard, owner="o", now=NOW)
    state.put_budget(budget(allowed=1, healthy=2, desired=1, expected=2, revision=120))
    assert state.inflight.unshown(guard) == 1


def test_the_slot_times_of_a_budget_go_with_it() -> None:
    state = world([], [budget(expected=1)])
    times = state.slot_times
    times.sent(NamespacedName("default", "web"), NOW)
    times.settle(budget(allowed=1, expected=1), 0, NOW + 9)
    assert times.mean(NamespacedName("default", "web")) == 9.0
    state.remove_budget(NamespacedName("default", "web"))
    assert times._times == {}


def test_a_planner_follows_the_world_only_while_it_is_asked() -> None:
    world, memory = World(), DecisionMemory()
    scope = Scope("m", "src", "srcazl", Drain(), uid="uid-m")
    first = memory.planner(world, scope, began=0.0, since=0.0)
    assert memory.planner(world, scope, began=1.0, since=0.0) is first
    assert world.listeners == [first.listener]
    world.clear()
    again = memory.planner(world, scope, began=0.0, since=0.0)
    assert again is not first, "the emptied world does not notify the first one"
    assert world.listeners == [again.listener]
    memory.forget()
    assert world.listeners == []
