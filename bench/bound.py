"""The lower bound of a drain, from observations.

The time of a slot runs from the granted eviction until the slot returns in the status of the
budget. A budget of b slots that moves n pods cannot evict its last pod before its slots together
have been held for all evictions but the last b: (d_1 + … + d_(n-b)) / b. That pod then needs the
time from its eviction to its end. The bound of the shape is the largest bound of its budgets.
"""

import json
import subprocess
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.observer import BUDGETS, watch

Name = tuple[str, str]
"""Namespace and name."""


@dataclass
class BudgetObservations:
    """The observations of one budget: its slots, and when some of them returned."""

    slots: int = 0
    allowed: int | None = None
    returns: list[float] = field(default_factory=list)


def bound_of(slots: int, evicted: list[float], returned: list[float], ending: float) -> float:
    """Seconds that one budget needs at least; times are in seconds since any one moment.

    `evicted` are the times of the granted evictions, `returned` those at which slots came back,
    `ending` is the time from an eviction to the pod's end.
    """
    if slots <= 0 or not evicted:
        return 0.0
    starts, ends = sorted(evicted), sorted(returned)
    held = [end - start for start, end in zip(starts, ends, strict=False)]
    return sum(held[: max(0, len(starts) - slots)]) / slots + ending


class SlotWatch:
    """Watches the budgets' statuses from `start` to `stop`."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self.budgets: defaultdict[Name, BudgetObservations] = defaultdict(BudgetObservations)

    def start(self) -> None:
        """Begin watching."""
        self._process = watch(self._kubeconfig, BUDGETS)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        if self._process is not None and self._thread is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._thread.join(timeout=10)

    def bound(self, evictions: list[tuple[float, str, str]], ending: float) -> float:
        """The shape's bound, from granted evictions as (time, namespace, pod's name)."""
        by_budget: defaultdict[Name, list[float]] = defaultdict(list)
        for at, namespace, pod in evictions:
            names = [key for key in self.budgets if key[0] == namespace and pod.startswith(key[1])]
            if names:
                by_budget[max(names, key=lambda key: len(key[1]))].append(at)
        return max(
            (
                bound_of(self.budgets[key].slots, times, self.budgets[key].returns, ending)
                for key, times in by_budget.items()
            ),
            default=0.0,
        )

    def _read(self) -> None:
        if self._process is None:
            return
        for line in self._process.stdout or ():
            if line.strip():
                self._see(json.loads(line)["object"], time.time())

    def _see(self, item: dict[str, Any], now: float) -> None:
        key = (item["metadata"]["namespace"], item["metadata"]["name"])
        status = item.get("status") or {}
        budget = self.budgets[key]
        budget.slots = max(budget.slots, status.get("expectedPods", 0) - status["desiredHealthy"])
        allowed = status["disruptionsAllowed"]
        if budget.allowed is not None and allowed > budget.allowed:
            budget.returns += [now] * (allowed - budget.allowed)
        budget.allowed = allowed
