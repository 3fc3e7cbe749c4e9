"""Counts requests by user, from the audit log of the API server."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class AuditedRequest:
    """One completed request. `name` is the object's, `resource` includes the subresource."""

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    at: str = ""
    dry_run: bool = False


class AuditLog:
    """Reads an audit log from a mark on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def mark(self) -> None:
        """Forget all requests up to now."""
        self._offset = self._path.stat().st_size

    def requests(self, user: str | None = None) -> Iterator[AuditedRequest]:
        """Requests since the mark, of one user or of all."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                request = _parse(json.loads(line))
                if user is None or request.user == user:
                    yield request

    def writes(self, user: str) -> Counter[str]:
        """Changing requests of a user, counted as `verb resource`."""
        return Counter(
            f"{request.verb} {request.resource}"
            for request in self.requests(user)
            if request.verb in WRITES
            and not request.dry_run
            and "subjectaccessreviews" not in request.resource
        )

    def evictions(self, user: str | None = None) -> Counter[int]:
        """Evictions by the status code of their answer."""
        return Counter(
            request.code for request in self.requests(user) if request.resource == "pods/eviction"
        )

    def evicted(self) -> Counter[tuple[str, str]]:
        """How often an eviction of each pod was granted, by namespace and name."""
        return Counter(
            (request.namespace, request.name)
            for request in self.requests()
            if request.resource == "pods/eviction" and request.code == 201
        )


def _parse(event: dict[str, object]) -> AuditedRequest:
    reference = event.get("objectRef")
    fields = reference if isinstance(reference, dict) else {}
    user, response = event.get("user"), event.get("responseStatus")
    sub = fields.get("subresource")
    return AuditedRequest(
        user=str(user.get("username")) if isinstance(user, dict) else "",
        verb=str(event.get("verb")),
        resource=str(fields.get("resource") or "") + (f"/{sub}" if sub else ""),
        namespace=str(fields.get("namespace") or ""),
        name=str(fields.get("name") or ""),
        at=str(event.get("requestReceivedTimestamp")),
        dry_run="dryRun=" in str(event.get("requestURI")),
        code=int(response.get("code") or 0) if isinstance(response, dict) else 0,
    )
