"""`azlm ui`: a migration as a page in the browser, served on this machine, with own rights."""

import asyncio
import time
import webbrowser
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from azure_linux_migrator.cli import options
from azure_linux_migrator.cli.migration_commands import name, run

if TYPE_CHECKING:
    from azure_linux_migrator.cli.page.server import PageServer
    from azure_linux_migrator.kube.client import Client

CODES = """\b
exit codes:
  0   closed with Ctrl-C
  1   failed: standard error says why
  64  wrong usage of the command line
"""


@click.command(epilog=CODES)
@name
@click.option(
    "--allow-actions",
    is_flag=True,
    help="Let the page pause, resume, approve, roll back, abort and retry.",
)
@click.option(
    "--forecast",
    metavar="FILE",
    type=Path,
    help="Show this forecast (azlm plan -o json) under what happens.",
)
@click.option(
    "--record",
    metavar="FILE",
    type=Path,
    help="Show a migration from its record (kubectl get azlm NAME -o yaml), without a cluster.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="0 picks a free port.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in the browser.")
@options.kubernetes
def ui(
    name: str | None,
    forecast: Path | None,
    record: Path | None,
    port: int,
    *,
    allow_actions: bool,
    opens: bool,
    **access: Unpack[options.KubernetesFlags],
) -> int:
    """Show a migration as a page in the browser, live until Ctrl-C.

    Serves on 127.0.0.1 only, under a URL with a secret token, with your own rights in the cluster.
    Reads only, unless started with --allow-actions.
    """
    from azure_linux_migrator.cli.page.server import PageServer
    from azure_linux_migrator.cli.page.static_data import of_record, read_forecast, read_record

    plan = read_forecast(forecast) if forecast is not None else None
    if record is not None:
        if name is not None or allow_actions:
            raise click.UsageError("--record goes without NAME and --allow-actions")
        title, data = of_record(read_record(record), time.time())
        data |= {"forecast": plan} if plan is not None else {}
        with suppress(KeyboardInterrupt):
            return asyncio.run(_serve(PageServer(title, data=data), port, opens=opens))
        return 0

    async def work(client: "Client") -> int:
        from azure_linux_migrator.cli.page.feed import Feed
        from azure_linux_migrator.cli.view.migration_view import bare_view

        view = await bare_view(client, name, time.time())
        feed = Feed(client, view, allow_actions=allow_actions)
        server = PageServer(view.name, feed=feed)
        if allow_actions:
            server.allow_actions()
        if plan is not None:
            server.add_forecast(plan)
        async with feed.running():
            return await _serve(server, port, opens=opens)

    with suppress(KeyboardInterrupt):
        return run(work=work, **access)
    return 0


async def _serve(server: "PageServer", port: int, *, opens: bool) -> int:
    """Serve until Ctrl-C. Raises ClickException where the port is taken."""
    async with AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(server.serving(port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} cannot be opened: {error.strerror}; give another --port, or 0"
            ) from error
        print(f"{url}\nCtrl-C ends it", flush=True)
        if opens:
            await asyncio.to_thread(webbrowser.open, url)
        await asyncio.Event().wait()
    return 0


COMMANDS = (ui,)
