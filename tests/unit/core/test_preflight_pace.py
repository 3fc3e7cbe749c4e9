"""A preflight that refuses looks at all pods at most once in two seconds, however much happens."""

from typing import Any

import pytest

from azure_linux_migrator.core.preflight.rules import evaluate
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.steps import preflight
from azure_linux_migrator.core.steps.companions import Companions
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.scheduling import HOSTNAME, PodTerm, SchedulingConstraints
from azure_linux_migrator.model.selectors import Selector
from tests.support.worlds import NOW, at, migration, pod, seen, source, target, world


def test_events_do_not_make_a_blocked_preflight_judge_all_pods_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[Any] = []

    def counted(*args: Any) -> Any:
        judged.append(args)
        return evaluate(*args)

    monkeypatch.setattr(preflight, "evaluate", counted)
    state = world([pod("bare", owner=None)])
    for event in range(20):
        state.put_pod(pod(f"p-{event}"))
        status = decide(migration(at("Preflight")), seen(state, source()), NOW + event / 20).status
    assert status.is_true("Stalled")
    assert len(judged) == 1
    decide(migration(at("Preflight")), seen(state, source()), NOW + 2.0)
    assert len(judged) == 2


def test_the_pods_that_an_affinity_means_are_looked_for_in_its_namespaces_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """300 required affinities of 15,000 pods took seconds, during which nothing was evicted."""
    terms: dict[str, Any] = {
        name: PodTerm(HOSTNAME, Selector((("app", "web"),)), namespaces)
        for name, namespaces in {"own": (), "named": ("ns-1", "ns-2"), "all": None}.items()
    }
    pods = [
        pod("web", key=NamespacedName(f"ns-{number % 50}", f"web-{number}"), uid=f"{number}")
        for number in range(1000)
    ]
    pods += [
        pod(
            name,
            app=name,
            key=NamespacedName("ns-0", name),
            scheduling=SchedulingConstraints(near=(term,)),
        )
        for name, term in terms.items()
    ]
    context = context_of(migration(), seen(world(pods), source(), target()), NOW)
    companions, matches = Companions(context), Selector.matches
    tries: list[str] = []

    def counted(selector: Selector, labels: Any) -> bool:
        tries.append(labels["app"])
        return matches(selector, labels)

    monkeypatch.setattr(Selector, "matches", counted)
    entries = {entry.pod.key.name: entry for entry in context.planner.tracker.entries.values()}
    for name, tried in {"own": 4, "named": 2, "all": 53}.items():
        tries.clear()
        assert companions.of(entries[name]) is not None
        assert len(tries) == tried, "one of all replicas"
