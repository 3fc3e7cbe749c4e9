"""What a person can ask of a running migration, and how it is written.

Each intent sets an annotation that acts once and that the operator records, so that a GitOps tool
that removes it undoes nothing. The field manager does not begin with `kubectl`: Flux removes what
such a manager has set.
"""

import time

from azure_linux_migrator.api import names
from azure_linux_migrator.api.spec import Approval
from azure_linux_migrator.api.status import MigrationStatus, Phase
from azure_linux_migrator.cli.view.migration_view import MigrationView
from azure_linux_migrator.kube.client import MERGE_PATCH, Client
from azure_linux_migrator.kube.migrations import COLLECTION

FIELD_MANAGER = "azlm-cli"
ANNOTATIONS = {
    "pause": names.PAUSE,
    "resume": names.RESUME,
    "approve": names.APPROVE,
    "rollback": names.ROLLBACK,
    "abort": names.ABORT,
    "retry": names.RETRY,
}
"""The annotation of each intent, by the name of its command."""


def futile(view: MigrationView, verb: str) -> str:
    """Why an intent would have no effect; empty if it may have one."""
    if verb == "retry":
        if view.status.phase == Phase.SUCCEEDED:
            return f"{view.name} has succeeded; there is nothing to retry"
        if view.ended or view.needs_admin:
            return ""
        return f"{view.name} is under way ({view.status.step}); there is nothing to retry"
    if view.ended:
        return f"{view.name} has ended: {view.status.phase}"
    if verb == "approve" and view.migration.spec.approval is Approval.AUTOMATIC:
        return f"{view.name} waits for no approval: spec.approval is Automatic"
    return ""


async def ask(client: Client, view: MigrationView, verb: str) -> str:
    """Set the annotation; returns its value, which no annotation had before. Raises
    KubernetesError where the reader may not patch the migration."""
    value = _gate(view) if verb == "approve" else _word()
    await client.json(
        "PATCH",
        f"{COLLECTION}/{view.name}",
        query={"fieldManager": FIELD_MANAGER},
        body={"metadata": {"annotations": {ANNOTATIONS[verb]: value}}},
        content_type=MERGE_PATCH,
    )
    return value


def recorded(status: MigrationStatus, verb: str, value: str) -> bool:
    """Whether the operator has recorded it; an approval counts as soon as its gate is open."""
    annotation = ANNOTATIONS[verb]
    field = f"handled_{annotation.removeprefix(f'{names.GROUP}/')}"
    if str(getattr(status, field, "")) == value:
        return True
    return verb == "approve" and status.approved == value.partition(".")[0]


def _word() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _gate(view: MigrationView) -> str:
    """The gate that is waited at, with a number where its name alone was used before."""
    approval = str(view.migration.spec.approval)
    gate, _, number = view.status.handled_approval.partition(".")
    if gate != approval:
        return approval
    return f"{approval}.{int(number) + 1 if number.isdecimal() else 2}"
