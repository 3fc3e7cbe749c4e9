"""The simulated API server gives the same answers as the real one to the same requests."""

import random
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from azure_linux_migrator.api.names import AGENTPOOL_LABEL
from azure_linux_migrator.core.state.eviction_response import EvictionResult, classify
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import Allocatable, BudgetRule, NamespacedName, Node
from azure_linux_migrator.model.selectors import Selector
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity, Span, Template, Workload
from testbed.fill.workloads import deployment
from testbed.stages import PREFIX
from tests.support.eviction_manifests import POOL
from tests.support.eviction_world import Place, until

NOW = 1_800_000_000.0
SLOW = {"ready-ms": "1500ms", "delete-ms": "300ms"}


@dataclass(frozen=True)
class Case:
    """Replicas of a Deployment, bare pods (True is Ready), budgets, and what is asked in turn.

    A number evicts the pod of that rank (by name, as they were at first), `wait` lets everything
    settle, `stale` evicts the first pod by a uid that it never had.
    """

    name: str
    asked: tuple[int | str, ...]
    replicas: int = 0
    bare: tuple[bool, ...] = ()
    budgets: tuple[BudgetRule, ...] = ()
    policy: str = "IfHealthyBudget"


ONE = BudgetRule(max_unavailable=1)
CASES = (
    Case("no budget", (0, 1, 2), replicas=3),
    Case("one may be out", (0, 1, 2, "wait", 1, 2), replicas=3, budgets=(ONE,)),
    Case(
        "a quarter, rounded up", (0, 1, 2), replicas=5, budgets=(BudgetRule(max_unavailable="25%"),)
    ),
    Case("two have to stay", (0, 1, 2), replicas=3, budgets=(BudgetRule(min_available=2),)),
    Case("half has to stay", (0, 1, 2, 3), replicas=4, budgets=(BudgetRule(min_available="50%"),)),
    Case("all have to stay", (0, 1), replicas=2, budgets=(BudgetRule(min_available="100%"),)),
    Case("none may be out", (0,), replicas=2, budgets=(BudgetRule(max_unavailable=0),)),
    Case("more wanted than there are", (0,), replicas=2, budgets=(BudgetRule(min_available=5),)),
    Case("two budgets", (0, 1), replicas=2, budgets=(ONE, BudgetRule(min_available=1))),
    Case("the same pod twice", (0, 0), replicas=3, budgets=(ONE,)),
    Case("another uid", ("stale", 0, 1), replicas=3, budgets=(ONE,)),
    Case("unready pods are free", (2, 0), bare=(True, True, False), budgets=(BudgetRule(2),)),
    Case("unready below the budget", (1, 0), bare=(True, False), budgets=(BudgetRule(2),)),
    Case(
        "unready pods always are",
        (1, 0),
        bare=(True, False),
        budgets=(BudgetRule(2),),
        policy="AlwaysAllow",
    ),
)


class EvictionApi(Protocol):
    """The real API server, or the simulated one."""

    async def settle(self) -> None:
        """Until every replica is Ready and every budget is up to date."""

    async def evict(self, rank: int, uid: str | None) -> EvictionResult:
        """Send an eviction."""


async def answers(case: Case, world: EvictionApi) -> list[EvictionResult]:
    """The answers to the case's requests."""
    results = []
    await world.settle()
    for request in case.asked:
        if request == "wait":
            await world.settle()
        elif request == "stale":
            results.append(await world.evict(0, "00000000-0000-0000-0000-00000000dead"))
        else:
            results.append(await world.evict(int(request), None))
    return results


