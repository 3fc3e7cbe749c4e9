"""The namespace of one test on the real API server, and the core's reading of its objects."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import psutil

from azure_linux_migrator.core.drain.disruption_budgets import is_deadlocked, is_free, slots
from azure_linux_migrator.core.state.eviction_response import EvictionResponse, EvictionResult
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import MERGE_PATCH, Client
from azure_linux_migrator.kube.decode import BudgetObject, NodeObject, PodObject
from azure_linux_migrator.kube.eviction import evict
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Pod
from testbed.control_plane import ControlPlane
from tests.support.eviction_manifests import Manifest, pod_spec, template

PATIENCE = 45.0
CONTROLLERS = "kube-controller-manager"


@dataclass(frozen=True)
class Reading:
    """The core's classification of the eviction of a pod; `free` and `slots` are of its only
    budget."""

    pod: Pod
    pdb_index: tuple[NamespacedName, ...]
    free: bool
    slots: int

    @property
    def sends(self) -> bool:
        """Whether an eviction is worth sending."""
        if self.pod.phase == "Pending" or self.pod.finished or not self.pdb_index:
            return True
        return len(self.pdb_index) == 1 and (self.free or self.slots > 0)


class Place:
    """The namespace. `evict` acts as the shipped ServiceAccount, everything else as admin."""

    def __init__(
        self, plane: ControlPlane, admin: Client, operator: Client, namespace: str, nodes: list[str]
    ) -> None:
        self.plane = plane
        self.admin = admin
        self.operator = operator
        self.namespace = namespace
        self.nodes = nodes
        self.pods = f"/api/v1/namespaces/{namespace}/pods"
        self.budgets = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"

    # Objects

    async def pod(
        self, name: str, *, app: str = "web", ready: bool = True, **spec: Any
    ) -> Manifest:
        """A pod that no controller owns, Running; returns it as the apiserver has it."""
        finalizers = spec.pop("finalizers", None)
        whole = pod_spec(nodeName=self.nodes[0]) | spec
        body = {"metadata": template(app, ready=ready) | {"name": name}, "spec": whole}
        body["metadata"] |= {"finalizers": finalizers} if finalizers else {}
        await self.create(self.pods, body)
        return await self.running(name, ready=ready)

    async def pending(self, name: str, *, app: str = "web") -> Manifest:
        """A pod that fits nowhere."""
        spec = pod_spec(nodeSelector={"nowhere": "true"})
        body = {"metadata": template(app) | {"name": name}, "spec": spec}
        return await self.create(self.pods, body)

    async def finish(self, name: str, phase: str) -> None:
        """Write what a kubelet writes when the containers have ended."""
        await self.set_pod_status(name, phase, ready=False)

    async def set_pod_status(self, name: str, phase: str, *, ready: bool) -> None:
        """Write a pod's phase and Ready condition, as a kubelet does."""
        conditions = [{"type": "Ready", "status": str(ready)}]
        status = {"status": {"phase": phase, "conditions": conditions}}
        await self.patch(f"{self.pods}/{name}/status", status)

    async def running(self, name: str, *, ready: bool = True) -> Manifest:
        """Wait until a pod runs, Ready or not."""
        pod: Manifest = {}

        async def runs() -> bool:
            nonlocal pod
            pod = await self.get(f"{self.pods}/{name}")
            record = msgspec.convert(pod, PodObject).record()
            return record.phase == "Running" and record.ready == ready

        await until(f"pod {name} runs", runs)
        return pod

    async def budget(
        self,
        name: str = "web",
        *,
        selector: Manifest | None = None,
        expect: dict[str, int] | None = None,
        **limit: Any,
    ) -> Budget:
        """A budget over app=NAME; waits until the controller's numbers are those expected."""
        wanted = {"matchLabels": {"app": name}} if selector is None else selector
        body = {"metadata": {"name": name}, "spec": {"selector": wanted, **limit}}
        await self.create(self.budgets, body)
        return await self.settled(name, **(expect or {}))

    async def settled(self, name: str = "web", **expect: int) -> Budget:
        """Wait until the controller has seen this generation and come to these numbers."""
        budget: Budget | None = None

        async def agrees() -> bool:
            nonlocal budget
            budget = (await self.world()).budgets[NamespacedName(self.namespace, name)]
            current = budget.observed_generation >= budget.generation
            return current and all(getattr(budget, key) == value for key, value in expect.items())

        try:
            await until(f"budget {name} with {expect}", agrees)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {budget}") from None
        assert budget is not None
        return budget

    async def now(self, name: str = "web") -> Budget:
        """A budget as it is."""
        return (await self.world()).budgets[NamespacedName(self.namespace, name)]

    # Evictions

    async def world(self) -> World:
        """The real JSON of nodes, pods and budgets, through our decoders, in our own world."""
        world = World()
        sources: list[tuple[str, Any, Callable[[Any], None]]] = [
            ("/api/v1/nodes", NodeObject, world.put_node),
            (self.budgets, BudgetObject, world.put_budget),
            (self.pods, PodObject, world.put_pod),
        ]
        for path, kind, put in sources:
            listed = await self.admin.request("GET", path)
            for item in msgspec.json.decode(listed, type=_Listed).items:
                put(msgspec.json.decode(item, type=kind).record())
        return world

    async def read(self, name: str) -> Reading:
        """The core's classification of the eviction of a pod now."""
        world = await self.world()
        pod = world.pods[NamespacedName(self.namespace, name)]
        pdb_index = world.budgets_of(pod)
        budget = world.budgets[pdb_index[0]] if pdb_index else None
        return Reading(
            pod,
            pdb_index,
            budget is not None and is_free(pod, budget),
            0 if budget is None else slots(world, budget),
        )

    async def evict(self, name: str, uid: str | None = None) -> EvictionResponse:
        """Evict as the operator does, as the shipped ServiceAccount; by default the existing
        pod."""
        wanted = uid or (await self.get(f"{self.pods}/{name}"))["metadata"]["uid"]
        return await evict(self.operator, NamespacedName(self.namespace, name), wanted)

    async def ask(self, name: str) -> tuple[EvictionResponse, Reading]:
        """The core's classification first, then the answer of the API server."""
        reading = await self.read(name)
        return await self.evict(name), reading

    async def deadlocked(self, name: str = "web") -> bool:
        """Whether the core believes that a budget never grants an eviction."""
        return is_deadlocked(await self.now(name))

    async def refusal(self, name: str, **more: Any) -> KubernetesError:
        """The raw refusal of an eviction, whose causes an EvictionResponse does not carry."""
        try:
            await self.raw_evict(name, **more)
        except KubernetesError as error:
            return error
        raise AssertionError(f"the eviction of {name} was granted")

    async def raw_evict(self, name: str, *, query: Any = None, **body: Any) -> Manifest:
        """An eviction with the given fields."""
        whole = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}} | body
        path = f"{self.pods}/{name}/eviction"
        return await self.admin.json("POST", path, query=query, body=whole)

    # Plain requests

    async def get(self, path: str) -> Manifest:
        """GET."""
        return await self.admin.json("GET", path)

    async def create(self, path: str, body: Manifest) -> Manifest:
        """POST; again while the namespace's ServiceAccount is not there yet."""
        created: Manifest = {}

        async def done() -> bool:
            nonlocal created
            try:
                created = await self.admin.json("POST", path, body=body)
            except KubernetesError as error:
                if "serviceaccount" in error.message:
                    return False
                raise
            return True

        await until(f"POST {path}", done)
        return created

    async def patch(self, path: str, body: Manifest, **query: str) -> Manifest:
        """A merge patch."""
        more: Any = {"query": query, "content_type": MERGE_PATCH}
        return await self.admin.json("PATCH", path, body=body, **more)

    async def remove(self, path: str) -> None:
        """DELETE, whether it is there or not."""
        try:
            await self.admin.request("DELETE", path)
        except KubernetesError as error:
            if error.status != 404:
                raise

    async def vanish(self, name: str) -> None:
        """Delete a pod and wait until its name is free.

        Not without grace: kwok deletes by name, and might then take the next pod of that name.
        """
        await self.remove(f"{self.pods}/{name}")
        await until(f"pod {name} is gone", lambda: self.gone(name))

    async def gone(self, name: str) -> bool:
        """Whether there is no such pod."""
        return NamespacedName(self.namespace, name) not in (await self.world()).pods

    async def abandon(self) -> None:
        """Delete the namespace; finalizers of pods must not hold it."""
        for pod in (await self.get(self.pods))["items"]:
            if pod["metadata"].get("finalizers"):
                free = {"metadata": {"finalizers": None}}
                await self.patch(f"{self.pods}/{pod['metadata']['name']}", free)
        await self.remove(f"/api/v1/namespaces/{self.namespace}")

    @asynccontextmanager
    async def having(self, path: str, body: Manifest) -> AsyncIterator[Manifest]:
        """A cluster-wide object for as long as the block lasts."""
        created = await self.create(path, body)
        try:
            yield created
        finally:
            await self.remove(f"{path}/{body['metadata']['name']}")

    async def wait_refused(self, expected: EvictionResult) -> None:
        """Wait until evictions get that answer, tried on a pod that does not exist."""

        async def refused() -> bool:
            return (await self.evict("no-such-pod", "u")).result is expected

        await until(f"evictions are {expected}", refused)

    @contextmanager
    def paused(self, name: str = CONTROLLERS) -> Iterator[None]:
        """One process of the plane is stopped for as long as the block lasts."""
        process = psutil.Process(self.plane.pids[name])
        os.kill(process.pid, signal.SIGSTOP)
        try:
            while process.status() != psutil.STATUS_STOPPED:
                time.sleep(0.001)
            yield
        finally:
            os.kill(process.pid, signal.SIGCONT)


class _Listed(msgspec.Struct):
    items: list[msgspec.Raw]


async def until(what: str, check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `check` holds."""
    deadline = time.monotonic() + PATIENCE
    while not await check():
        if time.monotonic() > deadline:
            raise AssertionError(f"not reached in {PATIENCE:.0f} s: {what}")
        await asyncio.sleep(0.03)
