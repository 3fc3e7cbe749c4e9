"""What follows from the apiserver's answers: who waits, for how long, and what stays counted."""

from collections.abc import Callable
from typing import Any

import pytest

from azure_linux_migrator.core.actions import EvictPod
from azure_linux_migrator.core.drain.answers import EvictionResult, Verdict
from azure_linux_migrator.core.outcomes import Outcomes
from azure_linux_migrator.core.records import Controller, Key, Pod
from azure_linux_migrator.core.world import World
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
