"""A support bundle: what support needs to understand a migration, under pseudonyms.

Reads only. What cannot be read is left out, and `README.txt` in the bundle says why.
"""

import io
import json
import random
import tarfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import yaml

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.cli.read import connected_pools
from azure_linux_migrator.cli.render import plan_text
from azure_linux_migrator.cli.render.migration_data import data
from azure_linux_migrator.cli.render.migration_history import entries
from azure_linux_migrator.cli.view.migration_view import MigrationView, events_of
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.core.reconcile.lenient_parsing import readable_spec
from azure_linux_migrator.errors import AzlmError
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.pseudonyms import KnownNames, Pseudonyms
from azure_linux_migrator.forecast.redact import pseudonyms_of, redact_with
from azure_linux_migrator.forecast.redact_text import TextRedaction
from azure_linux_migrator.forecast.runs import plan
from azure_linux_migrator.forecast.snapshot import unwritable, with_azure
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.snapshot import read_cluster
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot

LOG_LINES = 5_000
"""Of each operator pod, the newest."""
OPERATOR = "app.kubernetes.io/name=azlm"
WIDTH = 120
_ABOUT = """Report of azlm {version} about migration {name}, {when}

{pseudonyms}

migration.yaml  the resource with its status
history.txt     conditions and events by time
nodes.json      the nodes of the source, with their batches
operator.log    the newest {lines} lines of each operator pod
snapshot.json   the cluster; azlm plan --snapshot reads it
plan.txt        a forecast of the migration

"""


class Report:
    """The files of one bundle. `missing` says what could not be read."""

    def __init__(self, view: MigrationView, *, redacted: bool) -> None:
        self._view = view
        self._redacted = redacted
        self.files: dict[str, str] = {}
        self.missing: list[str] = []

    async def collect(self, client: Client, settings: Settings, *, forecast: bool) -> None:
        """Read everything."""
        view = self._view
        spec, _ = readable_spec(view.body.get("spec") or {})
        snapshot = await read_cluster(client, time.time())
        snapshot = await self._try("pools", lambda: _with_pools(snapshot, settings, spec), snapshot)
        pools = frozenset((view.migration.old_pool, view.migration.new_pool))
        names = pseudonyms_of(snapshot, random.SystemRandom(), KnownNames(view.name, pools))
        text = self._redaction(snapshot, names, settings)
        self.files["migration.yaml"] = yaml.safe_dump(text.value(view.body), sort_keys=False)
        events = await self._try("events", lambda: events_of(client, view), [])
        self.files["history.txt"] = text.text(
            "\n".join(_line(entry) for entry in entries(view, events)) + "\n"
        )
        self.files["nodes.json"] = json.dumps(text.value(data(view)["nodes"]), indent=2)
        self.files["operator.log"] = text.text(await self._logs(client))
        shown = redact_with(names, snapshot) if self._redacted else snapshot
        self.files["snapshot.json"] = msgspec.json.encode(shown).decode()
        if forecast:
            self._plan(snapshot, spec, text)

    def write(self, file: Path) -> None:
        """Write the bundle. Raises SettingsError if the file cannot be written."""
        pseudonyms = (
            "Names of the cluster are replaced by pseudonyms, the same in every file; they are\n"
            "not stored. Free text is searched for them: look through the files first."
            if self._redacted
            else "Names are NOT replaced."
        )
        about = _ABOUT.format(
            version=version("azure-linux-migrator"),
            name=self._view.name,
            when=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
            pseudonyms=pseudonyms,
            lines=LOG_LINES,
        )
        missing = "\n".join(f"missing: {text}" for text in self.missing)
        files = {"README.txt": f"{about}{missing}\n", **self.files}
        try:
            with tarfile.open(file, "w:gz") as bundle:
                for name, content in files.items():
                    encoded = content.encode()
                    entry = tarfile.TarInfo(f"azlm-report/{name}")
                    entry.size, entry.mtime = len(encoded), int(time.time())
                    bundle.addfile(entry, io.BytesIO(encoded))
        except OSError as error:
            raise unwritable(file, error) from error

    def _redaction(
        self, snapshot: ClusterSnapshot, names: Pseudonyms, settings: Settings
    ) -> "TextRedaction | _Unredacted":
        if not self._redacted:
            return _Unredacted()
        own = dict((self._view.body.get("spec") or {}).get("cluster") or {})
        if settings.cluster is not None:
            own |= settings.cluster.model_dump(by_alias=True)
        return TextRedaction(snapshot, names, (str(word) for word in own.values() if word))

    async def _try(self, what: str, read: Callable[[], Awaitable[Any]], otherwise: Any) -> Any:
        try:
            return await read()
        except AzlmError as error:
            self.missing.append(f"{what}: {error}" if not self._redacted else what)
            return otherwise

    async def _logs(self, client: Client) -> str:
        pods = await self._try(
            "operator.log",
            lambda: client.json("GET", "/api/v1/pods", query={"labelSelector": OPERATOR}),
            {},
        )
        parts: list[str] = []
        for pod in pods.get("items") or ():
            metadata = pod["metadata"]
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
            query = {"tailLines": str(LOG_LINES)}
            content = await self._try(
                f"the log of {metadata['name']}",
                partial(client.request, "GET", path, query=query),
                b"",
            )
            parts.append(f"== {metadata['name']}\n{content.decode(errors='replace')}")
        if not parts:
            self.missing.append("operator.log: no pod with the label " + OPERATOR)
        return "\n".join(parts)

    def _plan(
        self, snapshot: ClusterSnapshot, spec: MigrationSpec, text: "TextRedaction | _Unredacted"
    ) -> None:
        """The forecast of the cluster itself: under pseudonyms, labels that the spec names would
        match nothing."""
        try:
            forecast = plan(snapshot, self._view.name, spec, assumed=Assumptions(), runs=1)
        except AzlmError as error:
            self.missing.append(f"plan.txt: {error}")
            return
        self.files["plan.txt"] = text.text(plan_text.as_table(forecast, WIDTH, now=time.time()))


class _Unredacted:
    """Leaves everything as it is."""

    def text(self, text: str) -> str:
        """The text itself."""
        return text

    def value(self, value: Any) -> Any:
        """The value itself."""
        return value


def _line(entry: Any) -> str:
    fields = asdict(entry)
    mark = "!" if fields["warning"] else " "
    return f"{fields['time']} {mark} {fields['what']} x{fields['count']}: {fields['message']}"


async def _with_pools(
    snapshot: ClusterSnapshot, settings: Settings, spec: MigrationSpec
) -> ClusterSnapshot:
    async with connected_pools(settings, spec) as pools:
        return with_azure(snapshot, (await pools.list_pools()).values(), None)
