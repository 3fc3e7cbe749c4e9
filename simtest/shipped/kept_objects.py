"""Leases and Events in the simulated API server: the cluster does not use them, so they are kept as
they are written."""

from collections.abc import Callable
from typing import Any

import msgspec

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.simulator.cluster.api_server import refusal
from azure_linux_migrator.simulator.cluster.store import Store
from simtest.shipped.patches import after_patch, expect
from simtest.shipped.requests import Request, RequestTarget

Manifest = dict[str, Any]

LEASES = "/apis/coordination.k8s.io/v1/leases"
EVENTS = "/api/v1/events"
KEPT = frozenset((LEASES, EVENTS))


class KeptObjects:
    """The objects of these resources; each write of one takes the next revision of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, dict[NamespacedName, Manifest]] = {path: {} for path in KEPT}
        self.events_written = 0
        """How often events were written: created, or counted."""
        self.on_event: Callable[[Manifest], None] = lambda _: None
        """Called with each event that is written."""

    def lease_holder(self, name: str) -> str:
        """Who holds the Lease of that name; empty where nobody does."""
        leases = (lease for key, lease in self._kept[LEASES].items() if key.name == name)
        return next((str(lease["spec"].get("holderIdentity") or "") for lease in leases), "")

    def answer(self, request: Request, target: RequestTarget) -> Manifest:
        """Let a request take effect; raises KubernetesError or PatchError."""
        kept, key = self._kept[target.collection], target.key
        self.events_written += target.collection == EVENTS and request.method != "GET"
        body: Manifest = msgspec.json.decode(request.body) if request.body else {}
        if not key.name and request.method == "GET":
            wanted = request.query.get("fieldSelector", "").partition("=")[2]
            items = [kept[key] for key in kept if not wanted or key.name == wanted]
            return {"metadata": {"resourceVersion": str(self._store.revision)}, "items": items}
        if target.collection == EVENTS and request.method != "GET":
            after = self._write(kept, key, body, request)
            self.on_event(after)
            return after
        return self._write(kept, key, body, request)

    def _write(
        self,
        kept: dict[NamespacedName, Manifest],
        key: NamespacedName,
        body: Manifest,
        request: Request,
    ) -> Manifest:
        if request.method == "POST":
            key = NamespacedName(key.namespace, body["metadata"]["name"])
            if key in kept:
                exists = {"reason": "AlreadyExists"}
                raise KubernetesError(409, f'"{key.name}" already exists', body=exists)
            return self._put(kept, key, body)
        if key not in kept:
            raise refusal(404, f'"{key.name}" not found')
        if request.method == "GET":
            return kept[key]
        after = body if request.method == "PUT" else after_patch(kept[key], request)
        expect(kept[key]["metadata"], after["metadata"])
        return self._put(kept, key, after)

    def _put(
        self, kept: dict[NamespacedName, Manifest], key: NamespacedName, body: Manifest
    ) -> Manifest:
        if body == kept.get(key):
            return kept[key]
        version = str(self._store.next_revision())
        kept[key] = body | {"metadata": body["metadata"] | {"resourceVersion": version}}
        return kept[key]
