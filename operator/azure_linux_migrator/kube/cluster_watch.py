"""The watches of nodes, pods and budgets that feed one World, running while anyone needs them."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from azure_linux_migrator.core.state.listener import Listener
from azure_linux_migrator.core.state.watch_health import watch_problem
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.decode import BudgetObject, NodeObject, PodObject
from azure_linux_migrator.kube.decode_owners import (
    AttachmentObject,
    DaemonSetObject,
    DeploymentObject,
    ReplicaSetObject,
    StatefulSetObject,
    VolumeObject,
)
from azure_linux_migrator.kube.reflector import Decoded, Reflector, Sink
from azure_linux_migrator.kube.scale_watch import ScaleWatch
from azure_linux_migrator.model.cluster import NamespacedName

CONTROLLERS: dict[str, type[Decoded]] = {
    "Deployment": DeploymentObject,
    "ReplicaSet": ReplicaSetObject,
    "StatefulSet": StatefulSetObject,
    "DaemonSet": DaemonSetObject,
}


Source = tuple[str, type[Decoded], Callable[[Any], None], Callable[[NamespacedName, int], None]]


class Interest(Listener, Protocol):
    """Notes which changes of the world concern the worker that is to be woken."""

    def take(self) -> bool:
        """Whether anything has since the last call."""


class ClusterWatch:
    """Shared by all migrations of the cluster; each acquires it with its own wake-up."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._wakers: dict[Callable[[], None], Interest | None] = {}
        self._reflectors: dict[str, Reflector] = {}
        self._scales: ScaleWatch | None = None
        self._lock = asyncio.Lock()
        self.world = World()
        self._last_delivery_at = {_resource(path): 0.0 for path, *_ in self._sources(self.world)}

    @property
    def synced(self) -> bool:
        """Whether every first list has arrived, so that the world may be believed."""
        scales = self._scales is not None and self._scales.synced
        return scales and all(reflector.synced for reflector in self._reflectors.values())

    def problem(self) -> str:
        """Why the world may be old: the watch that has delivered nothing for longest, and since
        when; empty where every watch delivers. The text stays the same while the problem does."""
        failing = [
            (reflector.last_delivery_at, name, problem)
            for name, reflector in self._reflectors.items()
            if (problem := reflector.problem())
        ]
        if not failing:
            return ""
        last_delivery_at, name, problem = min(failing)
        return watch_problem(name, last_delivery_at, problem)

    @property
    def running(self) -> bool:
        """Whether anybody needs the watches."""
        return bool(self._reflectors)

    def last_delivery_at(self) -> dict[str, float]:
        """When each watch last delivered anything, by resource, in seconds since the epoch; 0 for
        never, and the last time of a watch that nobody needs now."""
        running = {name: reflector.last_delivery_at for name, reflector in self._reflectors.items()}
        return self._last_delivery_at | running

    async def acquire(self, waker: Callable[[], None], interest: Interest | None = None) -> None:
        """Keep the watches running, and be woken by what they see; with an interest only by what
        concerns it, and by the state of the watches themselves."""
        async with self._lock:
            self._wakers[waker] = interest
            if interest is not None:
                self.world.listeners.append(interest)
            if not self._reflectors:
                self._start()

    async def release(self, waker: Callable[[], None]) -> None:
        """The opposite of acquire; the last one stops the watches and empties the world.

        Nobody acquires in between: new watches do not know what the old ones have put into the
        world, and would never report it gone. The caller may be cancelled: the watches are
        ended, and the world is emptied, before anything is waited for.
        """
        interest = self._wakers.pop(waker)
        if interest in self.world.listeners:
            self.world.listeners.remove(interest)
        async with self._lock:
            if self._wakers:
                return
            self._last_delivery_at = self.last_delivery_at()
            reflectors, self._reflectors = self._reflectors, {}
            ending = [reflector.end() for reflector in reflectors.values()]
            if self._scales is not None:
                ending.append(self._scales.end())
                self._scales = None
            self.world.clear()
            await asyncio.gather(*ending, return_exceptions=True)

    def _start(self) -> None:
        world = self.world
        self._reflectors = {
            _resource(path): Reflector(
                self._client, path, kind, Sink(put, remove, self._delivered, self._changed)
            )
            for path, kind, put, remove in self._sources(world)
        }
        self._scales = ScaleWatch(self._client, world, self._changed, self._delivered)
        self._scales.start()
        for reflector in self._reflectors.values():
            reflector.start()

    def _sources(self, world: World) -> list[Source]:
        """Path, type, and where its records go."""
        return [
            (
                "/api/v1/nodes",
                NodeObject,
                world.put_node,
                lambda key, _: world.remove_node(key.name),
            ),
            ("/api/v1/pods", PodObject, world.put_pod, world.remove_pod),
            (
                "/apis/policy/v1/poddisruptionbudgets",
                BudgetObject,
                world.put_budget,
                lambda key, _: world.remove_budget(key),
            ),
            (
                "/api/v1/persistentvolumes",
                VolumeObject,
                world.put_volume,
                lambda key, _: world.remove_volume(key.name),
            ),
            (
                "/apis/storage.k8s.io/v1/volumeattachments",
                AttachmentObject,
                world.put_attachment,
                lambda key, _: world.remove_attachment(key.name),
            ),
            *(
                (
                    f"/apis/apps/v1/{kind.lower()}s",
                    decoded,
                    world.put_controller,
                    partial(_remove_controller, world, kind),
                )
                for kind, decoded in CONTROLLERS.items()
            ),
        ]

    def _delivered(self) -> None:
        """Events have come."""
        for waker, interest in self._wakers.items():
            if interest is None or interest.take():
                waker()

    def _changed(self) -> None:
        """A watch is up, down or complete: that concerns everybody."""
        if self._scales is not None and self._reflectors["pods"].synced:
            self._scales.pods_listed()
        for waker in self._wakers:
            waker()


def _resource(path: str) -> str:
    return path.rpartition("/")[2]


def _remove_controller(world: World, kind: str, key: NamespacedName, _: int) -> None:
    world.remove_controller(kind, key)
