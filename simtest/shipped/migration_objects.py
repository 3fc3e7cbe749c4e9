"""The AzureLinuxMigration in the simulated API server: its manifest, its reads, and the writes of
its status."""

from typing import Any

import msgspec
from pydantic import ValidationError

from azure_linux_migrator.api.names import API_VERSION, FINALIZER, KIND
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.kube.client import APPLY_PATCH
from azure_linux_migrator.simulator.cluster.api_server import refusal
from simtest.custom_resource import Body, CustomResource
from simtest.shipped.manifests import written
from simtest.shipped.requests import Request, RequestTarget

Manifest = dict[str, Any]


class MigrationObjects:
    """The resources of a simulated cluster."""

    def __init__(self, *resources: CustomResource) -> None:
        self._resources = resources

    def answer(self, request: Request, target: RequestTarget) -> Manifest:
        """Let a request take effect; raises KubernetesError."""
        there = {resource.body.name: resource for resource in self._resources if resource.body}
        if not target.key.name:
            items = [
                migration_manifest(resource.body) for resource in there.values() if resource.body
            ]
            return {"kind": f"{KIND}List", "metadata": {"resourceVersion": "1"}, "items": items}
        resource = there.get(target.key.name)
        if resource is None or resource.body is None:
            raise refusal(404, f'azurelinuxmigrations.azlm.dev "{target.key.name}" not found')
        if request.method == "PATCH" and target.subresource == "status":
            return self._apply_status(resource, request)
        if request.method != "GET":
            raise refusal(405, f"{request.method} is not simulated for {request.path}")
        return migration_manifest(resource.body)

    def _apply_status(self, resource: CustomResource, request: Request) -> Manifest:
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
            resource.write_status(status, None if version is None else int(version))
        )


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
