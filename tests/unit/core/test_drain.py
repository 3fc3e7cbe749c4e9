"""Which evictions are planned: the rules of the eviction API, and the lags around it."""

from typing import Any

import pytest
from msgspec import structs

from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.core.drain.disruption_budgets import is_deadlocked, is_free, slots
from azure_linux_migrator.core.drain.planner import Plan, Planner
from azure_linux_migrator.core.drain.pod_filters import PodDisposition, classify_pod
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import NamespacedName, Owner, Pod
from azure_linux_migrator.model.selectors import Requirement, Selector
from tests.support.worlds import NOW, budget, planner_of, pod, world


def planned(world: World) -> Plan:
    return planner(world).plan(NOW)


def planner(world: World, **policy: Any) -> Planner:
    return planner_of(world, Scope("m", "src", "srcazl", Drain.model_validate(policy), uid="uid-m"))


RUNNER = Owner("EphemeralRunner", "r", "r", "actions.github.com")


def pods(count: int) -> list[Pod]:
    return [pod(f"p{i}", node=f"s-{i % 2}") for i in range(count)]


@pytest.mark.parametrize(
    ("subject", "policy", "expected"),
    [
        (pod("a", mirror=True), {}, PodDisposition.SKIP),
        (pod("a", owner=Owner("DaemonSet", "d", "d")), {}, PodDisposition.SKIP),
        (pod("a", owner=Owner("DaemonSet", "d", "d"), phase="Succeeded"), {}, PodDisposition.MOVE),
        (pod("a", owner=None), {}, PodDisposition.BLOCK),
        (pod("a", owner=None), {"unmanagedPods": "Evict"}, PodDisposition.MOVE),
        (pod("a", owner=None, phase="Failed"), {}, PodDisposition.MOVE),
        (pod("a", empty_dir=True), {}, PodDisposition.MOVE),
        (pod("a", empty_dir=True), {"emptyDir": "Block"}, PodDisposition.BLOCK),
        (pod("a", empty_dir=True, terminating=True), {"emptyDir": "Block"}, PodDisposition.MOVE),
        (
            pod("a", owner=Owner("DaemonSet", "d", "d"), empty_dir=True),
            {"emptyDir": "Block"},
            PodDisposition.SKIP,
        ),
        (pod("a", empty_dir=True, phase="Succeeded"), {"emptyDir": "Block"}, PodDisposition.MOVE),
        (pod("a", owner=Owner("Job", "j", "j")), {}, PodDisposition.WAIT),
        (pod("a", owner=Owner("Job", "j", "j"), phase="Succeeded"), {}, PodDisposition.MOVE),
        (pod("a", owner=Owner("Job", "j", "j")), {"jobs": "Evict"}, PodDisposition.MOVE),
        (pod("a", owner=RUNNER, run_once=True), {}, PodDisposition.WAIT),
        (pod("a", owner=RUNNER, run_once=True), {"jobs": "Evict"}, PodDisposition.MOVE),
        (pod("a", owner=RUNNER, run_once=True, phase="Failed"), {}, PodDisposition.MOVE),
        (pod("a", owner=RUNNER), {}, PodDisposition.MOVE),
        (pod("a", owner=None, run_once=True), {}, PodDisposition.BLOCK),
        (pod("a", owner=None, run_once=True), {"unmanagedPods": "Wait"}, PodDisposition.WAIT),
        (pod("a", owner=None), {"unmanagedPods": "Wait"}, PodDisposition.BLOCK),
    ],
)
def test_disposition(subject: Pod, policy: dict[str, str], expected: PodDisposition) -> None:
    facts = planner(world([])).tracker.facts
    assert classify_pod(subject, Drain.model_validate(policy), facts).disposition is expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Selector(), True),
        (Selector((("app", "web"),)), True),
        (Selector((("app", "api"),)), False),
        (Selector((), (Requirement("app", "In", ("web", "api")),)), True),
        (Selector((), (Requirement("tier", "NotIn", ("x",)),)), True),
        (Selector((), (Requirement("tier", "Exists"),)), False),
        (Selector((), (Requirement("tier", "DoesNotExist"),)), True),
    ],
)
def test_an_empty_selector_guards_all_and_none_guards_nothing(
    selector: Selector, expected: bool
) -> None:
    state = world([pod("a")], [budget(selector=selector)])
    assert bool(state.budgets_of(state.pods[NamespacedName("default", "a")])) is expected
    bare = world([pod("a")], [budget(selector=None)])
    assert bare.budgets_of(bare.pods[NamespacedName("default", "a")]) == ()


