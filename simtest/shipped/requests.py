"""Requests to the simulated API server and its answers, and what a path names."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec
from msgspec import Struct

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import NamespacedName

REASONS = {
    400: "BadRequest",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Request(Struct, frozen=True):
    """A request; `body` is empty where there is none."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes = b""
    content_type: str = ""


class Answer(Struct, frozen=True):
    """An answer; `retry_after` in seconds is its header of that name, if there is one."""

    status: int
    body: bytes = b""
    retry_after: float | None = None


class RequestTarget(Struct, frozen=True):
    """What a path names: the collection, and the object in it if `name` is set."""

    collection: str
    key: NamespacedName
    subresource: str = ""

    @property
    def resource(self) -> str:
        """The resource as access reviews name it, such as `pods/eviction`."""
        plural = self.collection.rpartition("/")[2]
        return f"{plural}/{self.subresource}" if self.subresource else plural


@lru_cache(4096)
def target_of(path: str) -> RequestTarget:
    """Read a path of the API."""
    parts = path.strip("/").split("/")
    prefix, rest = (parts[:2], parts[2:]) if parts[0] == "api" else (parts[:3], parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    name, subresource = (*rest[1:], "", "")[:2]
    collection = "/" + "/".join((*prefix, rest[0]))
    return RequestTarget(collection, NamespacedName(namespace, name), subresource)


def failure(error: KubernetesError) -> Answer:
    """A refusal as a metav1.Status."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": error.message,
        "reason": REASONS.get(error.status, ""),
        "code": error.status,
    }
    return Answer(error.status, msgspec.json.encode(body | error.body), error.retry_after)
