"""The simulated API server: requests in, answers out, over the store of the simulated cluster.

It has no time and no network: simtest/shipped/network.py has. tests/contract/apiserver sends the
same requests to it and to the real one.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from azure_linux_migrator.api.names import (
    API_VERSION,
    BATCH,
    CORDONED_BY,
    FINALIZER,
    KIND,
    RESTARTED,
    SURGE,
)
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import APPLY_PATCH, JSON_PATCH, MERGE_PATCH
from azure_linux_migrator.kube.decode import DELETION_COST
from azure_linux_migrator.kube.migrations import COLLECTION as MIGRATIONS
from azure_linux_migrator.kube.reflector import INITIAL_END
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.api_server import refusal
from simtest.custom_resource import Body, CustomResource
from simtest.shipped.collections import Collection, Collections, Sink, line
from simtest.shipped.manifests import Manifest, written
from simtest.shipped.patches import PatchError, merged, patched
from simtest.shipped.requests import VERBS, Answer, Request, Target, failure, target_of

LEASES = "/apis/coordination.k8s.io/v1/leases"
EVENTS = "/api/v1/events"
KEPT = {LEASES: "Lease", EVENTS: "Event"}
"""Resources that the cluster itself does not use: kept as they are written."""
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class SimulatedApiServer:
    """The API of one simulated cluster. `resource` is the one AzureLinuxMigration in it. A list is
    answered in pages of `page` objects at most; `streams_lists` is whether a watch may begin with
    one."""

    def __init__(self, cluster: SimulatedCluster, resource: CustomResource) -> None:
        self.store = cluster.store
        self.resource = resource
        self.collections = Collections(cluster.store, cluster.disruption)
        self._cluster = cluster
        self._kept: dict[str, dict[NamespacedName, Manifest]] = {path: {} for path in KEPT}
        self._pages: dict[str, tuple[int, list[bytes]]] = {}
        self._events = 0
        self.page = 500
        self.streams_lists = True

    def answer(self, request: Request) -> Answer:
        """Let a request take effect."""
        try:
            body = self._answer(request, target_of(request.path))
        except PatchError as error:
            return failure(KubernetesError(422, str(error)))
        except KubernetesError as error:
            return failure(error)
        return Answer(201 if request.method == "POST" else 200, body)

    def _answer(self, request: Request, target: Target) -> bytes:
        self._authorize(request, target)
        if request.path == REVIEWS:
            return self._review(msgspec.json.decode(request.body))
        if target.collection in KEPT:
            return msgspec.json.encode(self._keep(request, target))
        if target.collection == MIGRATIONS:
            return msgspec.json.encode(self._migration(request, target))
        collection = self.collections.by_path.get(target.collection)
        if collection is None:
            return self._list_of("List", [], {})
        if request.method == "GET":
            if target.key.name:
                return collection.document(target.key, self._record(collection, target))
            return self._list(collection, request.query)
        return self._write(collection, request, target)

    def _authorize(self, request: Request, target: Target) -> None:
        verb = VERBS[request.method]
        if verb == "get" and not target.key.name:
            verb = "watch" if request.query.get("watch") else "list"
        if f"{verb} {target.resource}" in self._cluster.missing:
            raise refusal(403, f"{target.resource} is forbidden: cannot {verb}")

    def _record(self, collection: Collection, target: Target) -> Any:
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

    def lease_holder(self, name: str) -> str:
        """Who holds the Lease of that name; empty where nobody does."""
        leases = (lease for key, lease in self._kept[LEASES].items() if key.name == name)
        return next((str(lease["spec"].get("holderIdentity") or "") for lease in leases), "")

    def events_written(self) -> int:
        """How often events were written: created, or counted."""
        return self._events

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
        """The present revision, told to a watch; the first one ends a streamed list."""
        metadata: Manifest = {"resourceVersion": str(self.store.revision)}
        if first:
            metadata["annotations"] = {INITIAL_END: "true"}
        kind = {"kind": collection.kind, "apiVersion": collection.api_version}
        return line("BOOKMARK", msgspec.json.encode(kind | {"metadata": metadata}))

    # Writes

    def _write(self, collection: Collection, request: Request, target: Target) -> bytes:
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
        after = _apply(before, request)
        _expect(before["metadata"], after["metadata"])
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

    # The custom resource

    def _migration(self, request: Request, target: Target) -> Manifest:
        body = self.resource.body
        if not target.key.name:
            items = [migration_manifest(body)] if body is not None else []
            return {"kind": f"{KIND}List", "metadata": {"resourceVersion": "1"}, "items": items}
        if body is None or target.key.name != body.name:
            raise refusal(404, f'azurelinuxmigrations.azlm.dev "{target.key.name}" not found')
        if request.method == "PATCH" and target.subresource == "status":
            return self._apply_status(request)
        if request.method != "GET":
            raise refusal(405, f"{request.method} is not simulated for {request.path}")
        return migration_manifest(body)

    def _apply_status(self, request: Request) -> Manifest:
        """Server-side apply by the only writer: the whole status is replaced."""
        if request.content_type != APPLY_PATCH or request.query.get("fieldManager") is None:
            raise refusal(415, "only server-side apply is simulated for a status")
        applied = msgspec.json.decode(request.body)
        try:
            status = MigrationStatus.model_validate(applied["status"])
        except ValidationError as error:
            raise refusal(422, f"the status is invalid: {error}") from error
        version = applied["metadata"].get("resourceVersion")
        return migration_manifest(
            self.resource.write_status(status, None if version is None else int(version))
        )

    # Other resources

    def _keep(self, request: Request, target: Target) -> Manifest:
        kept, key = self._kept[target.collection], target.key
        self._events += target.collection == EVENTS and request.method != "GET"
        body: Manifest = msgspec.json.decode(request.body) if request.body else {}
        if not key.name and request.method == "GET":
            wanted = request.query.get("fieldSelector", "").partition("=")[2]
            items = [kept[key] for key in kept if not wanted or key.name == wanted]
            return {"metadata": {"resourceVersion": str(self.store.revision)}, "items": items}
        if request.method == "POST":
            key = NamespacedName(key.namespace, body["metadata"]["name"])
            if key in kept:
                raise _because(409, f'"{key.name}" already exists', "AlreadyExists")
            return self._put(kept, key, body)
        if key not in kept:
            raise refusal(404, f'"{key.name}" not found')
        if request.method == "GET":
            return kept[key]
        after = body if request.method == "PUT" else _apply(kept[key], request)
        _expect(kept[key]["metadata"], after["metadata"])
        return self._put(kept, key, after)

    def _put(
        self, kept: dict[NamespacedName, Manifest], key: NamespacedName, body: Manifest
    ) -> Manifest:
        if body == kept.get(key):
            return kept[key]
        version = str(self.store.next_revision())
        kept[key] = body | {"metadata": body["metadata"] | {"resourceVersion": version}}
        return kept[key]

    def _review(self, review: Manifest) -> bytes:
        asked = review["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        allowed = f"{asked['verb']} {resource}" not in self._cluster.missing
        return msgspec.json.encode(review | {"status": {"allowed": allowed}})


def migration_manifest(body: Body) -> Manifest:
    """The custom resource."""
    metadata: Manifest = {
        "name": body.name,
        "uid": body.uid,
        "generation": body.generation,
        "resourceVersion": str(body.revision),
        "creationTimestamp": written(body.created),
        "annotations": dict(body.annotations),
        "finalizers": [FINALIZER],
    }
    if body.deleting:
        metadata["deletionTimestamp"] = written(body.created)
    status = body.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "spec": dict(body.spec),
        "status": status,
    }


def _because(status: int, message: str, reason: str) -> KubernetesError:
    return KubernetesError(status, message, body={"reason": reason})


def _apply(document: Manifest, request: Request) -> Manifest:
    patch = msgspec.json.decode(request.body)
    if request.content_type == MERGE_PATCH:
        return dict(merged(document, patch))
    if request.content_type == JSON_PATCH:
        return dict(patched(document, patch))
    raise refusal(415, f"the body of the request was in an unknown format: {request.content_type}")


def _expect(before: Manifest, after: Manifest) -> None:
    """Optimistic concurrency: what a patch says of these must be true."""
    version = after.get("resourceVersion")
    if version and version != before["resourceVersion"]:
        raise refusal(409, "Operation cannot be fulfilled: the object has been modified")
    if after.get("uid") != before.get("uid"):
        raise refusal(422, f"metadata.uid: Invalid value: {after.get('uid')}: field is immutable")


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
