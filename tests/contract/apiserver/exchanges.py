"""Requests that azlm makes, in all their outcomes, to a real or a simulated API server."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from azure_linux_migrator.api.names import API_VERSION, BATCH, CORDONED_BY, KIND, SURGE
from azure_linux_migrator.kube.client import APPLY_PATCH, JSON, JSON_PATCH, MERGE_PATCH
from azure_linux_migrator.kube.decode import DELETION_COST
from azure_linux_migrator.kube.migrations import COLLECTION

Manifest = dict[str, Any]
DEPLOYMENT = "contract"
MIGRATION = "contract"
NAMESPACE = "default"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
EVENTS = f"/api/v1/namespaces/{NAMESPACE}/events"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
OTHER_UID = "00000000-0000-4000-8000-000000000000"


class ApiServerSide(Protocol):
    """An API server."""

    async def ask(
        self, method: str, path: str, *, body: object = None, kind: str = JSON, **query: str
    ) -> tuple[int, Manifest]:
        """The status and the body of an answer."""


@dataclass
class Transcript:
    """What was answered, in the order of the requests: their name, the status, the reason of a
    refusal, and what the answer tells."""

    server: ApiServerSide
    lines: list[tuple[object, ...]]

    async def ask(
        self,
        name: str,
        method: str,
        path: str,
        *,
        body: object = None,
        kind: str = JSON,
        tells: Callable[[Manifest], object] = lambda _: None,
        **query: str,
    ) -> Manifest:
        """Make a request, and note its answer."""
        status, answer = await self.server.ask(method, path, body=body, kind=kind, **query)
        if status >= 400:
            self.lines.append((name, status, answer.get("reason")))
        else:
            self.lines.append((name, status, tells(answer)))
        return answer


def _cordon(node: Manifest) -> object:
    annotations = node["metadata"].get("annotations") or {}
    marks = {key: annotations[key] for key in (CORDONED_BY, BATCH) if key in annotations}
    return bool(node["spec"].get("unschedulable")), marks


def _escaped(name: str) -> str:
    return name.replace("/", "~1")


async def nodes(log: Transcript, node: str) -> None:
    """Cordons, batch marks, and their removal, as kube/cordon.py sends them."""
    path = f"/api/v1/nodes/{node}"
    seen = await log.ask("read a node", "GET", path, tells=_cordon)
    version = seen["metadata"]["resourceVersion"]

    def cordon(version: str, **more: object) -> Manifest:
        marks = {"annotations": {CORDONED_BY: "m", BATCH: "m.u.1"}}
        return {
            "metadata": {"resourceVersion": version, **marks, **more},
            "spec": {"unschedulable": True},
        }

    async def merge(name: str, patch: Manifest) -> Manifest:
        return await log.ask(name, "PATCH", path, body=patch, kind=MERGE_PATCH, tells=_cordon)

    async def operate(name: str, *patch: Manifest) -> Manifest:
        return await log.ask(name, "PATCH", path, body=patch, kind=JSON_PATCH, tells=_cordon)

    await merge("cordon at another version", cordon("1"))
    await merge("cordon another uid", cordon(version, uid=OTHER_UID))
    await merge("cordon", cordon(version))
    await merge("cordon at the old version", cordon(version))
    owner = f"/metadata/annotations/{_escaped(CORDONED_BY)}"
    opens = {"op": "add", "path": "/spec/unschedulable", "value": False}
    await operate(
        "uncordon somebody else's", {"op": "test", "path": owner, "value": "other"}, opens
    )
    await operate(
        "uncordon",
        {"op": "test", "path": owner, "value": "m"},
        {"op": "remove", "path": owner},
        opens,
    )
    await operate("uncordon again", {"op": "test", "path": owner, "value": "m"}, opens)
    await operate("remove what is absent", {"op": "remove", "path": owner})
    await merge("remove the mark", {"metadata": {"annotations": {BATCH: None}}})
    await merge("remove no mark", {"metadata": {"annotations": {BATCH: None}}})
    await log.ask("read no node", "GET", f"{path}-none")
    await log.ask("patch no node", "PATCH", f"{path}-none", body=cordon(version), kind=MERGE_PATCH)


async def deployments(log: Transcript) -> None:
    """Surges, as kube/surge.py sends them."""
    path = f"{DEPLOYMENTS}/{DEPLOYMENT}"
    mark = f"/metadata/annotations/{_escaped(SURGE)}"

    def scale(deployment: Manifest) -> object:
        annotations = deployment["metadata"].get("annotations") or {}
        return deployment["spec"]["replicas"], annotations.get(SURGE)

    async def operate(name: str, was: int, now: int, last: Manifest) -> None:
        patch = [
            {"op": "test", "path": "/spec/replicas", "value": was},
            {"op": "replace", "path": "/spec/replicas", "value": now},
            last,
        ]
        await log.ask(name, "PATCH", path, body=patch, kind=JSON_PATCH, tells=scale)

    note = {"metadata": {"annotations": {SURGE: "m/2"}}}
    await log.ask("note", "PATCH", path, body=note, kind=MERGE_PATCH, tells=scale)
    await operate("surge", 2, 3, {"op": "add", "path": mark, "value": "m/2"})
    await operate("surge again", 2, 3, {"op": "add", "path": mark, "value": "m/2"})
    await operate("restore", 3, 2, {"op": "remove", "path": mark})
    await operate("restore without a mark", 2, 2, {"op": "remove", "path": mark})
    forget = {"metadata": {"annotations": {SURGE: None}}}
    await log.ask("forget", "PATCH", path, body=forget, kind=MERGE_PATCH, tells=scale)
    await log.ask("patch no Deployment", "PATCH", f"{path}-none", body=note, kind=MERGE_PATCH)


async def pods(log: Transcript, pod: Manifest) -> None:
    """Deletion costs, deletions and evictions with a precondition on the uid."""
    name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
    path = f"{PODS}/{name}"

    def cost(uid: str) -> Manifest:
        return {"metadata": {"uid": uid, "annotations": {DELETION_COST: "-5"}}}

    def tells(pod: Manifest) -> object:
        return (pod["metadata"].get("annotations") or {}).get(DELETION_COST)

    def eviction(uid: str) -> Manifest:
        return {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }

    def deletion(uid: str) -> Manifest:
        return {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}

    await log.ask("mark", "PATCH", path, body=cost(uid), kind=MERGE_PATCH, tells=tells)
    await log.ask("mark another uid", "PATCH", path, body=cost(OTHER_UID), kind=MERGE_PATCH)
    await log.ask("evict another uid", "POST", f"{path}/eviction", body=eviction(OTHER_UID))
    await log.ask("delete another uid", "DELETE", path, body=deletion(OTHER_UID))
    await log.ask("evict", "POST", f"{path}/eviction", body=eviction(uid))
    await log.ask(
        "read what is evicted",
        "GET",
        path,
        tells=lambda pod: "deletionTimestamp" in pod["metadata"],
    )
    await log.ask("evict again", "POST", f"{path}/eviction", body=eviction(uid))
    await log.ask("delete again", "DELETE", path, body=deletion(uid))
    gone = f"{PODS}/{name}-none"
    await log.ask("mark no pod", "PATCH", gone, body=cost(uid), kind=MERGE_PATCH)
    await log.ask("delete no pod", "DELETE", gone, body=deletion(uid))
    missing = eviction(uid) | {"metadata": {"name": f"{name}-none", "namespace": NAMESPACE}}
    await log.ask("evict no pod", "POST", f"{gone}/eviction", body=missing)


async def leases(log: Transcript) -> None:
    """Elections, as kube/lease.py holds them."""

    def holder(lease: Manifest) -> object:
        return lease["spec"]["holderIdentity"]

    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "contract", "namespace": NAMESPACE},
        "spec": {"holderIdentity": "one", "leaseDurationSeconds": 15},
    }
    path = f"{LEASES}/contract"
    await log.ask("read no Lease", "GET", path)
    first = await log.ask("create", "POST", LEASES, body=lease, tells=holder)
    await log.ask("create again", "POST", LEASES, body=lease)
    renewed = first | {"spec": first["spec"] | {"holderIdentity": "two"}}
    await log.ask("take over", "PUT", path, body=renewed, tells=holder)
    await log.ask("renew at the old version", "PUT", path, body=first)
    await log.ask("read", "GET", path, tells=holder)
    nodes = await log.ask(
        "find by name",
        "GET",
        "/apis/coordination.k8s.io/v1/leases",
        fieldSelector="metadata.name=contract",
        tells=lambda listed: [lease["metadata"]["namespace"] for lease in listed["items"]],
    )
    newer = nodes["items"][0]["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    log.lines.append(("a write has a new version", newer))


async def events(log: Transcript) -> None:
    """Events, as kube/events.py writes them."""
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "contract.1", "namespace": NAMESPACE},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": NAMESPACE, "uid": OTHER_UID},
        "reason": "Draining",
        "message": "1 pod",
        "type": "Normal",
        "count": 1,
    }
    path = f"{EVENTS}/contract.1"
    await log.ask("create", "POST", EVENTS, body=event, tells=lambda event: event["count"])
    await log.ask("create again", "POST", EVENTS, body=event)
    counted = {"count": 2, "message": "2 pods"}
    first = await log.ask("count", "PATCH", path, body=counted, kind=MERGE_PATCH)
    again = await log.ask("count the same", "PATCH", path, body=counted, kind=MERGE_PATCH)
    same = again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    log.lines.append(("a patch without effect writes nothing", same, again["count"]))
    await log.ask("count none", "PATCH", f"{path}0", body=counted, kind=MERGE_PATCH)


async def access(log: Transcript) -> None:
    """An access review."""
    attributes = {"group": "", "resource": "nodes", "subresource": "", "verb": "patch"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    await log.ask(
        "review",
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body=review,
        tells=lambda answer: answer["status"]["allowed"],
    )


async def migrations(log: Transcript) -> None:
    """The status of the resource, applied at the version that was seen."""
    path = f"{COLLECTION}/{MIGRATION}"

    def step(migration: Manifest) -> object:
        return (migration.get("status") or {}).get("step")

    def status(version: str, **fields: object) -> Manifest:
        metadata = {"name": MIGRATION, "resourceVersion": version}
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "status": fields}

    async def apply(name: str, body: Manifest, path: str = path) -> Manifest:
        return await log.ask(
            name,
            "PATCH",
            f"{path}/status",
            body=body,
            kind=APPLY_PATCH,
            tells=step,
            fieldManager="azlm",
            force="true",
        )

    seen = await log.ask("read", "GET", path)
    version = seen["metadata"]["resourceVersion"]
    first = await apply("apply", status(version, step="Drain", message="draining"))
    log.lines.append(("its generation stays", first["metadata"]["generation"]))
    await apply("apply at the old version", status(version, step="Drain"))
    version = first["metadata"]["resourceVersion"]
    same = await apply("apply the same", status(version, step="Drain", message="draining"))
    unchanged = same["metadata"]["resourceVersion"] == version
    log.lines.append(("an apply without effect writes nothing", unchanged))
    less = await apply("apply less", status(version, step="Drain"))
    log.lines.append(("what is not applied again is gone", bool(less["status"].get("message"))))
    version = less["metadata"]["resourceVersion"]
    await apply("apply an unknown step", status(version, step="Nowhere"))
    await log.ask("read none", "GET", f"{path}-none")
    await log.ask(
        "list", "GET", COLLECTION, tells=lambda listed: [step(item) for item in listed["items"]]
    )


async def lists(log: Transcript, node: str) -> None:
    """Lists in pages, and by node and label."""
    page = await log.ask("the first page", "GET", "/api/v1/pods", limit="1", tells=_size)
    more = page["metadata"].get("continue")
    log.lines.append(("it goes on", bool(more)))
    following = {"limit": "1", "continue": str(more)}
    page = await log.ask("the second page", "GET", "/api/v1/pods", tells=_size, **following)
    log.lines.append(("at the same version", bool(page["metadata"]["resourceVersion"])))
    await log.ask(
        "the pods of no node",
        "GET",
        "/api/v1/pods",
        fieldSelector=f"spec.nodeName={node}-none",
        tells=_size,
    )
    await log.ask(
        "the nodes of no pool",
        "GET",
        "/api/v1/nodes",
        labelSelector="kubernetes.azure.com/agentpool=none",
        tells=_size,
    )


def _size(listed: Manifest) -> object:
    return len(listed.get("items") or ())


def shown(body: bytes) -> Manifest:
    """An answer's body as JSON; empty where it is none."""
    try:
        decoded = json.loads(body)
    except ValueError:
        return {}
    return dict(decoded) if isinstance(decoded, dict) else {}
