"""The simulated API server: requests in, answers out, over the store of the simulated cluster.

It has no time and no network: simtest/shipped/network.py has. tests/contract/apiserver sends the
same requests to it and to the real one.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from azure_linux_migrator.api.names import (
    BATCH,
    CORDONED_BY,
    RESTARTED,
    SURGE,
)
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.decode import DELETION_COST
from azure_linux_migrator.kube.migrations import COLLECTION as MIGRATIONS
from azure_linux_migrator.kube.reflector import INITIAL_END
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.api_server import refusal
from simtest.custom_resource import CustomResource
from simtest.shipped.collections import Collection, Collections, Sink, line
from simtest.shipped.kept_objects import KEPT, KeptObjects
from simtest.shipped.manifests import Manifest
from simtest.shipped.migration_objects import MigrationObjects
from simtest.shipped.patches import PatchError, after_patch, expect
from simtest.shipped.requests import VERBS, Answer, Request, RequestTarget, failure, target_of

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class SimulatedApiServer:
    """The API of one simulated cluster. `resources` are the AzureLinuxMigrations in it. A list is
    answered in pages of `page` objects at most; `streams_lists` is whether a watch may begin with
    one."""

    def __init__(self, cluster: SimulatedCluster, *resources: CustomResource) -> None:
        self.store = cluster.store
        self.collections = Collections(cluster.store, cluster.disruption)
        self._cluster = cluster
        self.kept = KeptObjects(cluster.store)
        self._migrations = MigrationObjects(*resources)
        self._pages: dict[str, tuple[int, list[bytes]]] = {}
        self.page = 500
        self.streams_lists = True
        self.missing: tuple[str, ...] = ()
        """Rights that the operator has not, as verb and resource: `patch nodes`."""

    def answer(self, request: Request) -> Answer:
        """Let a request take effect."""
        try:
            body = self._answer(request, target_of(request.path))
        except PatchError as error:
            return failure(KubernetesError(422, str(error)))
        except KubernetesError as error:
            return failure(error)
        return Answer(201 if request.method == "POST" else 200, body)

    def _answer(self, request: Request, target: RequestTarget) -> bytes:
        self._authorize(request, target)
        if request.path == REVIEWS:
            return self._review(msgspec.json.decode(request.body))
        if target.collection in KEPT:
            return msgspec.json.encode(self.kept.answer(request, target))
        if target.collection == MIGRATIONS:
            return msgspec.json.encode(self._migrations.answer(request, target))
        collection = self.collections.by_path.get(target.collection)
        if collection is None:
            return self._list_of("List", [], {})
        if request.method == "GET":
            if target.key.name:
                return collection.document(target.key, self._record(collection, target))
            return self._list(collection, request.query)
        return self._write(collection, request, target)

    def _authorize(self, request: Request, target: RequestTarget) -> None:
        verb = VERBS[request.method]
        if verb == "get" and not target.key.name:
            verb = "watch" if request.query.get("watch") else "list"
        if f"{verb} {target.resource}" in self.missing:
            raise refusal(403, f"{target.resource} is forbidden: cannot {verb}")

    def _record(self, collection: Collection, target: RequestTarget) -> Any:
        records: Any = dict(collection.read())
        record = records.get(target.key)
        if record is None:
            raise refusal(404, f'{target.resource} "{target.key.name}" not found')
        return record

    # Lists

    def _list(self, collection: Collection, query: Mapping[str, str]) -> bytes:
        if token := query.get("continue"):
            revision, documents = self._pages.pop(token, (0, []))
            if not revision:
                raise refusal(410, "The provided continue parameter is too old")
        else:
            revision = self.store.revision
            chosen = self._selected(collection, query)
            documents = [collection.document(key, record) for key, record in chosen]
        metadata: Manifest = {"resourceVersion": str(revision)}
        limit = min(int(query["limit"]), self.page) if "limit" in query else len(documents)
        if len(documents) > limit:
            metadata["continue"] = f"{collection.kind}-{revision}-{len(self._pages)}"
            self._pages[metadata["continue"]] = (revision, documents[limit:])
            documents = documents[:limit]
        return self._list_of(f"{collection.kind}List", documents, metadata)

    def _list_of(self, kind: str, documents: list[bytes], metadata: Manifest) -> bytes:
        metadata = {"resourceVersion": str(self.store.revision)} | metadata
        items = [msgspec.Raw(document) for document in documents]
        return msgspec.json.encode({"kind": kind, "metadata": metadata, "items": items})

    def _selected(
        self, collection: Collection, query: Mapping[str, str]
    ) -> list[tuple[NamespacedName, Any]]:
        field, _, wanted = query.get("fieldSelector", "").partition("=")
        if field == "spec.nodeName":
            return list(self.store.pods_on.get(wanted, {}).items())
        records = list(collection.read())
        label, _, value = query.get("labelSelector", "").partition("=")
        if not label:
            return records
        return [
            (key, record)
            for key, record in records
            if collection.manifest(key, record)["metadata"]["labels"].get(label) == value
        ]

    def conflicts(self, pod: NamespacedName) -> bool:
        """Whether an eviction has to wait for the write of another one of its budget."""
        return self._cluster.api.conflicts(pod)

    # Watches

    def watch(self, request: Request, sink: Sink) -> Answer | list[bytes]:
        """Begin a watch: its first lines, after which the sink gets every change. A watch from a
        revision that is not kept any more ends after an error, and has no sink."""
        target, query = target_of(request.path), request.query
        try:
            self._authorize(request, target)
        except KubernetesError as error:
            return failure(error)
        collection = self.collections.by_path[target.collection]
        if query.get("sendInitialEvents") == "true":
            if not self.streams_lists:
                text = "sendInitialEvents is forbidden for watch unless the WatchList feature gate"
                return failure(refusal(422, f"{text} is enabled"))
            lines = [
                line("ADDED", collection.document(key, record)) for key, record in collection.read()
            ]
            lines.append(self.bookmark(collection, first=True))
        else:
            changes = collection.since(int(query["resourceVersion"]))
            if changes is None:
                gone = failure(refusal(410, "too old resource version"))
                return [line("ERROR", gone.body)]
            lines = changes
        collection.sinks.append(sink)
        return lines

    def bookmark(self, collection: Collection, *, first: bool = False) -> bytes:
        """The present revision, sent to a watch; the first one ends a streamed list."""
        metadata: Manifest = {"resourceVersion": str(self.store.revision)}
        if first:
            metadata["annotations"] = {INITIAL_END: "true"}
        kind = {"kind": collection.kind, "apiVersion": collection.api_version}
        return line("BOOKMARK", msgspec.json.encode(kind | {"metadata": metadata}))

    # Writes

    def _write(self, collection: Collection, request: Request, target: RequestTarget) -> bytes:
        key = target.key
        if target.subresource == "eviction" and request.method == "POST":
            options = msgspec.json.decode(request.body).get("deleteOptions") or {}
            self._cluster.api.evict(key, self._uid(key, options))
            return msgspec.json.encode({"kind": "Status", "status": "Success", "code": 201})
        record = self._record(collection, target)
        if request.method == "DELETE" and collection is self.collections.pods:
            self._cluster.api.delete(key, self._uid(key, msgspec.json.decode(request.body)))
            return msgspec.json.encode({"kind": "Status", "status": "Success"})
        if request.method != "PATCH":
            raise refusal(405, f"{request.method} is not simulated for {request.path}")
        before = collection.manifest(key, record)
        after = after_patch(before, request)
        expect(before["metadata"], after["metadata"])
        self._change(collection, key, before, after)
        return collection.document(key, self._record(collection, target))

    def _uid(self, key: NamespacedName, options: Mapping[str, Any]) -> str:
        """The uid of the preconditions; without one any pod of that name is meant."""
        pod = self.store.pods.get(key)
        wanted = (options.get("preconditions") or {}).get("uid")
        return str(wanted or (pod.uid if pod else ""))

    def _change(
        self, collection: Collection, key: NamespacedName, before: Manifest, after: Manifest
    ) -> None:
        """Take over what may differ. Raises ValueError for a field that nobody may write here."""
        old, new = _fields(before), _fields(after)
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        match collection.kind:
            case "Node":
                if changed - {"unschedulable", CORDONED_BY, BATCH}:
                    raise ValueError(f"unexpected changes of node {key.name}: {changed}")
                self.store.change_node(
                    key.name,
                    unschedulable=bool(new.get("unschedulable")),
                    cordoned_by=new.get(CORDONED_BY) or "",
                    batch=new.get(BATCH) or "",
                )
            case "Pod":
                if changed - {DELETION_COST}:
                    raise ValueError(f"unexpected changes of pod {key}: {changed}")
                self.store.change_pod(key, deletion_cost=int(new.get(DELETION_COST) or 0))
            case "Deployment":
                if changed - {"replicas", SURGE, RESTARTED}:
                    raise ValueError(f"unexpected changes of Deployment {key}: {changed}")
                self._change_deployment(key, new, changed)
            case kind:
                raise ValueError(f"a {kind} is not written by azlm")

    def _change_deployment(
        self, key: NamespacedName, new: dict[str, Any], changed: set[str]
    ) -> None:
        workloads = self._cluster.workloads
        surge = str(new.get(SURGE) or "")
        if "replicas" in changed:
            workloads.scale(key, int(new["replicas"]), surge=surge)
        elif SURGE in changed:
            workloads.note(key, surge)
        if RESTARTED in changed:
            workloads.restart(key, str(new[RESTARTED]))

    # Access

    def _review(self, review: Manifest) -> bytes:
        asked = review["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        allowed = f"{asked['verb']} {resource}" not in self.missing
        return msgspec.json.encode(review | {"status": {"allowed": allowed}})


def _fields(manifest: Manifest) -> dict[str, Any]:
    """The fields that differ between objects of a kind and that clients may write, flat."""
    spec = dict(manifest["spec"])
    template = spec.pop("template", {})
    labels = manifest["metadata"].get("labels") or {}
    return (
        {"unschedulable": False}
        | {name: value for name, value in spec.items() if value is not None}
        | dict(manifest["metadata"].get("annotations") or {})
        | dict((template.get("metadata") or {}).get("annotations") or {})
        | {f"label {name}": value for name, value in labels.items()}
    )
