"""The command `report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from azure_linux_migrator.cli import options
from azure_linux_migrator.cli.check_commands import CODES
from azure_linux_migrator.cli.migration_commands import name, one

if TYPE_CHECKING:
    from azure_linux_migrator.kube.client import Client


@click.command(epilog=CODES)
@name
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=Path,
    default=Path("azlm-report.tar.gz"),
    help="The file to write.",
)
@click.option(
    "--redact/--no-redact", default=True, help="Replace names, ids and addresses by pseudonyms."
)
@click.option("--plan/--no-plan", "forecast", default=True, help="Add a forecast.")
@options.reading
def report(
    name: str | None,
    output: Path,
    *,
    redact: bool,
    forecast: bool,
    **access: Unpack[options.ReadingFlags],
) -> int:
    """Collect what a report of a problem needs into one file.

    The resource, its events, the nodes and pools, the operator's log, a snapshot and a forecast,
    under pseudonyms. Reads only. Look at the file before you give it to others.
    """
    import asyncio

    from azure_linux_migrator.cli.report import Report
    from azure_linux_migrator.cli.view.migration_view import connected
    from azure_linux_migrator.forecast.snapshot import writable

    writable(output)
    settings = options.reader_settings(**access)

    async def work(client: "Client") -> Report:
        bundle = Report(await one(client, name), redacted=redact)
        await bundle.collect(client, settings, forecast=forecast)
        return bundle

    async def whole() -> Report:
        async with connected(settings) as client:
            return await work(client)

    bundle = asyncio.run(whole())
    bundle.write(output)
    print(f"{output}: {', '.join(bundle.files)}")
    for text in bundle.missing:
        print(f"missing: {text}")
    return 0


COMMANDS = (report,)