@dataclass
class Real:
    """On the real control plane."""

    place: Place
    case: Case
    names: list[str] = field(default_factory=list)
    uids: dict[str, str] = field(default_factory=dict)

    async def make(self) -> None:
        """The objects."""
        if self.case.replicas:
            manifest = deployment("web", self.case.replicas, self.place.namespace, annotations=SLOW)
            manifest["spec"]["template"]["spec"]["nodeSelector"] = {AGENTPOOL_LABEL: POOL}
            assert f"{PREFIX}ready-ms" in manifest["spec"]["template"]["metadata"]["annotations"]
            await self.place.create(
                f"/apis/apps/v1/namespaces/{self.place.namespace}/deployments", manifest
            )
        for number, ready in enumerate(self.case.bare):
            await self.place.pod(f"bare-{number}", ready=ready)
        for number, rule in enumerate(self.case.budgets):
            limit: dict[str, Any] = {"unhealthyPodEvictionPolicy": self.case.policy}
            if rule.min_available is not None:
                limit["minAvailable"] = rule.min_available
            if rule.max_unavailable is not None:
                limit["maxUnavailable"] = rule.max_unavailable
            selector = {"matchLabels": {"app": "web"}}
            await self.place.budget(f"b{number}", selector=selector, **limit)

    async def settle(self) -> None:
        """Wait for the expected state."""
        total = self.case.replicas + len(self.case.bare)
        ready = self.case.replicas + sum(self.case.bare)

        async def well() -> bool:
            world = await self.place.world()
            pods = [p for p in world.pods.values() if p.key.namespace == self.place.namespace]
            settled = len(pods) == total and sum(p.ready for p in pods) == ready
            # Where two budgets select a pod, its events wake only one of them in the controller.
            return (
                settled
                and all(
                    len(self.case.budgets) > 1 or (b.healthy == ready and not b.disrupted)
                    for b in world.budgets.values()
                )
                and all(b.observed_generation == b.generation for b in world.budgets.values())
            )

        await until("everything is settled", well)
        world = await self.place.world()
        if not self.names:
            self.names = sorted(
                p.key.name for p in world.pods.values() if p.key.namespace == self.place.namespace
            )

    async def evict(self, rank: int, uid: str | None) -> EvictionResult:
        """Ask the apiserver; a pod that is gone is answered by its absence."""
        name = self.names[rank]
        if uid is None and name not in self.uids:
            world = await self.place.world()
            pod = world.pods.get(NamespacedName(self.place.namespace, name))
            if pod is None:
                return EvictionResult.GONE
            self.uids[name] = pod.uid
        return (await self.place.evict(name, uid or self.uids[name])).result


class Simulated:
    """In the simulator."""

    def __init__(self, case: Case) -> None:
        rng = random.Random(1)
        self.case = case
        self.simulation = SimulatedCluster(ManagedCluster(rng), rng, now=NOW)
        for number in range(2):
            node = Node(f"n{number}", POOL, allocatable=Allocatable(4000, 8000, 110))
            self.simulation.store.put_node(node, NodeCapacity({}))
        template = Template((("app", "web"),), start=Span(1.5, 1.5), stop=Span(0.3, 0.3))
        if case.replicas:
            workload = Workload(
                "Deployment", NamespacedName("d", "web"), "web", case.replicas, template
            )
            self.simulation.workloads.add(workload)
        bare = Workload("Other", NamespacedName("d", "bare"), "bare", 1, template)
        for ready in case.bare:
            self.simulation.workloads.place(bare, "n0", created=NOW - 60, ready=ready)
        for number, rule in enumerate(case.budgets):
            self.simulation.disruption.add(
                NamespacedName("d", f"b{number}"),
                Selector((("app", "web"),)),
                rule,
                unhealthy_policy=case.policy,
            )
        self.names: list[NamespacedName] = []
        self.uids: dict[NamespacedName, str] = {}

    async def settle(self) -> None:
        """Let ten seconds pass."""
        kernel = self.simulation.kernel
        kernel.run(lambda: False, end=kernel.now + 10.0)
        self.names = self.names or sorted(self.simulation.store.pods)

    async def evict(self, rank: int, uid: str | None) -> EvictionResult:
        """Ask the simulated apiserver."""
        key = self.names[rank]
        pods = self.simulation.store.pods
        if uid is None and key not in self.uids:
            if key not in pods:
                return EvictionResult.GONE
            self.uids[key] = pods[key].uid
        wanted = uid or self.uids[key]
        try:
            self.simulation.api.evict(key, wanted)
        except KubernetesError as error:
            answer = classify(error).result
            if answer is EvictionResult.CONFLICT:
                return EvictionResult.SUCCESSOR if key in pods else EvictionResult.GONE
            return answer
        finally:
            self.simulation.kernel.run(lambda: False, end=self.simulation.kernel.now + 0.05)
        return EvictionResult.GRANTED


@pytest.mark.cluster
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_simulator_answers_as_the_apiserver_does(case: Case, place: Place) -> None:
    real = Real(place, case)
    await real.make()
    results = await answers(case, real)
    assert await answers(case, Simulated(case)) == results