@pytest.mark.parametrize(
    ("state", "policy", "expected"),
    [
        ({"phase": "Pending", "ready": False}, "IfHealthyBudget", True),
        ({"phase": "Succeeded", "ready": False}, "IfHealthyBudget", True),
        ({"ready": True}, "AlwaysAllow", False),
        ({"ready": False}, "AlwaysAllow", True),
        ({"ready": False}, "IfHealthyBudget", True),
    ],
)
def test_unready_pods_cost_nothing_where_kubernetes_says_so(
    state: dict[str, Any], policy: str, expected: bool
) -> None:
    guard = budget(healthy=2, desired=2, unhealthy_policy=policy)
    assert is_free(pod("a", **state), guard) is expected
    hungry = budget(healthy=1, desired=2)
    assert not is_free(pod("a", ready=False), hungry)


def test_no_more_evictions_than_slots() -> None:
    state = world(pods(10), [budget(allowed=2, healthy=10, desired=8, expected=10)])
    result = planned(state)
    assert len(result.evictions) == 2
    assert result.waiting == 8


def test_a_stale_budget_grants_nothing() -> None:
    stale = budget(allowed=5, healthy=10, desired=5, generation=3, observed_generation=2)
    assert slots(world(pods(10), [stale]), stale) == 0


def test_two_budgets_on_a_pod_are_a_blocker_with_a_remedy() -> None:
    second = budget("other", selector=Selector())
    result = planned(world([pod("a")], [budget(allowed=1), second]))
    assert result.evictions == ()
    assert "2 PodDisruptionBudgets" in str(result.blockers[0])


def test_a_deadlock_by_arithmetic_is_named_with_its_numbers() -> None:
    stuck = budget(allowed=0, healthy=2, desired=2, expected=2)
    assert is_deadlocked(stuck)
    result = planned(world(pods(2), [stuck]))
    assert "2 of 2 pods healthy, 2 needed" in str(result.blockers[0])
    assert is_deadlocked(budget(allowed=0, healthy=1, desired=2, expected=2))
    assert not is_deadlocked(budget(allowed=0, healthy=1, desired=1, expected=2))


def test_replicas_without_a_budget_get_a_tenth_and_at_least_one() -> None:
    assert len(planned(world(pods(5))).evictions) == 1
    assert len(planned(world(pods(20))).evictions) == 2


def test_the_node_with_the_fewest_pods_empties_first() -> None:
    state = world(
        [pod("a", node="s-1"), pod("b"), pod("c")],
        [budget(allowed=1, healthy=3, desired=2, expected=3)],
    )
    assert [eviction.pod.name for eviction in planned(state).evictions] == ["a"]


