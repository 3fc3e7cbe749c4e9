"""The command that removes azlm's changes from a cluster: uninstall."""

import asyncio
from dataclasses import replace
from typing import Unpack

import click

from azure_linux_migrator.cli import options
from azure_linux_migrator.cli.options import seconds, variable

CODES = """\b
exit codes:
  0   no migration and no mark is left
  1   not finished: standard error says why
  64  wrong usage of the command line
"""


@click.command(short_help="Delete every migration and undo what they did.", epilog=CODES)
@click.option("--yes", is_flag=True, help="Do not ask.")
@seconds("--timeout", 300.0, "How long to wait until the migrations are gone.")
@variable("--namespace", "POD_NAMESPACE", "Where the leader's Lease lives.", default="azlm-system")
@options.reading
def uninstall(
    namespace: str, timeout: float, *, yes: bool, **access: Unpack[options.ReadingFlags]
) -> int:
    """Delete every migration and undo what they did to nodes and pools; deletes no pool.

    Works with an operator in the cluster and without one. Where none runs, the command finishes the
    deletions itself, and needs the operator's rights. Remove the operator afterwards.
    """
    from azure_linux_migrator.controller.uninstall import uninstall as let_go
    from azure_linux_migrator.kube.client import Client

    settings = replace(options.reader_settings(**access), namespace=namespace)
    if not yes:
        click.confirm("Delete every migration of this cluster?", abort=True, err=True)

    async def work() -> None:
        client = await Client.connect(settings.kubeconfig, settings.context)
        try:
            async with asyncio.timeout(timeout):
                await let_go(settings, client, click.echo)
        finally:
            await client.close()

    try:
        asyncio.run(work())
    except TimeoutError:
        raise click.ClickException(
            f"migrations are left after {timeout:g} s: azlm list shows them; run azlm uninstall "
            "again"
        ) from None
    click.echo(
        f"no migration is left; now remove the operator (helm uninstall azlm -n {namespace}, or "
        "kubectl delete -k), and then: kubectl delete crd azurelinuxmigrations.azlm.dev"
    )
    return 0
