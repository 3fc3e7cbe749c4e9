"""Who will move: the pods of the source pool by what the drain does with them."""

from typing import Any

from msgspec import Struct

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.decide import context_of
from azure_linux_migrator.core.drain.filters import Fate
from azure_linux_migrator.core.migration import Migration, Observation
from azure_linux_migrator.core.world import World
from azure_linux_migrator.sim.forecast.snapshot import Snapshot


class Census(Struct):
    """Counts of pods on the source: `move` are evicted, `stay` go with their node, `wait` are
    waited for, `blocked` cannot move; `lose_data` are those of the moving that have an emptyDir."""

    nodes: int = 0
    move: int = 0
    stay: int = 0
    wait: int = 0
    blocked: int = 0
    lose_data: int = 0


def world_of(snapshot: Snapshot) -> World:
    """The core's world as it was."""
    world = World()
    for node in snapshot.nodes:
        world.put_node(node)
    for controller in snapshot.controllers:
        world.put_controller(controller)
    for volume in snapshot.volumes:
        world.put_volume(volume)
    for attachment in snapshot.attachments:
        world.put_attachment(attachment)
    for budget in snapshot.budgets:
        world.put_budget(budget)
    for pod in snapshot.pods:
        world.put_pod(pod)
    return world


def census(snapshot: Snapshot, name: str, spec: dict[str, Any]) -> Census:
    """Judged as the drain judges."""
    found = MigrationSpec.model_validate(spec)
    migration = Migration(name, "census", 1, found, MigrationStatus())
    context = context_of(migration, Observation(world_of(snapshot)), snapshot.taken_at)
    counted = Census(nodes=len(context.loads))
    for entry in context.planner.entries.values():
        match entry.verdict.fate:
            case Fate.MOVE:
                counted.move += 1
                counted.lose_data += entry.pod.empty_dir
            case Fate.SKIP:
                counted.stay += 1
            case Fate.WAIT:
                counted.wait += 1
            case Fate.BLOCK:
                counted.blocked += 1
    return counted
