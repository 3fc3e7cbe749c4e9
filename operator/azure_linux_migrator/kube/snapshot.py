"""Reading a whole cluster once, for a forecast: lists only, with read-only rights.

What may not be read is reported; without nodes and pods there is nothing to forecast.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, structs

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube import scheduling
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import CONTROLLERS
from azure_linux_migrator.kube.decode import BudgetObject, NodeObject, PodObject, epoch
from azure_linux_migrator.kube.decode_owners import AttachmentObject, VolumeObject
from azure_linux_migrator.kube.scales import owners_with_scale, read_scales
from azure_linux_migrator.model.cluster import BudgetRule
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.scheduling import ANYWHERE

PAGE = 1000
LONGEST_BOOT = 900.0
"""A node that became Ready so long after it was made was not Ready in between."""
EVENTS = "/apis/events.k8s.io/v1/events"
_SCHEDULED = {"fieldSelector": "reason=Scheduled"}
"""The scheduler's events tell to the microsecond when a pod got its node; they last an hour."""


class _Regarding(Struct):
    uid: str = ""


class _Event(Struct, rename="camel"):
    event_time: str | None = None
    regarding: _Regarding = msgspec.field(default_factory=_Regarding)


class _List(Struct):
    metadata: dict[str, Any]
    items: list[msgspec.Raw] | None = None


async def read_cluster(client: Client, now: float) -> ClusterSnapshot:
    """Everything of the cluster; the pools and the Azure facts are added later.

    Raises KubernetesError where nodes or pods cannot be read.
    """
    snapshot = ClusterSnapshot(now)
    await _read_all(client, "/api/v1/nodes", lambda raw: _node(snapshot, raw))
    unmodelled: Counter[str] = Counter()
    await _read_all(client, "/api/v1/pods", lambda raw: _pod(snapshot, unmodelled, raw))
    optional: list[tuple[str, Callable[[msgspec.Raw], None]]] = [
        ("/apis/policy/v1/poddisruptionbudgets", lambda raw: _budget(snapshot, raw)),
        ("/api/v1/persistentvolumes", _into(snapshot.volumes, VolumeObject)),
        (
            "/apis/storage.k8s.io/v1/volumeattachments",
            _into(snapshot.attachments, AttachmentObject),
        ),
        *(
            (f"/apis/apps/v1/{kind.lower()}s", _into(snapshot.controllers, decoded))
            for kind, decoded in CONTROLLERS.items()
        ),
        (EVENTS, lambda raw: _event(snapshot, raw)),
    ]
    for path, take in optional:
        try:
            await _read_all(client, path, take, _SCHEDULED if path == EVENTS else {})
        except KubernetesError as error:
            snapshot.unseen.append(f"{path.rpartition('/')[2]}: {error.message}")
    scales = await read_scales(client, owners_with_scale(snapshot.pods))
    snapshot.controllers += scales.controllers
    snapshot.unseen += [f"scale of {kind}: {why}" for kind, why in sorted(scales.unread.items())]
    snapshot.unseen += scheduling.lines_of(unmodelled.items())
    return snapshot


async def _read_all(
    client: Client,
    path: str,
    take: Callable[[msgspec.Raw], None],
    more: dict[str, str] | None = None,
) -> None:
    query = {"limit": str(PAGE), **(more or {})}
    while True:
        page = _page.decode(await client.request("GET", path, query=query, timeout=60.0))
        for raw in page.items or ():
            take(raw)
        following = page.metadata.get("continue")
        if not following:
            return
        query["continue"] = str(following)


_page = msgspec.json.Decoder(_List)
_node_of = msgspec.json.Decoder(NodeObject)
_pod_of = msgspec.json.Decoder(PodObject)
_budget_of = msgspec.json.Decoder(BudgetObject)
_event_of = msgspec.json.Decoder(_Event)


def _into(records: list[Any], kind: type[Any]) -> Callable[[msgspec.Raw], None]:
    decoder = msgspec.json.Decoder(kind)
    return lambda raw: records.append(decoder.decode(raw).record())


def _node(snapshot: ClusterSnapshot, raw: msgspec.Raw) -> None:
    node = _node_of.decode(raw)
    name = node.metadata.name
    snapshot.nodes.append(structs.replace(node.record(), labels=()))
    _boot(snapshot, node)
    snapshot.labels[name] = node.metadata.labels or {}
    snapshot.taints[name] = [
        str(taint)
        for taint in node.spec.taints or ()
        if not taint.key.startswith("node.kubernetes.io/")
    ]


def _boot(snapshot: ClusterSnapshot, node: NodeObject) -> None:
    ready = [condition for condition in node.status.conditions or () if condition.type == "Ready"]
    if ready and ready[0].status == "True":
        since = epoch(ready[0].last_transition_time) - epoch(node.metadata.creation_timestamp)
        if 0 <= since < LONGEST_BOOT:
            snapshot.boots[node.metadata.name] = since


def _pod(snapshot: ClusterSnapshot, unmodelled: Counter[str], raw: msgspec.Raw) -> None:
    pod = _pod_of.decode(raw)
    record = pod.record()
    snapshot.pods.append(structs.replace(record, scheduling=ANYWHERE))
    snapshot.scheduling.setdefault(
        record.owner.uid if record.owner else record.uid, record.scheduling
    )
    if not record.finished:
        unmodelled.update(scheduling.unmodelled(pod.spec, record.owner, mirror=record.mirror))


def _event(snapshot: ClusterSnapshot, raw: msgspec.Raw) -> None:
    event = _event_of.decode(raw)
    if event.event_time:
        snapshot.scheduled[event.regarding.uid] = epoch(event.event_time)


def _budget(snapshot: ClusterSnapshot, raw: msgspec.Raw) -> None:
    budget = _budget_of.decode(raw).record()
    snapshot.budgets.append(structs.replace(budget, rule=BudgetRule()))
    snapshot.rules.append(budget.rule)
