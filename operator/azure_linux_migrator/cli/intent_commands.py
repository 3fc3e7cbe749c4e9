"""The commands that ask something of a running migration: pause, resume, approve, rollback, abort
and retry.

What is written, and why it lasts, is in `intents`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

import click

from azure_linux_migrator.api import names
from azure_linux_migrator.cli import options
from azure_linux_migrator.cli.migration_commands import name, one, run
from azure_linux_migrator.cli.options import seconds

if TYPE_CHECKING:
    from azure_linux_migrator.api.status import MigrationStatus
    from azure_linux_migrator.cli.view.migration_view import MigrationView
    from azure_linux_migrator.kube.client import Client

ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.5

_confirmed = click.option("--yes", is_flag=True, help="Do not ask.")
_waiting = seconds(
    "--timeout", ANSWER_SECONDS, "How long to wait until the operator has recorded it."
)
CODES_OF_WRITES = """\b
exit codes:
  0   the operator has recorded it
  1   it has not, or it would have no effect: standard error says why
  64  wrong usage of the command line
"""


async def _ask(
    client: "Client", view: "MigrationView", verb: str, patience: float
) -> "tuple[str, MigrationStatus | None]":
    """Ask; returns the word, and the status that has recorded it, None if none has in time."""
    from azure_linux_migrator.cli.view.intents import ask, recorded
    from azure_linux_migrator.cli.view.migration_view import read_view

    value = await ask(client, view, verb)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        status = (await read_view(client, view.name, time.time())).status
        if recorded(status, verb, value):
            return value, status
        await asyncio.sleep(POLL_SECONDS)
    return value, None


_LASTS = (
    "Sets the annotation {annotation}. The operator records it in the status, so that it lasts "
    "under Flux and Argo CD too, which may remove the annotation."
)


def _command(
    verb: str, annotation: str, text: str, details: str, *, asks: str = ""
) -> click.Command:
    """A command that sets one annotation and says what became of it; `details` go into its help,
    and `asks` is put to a person first, with `view` filled in."""

    def callback(
        name: str | None,
        timeout: float,
        *,
        yes: bool = True,
        **access: Unpack[options.KubernetesFlags],
    ) -> int:
        from azure_linux_migrator.cli.view.intents import futile

        async def work(client: "Client") -> int:
            view = await one(client, name)
            if why := futile(view, verb):
                raise click.ClickException(why)
            if asks and not yes:
                click.confirm(asks.format(view=view), abort=True, err=True)
            value, status = await _ask(client, view, verb, timeout)
            if status is None and timeout:
                raise click.ClickException(
                    f"{annotation}={value} is set, but the operator has not recorded it within "
                    f"{timeout:g} s; does it run? azlm status {view.name} shows what it does"
                )
            print(f"{view.name}: " + (f"{status.phase}: {status.message}" if status else verb))
            return 0

        return run(work=work, **access)

    command: Callable[..., Any] = callback
    for decorator in (options.kubernetes, _waiting, *([_confirmed] if asks else []), name):
        command = decorator(command)
    lasts = _LASTS.format(annotation=annotation)
    return click.command(
        verb, short_help=text, help=f"{text}\n\n{details}\n\n{lasts}", epilog=CODES_OF_WRITES
    )(command)


COMMANDS = (
    _command(
        "pause",
        names.PAUSE,
        "Hold a migration: nothing is changed until azlm resume.",
        "Nodes stay cordoned and pods stay where they are; what Azure was asked for before still "
        "ends. From Git, spec.paused does the same.",
    ),
    _command(
        "resume",
        names.RESUME,
        "End a pause that azlm pause began.",
        "Where spec.paused is true, the migration stays paused until it is false.",
    ),
    _command(
        "approve",
        names.APPROVE,
        "Let a migration pass the gate of spec.approval.",
        "BeforeDrain waits before the first pod is moved, BeforeRetire before the source is "
        "deleted or emptied.",
    ),
    _command(
        "rollback",
        names.ROLLBACK,
        "Move everything back to the source and delete the target.",
        "Pods are moved within their budgets, as before. A paused migration goes back once it is "
        "resumed. Not possible once the source is being retired. azlm retry begins the migration "
        "again.",
        asks="Move all pods of {view.name} back to {view.migration.old_pool} and delete "
        "{view.migration.new_pool}?",
    ),
    _command(
        "abort",
        names.ABORT,
        "Stop for good: uncordon the source, keep both pools.",
        "Pods stay where they are, and the source has its autoscaler back. azlm retry begins the "
        "migration again.",
        asks="Stop {view.name} for good? Both pools stay, and pods stay where they are.",
    ),
    _command(
        "retry",
        names.RETRY,
        "Begin again what was rolled back, aborted or timed out.",
        "A drain that timed out has its time again; the other two begin with the preflight.",
    ),
)
