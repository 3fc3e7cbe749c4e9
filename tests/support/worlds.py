"""Small worlds and the observations of them."""

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus, timestamp
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Budget, Controller, NamespacedName, Node, Owner, Pod
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.selectors import Selector

NOW = 1_800_000_000.0


def pod(name: str, node: str = "s-0", app: str = "web", **more: Any) -> Pod:
    """A Ready pod of a Deployment."""
    base = Pod(
        key=NamespacedName("default", name),
        uid=f"uid-{name}",
        node=node,
        phase="Running",
        ready=True,
        terminating=False,
        labels=(("app", app),),
        owner=Owner("ReplicaSet", app, f"rs-{app}"),
        revision=10,
    )
    return Pod(**({f: getattr(base, f) for f in base.__struct_fields__} | more))


def budget(app: str = "web", **more: Any) -> Budget:
    """A budget that selects an app; by default it grants nothing."""
    fields: dict[str, Any] = {
        "key": NamespacedName("default", app),
        "selector": Selector((("app", app),)),
        "revision": 20,
    }
    return Budget(**(fields | more))


def world(
    pods: list[Pod], budgets: list[Budget] | None = None, nodes: list[Node] | None = None
) -> World:
    """Two cordoned source nodes of pool `src` in batch 1, and a Ready target node."""
    world = World()
    world.put_controller(Controller("DaemonSet", NamespacedName("default", "d"), "d"))
    marks: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}
    default = [Node(name, "src", **marks) for name in ("s-0", "s-1")] + [Node("t-0", "srcazl")]
    for node in default if nodes is None else nodes:
        world.put_node(node)
    for budget in budgets or []:
        world.put_budget(budget)
    for one in pods:
        world.put_pod(one)
    return world


def migration(status: MigrationStatus | None = None, **spec: Any) -> Migration:
    """A migration of pool `src` without soaks, named `m`."""
    whole = {
        "source": {"nodePool": "src"},
        "strategy": {
            "canary": {"nodes": 0},
            "batch": {"size": "100%", "soak": "0s"},
            "finalSoak": "0s",
        },
    } | spec
    parsed = MigrationSpec.model_validate(whole)
    return Migration("m", "uid-m", 1, parsed, status or MigrationStatus())


def source(**more: Any) -> Pool:
    """The source pool, fit to be migrated."""
    fields: dict[str, Any] = {"name": "src", "os_sku": "Ubuntu", "count": 2, "etag": "e1"}
    return Pool(**(fields | more))


def target(**more: Any) -> Pool:
    """The target pool, made by migration `m`."""
    tags = (("azlm-migration", "m"), ("azlm-source-pool", "src"))
    fields: dict[str, Any] = {
        "name": "srcazl",
        "os_sku": "AzureLinux",
        "count": 1,
        "tags": tags,
        "etag": "e2",
    }
    return Pool(**(fields | more))


def seen(world: World, *pools: Pool, **more: Any) -> Observation:
    """An observation in which everything was read just now."""
    read = PoolReading({pool.name: pool for pool in pools}, NOW)
    memory = memory_of(world)
    base = Observation(world, memory, pools=read, missing_access=(), azure_facts=AzureFacts())
    return replace(base, **more)


_memories: WeakKeyDictionary[World, DecisionMemory] = WeakKeyDictionary()


def memory_of(world: World) -> DecisionMemory:
    """The memory of the migration that works on a world, from decision to decision."""
    return _memories.setdefault(world, DecisionMemory())


def planner_of(world: World, scope: Scope) -> Planner:
    """The planner of a drain: the same one as long as world and scope are the same."""
    memory = memory_of(world)
    planner = memory._planner
    began, since = (planner.tracker.began, planner.since) if planner is not None else (0.0, 0.0)
    return memory.planner(world, scope, began=began, since=since)


def at(step: str, **more: Any) -> MigrationStatus:
    return MigrationStatus(step=step, start_time=timestamp(NOW - 60), **more)
