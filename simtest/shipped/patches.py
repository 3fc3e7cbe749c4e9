"""Patches of JSON objects, as the API server applies them: RFC 7386 and RFC 6902, and the
preconditions of a write."""

import copy
from typing import Any

import msgspec

from azure_linux_migrator.kube.client import JSON_PATCH, MERGE_PATCH
from azure_linux_migrator.simulator.cluster.api_server import refusal
from simtest.shipped.requests import Request

Json = Any


class PatchError(Exception):
    """An operation of a JSON patch does not apply: of a `test`, or of a path that is absent."""


def merged(document: Json, patch: Json) -> Json:
    """The document after a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def patched(document: Json, operations: list[dict[str, Any]]) -> Json:
    """The document after a JSON patch (RFC 6902), of objects only; raises PatchError."""
    result = copy.deepcopy(document)
    for operation in operations:
        _apply(result, operation)
    return result


def after_patch(document: dict[str, Any], request: Request) -> dict[str, Any]:
    """The document after the patch of a request; raises PatchError, or KubernetesError for a body
    of another kind."""
    patch = msgspec.json.decode(request.body)
    if request.content_type == MERGE_PATCH:
        return dict(merged(document, patch))
    if request.content_type == JSON_PATCH:
        return dict(patched(document, patch))
    raise refusal(415, f"the body of the request was in an unknown format: {request.content_type}")


def expect(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Optimistic concurrency: what the metadata after a write say of these must be true. Raises
    KubernetesError."""
    version = after.get("resourceVersion")
    if version and version != before["resourceVersion"]:
        raise refusal(409, "Operation cannot be fulfilled: the object has been modified")
    if after.get("uid") != before.get("uid"):
        raise refusal(422, f"metadata.uid: Invalid value: {after.get('uid')}: field is immutable")


def _apply(document: Json, operation: dict[str, Any]) -> None:
    *parents, name = (_unescaped(part) for part in operation["path"].split("/")[1:])
    place = document
    for parent in parents:
        if not isinstance(place, dict) or parent not in place:
            raise PatchError(f"{operation['op']}: the path {operation['path']} does not exist")
        place = place[parent]
    match operation["op"]:
        case "test":
            if name not in place or place[name] != operation["value"]:
                raise PatchError(f"testing value {operation['path']} failed")
        case "add":
            place[name] = operation["value"]
        case "replace" if name in place:
            place[name] = operation["value"]
        case "remove" if name in place:
            del place[name]
        case other:
            raise PatchError(f"{other}: the path {operation['path']} does not exist")


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
