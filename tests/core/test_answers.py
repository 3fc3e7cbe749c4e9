"""What follows from the apiserver's answers: who waits, for how long, and what stays counted."""

from collections.abc import Callable
from typing import Any

import pytest

from azure_linux_migrator.core.actions import EvictPod
from azure_linux_migrator.core.drain.answers import (
    LONGEST_ASKED,
    EvictionResult,
    Verdict,
    classify,
    pause,
)
from azure_linux_migrator.core.outcomes import Outcomes
from azure_linux_migrator.core.records import Controller, Key, Pod
from azure_linux_migrator.core.world import World
from azure_linux_migrator.errors import KubernetesError
from tests.core.build import NOW, budget, pod, world
from tests.core.test_worklist import names, planner

Answer = Callable[[EvictPod], Verdict]


class Drain:
    """A world whose evictions are answered as a test says; `posts` are what was sent, and when."""

    def __init__(self, made: World, **policy: Any) -> None:
        self.world = made
        self.work = planner(made, **policy)
        self.outcomes = Outcomes(made, lambda: 1.0)
        self.now = NOW
        self.posts: list[tuple[float, str]] = []

    def go(self, seconds: float, answer: Answer, *, step: float = 0.05) -> list[str]:
        """Plan, send and answer again and again; returns the pods of that time's evictions."""
        before, until = len(self.posts), self.now + seconds
        while self.now < until:
            for each in self.work.plan(self.now).evictions:
                self.posts.append((self.now - NOW, each.pod.name))
                self.outcomes.began(each, self.now)
                self.outcomes.eviction_answered(each, answer(each), self.now)
            self.now += step
        return [name for _, name in self.posts[before:]]


def always(result: EvictionResult, **more: Any) -> Answer:
    return lambda _: Verdict(result, **more)


def deployment(made: World, replicas: int, max_unavailable: int = 1) -> World:
    key = Key("default", "web")
    made.put_controller(Controller("ReplicaSet", key, "rs-web", owner="d", replicas=replicas))
    made.put_controller(
        Controller(
            "Deployment", key, "d", replicas=replicas, rolling=True, max_unavailable=max_unavailable
        )
    )
    return made


def replicas(count: int) -> list[Pod]:
    return [pod(f"p{i}", node=f"s-{i % 2}") for i in range(count)]


@pytest.mark.parametrize("result", [EvictionResult.GONE, EvictionResult.SUCCESSOR])
def test_a_pod_that_is_gone_is_not_asked_for_again_while_the_watch_lags(
    result: EvictionResult,
) -> None:
    drain = Drain(deployment(world(replicas(3)), 3))
    assert len(drain.go(60.0, always(result))) == 1, "and its owner has one out"
    drain.world.remove_pod(Key("default", drain.posts[0][1]))
    drain.world.put_pod(pod("new", node="t-0"))
    assert len(drain.go(0.01, always(result))) == 1


def test_a_pod_that_was_gone_long_ago_and_still_shows_is_asked_for_again() -> None:
    drain = Drain(world(replicas(1)))
    assert len(drain.go(119.0, always(EvictionResult.GONE), step=1.0)) == 1
    assert len(drain.go(5.0, always(EvictionResult.GONE), step=1.0)) == 1


def test_a_pod_that_was_gone_takes_no_slot_of_its_budget_but_is_not_counted_as_healthy() -> None:
    guard = budget(allowed=2, healthy=4, desired=2, expected=4)
    drain = Drain(world(replicas(4), [guard]))
    [first, _] = drain.work.plan(NOW).evictions
    drain.outcomes.began(first, NOW)
    drain.outcomes.eviction_answered(first, Verdict(EvictionResult.GONE), NOW)
    assert drain.world.ledger.unshown(guard.key) == 0
    assert len(names(drain.work)) == 1
    drain.world.remove_budget(guard.key)
    drain.world.remove_pod(first.pod, 100)
    assert len(drain.world.ledger) == 0
    assert drain.world.ledger.unseen(guard.key) == 0


LOST = (KubernetesError(0, "no answer"), KubernetesError(408, "slow"), KubernetesError(504, "slow"))


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("guarded", [True, False])
def test_a_lost_answer_keeps_its_slot_and_the_same_pod_is_asked_for_again(
    lost: KubernetesError, guarded: bool
) -> None:
    guards = [budget(allowed=1, healthy=3, desired=2, expected=3)] if guarded else []
    drain = Drain(deployment(world(replicas(3), guards), 3))
    sent = drain.go(30.0, lambda _: classify(lost))
    assert len(set(sent)) == 1
    assert 3 < len(sent) < 10, "soon, and then less and less often"
    assert drain.go(15.0, always(EvictionResult.GRANTED)) == sent[:1]
    assert len(drain.world.slot_times._times) == guarded


