"""What follows from the API server's answers: which pods wait, for how long, and which slots
stay counted."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.state.eviction_response import (
    EvictionResponse,
    EvictionResult,
    classify,
    pause,
)
from azure_linux_migrator.core.state.outcomes import WRITES_KEPT, Outcomes
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import LONGEST_ASKED, KubernetesError
from azure_linux_migrator.model.actions import CordonNode, EvictPod
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Owner, Pod
from tests.support.planners import names, planner
from tests.support.worlds import NOW, budget, pod, world

Answer = Callable[[EvictPod], EvictionResponse]


class AnsweredDrain:
    """A world whose evictions get the answers of the test; `posts` are the requests and their
    times."""

    def __init__(self, world: World, **policy: Any) -> None:
        self.world = world
        self.work = planner(world, **policy)
        self.outcomes = Outcomes(world, lambda: 1.0)
        self.now = NOW
        self.posts: list[tuple[float, str]] = []

    def go(self, seconds: float, answer: Answer, *, step: float = 0.05) -> list[str]:
        """Plan, send and answer repeatedly; returns the pods of the evictions by time."""
        before, until = len(self.posts), self.now + seconds
        while self.now < until:
            evictions = self.work.plan(self.now).evictions
            for evict in evictions:
                self.posts.append((self.now - NOW, evict.pod.name))
                self.outcomes.began(evict, self.now)
            for eviction in evictions:
                self.outcomes.eviction_answered(eviction, answer(eviction), self.now)
            self.now += step
        return [name for _, name in self.posts[before:]]


def always(result: EvictionResult, **more: Any) -> Answer:
    return lambda _: EvictionResponse(result, **more)


def deployment(world: World, replicas: int, max_unavailable: int = 1) -> World:
    key = NamespacedName("default", "web")
    world.put_controller(Controller("ReplicaSet", key, "rs-web", owner="d", replicas=replicas))
    world.put_controller(
        Controller(
            "Deployment", key, "d", replicas=replicas, rolling=True, max_unavailable=max_unavailable
        )
    )
    return world


def replicas(count: int) -> list[Pod]:
    return [pod(f"p{i}", node=f"s-{i % 2}") for i in range(count)]


@pytest.mark.parametrize("result", [EvictionResult.GONE, EvictionResult.SUCCESSOR])
def test_a_pod_that_is_gone_is_not_asked_for_again_while_the_watch_lags(
    result: EvictionResult,
) -> None:
    drain = AnsweredDrain(deployment(world(replicas(3)), 3))
    assert len(drain.go(60.0, always(result))) == 1, "and its owner has one out"
    drain.world.remove_pod(NamespacedName("default", drain.posts[0][1]))
    drain.world.put_pod(pod("new", node="t-0"))
    assert len(drain.go(0.01, always(result))) == 1


def test_a_pod_that_was_gone_long_ago_and_still_shows_is_asked_for_again() -> None:
    drain = AnsweredDrain(world(replicas(1)))
    assert len(drain.go(119.0, always(EvictionResult.GONE), step=1.0)) == 1
    assert len(drain.go(5.0, always(EvictionResult.GONE), step=1.0)) == 1


def test_a_pod_that_was_gone_takes_no_slot_of_its_budget_but_is_not_counted_as_healthy() -> None:
    guard = budget(allowed=2, healthy=4, desired=2, expected=4)
    drain = AnsweredDrain(world(replicas(4), [guard]))
    [first, _] = drain.work.plan(NOW).evictions
    drain.outcomes.began(first, NOW)
    drain.outcomes.eviction_answered(first, EvictionResponse(EvictionResult.GONE), NOW)
    assert drain.world.inflight.unshown(guard.key) == 0
    assert len(names(drain.work)) == 1
    drain.world.remove_budget(guard.key)
    drain.world.remove_pod(first.pod, 100)
    assert len(drain.world.inflight) == 0
    assert drain.world.inflight.unseen(guard.key) == 0


LOST = (KubernetesError(0, "no answer"), KubernetesError(408, "slow"), KubernetesError(504, "slow"))


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("guarded", [True, False])
def test_a_lost_answer_keeps_its_slot_and_the_same_pod_is_asked_for_again(
    lost: KubernetesError, guarded: bool
) -> None:
    pdb_index = [budget(allowed=1, healthy=3, desired=2, expected=3)] if guarded else []
    drain = AnsweredDrain(deployment(world(replicas(3), pdb_index), 3))
    sent = drain.go(30.0, lambda _: classify(lost))
    assert len(set(sent)) == 1
    assert 3 < len(sent) < 10, "soon, and then less and less often"
    assert drain.go(15.0, always(EvictionResult.GRANTED)) == sent[:1]
    assert len(drain.world.slot_times._times) == guarded


def test_an_apiserver_that_comes_back_is_asked_within_seconds() -> None:
    drain = AnsweredDrain(deployment(world(replicas(3)), 3))
    drain.go(90.0, always(EvictionResult.SERVER))
    came_back = drain.now
    assert drain.go(13.0, always(EvictionResult.GRANTED)) != []
    assert drain.posts[-1][0] + NOW < came_back + 13


@pytest.mark.parametrize(
    "settled", [EvictionResult.BUDGET, EvictionResult.CONFLICT, EvictionResult.TWO_BUDGETS]
)
def test_an_answer_about_the_pod_settles_a_lost_one(settled: EvictionResult) -> None:
    drain = AnsweredDrain(deployment(world(replicas(3)), 3))
    [first] = drain.go(0.5, always(EvictionResult.SERVER))
    sent = drain.go(1.0, always(settled))
    assert (sent[0], len(set(sent))) == (first, 3), "its slot is free for the others again"
    assert not drain.world.inflight.doubted(NamespacedName("default", first), f"uid-{first}")


@pytest.mark.parametrize("neither", [EvictionResult.THROTTLED, EvictionResult.WEBHOOK])
def test_an_answer_that_comes_before_the_pod_is_looked_at_settles_nothing(
    neither: EvictionResult,
) -> None:
    drain = AnsweredDrain(deployment(world(replicas(3)), 3))
    [first] = drain.go(0.5, always(EvictionResult.SERVER))
    assert set(drain.go(60.0, always(neither))) == {first}


def test_a_lost_eviction_that_was_carried_out_is_seen_by_the_watch() -> None:
    guard = budget(allowed=1, healthy=3, desired=2, expected=3)
    drain = AnsweredDrain(world(replicas(3), [guard]))
    [first] = drain.go(0.5, always(EvictionResult.SERVER))
    drain.world.put_pod(pod(first, terminating=True, revision=30, deadline=NOW + 30))
    assert drain.go(5.0, always(EvictionResult.GRANTED)) == []
    assert drain.world.inflight.unshown(guard.key) == 1
    drain.world.put_budget(budget(allowed=0, healthy=2, desired=2, expected=3, revision=31))
    assert len(drain.world.inflight) == 0


def test_a_pod_whose_answers_are_always_lost_lets_the_others_go_in_time() -> None:
    drain = AnsweredDrain(deployment(world(replicas(3)), 3))
    [bad] = names(drain.work)

    def answer(action: EvictPod) -> EvictionResponse:
        lost = action.pod.name == bad
        return EvictionResponse(EvictionResult.SERVER if lost else EvictionResult.GRANTED)

    assert set(drain.go(120.0, answer, step=0.5)) == {bad}
    sent = drain.go(60.0, answer, step=0.5)
    assert set(sent) - {bad}


def test_an_unforeseen_failure_of_an_eviction_is_a_lost_answer() -> None:
    state = deployment(world(replicas(3)), 3)
    outcomes = Outcomes(state, lambda: 1.0)
    work = planner(state)
    [first] = work.plan(NOW).evictions
    outcomes.began(first, NOW)
    outcomes.broke(first, "KeyError: 'metadata'", NOW)
    assert work.plan(NOW + 0.5).evictions == ()
    assert work.plan(NOW + 2).evictions == (first,)
    assert outcomes.problems == {}


def test_a_refusal_that_comes_after_its_pod_has_gone_is_not_kept() -> None:
    state = world(replicas(3))
    outcomes = Outcomes(state, lambda: 1.0)
    [first] = planner(state).plan(NOW).evictions
    outcomes.began(first, NOW)
    state.remove_pod(first.pod, 100)
    outcomes.eviction_answered(first, EvictionResponse(EvictionResult.WEBHOOK, "no"), NOW)
    outcomes.eviction_answered(first, EvictionResponse(EvictionResult.SERVER, "no"), NOW)
    assert state.inflight.pod_refusals.by_pod == {}


def test_refusals_are_asked_again_less_and_less_often_and_retry_after_is_kept() -> None:
    webhook = EvictionResponse(EvictionResult.WEBHOOK)
    assert [pause(webhook, times) for times in range(5)] == [10.0, 20.0, 40.0, 60.0, 60.0]
    assert pause(EvictionResponse(EvictionResult.SERVER, retry_after=20.0), 0) == 20.0
    assert pause(EvictionResponse(EvictionResult.SERVER, retry_after=1e9), 0) == LONGEST_ASKED


def spent(seconds: float | None = None) -> EvictionResponse:
    return EvictionResponse(EvictionResult.BUDGET, "Cannot evict pod", seconds)


def test_retry_after_is_kept_for_all_pods_of_the_budget() -> None:
    guard = budget(allowed=1, healthy=200, desired=199, expected=200)
    drain = AnsweredDrain(world(replicas(200), [guard]))
    assert len(drain.go(9.9, lambda _: spent(10.0), step=0.01)) == 1
    assert drain.work.plan(drain.now).wake_at == NOW + 10
    drain.world.put_budget(budget(allowed=1, healthy=200, desired=199, expected=200, revision=30))
    assert drain.work.plan(drain.now).evictions == (), "the apiserver named the time"
    assert len(drain.go(0.2, lambda _: spent(10.0), step=0.01)) == 1


def test_a_budget_that_is_spent_is_asked_again_with_its_next_status_and_ever_less_without() -> None:
    guard: dict[str, Any] = {"allowed": 1, "healthy": 9, "desired": 8, "expected": 9}
    drain = AnsweredDrain(world([*replicas(9), pod("other", app="other")], [budget(**guard)]))
    others = {"other"}
    sent = drain.go(
        1.0,
        lambda eviction: spent() if eviction.budget else EvictionResponse(EvictionResult.GRANTED),
    )
    assert len(set(sent) - others) == 1
    drain.world.put_budget(budget(**guard, revision=30))
    assert len(drain.go(0.2, lambda _: spent())) == 1
    assert 3 < len(drain.go(100.0, lambda _: spent(), step=0.5)) < 10
    [blocker] = drain.work.plan(drain.now + 2).blockers
    assert (blocker.cause, blocker.pods) == (Cause.BUDGET_UNHEALTHY, 9)
    drain.go(40.0, always(EvictionResult.GRANTED), step=0.5)
    assert drain.world.inflight.budget_backoffs.by_budget == {}


def test_a_budget_that_is_overdrawn_is_reported_once() -> None:
    guard = budget(allowed=1, healthy=9, desired=8, expected=9)
    drain = AnsweredDrain(world(replicas(9), [guard]))
    assert len(drain.go(20.0, always(EvictionResult.NEGATIVE, message="below 0"))) == 1
    [blocker] = drain.work.plan(drain.now).blockers
    assert (blocker.cause, blocker.kind, blocker.pods) == (Cause.NEGATIVE, "PodDisruptionBudget", 9)


def test_an_unready_pod_that_was_no_gift_waits_with_its_budget() -> None:
    guard = budget(allowed=0, healthy=2, desired=2, expected=3)
    drain = AnsweredDrain(world([pod("a", ready=False), pod("b", ready=False)], [guard]))
    assert drain.go(1.0, lambda _: spent()) == ["a", "b"], "both were planned at once"
    pending = AnsweredDrain(world([pod("c", phase="Pending", ready=False)], [guard]))
    assert pending.go(1.0, lambda _: spent()) == ["c"]


MANY = [pod(f"p{i}", node=f"s-{i % 2}", app=f"app-{i}") for i in range(100)]


def many_apps() -> World:
    """A hundred pods, each with an owner of its own, of which one may be away."""
    return world([structs.replace(p, owner=Owner("ReplicaSet", p.uid, p.uid)) for p in MANY])


@pytest.mark.parametrize(
    ("result", "cause"),
    [
        (EvictionResult.FORBIDDEN, Cause.FORBIDDEN),
        (EvictionResult.WEBHOOK_FAILED, Cause.WEBHOOK),
        (EvictionResult.SERVER, Cause.SERVER),
        (EvictionResult.REJECTED, Cause.REJECTED),
    ],
)
def test_what_refuses_every_pod_is_asked_by_one_at_a_time_and_reported_once(
    result: EvictionResult, cause: Cause
) -> None:
    world = many_apps()
    drain = AnsweredDrain(world)
    drain.go(0.01, always(result, message="no"))
    drain.posts.clear()
    drain.go(120.0, always(result, message="no"), step=0.2)
    gaps = [after - before for (before, _), (after, _) in pairwise(drain.posts)]
    assert len(drain.posts) < 12
    assert gaps == sorted(gaps)
    [blocker] = drain.work.plan(drain.now).blockers
    assert (blocker.cause, blocker.kind, blocker.pods) == (
        cause,
        "Eviction",
        drain.work.tracker.eligible,
    )
    assert drain.work.plan(drain.now).wake_at is not None
    drain.go(31.0, always(EvictionResult.GRANTED), step=0.2)
    assert drain.work.tracker.eligible == 0
    assert drain.world.inflight.breaker.trouble is None


def test_one_app_whose_webhook_refuses_holds_up_no_other() -> None:
    refused = {f"p{i}" for i in range(0, 100, 20)}
    drain = AnsweredDrain(many_apps())

    def answer(action: EvictPod) -> EvictionResponse:
        no = action.pod.name in refused
        return EvictionResponse(EvictionResult.WEBHOOK if no else EvictionResult.GRANTED, "not now")

    drain.go(20.0, answer, step=0.2)
    assert set(drain.world.inflight.pod_refusals.by_pod) == {
        NamespacedName("default", name) for name in refused
    }


def test_pods_that_a_webhook_denies_in_a_row_slow_no_others() -> None:
    """Case 37: three brokers are denied while their operator moves them."""
    brokers = {f"p{i}" for i in range(3)}
    drain = AnsweredDrain(many_apps())

    def answer(action: EvictPod) -> EvictionResponse:
        no = action.pod.name in brokers
        return EvictionResponse(EvictionResult.WEBHOOK if no else EvictionResult.GRANTED, "not yet")

    drain.go(1.0, answer, step=0.2)
    assert len(drain.posts) == 100, "the others are not held up"
    drain.posts.clear()
    drain.go(80.0, answer, step=0.2)
    assert len(drain.posts) == 3 * 3, "each broker after 10, 20 and 40 s"
    assert {blocker.kind for blocker in drain.work.plan(drain.now).blockers} == {"Pod"}


def test_many_pods_that_a_webhook_denies_are_asked_for_at_a_bounded_rate() -> None:
    drain = AnsweredDrain(many_apps())
    drain.go(1.0, always(EvictionResult.WEBHOOK, message="no"), step=0.2)
    assert len(drain.posts) == 100, "each has to be asked for once"
    drain.posts.clear()
    drain.go(300.0, always(EvictionResult.WEBHOOK, message="no"), step=0.2)
    assert 300 < len(drain.posts) <= 600


def test_few_pods_that_are_refused_are_reported_by_name() -> None:
    drain = AnsweredDrain(world(replicas(2)))
    drain.go(20.0, always(EvictionResult.WEBHOOK, message="no"), step=0.2)
    assert {blocker.kind for blocker in drain.work.plan(drain.now + 1).blockers} == {"Pod"}


def test_an_open_breaker_tries_the_pod_that_was_refused_least() -> None:
    guard = budget(allowed=4, healthy=4, desired=0, expected=4)
    drain = AnsweredDrain(world(replicas(4), [guard]))
    [*bad, good] = names(drain.work)

    def answer(action: EvictPod) -> EvictionResponse:
        no = action.pod.name in bad
        return EvictionResponse(EvictionResult.WEBHOOK if no else EvictionResult.GRANTED, "not now")

    breaker = drain.world.inflight.breaker
    for name in bad:
        breaker.refused(
            NamespacedName("default", name), reason="x", message="", now=NOW, stretch=1.0
        )
        drain.world.inflight.pod_refusals.note(
            NamespacedName("default", name), f"uid-{name}", reason="x", message="", until=NOW
        )
    assert drain.go(2.0, answer)[0] == good


def test_a_probe_without_an_answer_is_followed_by_another() -> None:
    drain = AnsweredDrain(many_apps())
    drain.go(0.01, always(EvictionResult.SERVER))
    [probe] = drain.work.plan(NOW + 5).evictions
    drain.outcomes.began(probe, NOW + 5)
    assert drain.work.plan(NOW + 30).evictions == ()
    assert len(drain.work.plan(NOW + 66).evictions) == 1


def test_a_clock_that_is_set_back_makes_no_wait_longer() -> None:
    guard = budget(allowed=1, healthy=9, desired=8, expected=9)
    others = [pod(f"other-{i}", app=f"other-{i}") for i in range(5)]
    drain = AnsweredDrain(world([*replicas(9), *others], [guard]))
    for result in (EvictionResult.WEBHOOK, EvictionResult.THROTTLED):
        drain.go(2.0, always(result, retry_after=20.0))
    drain.now = NOW - 3600
    assert len(drain.go(31.0, always(EvictionResult.GRANTED))) == 6
    assert drain.world.inflight.throttled_until < NOW - 3000


def test_what_is_due_and_not_done_is_no_reason_to_look_again_at_once() -> None:
    drain = AnsweredDrain(many_apps())
    drain.go(0.01, always(EvictionResult.FORBIDDEN))
    later = drain.work.plan(NOW + 100).wake_at
    assert later is None or later > NOW + 100


def test_writes_of_long_ago_are_forgotten() -> None:
    outcomes = Outcomes(world([]), lambda: 1.0)
    for number in range(3 * WRITES_KEPT):
        outcomes.wrote(CordonNode(f"s-{number}", "m"), NOW + number)
    assert len(outcomes.written) <= WRITES_KEPT + 1
