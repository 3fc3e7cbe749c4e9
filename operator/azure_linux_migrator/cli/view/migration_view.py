"""What the commands about a running migration read: the resource, its nodes, its events.

Reads only, with the reader's own rights. What these do not allow is left out, and said.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import KIND
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import MigrationStatus, Phase
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.core.reconcile.lenient_parsing import readable_spec, resource_seen
from azure_linux_migrator.errors import KubernetesError, SettingsError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.migrations import COLLECTION, Migrations
from azure_linux_migrator.kube.pods_on_nodes import node_records, pods_on
from azure_linux_migrator.model.cluster import Node, Pod
from azure_linux_migrator.model.migration import Migration

FAILURES = 30
UNSEEN = (
    "no operator has read it yet: see that azlm runs "
    "(kubectl get pods -A -l app.kubernetes.io/name=azlm)"
)
ENDS = frozenset((Phase.SUCCEEDED, Phase.PLANNED, Phase.ROLLED_BACK, Phase.ABORTED))


class MigrationState(Enum):
    """How a migration stands. WAITING needs somebody: it is blocked, paused, or not approved."""

    ADVANCING = "advancing"
    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"

    @property
    def exit_code(self) -> int:
        """0 where nobody has to do anything, 1 failed, 2 blocked or waiting for somebody."""
        return {MigrationState.FAILED: 1, MigrationState.WAITING: 2}.get(self, 0)


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node of the source: `batch` 0 for none yet; `pods` are those that still have to move, None
    where they were not counted."""

    node: Node
    batch: int
    pods: int | None = None


@dataclass(frozen=True, slots=True)
class MigrationView:
    """A migration as the cluster shows it. `body` is the resource as the API returned it; `nodes`
    are those of the source; `missing` says what the reader may not see."""

    body: Mapping[str, Any]
    migration: Migration
    nodes: tuple[NodeView, ...] = ()
    missing: str = ""

    @property
    def name(self) -> str:
        """metadata.name."""
        return self.migration.name

    @property
    def status(self) -> MigrationStatus:
        """Its status; as new where there is none yet."""
        return self.migration.status

    @property
    def seen(self) -> bool:
        """Whether an operator has written its status."""
        return bool(self.body.get("status"))

    @property
    def message(self) -> str:
        """That of its status, or what to look at while no operator has written one."""
        return self.status.message if self.seen else UNSEEN

    @property
    def ended(self) -> bool:
        """Whether it ends here: it succeeded, or was planned, rolled back or aborted."""
        return self.status.phase in ENDS

    @property
    def needs_admin(self) -> bool:
        """Whether it does not go on by itself."""
        return self.state in {MigrationState.WAITING, MigrationState.FAILED}

    @property
    def reason(self) -> str:
        """The reason of the condition Ready: why it is not complete, or that it is."""
        ready = self.status.condition(ConditionType.READY)
        return ready.reason if ready is not None else Reason.READING_CLUSTER

    @property
    def state(self) -> MigrationState:
        """How it stands, and whether it needs somebody."""
        status = self.status
        if status.phase in {Phase.ROLLED_BACK, Phase.ABORTED}:
            return MigrationState.FAILED
        if status.is_true(ConditionType.SUCCEEDED):
            return MigrationState.DONE
        if status.phase == Phase.PLANNED:
            blocked = status.forecast is not None and status.forecast.blocked
            return MigrationState.WAITING if blocked else MigrationState.DONE
        waits = (
            status.is_true(ConditionType.STALLED)
            or status.is_true(ConditionType.DRAIN_BLOCKED)
            or status.phase == Phase.PAUSED
            or self.reason == Reason.AWAITING_APPROVAL
        )
        return MigrationState.WAITING if waits else MigrationState.ADVANCING


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Client]:
    """A client of the Kubernetes API that is closed afterwards."""
    client = await Client.connect(settings.kubeconfig, settings.context)
    try:
        yield client
    finally:
        await client.close()


def view_of(body: Mapping[str, Any], now: float) -> MigrationView:
    """The migration of a resource, without nodes; `now` in seconds since the epoch."""
    return MigrationView(body, _migration(body, now))


