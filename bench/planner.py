"""`python -m bench.planner`: the planner alone, in memory, on clusters of growing size.

Every event of a real drain is fed into the core's World, and after each burst the planner makes a
plan; simulated events answer its evictions in a seeded order. Each size runs in a process of its
own, so that the peak of memory is its own.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from sys import intern

from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from azure_linux_migrator.model.actions import EvictPod
from azure_linux_migrator.model.cluster import Budget, Controller, NamespacedName, Node, Owner, Pod
from azure_linux_migrator.model.selectors import Selector

RESULTS = Path(__file__).parent / "results" / "planner.md"
PODS_PER_NODE = 20
PODS_PER_BUDGET = 50
SLOTS = 5
SIZES = (10_000, 30_000, 100_000)
SKEWED = "skewed"


@dataclass(frozen=True)
class PlannerFigures:
    """One size. Times in seconds of CPU, memory in MB."""

    shape: str
    nodes: int
    pods: int
    budgets: int
    build_s: float
    drain_s: float
    events: int
    decisions: int
    us_per_event: float
    peak_rss_mb: float
    base_rss_mb: float


class AnsweringCluster:
    """The part of a cluster that answers evictions with their events."""

    def __init__(self, pods: int, *, skewed: bool) -> None:
        self.world = World()
        self.random = random.Random(7)
        self.pods = pods
        self.nodes = pods // PODS_PER_NODE
        self.budgets = pods // PODS_PER_BUDGET
        self.skewed = skewed
        self.events = 0
        self.revision = 1_000
        self.due: deque[tuple[EvictPod, int]] = deque()
        self.counts: dict[NamespacedName, list[int]] = {}

    def build(self) -> None:
        """Nodes, Deployments, budgets and pods, as the first lists bring them."""
        world = self.world
        for index in range(self.nodes):
            world.put_node(Node(intern(f"s-{index}"), "src", unschedulable=True, batch="m.uid-m.1"))
            world.put_node(Node(intern(f"t-{index}"), "srcazl"))
        sizes = self._sizes()
        for app, size in enumerate(sizes):
            key = NamespacedName(intern(f"ns-{app % 50}"), f"app-{app}")
            slots = max(1, size * SLOTS // PODS_PER_BUDGET)
            world.put_controller(Controller("ReplicaSet", key, f"rs-{app}", replicas=size))
            self.counts[key] = [size, size - slots, size]
            world.put_budget(self._budget(key))
        spots = [node for node in range(self.nodes) for _ in range(PODS_PER_NODE)]
        self.random.shuffle(spots)
        number = 0
        for app, size in enumerate(sizes):
            namespace, name = intern(f"ns-{app % 50}"), f"app-{app}"
            labels = ((intern("app"), name),)
            owner = Owner("ReplicaSet", name, f"rs-{app}")
            for _ in range(size):
                node = intern(f"s-{spots[number]}")
                world.put_pod(
                    self._pod(NamespacedName(namespace, f"{name}-{number}"), node, labels, owner)
                )
                number += 1
        self.events = number

    def _sizes(self) -> list[int]:
        if not self.skewed:
            return [PODS_PER_BUDGET] * self.budgets
        rest = [PODS_PER_BUDGET] * (self.budgets // 2)
        return [self.pods - sum(rest), *rest]

    def _pod(
        self, key: NamespacedName, node: str, labels: tuple[tuple[str, str], ...], owner: Owner
    ) -> Pod:
        self.revision += 1
        uid = f"{self.revision:032x}"
        return Pod(
            key=key,
            uid=uid,
            node=node,
            phase="Running",
            ready=True,
            terminating=False,
            labels=labels,
            owner=owner,
            revision=self.revision,
            created=1.0,
            started_in=1.5,
        )

    def _budget(self, key: NamespacedName, disrupted: frozenset[str] = frozenset()) -> Budget:
        healthy, desired, expected = self.counts[key]
        self.revision += 1
        return Budget(
            key=key,
            selector=Selector(((intern("app"), key.name),)),
            allowed=healthy - desired,
            healthy=healthy,
            desired=desired,
            expected=expected,
            disrupted=disrupted,
            revision=self.revision,
        )

    def drain(self) -> int:
        """Run until no pod is left; returns the number of decisions."""
        scope = Scope("m", "src", "srcazl", Drain(), uid="uid-m")
        planner = DecisionMemory().planner(self.world, scope, began=0.0, since=0.0)
        decisions, now = 0, 0.0
        while planner.pool_progress.remaining or self.due:
            now += 0.0005
            plan = planner.plan(now)
            decisions += 1
            for eviction in plan.evictions:
                self.world.evicting(eviction, now)
                self.due.append((eviction, 0))
            for _ in range(min(len(self.due), 4)):
                self._happen(*self.due.popleft())
        return decisions

    def _happen(self, eviction: EvictPod, stage: int) -> None:
        """The next event of an eviction: granted, gone, replaced, Ready again."""
        world, pod = self.world, self.world.pods.get(eviction.pod)
        key = eviction.budget
        if key is None:
            raise RuntimeError("every pod of this bench has a budget")
        self.events += 1
        if stage == 0 and pod is not None:
            self.counts[key][0] -= 1
            world.put_budget(self._budget(key, frozenset({eviction.pod.name})))
        elif stage == 1 and pod is not None:
            fields = {name: getattr(pod, name) for name in pod.__struct_fields__}
            self.revision += 1
            more = {"terminating": True, "revision": self.revision, "deadline": 1e9}
            world.put_pod(Pod(**(fields | more)))
        elif stage == 2 and pod is not None:
            self.revision += 1
            world.remove_pod(eviction.pod, self.revision)
            node = intern(f"t-{self.random.randrange(self.nodes)}")
            new = NamespacedName(eviction.pod.namespace, f"{key.name}-n{self.revision}")
            world.put_pod(self._pod(new, node, pod.labels, pod.owner or Owner("", "", "")))
        elif stage == 3:
            self.counts[key][0] += 1
            world.put_budget(self._budget(key))
            return
        self.due.append((eviction, stage + 1))


def measure(pods: int, *, skewed: bool) -> PlannerFigures:
    """One size, in this process."""
    base = _peak()
    cluster = AnsweringCluster(pods, skewed=skewed)
    began = time.process_time()
    cluster.build()
    built = time.process_time()
    listed = cluster.events
    decisions = cluster.drain()
    spent = time.process_time() - built
    events = cluster.events - listed
    return PlannerFigures(
        shape=SKEWED if skewed else "uniform",
        nodes=cluster.nodes,
        pods=pods,
        budgets=len(cluster.counts),
        build_s=round(built - began, 2),
        drain_s=round(spent, 2),
        events=events,
        decisions=decisions,
        us_per_event=round(spent / events * 1e6, 1),
        peak_rss_mb=round(_peak()),
        base_rss_mb=round(base),
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure every size in its own process and print the table."""
    parser = argparse.ArgumentParser(prog="bench.planner", description=__doc__)
    parser.add_argument("--pods", type=int)
    parser.add_argument("--skewed", action="store_true")
    arguments = parser.parse_args()
    if arguments.pods:
        print(json.dumps(asdict(measure(arguments.pods, skewed=arguments.skewed))))
        return
    lines = [
        (
            "| shape | nodes | pods | budgets | build, CPU s | whole drain, CPU s | events "
            "| µs per event | peak RSS, MB | of that before the build |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for size in SIZES:
        for flags in ([], ["--skewed"]):
            command = [sys.executable, "-m", "bench.planner", f"--pods={size}", *flags]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row = PlannerFigures(**json.loads(done.stdout))
            lines.append(
                f"| {row.shape} | {row.nodes} | {row.pods} | {row.budgets} | {row.build_s} "
                f"| {row.drain_s} | {row.events} | {row.us_per_event} | {row.peak_rss_mb:.0f} "
                f"| {row.base_rss_mb:.0f} |"
            )
            print(lines[-1], flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
