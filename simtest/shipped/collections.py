"""The objects of the simulated API server by resource, with their changes as watches see them.

Objects are written to JSON when somebody reads them, once for each revision.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from azure_linux_migrator.model.cluster import (
    Attachment,
    Budget,
    Controller,
    NamespacedName,
    Node,
    Pod,
    Volume,
)
from azure_linux_migrator.simulator.cluster.disruption_controller import DisruptionController
from azure_linux_migrator.simulator.cluster.store import Store
from simtest.shipped import manifests
from simtest.shipped.manifests import Manifest

HISTORY = 1000
"""Changes that a resource keeps: watches from before are answered with 410 Gone."""

Key = NamespacedName
Sink = Callable[[bytes], None]
"""Gets each line of a watch."""


class Change(Struct):
    """One write of an object; `line` is what watches get, made at the first use."""

    revision: int
    type: str
    record: Any
    line: bytes = b""


class Collection:
    """One resource. `read` gives the present records by key, `encode` writes one."""

    def __init__(
        self,
        path: str,
        kind: str,
        read: Callable[[], Iterable[tuple[Key, Any]]],
        encode: Callable[[Any], Manifest],
        revision: int,
    ) -> None:
        self.path = path
        self.kind = kind
        self.api_version = path.removeprefix("/apis/").removeprefix("/api/").rpartition("/")[0]
        self.read = read
        self._encode = encode
        self.revisions: dict[Key, int] = {}
        self._first = revision
        self._documents: dict[Key, tuple[int, bytes]] = {}
        self._changes: deque[Change] = deque(maxlen=HISTORY)
        self._horizon = revision
        self.sinks: list[Sink] = []

    def revision_of(self, key: Key) -> int:
        """The resourceVersion of an object."""
        return self.revisions.get(key, self._first)

    def manifest(self, key: Key, record: Any, revision: int | None = None) -> Manifest:
        """An object as JSON."""
        manifest = self._encode(record)
        version = str(self.revision_of(key) if revision is None else revision)
        manifest["metadata"]["resourceVersion"] = version
        return {"apiVersion": self.api_version, "kind": self.kind} | manifest

    def document(self, key: Key, record: Any) -> bytes:
        """An object as bytes."""
        revision = self.revision_of(key)
        cached = self._documents.get(key)
        if cached is None or cached[0] != revision:
            encoded = msgspec.json.encode(self.manifest(key, record))
            cached = self._documents[key] = (revision, encoded)
        return cached[1]

    def changed(self, key: Key, old: Any, new: Any, revision: int) -> None:
        """An object was written: notify the watches."""
        kind = "DELETED" if new is None else "MODIFIED" if old is not None else "ADDED"
        if new is None:
            self.revisions.pop(key, None)
            self._documents.pop(key, None)
        else:
            self.revisions[key] = revision
        change = Change(revision, kind, old if new is None else new)
        if len(self._changes) == HISTORY:
            self._horizon = self._changes[0].revision
        self._changes.append(change)
        if self.sinks:
            line = self._line(key, change)
            for sink in tuple(self.sinks):
                sink(line)

    def since(self, revision: int) -> list[bytes] | None:
        """The lines of the changes after a revision; None if some are not kept any more."""
        if revision < self._horizon:
            return None
        return [
            self._line(_key(change.record), change)
            for change in self._changes
            if change.revision > revision
        ]

    def compact(self, revision: int) -> None:
        """Forget the changes so far, as etcd does after its compaction."""
        self._horizon = revision
        self._changes.clear()

    def _line(self, key: Key, change: Change) -> bytes:
        if not change.line:
            if change.type != "DELETED" and self.revision_of(key) == change.revision:
                document = self.document(key, change.record)
            else:
                manifest = self.manifest(key, change.record, change.revision)
                document = msgspec.json.encode(manifest)
            change.line = line(change.type, document)
        return change.line


def line(kind: str, document: bytes) -> bytes:
    """One event of a watch."""
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), document)


class Collections:
    """The resources of one cluster, which follow its store (simulator/cluster/store.py)."""

    def __init__(self, store: Store, disruption: DisruptionController) -> None:
        first = store.revision
        self.by_path: dict[str, Collection] = {}
        self._kinds: dict[str, Collection] = {}

        def add(path: str, kind: str, read: Any, encode: Any) -> Collection:
            collection = Collection(path, kind, read, encode, first)
            self.by_path[path] = self._kinds[kind] = collection
            return collection

        self.nodes = add(
            "/api/v1/nodes", "Node", lambda: _named(store.nodes), manifests.node_manifest
        )
        self.pods = add("/api/v1/pods", "Pod", store.pods.items, manifests.pod_manifest)
        self._budgets = add(
            "/apis/policy/v1/poddisruptionbudgets",
            "PodDisruptionBudget",
            store.budgets.items,
            lambda budget: manifests.budget_manifest(budget, disruption.rules[budget.key]),
        )
        self._volumes = add(
            "/api/v1/persistentvolumes",
            "PersistentVolume",
            lambda: _named(store.volumes),
            manifests.volume_manifest,
        )
        self._attachments = add(
            "/apis/storage.k8s.io/v1/volumeattachments",
            "VolumeAttachment",
            lambda: _named(store.attachments),
            manifests.attachment_manifest,
        )
        for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
            add(
                f"/apis/apps/v1/{kind.lower()}s",
                kind,
                lambda kind=kind: [
                    (controller.key, controller)
                    for controller in store.controllers.values()
                    if controller.kind == kind
                ],
                manifests.controller_manifest,
            )
        for pod in store.pods.values():
            self.pods.revisions[pod.key] = pod.revision
        for budget in store.budgets.values():
            self._budgets.revisions[budget.key] = budget.revision
        self._store = store
        store.watchers.append(self)

    # The watcher of the store

    def node(self, old: Node | None, new: Node | None) -> None:
        """A node."""
        self._tell(self.nodes, old, new)

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod."""
        self._tell(self.pods, old, new)

    def budget(self, old: Budget | None, new: Budget | None) -> None:
        """A disruption budget."""
        self._tell(self._budgets, old, new)

    def controller(self, old: Controller | None, new: Controller | None) -> None:
        """A controller."""
        kind = new.kind if new is not None else old.kind if old is not None else ""
        self._tell(self._kinds[kind], old, new)

    def volume(self, old: Volume | None, new: Volume | None) -> None:
        """A volume."""
        self._tell(self._volumes, old, new)

    def attachment(self, old: Attachment | None, new: Attachment | None) -> None:
        """An attachment."""
        self._tell(self._attachments, old, new)

    def _tell(self, collection: Collection, old: Any, new: Any) -> None:
        collection.changed(_key(new if new is not None else old), old, new, self._store.revision)


def _key(record: Any) -> Key:
    return record.key if hasattr(record, "key") else NamespacedName("", record.name)


def _named(records: Mapping[str, Any]) -> Iterable[tuple[Key, Any]]:
    return [(NamespacedName("", name), record) for name, record in records.items()]
