"""The scale of controllers that nothing is watched of: how many pods each should have.

The scale subresource of a custom resource has its wanted replicas
(kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions), whatever
its own fields are called; that is how the disruption controller counts them, too
(pkg/controller/disruption/disruption.go). Kinds without one are left out.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Owner, Pod

TIMEOUT_SECONDS = 5.0
"""For one request: an API server extension that does not answer holds nothing up for long."""

SHARED_FAILURES = frozenset({0, 401, 403, 429, 502, 503, 504})
"""Statuses of an answer that every object of a kind would get, and 0 for none. Others concern one
object: one without `spec.replicas` is answered 500."""


class OwnerRef(NamedTuple):
    """An owner of pods, with its namespace."""

    namespace: str
    owner: Owner


class Scales(NamedTuple):
    """What was read: a controller for each scale, and why others could not be read: of a kind, such
    as `CloneSet.apps.kruise.io`, or of one object: `CloneSet.apps.kruise.io shop/web`. `delay` is
    the longest that an answer asks to wait with the next reading, in seconds."""

    controllers: tuple[Controller, ...] = ()
    unread: Mapping[str, str] = {}
    delay: float = 0.0


class _ScaleSpec(Struct):
    replicas: int = 0


class _ScaleMetadata(Struct):
    uid: str = ""


class _Scale(Struct):
    """An autoscaling/v1 Scale; 0 replicas are left out there. Its uid is that of the object
    (k8s.io/apiextensions-apiserver, pkg/registry/customresource/etcd.go)."""

    metadata: _ScaleMetadata = field(default_factory=_ScaleMetadata)
    spec: _ScaleSpec = field(default_factory=_ScaleSpec)


class _GroupVersion(Struct, rename="camel"):
    group_version: str


class _Group(Struct, rename="camel"):
    """A metav1.APIGroup."""

    preferred_version: _GroupVersion


class _Resource(Struct):
    name: str
    kind: str


class _Resources(Struct):
    """A metav1.APIResourceList."""

    resources: list[_Resource]


def owners_with_scale(pods: Iterable[Pod]) -> set[OwnerRef]:
    """The owners of these pods of which nothing but a scale may be known."""
    return {
        OwnerRef(pod.key.namespace, pod.owner)
        for pod in pods
        if pod.owner is not None and pod.owner.custom and not pod.run_once
    }


async def read_scales(client: Client, owners: Iterable[OwnerRef]) -> Scales:
    """The scales of these owners; those that are gone are left out. Raises nothing: what
    cannot be read is in `unread` with the reason."""
    kinds: dict[tuple[str, str], list[OwnerRef]] = {}
    for reference in sorted(
        owners,
        key=lambda reference: (reference.namespace, reference.owner.name, reference.owner.uid),
    ):
        owner = reference.owner
        kinds.setdefault((owner.api_group, owner.kind), []).append(reference)
    parts = await asyncio.gather(
        *(
            _read_kind(client, group, kind, references)
            for (group, kind), references in kinds.items()
        )
    )
    unread = {text: why for part in parts for text, why in part.unread.items()}
    controllers = tuple(controller for part in parts for controller in part.controllers)
    return Scales(controllers, unread, max((part.delay for part in parts), default=0.0))


async def _read_kind(client: Client, group: str, kind: str, owners: list[OwnerRef]) -> Scales:
    """One after the other. A failure that the others of the kind would share ends it; any other
    leaves out one object."""
    qualified_kind = owners[0].owner.qualified_kind
    try:
        base = await _base(client, group)
        resource = await _scalable(client, base, kind)
    except (KubernetesError, msgspec.DecodeError) as error:
        return Scales((), {qualified_kind: str(error)}, _delay(error))
    controllers: list[Controller] = []
    unread: dict[str, str] = {}
    delay = 0.0
    for namespace, owner in owners if resource else ():
        key = NamespacedName(namespace, owner.name)
        path = f"{base}/namespaces/{namespace}/{resource}/{owner.name}/scale"
        try:
            replicas = await _replicas(client, path, owner.uid)
        except (KubernetesError, msgspec.DecodeError) as error:
            delay = max(delay, _delay(error))
            if isinstance(error, KubernetesError) and error.status in SHARED_FAILURES:
                unread[qualified_kind] = str(error)
                break
            unread[f"{qualified_kind} {key}"] = str(error)
            continue
        if replicas is not None:
            controllers.append(Controller(qualified_kind, key, owner.uid, replicas=replicas))
    return Scales(tuple(controllers), unread, delay)


def _delay(error: KubernetesError | msgspec.DecodeError) -> float:
    return error.delayed(0.0) if isinstance(error, KubernetesError) else 0.0


async def _base(client: Client, group: str) -> str:
    """The path of a group in the version that the API server prefers."""
    if not group:
        return "/api/v1"
    content = await client.request("GET", f"/apis/{group}", timeout=TIMEOUT_SECONDS)
    version = msgspec.json.decode(content, type=_Group).preferred_version.group_version
    return f"/apis/{version}"


async def _scalable(client: Client, base: str, kind: str) -> str:
    """The resource of a kind that has a scale; empty where it has none."""
    content = await client.request("GET", base, timeout=TIMEOUT_SECONDS)
    resources = msgspec.json.decode(content, type=_Resources).resources
    names = {resource.name for resource in resources}
    return next(
        (
            resource.name
            for resource in resources
            if resource.kind == kind and f"{resource.name}/scale" in names
        ),
        "",
    )


async def _replicas(client: Client, path: str, uid: str) -> int | None:
    """The wanted replicas; None where the owner is gone, or another has its name."""
    try:
        content = await client.request("GET", path, timeout=TIMEOUT_SECONDS)
    except KubernetesError as error:
        if error.status == 404:
            return None
        raise
    scale = msgspec.json.decode(content, type=_Scale)
    return scale.spec.replicas if scale.metadata.uid in {"", uid} else None