class TestInflightEvictions:
    """A slot that was used is not used twice, in whatever order the events arrive."""

    def setup_method(self) -> None:
        self.state = world(pods(4), [budget(allowed=1, healthy=4, desired=3, expected=4)])
        [first] = planned(self.state).evictions
        self.first = first
        self.state.inflight.sent(
            first.pod, first.uid, budget=first.budget, owner=first.owner, now=NOW
        )

    def _put(self, **more: Any) -> None:
        old = self.state.pods[self.first.pod]
        fields = {f: getattr(old, f) for f in old.__struct_fields__} | more
        self.state.put_pod(Pod(**fields))

    def _evictions(self) -> int:
        return len(planned(self.state).evictions)

    def test_nothing_is_planned_before_the_cluster_shows_it(self) -> None:
        assert self._evictions() == 0

    def test_a_terminating_pod_alone_does_not_free_the_slot(self) -> None:
        self._put(terminating=True, revision=30)
        assert self._evictions() == 0

    def test_a_budget_older_than_the_eviction_does_not_settle_it(self) -> None:
        self._put(terminating=True, revision=30)
        self.state.put_budget(budget(allowed=1, healthy=4, desired=3, expected=4, revision=29))
        assert self._evictions() == 0

    def test_a_budget_that_names_the_pod_settles_it(self) -> None:
        shown = frozenset({self.first.pod.name})
        after = budget(allowed=0, healthy=4, desired=3, expected=4, disrupted=shown, revision=25)
        self.state.put_budget(after)
        assert self.state.inflight.unshown(after.key) == 0
        assert self._evictions() == 0, "its status says that nothing is allowed"

    def test_the_slot_returns_with_the_ready_replacement(self) -> None:
        self.state.remove_pod(self.first.pod, 30)
        self.state.put_pod(pod("new", node="t-0", revision=35))
        self.state.put_budget(budget(allowed=1, healthy=4, desired=3, expected=4, revision=40))
        assert self._evictions() == 1

    def test_a_refused_eviction_gives_the_slot_back(self) -> None:
        self.state.inflight.forget(self.first.pod)
        assert self._evictions() == 1

    def test_an_eviction_that_left_no_trace_expires(self) -> None:
        self.state.inflight.tick(NOW + 119)
        assert not self.state.inflight.backs_off(self.first.pod, self.first.uid)
        assert self.state.inflight.under_way(self.first.pod, self.first.uid)
        self.state.inflight.tick(NOW + 121)
        assert self._evictions() == 1

    def test_a_successor_of_the_same_name_is_another_pod(self) -> None:
        self._put(uid="other", revision=31)
        assert not self.state.inflight.under_way(self.first.pod, "other")


def test_healthy_counts_follow_every_event() -> None:
    state = world(pods(3), [budget()])
    key = NamespacedName("default", "web")
    assert state.healthy(key) == 3
    state.put_pod(pod("p0", ready=False))
    state.put_pod(pod("p1", labels=(("app", "api"),)))
    state.remove_pod(NamespacedName("default", "p2"))
    assert state.healthy(key) == 0
    state.put_budget(budget(selector=Selector()))
    assert state.healthy(key) == 1


def test_a_status_that_names_an_earlier_pod_of_that_name_does_not_show_its_eviction() -> None:
    """A StatefulSet's pods keep their names, and a budget names the last one for two minutes."""
    earlier = budget(allowed=1, healthy=4, desired=2, expected=4, revision=10)
    earlier = structs.replace(earlier, disrupted=frozenset({"web-0"}))
    state = world([pod(f"web-{index}") for index in range(4)], [earlier])
    work = planner(state)
    [eviction] = work.plan(NOW).evictions
    assert eviction.pod.name == "web-0"
    state.evicting(eviction, NOW)
    state.eviction_granted(eviction)
    state.put_pod(pod("web-0", terminating=True, revision=11))
    assert work.plan(NOW).evictions == (), "the slot is taken until a newer status says otherwise"
    shown = structs.replace(earlier, allowed=1, healthy=3, revision=12)
    state.put_budget(shown)
    assert state.inflight.unshown(earlier.key) == 0


def test_a_pod_that_never_runs_to_its_end_moves_by_its_budget() -> None:
    """The pod of a virtual machine has restartPolicy Never, and moves when it is asked for."""
    owner = Owner("VirtualMachineInstance", "vm", "vm")
    machine = structs.replace(pod("vm", app="vm"), owner=owner, run_once=True)
    guard = budget(app="vm", allowed=1, healthy=1, desired=0, expected=1)
    assert [eviction.pod.name for eviction in planned(world([machine], [guard])).evictions] == [
        "vm"
    ]
    assert planned(world([machine])).evictions == (), "a CI runner is waited for"