def test_an_apiserver_that_comes_back_is_asked_within_seconds() -> None:
    drain = Drain(deployment(world(replicas(3)), 3))
    drain.go(90.0, always(EvictionResult.SERVER))
    came_back = drain.now
    assert drain.go(13.0, always(EvictionResult.GRANTED)) != []
    assert drain.posts[-1][0] + NOW < came_back + 13


@pytest.mark.parametrize(
    "settled", [EvictionResult.BUDGET, EvictionResult.CONFLICT, EvictionResult.TWO_BUDGETS]
)
def test_an_answer_about_the_pod_settles_a_lost_one(settled: EvictionResult) -> None:
    drain = Drain(deployment(world(replicas(3)), 3))
    [first] = drain.go(0.5, always(EvictionResult.SERVER))
    sent = drain.go(1.0, always(settled))
    assert (sent[0], len(set(sent))) == (first, 3), "its slot is free for the others again"
    assert not drain.world.ledger.doubted(Key("default", first), f"uid-{first}")


@pytest.mark.parametrize("neither", [EvictionResult.THROTTLED, EvictionResult.WEBHOOK])
def test_an_answer_that_comes_before_the_pod_is_looked_at_settles_nothing(
    neither: EvictionResult,
) -> None:
    drain = Drain(deployment(world(replicas(3)), 3))
    [first] = drain.go(0.5, always(EvictionResult.SERVER))
    assert set(drain.go(60.0, always(neither))) == {first}


def test_a_lost_eviction_that_was_carried_out_is_seen_by_the_watch() -> None:
    guard = budget(allowed=1, healthy=3, desired=2, expected=3)
    drain = Drain(world(replicas(3), [guard]))
    [first] = drain.go(0.5, always(EvictionResult.SERVER))
    drain.world.put_pod(pod(first, terminating=True, revision=30, deadline=NOW + 30))
    assert drain.go(5.0, always(EvictionResult.GRANTED)) == []
    assert drain.world.ledger.unshown(guard.key) == 1
    drain.world.put_budget(budget(allowed=0, healthy=2, desired=2, expected=3, revision=31))
    assert len(drain.world.ledger) == 0


def test_a_pod_whose_answers_are_always_lost_lets_the_others_go_in_time() -> None:
    drain = Drain(deployment(world(replicas(3)), 3))
    [bad] = names(drain.work)

    def answer(action: EvictPod) -> Verdict:
        lost = action.pod.name == bad
        return Verdict(EvictionResult.SERVER if lost else EvictionResult.GRANTED)

    assert set(drain.go(120.0, answer, step=0.5)) == {bad}
    sent = drain.go(60.0, answer, step=0.5)
    assert set(sent) - {bad}


def test_an_unforeseen_failure_of_an_eviction_is_a_lost_answer() -> None:
    made = deployment(world(replicas(3)), 3)
    outcomes = Outcomes(made, lambda: 1.0)
    work = planner(made)
    [first] = work.plan(NOW).evictions
    outcomes.began(first, NOW)
    outcomes.broke(first, "KeyError: 'metadata'", NOW)
    assert work.plan(NOW + 0.5).evictions == ()
    assert work.plan(NOW + 2).evictions == (first,)
    assert outcomes.problems == {}


def test_a_refusal_that_comes_after_its_pod_has_gone_is_not_kept() -> None:
    made = world(replicas(3))
    outcomes = Outcomes(made, lambda: 1.0)
    [first] = planner(made).plan(NOW).evictions
    outcomes.began(first, NOW)
    made.remove_pod(first.pod, 100)
    outcomes.eviction_answered(first, Verdict(EvictionResult.WEBHOOK, "no"), NOW)
    outcomes.eviction_answered(first, Verdict(EvictionResult.SERVER, "no"), NOW)
    assert made.ledger.refusals == {}


def test_refusals_are_asked_again_less_and_less_often_and_retry_after_is_kept() -> None:
    webhook = Verdict(EvictionResult.WEBHOOK)
    assert [pause(webhook, times) for times in range(5)] == [10.0, 20.0, 40.0, 60.0, 60.0]
    assert pause(Verdict(EvictionResult.SERVER, retry_after=20.0), 0) == 20.0
    assert pause(Verdict(EvictionResult.SERVER, retry_after=1e9), 0) == LONGEST_ASKED
