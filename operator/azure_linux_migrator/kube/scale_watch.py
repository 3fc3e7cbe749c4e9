"""Keeps the scales of controllers that cannot be watched: they are read again and again."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.scales import owners_with_scale, read_scales
from azure_linux_migrator.model.cluster import Controller

log = logging.getLogger(__name__)

READ_SECONDS = 30.0
"""A scale is so old at the most: any kind may have one, and a watch of each would need the right to
list all its objects."""
SYNC_SECONDS = 10.0
"""Migrations wait so long for the first reading at the most."""


class ScaleWatch:
    """Reads the scales of a world's pods, from their first list on. `changed` is called when that
    was done first or takes too long, and whenever a scale is another; `delivered` after every other
    reading."""

    def __init__(
        self,
        client: Client,
        world: World,
        changed: Callable[[], None],
        delivered: Callable[[], None],
    ) -> None:
        self._client = client
        self._world = world
        self._changed = changed
        self._delivered = delivered
        self._pods_listed = asyncio.Event()
        self._controllers: dict[str, Controller] = {}
        self._task: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self.synced = False

    def start(self) -> None:
        """Begin, in the background."""
        self._task = asyncio.create_task(self._run(), name="scales of custom resources")

    def pods_listed(self) -> None:
        """The list of pods is whole."""
        if not self._pods_listed.is_set():
            self._pods_listed.set()
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(SYNC_SECONDS, self._go_on_without)

    def end(self) -> asyncio.Task[None]:
        """Change nothing any more, from now on."""
        assert self._task is not None, "start() comes first"  # noqa: S101
        self._task.cancel()
        if self._deadline is not None:
            self._deadline.cancel()
        self.synced = False
        return self._task

    async def _run(self) -> None:
        await self._pods_listed.wait()
        while True:
            delay = 0.0
            try:
                delay = await self.read()
            except Exception:
                log.exception("reading the scales of custom resources failed; trying again")
            await asyncio.sleep(max(READ_SECONDS, delay))

    def _go_on_without(self) -> None:
        """The first reading takes too long, or fails: until it is done, no scale is known."""
        if not self.synced:
            why = f"not read within {SYNC_SECONDS:.0f} s; it is tried again"
            owners = owners_with_scale(self._world.pods.values())
            self._note_unread({reference.owner.qualified_kind: why for reference in owners})
            self.synced = True
            self._changed()

    async def read(self) -> float:
        """Read them all once. A scale that cannot be read is not believed any longer: without it
        the pods that are seen count. Returns the seconds that the API server asks to wait."""
        scales = await read_scales(self._client, owners_with_scale(self._world.pods.values()))
        current = {controller.uid: controller for controller in scales.controllers}
        news = current != self._controllers or scales.unread != self._world.unread_scales
        for uid, controller in self._controllers.items():
            if uid not in current and self._world.owner_index.exists(uid):
                self._world.remove_controller(controller.kind, controller.key)
        for controller in scales.controllers:
            self._world.put_controller(controller)
        self._controllers = current
        self._note_unread(scales.unread)
        if news or not self.synced:
            self.synced = True
            self._changed()
        else:
            self._delivered()
        return scales.delay

    def _note_unread(self, unread: Mapping[str, str]) -> None:
        for subject, why in unread.items():
            if self._world.unread_scales.get(subject) != why:
                log.warning("the scale of %s cannot be read: %s", subject, why)
        self._world.unread_scales = dict(unread)
