"""The commands that look at running migrations: status, list, blockers, history and wait."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Unpack

import click

from azure_linux_migrator.cli import options
from azure_linux_migrator.cli.check_commands import CODES as CODES_OF_READS
from azure_linux_migrator.cli.completion import migration_names
from azure_linux_migrator.cli.options import seconds

if TYPE_CHECKING:
    from rich.console import Console

    from azure_linux_migrator.cli.view.migration_view import MigrationView
    from azure_linux_migrator.kube.client import Client

WATCH_SECONDS = 2.0
PLAIN_WIDTH = 140
"""Columns where the output is no terminal."""
FAILED = 1
CODES = """\b
exit codes:
  0   done, or advancing by itself
  1   failed, or not to be read: standard error says why
  2   blocked, paused or not approved: somebody has to act
  64  wrong usage of the command line
"""

name = click.argument("name", required=False, shell_complete=migration_names)


def run(
    kubeconfig: str | None, context: str | None, work: Callable[["Client"], Awaitable[int]]
) -> int:
    """The exit code of the work, done with a client that is closed afterwards."""
    from azure_linux_migrator.cli.view.migration_view import connected

    async def whole() -> int:
        async with connected(options.kubernetes_settings(kubeconfig, context)) as client:
            return await work(client)

    return asyncio.run(whole())


def console() -> "Console":
    """Colour on a terminal, plain text elsewhere and under NO_COLOR."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(markup=False, emoji=False, highlight=False, width=width)


async def one(client: "Client", given: str | None) -> "MigrationView":
    """The migration of that name, or the only one."""
    from azure_linux_migrator.cli.view.migration_view import read_view

    return await read_view(client, given, time.time())


@click.command(epilog=CODES)
@name
@click.option("-w", "--watch", is_flag=True, help="Follow the migration until it ends.")
@options.output("table", "json", "yaml")
@options.kubernetes
def status(
    name: str | None, *, watch: bool, output: str, **access: Unpack[options.KubernetesFlags]
) -> int:
    """Show how far a migration is, what holds it up, and what to do.

    Without NAME: the only migration of the cluster.
    """
    from azure_linux_migrator.cli.render.migration_data import data, dumped
    from azure_linux_migrator.cli.render.migration_tree import whole

    async def work(client: "Client") -> int:
        view = await one(client, name)
        if watch:
            view = await _watch(client, view, output)
        elif output == "table":
            console().print(whole(view, time.time()))
        else:
            print(dumped(data(view), output))
        return view.state.exit_code

    return run(work=work, **access)


async def _watch(client: "Client", view: "MigrationView", output: str) -> "MigrationView":
    """Show the migration until it ends: redrawn on a terminal, and elsewhere again when something
    has changed."""
    from rich.live import Live

    from azure_linux_migrator.cli.render.migration_data import data, dumped
    from azure_linux_migrator.cli.render.migration_tree import whole
    from azure_linux_migrator.cli.view.migration_view import follow

    screen = console()
    redraws = output == "table" and screen.is_terminal
    shown: object = None
    screened: AbstractContextManager[Live | None] = nullcontext()
    if redraws:
        screened = Live(whole(view, time.time()), console=screen, auto_refresh=False)
    with screened as live:
        async for latest in follow(client, view.name, time.time, WATCH_SECONDS):
            content = latest.body.get("status")
            if live is not None:
                live.update(whole(latest, time.time()), refresh=True)
            elif content != shown and output == "table":
                screen.print(whole(latest, time.time()))
            elif content != shown:
                print(dumped(data(latest), output), flush=True)
            shown = content
            if latest.ended:
                return latest
    return view


@click.command("list", epilog=CODES)
@options.output("table", "json", "yaml")
@options.kubernetes
def list_migrations(output: str, **access: Unpack[options.KubernetesFlags]) -> int:
    """List the migrations of the cluster. The exit code is that of the worst one."""
    from azure_linux_migrator.cli.render.migration_data import data, dumped
    from azure_linux_migrator.cli.render.migration_tree import table
    from azure_linux_migrator.cli.view.migration_view import list_views

    async def work(client: "Client") -> int:
        views = await list_views(client, time.time())
        if output != "table":
            print(dumped([data(view) for view in views], output))
        elif views:
            console().print(table(views, time.time()))
        else:
            print("there is no migration")
        codes = [view.state.exit_code for view in views]
        return FAILED if FAILED in codes else max(codes, default=0)

    return run(work=work, **access)


@click.command(short_help="Show what holds a migration up, and what to do.", epilog=CODES)
@name
@options.output("table", "json", "yaml")
@options.kubernetes
def blockers(name: str | None, output: str, **access: Unpack[options.KubernetesFlags]) -> int:
    """Show what holds a migration up, with a remedy for each blocker."""
    from azure_linux_migrator.cli.render.migration_data import dumped
    from azure_linux_migrator.cli.render.migration_tree import blockers_of

    async def work(client: "Client") -> int:
        view = await one(client, name)
        if output == "table":
            console().print(blockers_of(view, time.time()))
        else:
            entries = [
                blocker.model_dump(mode="json", by_alias=True) for blocker in view.status.blockers
            ]
            print(dumped(entries, output))
        return view.state.exit_code

    return run(work=work, **access)


@click.command(
    short_help="Show what has happened: conditions and events by time.", epilog=CODES_OF_READS
)
@name
@options.output("table", "json", "yaml")
@options.kubernetes
def history(name: str | None, output: str, **access: Unpack[options.KubernetesFlags]) -> int:
    """Show what has happened: the conditions by time, and the events of the last hour."""
    from azure_linux_migrator.cli.render.migration_data import dumped
    from azure_linux_migrator.cli.render.migration_history import entries, table
    from azure_linux_migrator.cli.view.migration_view import events_of

    async def work(client: "Client") -> int:
        view = await one(client, name)
        lines = entries(view, await events_of(client, view))
        if output == "table":
            console().print(table(lines))
        else:
            print(dumped([line.data() for line in lines], output))
        return 0

    return run(work=work, **access)


@click.command(epilog=CODES)
@name
@click.option(
    "--for",
    "target",
    type=click.Choice(("end", "done", "drained", "waiting")),
    default="done",
    help="The end in whatever way, success, a drained source, or that somebody has to act.",
)
@seconds("--timeout", None, "How long to wait.", show_default="for ever")
@options.kubernetes
def wait(
    name: str | None, target: str, timeout: float | None, **access: Unpack[options.KubernetesFlags]
) -> int:
    """Wait until a migration has come so far.

    Ends at once where it cannot come so far any more, or waits for somebody.
    """
    from azure_linux_migrator.cli.view.migration_view import reached

    async def work(client: "Client") -> int:
        view = await one(client, name)
        try:
            async with asyncio.timeout(timeout):
                view = await reached(client, view.name, target, time.time, WATCH_SECONDS)
        except TimeoutError:
            click.echo(f"azlm: {view.name} is not {target} after {timeout:g} s", err=True)
            return FAILED
        print(f"{view.name}: {view.status.phase}: {view.message}".rstrip(": "))
        return view.state.exit_code if target not in {"end", "waiting"} else 0

    return run(work=work, **access)


COMMANDS = (status, list_migrations, blockers, history, wait)