async def list_views(client: Client, now: float) -> list[MigrationView]:
    """Every migration of the cluster by name, without nodes. `now` in seconds since the epoch."""
    bodies = (await client.json("GET", COLLECTION)).get("items") or []
    views = [view_of(body, now) for body in bodies]
    return sorted(views, key=lambda view: view.name)


async def bare_view(client: Client, name: str | None, now: float) -> MigrationView:
    """The migration of that name, or the only one of the cluster, without nodes. Raises
    SettingsError where there is none, or a choice."""
    if name is None:
        views = await list_views(client, now)
        if len(views) != 1:
            names = ", ".join(view.name for view in views)
            raise SettingsError(f"name one of: {names}" if views else "there is no migration")
        return views[0]
    body = await Migrations(client).find(name)
    if body is None:
        names = ", ".join(view.name for view in await list_views(client, now))
        listed = f"there are: {names}" if names else "there is no migration"
        raise SettingsError(f"the cluster has no AzureLinuxMigration {name}; {listed}")
    return view_of(body, now)


async def read_view(client: Client, name: str | None, now: float) -> MigrationView:
    """The same with the nodes of its source."""
    view = await bare_view(client, name, now)
    try:
        return replace(view, nodes=await _nodes(client, view.migration))
    except KubernetesError as error:
        if error.status != 403:
            raise
        return replace(view, missing=f"nodes are not shown: {error}")


async def events_of(client: Client, view: MigrationView) -> list[dict[str, Any]]:
    """The Kubernetes events about a migration, oldest first; they live for about an hour."""
    uid = str(view.body["metadata"]["uid"])
    selector = f"involvedObject.kind={KIND},involvedObject.uid={uid}"
    path = "/api/v1/namespaces/default/events"
    events = (await client.json("GET", path, query={"fieldSelector": selector})).get("items") or []
    return sorted(events, key=_event_time)


def _event_time(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _migration(body: Mapping[str, Any], now: float) -> Migration:
    seen = resource_seen(body, now)
    spec, _ = readable_spec(seen.spec)
    return Migration(
        seen.name, seen.uid, seen.generation, spec, seen.status, annotations=seen.annotations
    )


async def _nodes(client: Client, migration: Migration) -> tuple[NodeView, ...]:
    """The source's nodes, with the pods that are left on those of the running batch."""
    nodes = await node_records(client, migration.old_pool)
    batches = {node.name: migration.batch_of(node) for node in nodes}
    running = [name for name, batch in batches.items() if batch == migration.status.batch.index > 0]
    left: Counter[str] = Counter(pod.node for pod in await pods_on(client, running) if _moves(pod))
    return tuple(
        NodeView(node, batches[node.name], left[node.name] if node.name in running else None)
        for node in sorted(nodes, key=lambda node: (batches[node.name] or 1 << 30, node.name))
    )


def _moves(pod: Pod) -> bool:
    stays = pod.mirror or pod.finished or (pod.owner is not None and pod.owner.kind == "DaemonSet")
    return not stays


async def follow(
    client: Client, name: str, clock: Callable[[], float], seconds: float
) -> AsyncIterator[MigrationView]:
    """The migration again and again, every so many seconds, through FAILURES failed reads in a
    row. Raises KubernetesError after that, or where the API refuses the reader."""
    failures = 0
    while True:
        try:
            view = await read_view(client, name, clock())
        except KubernetesError as error:
            failures += 1
            if error.status in {401, 403} or failures > FAILURES:
                raise
        else:
            failures = 0
            yield view
        await asyncio.sleep(seconds)


async def reached(
    client: Client, name: str, target: str, clock: Callable[[], float], seconds: float
) -> MigrationView:
    """The migration once it is `done`, `drained`, at its `end`, or `waiting` for somebody; earlier
    where it cannot come so far, or needs somebody on the way."""
    async for view in follow(client, name, clock, seconds):
        drained = view.status.is_true(ConditionType.DRAINED)
        if (
            view.ended
            or (target == "drained" and drained)
            or (target != "end" and view.needs_admin)
        ):
            return view
    raise AssertionError("a migration is followed without end")
