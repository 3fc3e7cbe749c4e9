"""An independent observer of a migration: its own watches, through kubectl.

It shares no code with the operator, so that it does not repeat the operator's mistakes.
"""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.kubectl import KUBECTL

PODS = "/api/v1/pods"
BUDGETS = "/apis/policy/v1/poddisruptionbudgets"
WATCH_SECONDS = 7200
POOL_LABEL = "kubernetes.azure.com/agentpool"
_OWNED_ELSEWHERE = frozenset({"DaemonSet", "Job", "Node"})
"""Pods of these kinds do not move: they stay with their node, or finish."""


@dataclass
class Sighting:
    """The counts of the observer."""

    moves: int = 0
    """Pods that left a source node."""
    second_moves: int = 0
    """Pods that left another node: they were moved again."""
    violations: list[str] = field(default_factory=list)
    """Each time a budget's healthy pods fell below its desiredHealthy."""
    below: int = 0
    """Each time that fewer pods were healthy than a budget needs, whatever its status said."""
    moved_at: list[float] = field(default_factory=list)
    """When each pod left, in seconds since the epoch."""


class PodObserver:
    """Watches from `start` to `stop`. `source` names the nodes whose pods should move, once."""

    def __init__(self, kubeconfig: Path, source: set[str]) -> None:
        self._kubeconfig = kubeconfig
        self._source = source
        self._pods: dict[str, dict[str, Any]] = {}
        self._budgets: dict[str, dict[str, Any]] = {}
        self._healthy: dict[str, set[str]] = {}
        self._below: set[str] = set()
        self._below_by_pods: set[str] = set()
        self._shown: set[str] = set()
        self._complete = False
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[str]] = []
        self._threads: list[threading.Thread] = []
        self.seen = Sighting()

    def start(self) -> int:
        """Start to watch; returns the number of pods on the source that have to move."""
        for path, take in ((BUDGETS, self._budget), (PODS, self._pod)):
            process = watch(self._kubeconfig, path)
            thread = threading.Thread(target=self._read, args=(process, take), daemon=True)
            thread.start()
            self._processes.append(process)
            self._threads.append(thread)
        listed = subprocess.run(
            [str(KUBECTL), f"--kubeconfig={self._kubeconfig}", "get", "pods", "-A", "-o", "json"],
            capture_output=True,
            text=True,
            check=True,
        )
        pods = json.loads(listed.stdout)["items"]
        self._wait_for({_key(pod) for pod in pods})
        return sum(self._must_move(pod) for pod in pods)

    def _wait_for(self, keys: set[str], patience: float = 60.0) -> None:
        """Wait until the watch has shown these pods: too few of them look like a broken budget."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with self._lock:
                if keys <= self._shown:
                    self._complete = True
                    return
            time.sleep(0.02)

    def stop(self) -> Sighting:
        """Stop the watches and return the counts."""
        for process in self._processes:
            process.terminate()
            process.wait(timeout=10)
        for thread in self._threads:
            thread.join(timeout=10)
        for process in self._processes:
            if process.stdout is not None:
                process.stdout.close()
        return self.seen

    def _read(self, process: subprocess.Popen[str], take: Any) -> None:
        for event in _documents(process):
            with self._lock:
                if event["type"] == "ERROR":
                    self.seen.violations.append(f"the watch broke: {event['object']}")
                    return
                take(event["type"], event["object"])

    def _budget(self, kind: str, budget: dict[str, Any]) -> None:
        key = _key(budget)
        if kind == "DELETED":
            self._budgets.pop(key, None)
            self._healthy.pop(key, None)
            return
        self._budgets[key] = budget
        if key not in self._healthy:
            self._healthy[key] = {
                name for name, pod in self._pods.items() if _healthy(pod) and _selects(budget, pod)
            }
        self._compare(key)

    def _pod(self, kind: str, pod: dict[str, Any]) -> None:
        key = _key(pod)
        self._shown.add(key)
        healthy = kind != "DELETED" and _healthy(pod)
        for name, budget in self._budgets.items():
            if healthy and _selects(budget, pod):
                self._healthy[name].add(key)
            elif key in self._healthy[name]:
                self._healthy[name].discard(key)
                self._compare(name)
        if kind != "DELETED":
            self._pods[key] = pod
            return
        self._pods.pop(key, None)
        if self._must_move(pod):
            self.seen.moves += 1
            self.seen.moved_at.append(time.time())
        elif _owner(pod) not in _OWNED_ELSEWHERE and pod["spec"].get("nodeName"):
            self.seen.second_moves += 1

    def _must_move(self, pod: dict[str, Any]) -> bool:
        on_source = pod["spec"].get("nodeName") in self._source
        return on_source and _owner(pod) not in _OWNED_ELSEWHERE

    def _compare(self, key: str) -> None:
        """Count a violation once when a budget falls below its desired count."""
        budget = self._budgets[key]
        status = budget.get("status") or {}
        current = status.get("observedGeneration") == budget["metadata"].get("generation")
        if not current or not status.get("expectedPods") or not self._pods:
            return
        healthy = len(self._healthy[key])
        if healthy >= status["desiredHealthy"]:
            self._below.discard(key)
            self._below_by_pods.discard(key)
            return
        if self._complete and key not in self._below_by_pods:
            self._below_by_pods.add(key)
            self.seen.below += 1
        if status["currentHealthy"] < status["desiredHealthy"]:
            if key not in self._below:
                self.seen.violations.append(f"{key}: {healthy} < {status['desiredHealthy']}")
            self._below.add(key)


def _selects(budget: dict[str, Any], pod: dict[str, Any]) -> bool:
    if budget["metadata"]["namespace"] != pod["metadata"]["namespace"]:
        return False
    wanted = budget["spec"]["selector"].get("matchLabels") or {}
    return bool(wanted.items() <= (pod["metadata"].get("labels") or {}).items())


def watch(kubeconfig: Path, path: str) -> "subprocess.Popen[str]":
    """The raw watch of a resource: the present objects, then the events, one per line. Raw,
    because kubectl's own `--watch` lists more than 500 objects in pieces."""
    query = f"{path}?watch=true&timeoutSeconds={WATCH_SECONDS}"
    command = [str(KUBECTL), f"--kubeconfig={kubeconfig}", "get", "--raw", query]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _documents(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The events of a raw watch."""
    for line in process.stdout or ():
        if line.strip():
            yield json.loads(line)


def _key(item: dict[str, Any]) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _owner(pod: dict[str, Any]) -> str:
    owners = pod["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("kind") or "")


def _healthy(pod: dict[str, Any]) -> bool:
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod["status"].get("conditions") or ()
    return any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )
