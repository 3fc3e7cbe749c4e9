"""The observer counts broken budgets by pods alone, and not before it has seen all of them."""

from pathlib import Path
from typing import Any

from testbed.observer import PodObserver

BUDGET: dict[str, Any] = {
    "metadata": {"namespace": "default", "name": "web", "generation": 1},
    "spec": {"selector": {"matchLabels": {"app": "web"}}},
    "status": {
        "observedGeneration": 1,
        "expectedPods": 3,
        "desiredHealthy": 2,
        "currentHealthy": 3,
        "disruptionsAllowed": 1,
    },
}


def _pod(name: str, *, leaves: bool = False) -> dict[str, Any]:
    times = {"deletionTimestamp": "2026-11-28T08:00:00Z"} if leaves else {}
    return {
        "metadata": {"namespace": "default", "name": name, "labels": {"app": "web"}, **times},
        "spec": {"nodeName": "a"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def test_a_budget_is_broken_by_pods_alone_once_all_are_known() -> None:
    observer = PodObserver(Path("unused"), {"a"})
    observer._budget("ADDED", BUDGET)
    observer._pod("ADDED", _pod("web-0"))
    observer._budget("MODIFIED", BUDGET)
    assert observer.seen.below == 0, "the others are not known yet"
    observer._pod("ADDED", _pod("web-1"))
    observer._pod("ADDED", _pod("web-2"))
    observer._wait_for({f"default/web-{index}" for index in range(3)})
    observer._pod("MODIFIED", _pod("web-0", leaves=True))
    assert observer.seen.below == 0
    observer._pod("MODIFIED", _pod("web-1", leaves=True))
    assert (observer.seen.below, observer.seen.violations) == (1, []), "the status is late"
    observer._pod("DELETED", _pod("web-1", leaves=True))
    assert observer.seen.below == 1, "once for each time"
