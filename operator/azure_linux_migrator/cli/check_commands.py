"""The commands that only read, before a migration and after it: preflight, plan, snapshot, handover
and crd."""

import asyncio
import random
import shutil
import time
from pathlib import Path
from typing import Unpack

import click

from azure_linux_migrator.cli import options
from azure_linux_migrator.cli.completion import pool_names
from azure_linux_migrator.cli.options import seconds

CLEAR, BLOCKED = 0, 2
CODES = """\b
exit codes:
  0   done
  1   failed: standard error says why
  64  wrong usage of the command line
"""
CODES_OF_CHECKS = CODES.replace("done", "clear: nothing blocks it").replace(
    "  64", "  2   blocked: the output says by what\n  64"
)


def _width() -> int:
    return min(shutil.get_terminal_size((110, 40)).columns, 140)


@click.command(
    short_help="Check a migration, or pools before there is one.", epilog=CODES_OF_CHECKS
)
@click.option("-f", "--filename", metavar="FILE", type=Path, help=options.MIGRATION)
@click.option(
    "--pool",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=pool_names,
    help="A pool, with default settings.",
)
@click.option("--all-pools", is_flag=True, help="Every pool that does not run Azure Linux yet.")
@options.output("table", "json", "yaml", "junit", "sarif")
@options.reading
def preflight(
    filename: Path | None,
    names: tuple[str, ...],
    output: str,
    *,
    all_pools: bool,
    **access: Unpack[options.ReadingFlags],
) -> int:
    """Check a migration before it is applied, or pools before there is one.

    Give one of --filename, --pool and --all-pools. Needs no operator in the cluster: it reads with
    your kubeconfig and your az login. Reads only.
    """
    if (filename is not None) + bool(names) + all_pools != 1:
        raise click.UsageError("give one of --filename, --pool and --all-pools")
    from azure_linux_migrator.cli.migration_file import read_migration
    from azure_linux_migrator.cli.read import check, check_pools
    from azure_linux_migrator.cli.render import findings as render

    settings = options.reader_settings(**access)
    if filename is not None:
        checked = asyncio.run(check(settings, *read_migration(filename)))
    else:
        checked = asyncio.run(check_pools(settings, names))
    print(render.report(checked, output, _width(), single=filename is not None))
    blocks = (finding.blocks for findings in checked.values() for finding in findings)
    return BLOCKED if any(blocks) else CLEAR


@click.command(epilog=CODES_OF_CHECKS)
@options.migration_file
@click.option(
    "--snapshot",
    metavar="FILE",
    type=Path,
    help="Forecast this file, written by azlm snapshot, and not the cluster.",
)
@options.output("table", "json", "yaml")
@click.option("--timeline", metavar="FILE", type=Path, help="Also draw the forecast, as SVG.")
@click.option(
    "--html", metavar="FILE", type=Path, help="Also write a page with the cluster and the forecast."
)
@click.option(
    "--runs",
    metavar="N",
    type=click.IntRange(1, 10_000),
    show_default="3 to 10, as many as half a minute allows",
    help="How many runs, each with another random seed.",
)
@seconds("--pod-stop-seconds", 2.0, "Assumed time from a pod's eviction to its end.")
@seconds(
    "--node-boot-seconds",
    None,
    "Assumed time from the request for a node until it is Ready.",
    show_default="two minutes for the machine and what the running nodes took from there",
)
@seconds("--node-delete-seconds", 60.0, "Assumed time until AKS has deleted a node.")
@seconds("--job-seconds", 600.0, "Assumed time that a pod of a running Job still runs.")
@options.reading
def plan(
    filename: Path,
    snapshot: Path | None,
    output: str,
    timeline: Path | None,
    html: Path | None,
    runs: int | None,
    pod_stop_seconds: float,
    node_boot_seconds: float | None,
    node_delete_seconds: float,
    job_seconds: float,
    **access: Unpack[options.ReadingFlags],
) -> int:
    """Forecast a migration before it is applied.

    Runs it many times in a simulated copy of the cluster. Reads only.
    """
    from azure_linux_migrator.cli.migration_file import read_migration
    from azure_linux_migrator.cli.render import plan_data, plan_text
    from azure_linux_migrator.forecast.build_cluster import Assumptions
    from azure_linux_migrator.forecast.runs import plan as run_forecasts
    from azure_linux_migrator.forecast.snapshot import load, writable

    for file, flag in ((timeline, "--timeline"), (html, "--html")):
        if file is not None:
            writable(file, flag)
    name, spec = read_migration(filename)
    if snapshot is not None:
        cluster = load(snapshot)
    else:
        from azure_linux_migrator.cli.read import take

        cluster = asyncio.run(take(options.reader_settings(**access), spec))
    assumed = Assumptions(pod_stop_seconds, node_boot_seconds, node_delete_seconds, job_seconds)
    forecast = run_forecasts(cluster, name, spec, assumed=assumed, runs=runs)
    match output:
        case "json":
            print(plan_data.as_json(forecast))
        case "yaml":
            print(plan_data.as_yaml(forecast), end="")
        case _:
            print(plan_text.as_table(forecast, _width(), now=time.time()))
    if timeline is not None:
        from azure_linux_migrator.cli.render.timeline import draw

        _write(timeline, draw(forecast), "--timeline")
    if html is not None:
        from azure_linux_migrator.cli.page.document import document
        from azure_linux_migrator.cli.page.static_data import of_forecast

        data = of_forecast(forecast, spec, cluster)
        _write(html, document(name, data), "--html")
    return BLOCKED if forecast.blocked else CLEAR


