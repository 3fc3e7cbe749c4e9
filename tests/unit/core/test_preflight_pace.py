"""A preflight that refuses looks at all pods at most once in two seconds, however much happens."""

from typing import Any

import pytest

from azure_linux_migrator.core.preflight.rules import evaluate
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.steps import preflight
from tests.support.worlds import NOW, at, migration, pod, seen, source, world


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
