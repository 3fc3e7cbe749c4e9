"""The custom resource in the simulated API server: its spec, its status, and the writes of both."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.simulator.cluster.api_server import refusal
from azure_linux_migrator.simulator.cluster.store import Store


class Body(Struct, frozen=True):
    """The resource at a revision; `created` in seconds since the epoch."""

    name: str
    uid: str
    spec: Mapping[str, Any]
    generation: int
    revision: int
    status: MigrationStatus
    annotations: Mapping[str, str] = {}
    deleting: bool = False
    created: float = 0.0


class CustomResource:
    """One AzureLinuxMigration. `body` is None after its deletion, and before it is applied for the
    first time where no spec is given."""

    def __init__(
        self, store: Store, name: str, spec: Mapping[str, Any] | None, clock: Callable[[], float]
    ) -> None:
        self._store, self._clock = store, clock
        self._name, self._incarnation = name, 1
        self.body: Body | None = self._make(f"uid-{name}", spec) if spec is not None else None
        self.watchers: list[Callable[[Body | None], None]] = []
        self.writes = 0
        """The number of status writes."""

    def recreate(self, spec: Mapping[str, Any]) -> None:
        """Apply a resource of the same name again, after the deletion of the old one."""
        if self.body is None:
            self._incarnation += 1
            fresh = self.body = self._make(f"uid-{self._name}-{self._incarnation}", spec)
            for watcher in tuple(self.watchers):
                watcher(fresh)

    def edit(self, **spec: Any) -> None:
        """A user changes fields of the spec."""
        if self.body is not None:
            self.replace({**self.body.spec, **spec})

    def replace(self, spec: Mapping[str, Any]) -> None:
        """A user applies another spec."""
        if self.body is not None and spec != self.body.spec:
            self._put(spec=spec, generation=self.body.generation + 1)

    def annotate(self, name: str, value: str) -> None:
        """A user sets an annotation."""
        if self.body is not None:
            self._put(annotations={**self.body.annotations, name: value})

    def delete(self) -> None:
        """A user deletes the resource; the finalizer of azlm keeps it."""
        if self.body is not None and not self.body.deleting:
            self._put(deleting=True, generation=self.body.generation + 1)

    def release(self) -> None:
        """Remove the finalizer: the resource is gone."""
        if self.body is not None and self.body.deleting:
            self.body = None
            for watcher in tuple(self.watchers):
                watcher(None)

    def write_status(self, status: MigrationStatus, revision: int | None) -> Body:
        """Write the status; with a revision, only if the resource still has it."""
        if self.body is None:
            raise refusal(404, "azurelinuxmigrations.azlm.dev not found")
        if revision is not None and revision != self.body.revision:
            raise refusal(409, "the object has been modified")
        self.writes += 1
        if status != self.body.status:
            self._put(status=status)
        return self.body

    def _make(self, uid: str, spec: Mapping[str, Any]) -> Body:
        revision, created = self._store.next_revision(), float(int(self._clock()))
        return Body(self._name, uid, spec, 1, revision, MigrationStatus(), created=created)

    def _put(self, **changes: Any) -> None:
        old = self.body
        if old is None:
            return
        fields = {name: getattr(old, name) for name in Body.__struct_fields__}
        self.body = Body(**(fields | changes | {"revision": self._store.next_revision()}))
        for watcher in tuple(self.watchers):
            watcher(self.body)