def _write(file: Path, content: str, flag: str) -> None:
    from azure_linux_migrator.forecast.snapshot import unwritable

    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise unwritable(file, error, flag) from error


@click.command(epilog=CODES)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=Path,
    required=True,
    help="The file to write; compressed if its name ends in .gz.",
)
@click.option(
    "-f",
    "--filename",
    metavar="FILE",
    type=Path,
    help=f"{options.MIGRATION} Saves its Azure facts (quotas, sizes, subnets) too.",
)
@click.option("--redact", is_flag=True, help="Replace names by pseudonyms.")
@options.reading
def snapshot(
    output: Path, filename: Path | None, *, redact: bool, **access: Unpack[options.ReadingFlags]
) -> None:
    """Save what a forecast needs of the cluster to a file.

    azlm plan --snapshot reads it, without access to the cluster. Reads only.
    """
    from azure_linux_migrator.cli.migration_file import read_migration
    from azure_linux_migrator.cli.read import take
    from azure_linux_migrator.forecast.pseudonyms import KnownNames
    from azure_linux_migrator.forecast.redact import redact as redacted
    from azure_linux_migrator.forecast.snapshot import save, writable

    name, spec = read_migration(filename) if filename else ("", None)
    writable(output)
    cluster = asyncio.run(take(options.reader_settings(**access), spec))
    names = KnownNames.from_spec(name, spec) if spec else None
    save(redacted(cluster, random.SystemRandom(), names) if redact else cluster, output)
    print(f"{len(cluster.nodes)} nodes, {len(cluster.pods)} pods, {len(cluster.budgets)} budgets")
    for missing in cluster.unseen:
        print(f"not seen: {missing}")


@click.command(epilog=CODES)
@options.migration_file
@click.option(
    "--format",
    "language",
    type=click.Choice(("terraform", "bicep")),
    required=True,
    help="The language of the code that manages the pools.",
)
@click.option(
    "--separate", is_flag=True, help="The source had a resource of its own, though a System pool."
)
@click.option(
    "--write",
    metavar="DIR",
    type=Path,
    help="Write a file there instead of printing; a block to copy as .txt.",
)
@options.reading
def handover(
    filename: Path,
    language: str,
    write: Path | None,
    *,
    separate: bool,
    **access: Unpack[options.ReadingFlags],
) -> None:
    """Print the code for the pool that a migration has made.

    With import and removed blocks for Terraform, so that a plan replaces nothing. For a
    default_node_pool, the text says when it may be changed. Reads only.
    """
    from azure_linux_migrator.azure import bicep, terraform
    from azure_linux_migrator.cli.migration_file import read_migration
    from azure_linux_migrator.cli.read import replacement

    name, spec = read_migration(filename)
    pool, old, stays = asyncio.run(replacement(options.reader_settings(**access), name, spec))
    if language == "bicep":
        text, suffix = bicep.resource(pool, old), "bicep"
    else:
        change = terraform.node_pool if separate else terraform.change
        text = change(pool, old, stays=stays)
        suffix = "txt" if terraform.is_block(pool, separate=separate) else "tf"
    if write is None:
        print(text)
        return
    file = write / f"{pool.name}.{suffix}"
    try:
        with file.open("x", encoding="utf-8") as output:
            output.write(f"{text}\n")
    except OSError as error:
        raise click.ClickException(f"--write: {file}: {error.strerror}") from error
    print(file)


@click.command(epilog=CODES)
def crd() -> None:
    """Print the CustomResourceDefinition."""
    from azure_linux_migrator.api.crd import render

    print(render(), end="")


COMMANDS = (preflight, plan, snapshot, handover, crd)
