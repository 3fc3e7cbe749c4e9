"""The `azlm` command: `run` is the operator; `preflight`, `plan` and `snapshot` only read.

Heavy packages are imported by the command that needs them: `--help` and a mistyped flag answer at
once, and a forecast of a saved snapshot loads no client of Kubernetes or Azure.
"""

import asyncio
import os
import random
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click

from azure_linux_migrator.cli import intent_commands, migration_commands, options
from azure_linux_migrator.cli.options import seconds, variable
from azure_linux_migrator.errors import AzlmError, AzureError, KubernetesError

CLEAR, FAILED, BLOCKED = 0, 1, 2
USAGE = 64
"""Exit code of wrong usage, as sysexits.h names it: 2 means blocked."""
INTERRUPTED, OUTPUT_CLOSED = 130, 141
_CODES = """\b
exit codes:
  0   done
  1   failed: standard error says why
  64  wrong usage of the command line
"""
_CODES_OF_CHECKS = _CODES.replace("done", "clear: nothing blocks it").replace(
    "  64", "  2   blocked: the output says by what\n  64"
)


def main() -> int:
    """Run the command line; returns the exit code.

    0 done or clear, 1 failed or not determined, 2 blocked, 64 wrong usage.
    """
    try:
        with azlm.make_context("azlm", sys.argv[1:]) as context:
            code = int(azlm.invoke(context) or 0)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "azlm"
        message = error.format_message().rstrip(".")
        print(f"{command}: {message}; {command} --help tells more", file=sys.stderr)
        return USAGE
    except click.ClickException as error:
        print(f"azlm: {error.format_message()}", file=sys.stderr)
        return FAILED
    except click.Abort:
        print("azlm: not confirmed; nothing was changed", file=sys.stderr)
        return FAILED
    except AzlmError as error:
        print(f"azlm: {error}{_remedy(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output (head, less) has closed it; the flush at exit must not fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUTPUT_CLOSED
    return code


def _remedy(error: AzlmError) -> str:
    """What to do about a refusal whose text does not say it."""
    match error:
        case KubernetesError(status=0):
            return "; is the cluster started, reachable from here, and the context the right one?"
        case KubernetesError(status=401):
            return "; the kubeconfig's credentials are not accepted: sign in again (az login)"
        case KubernetesError(status=403):
            return "; a role such as Azure Kubernetes Service RBAC Reader would do"
        case AzureError(code="AuthenticationFailed"):
            return "; sign in with az login, or set AZURE_CLIENT_ID and what belongs to it"
    return ""


def _width() -> int:
    return min(shutil.get_terminal_size((110, 40)).columns, 140)


@click.group(
    no_args_is_help=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
)
@click.version_option(package_name="azure-linux-migrator", message="%(prog)s %(version)s")
def azlm() -> None:
    """Move AKS node pools to Azure Linux."""


@azlm.command(epilog=_CODES)
@click.option(
    "--kubeconfig",
    metavar="FILE",
    show_default="the pod's own ServiceAccount",
    help="How to reach the Kubernetes API.",
)
@options.azure
@click.option("--metrics-address", default="127.0.0.1", help="Where metrics are served.")
@click.option(
    "--metrics-port", type=click.IntRange(0, 65_535), default=8080, help="0 picks a free port."
)
@variable("--namespace", "POD_NAMESPACE", "Where the leader's Lease lives.", default="azlm-system")
@variable(
    "--identity",
    "POD_NAME",
    "The Lease holder's name; two running operators must not share it.",
    default="",
    show_default="host and process",
)
@click.option(
    "--log-format",
    type=click.Choice(("plain", "json")),
    default="plain",
    help="Lines to read, or one JSON object a line.",
)
def run(**flags: Any) -> None:
    """Run the operator."""
    chosen = options.settings(**flags)
    import uvloop

    from azure_linux_migrator.kube.credentials import skip_kubernetes_package

    if chosen.kubeconfig is None:
        skip_kubernetes_package()
    from azure_linux_migrator.controller.process import serve

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(chosen))


@azlm.command(epilog=_CODES_OF_CHECKS)
@options.migration_file
@options.output("table", "json")
@options.reading
def preflight(filename: Path, output: str, **access: Any) -> int:
    """Check a migration before it is applied. Reads only."""
    from azure_linux_migrator.cli.migration_file import read_migration
    from azure_linux_migrator.cli.read import check
    from azure_linux_migrator.cli.render import findings as render

    name, spec = read_migration(filename)
    findings = asyncio.run(check(options.reader_settings(**access), name, spec))
    print(render.as_json(findings) if output == "json" else render.as_table(findings, _width()))
    return BLOCKED if any(finding.blocks for finding in findings) else CLEAR


@azlm.command(epilog=_CODES_OF_CHECKS)
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
    runs: int | None,
    pod_stop_seconds: float,
    node_boot_seconds: float | None,
    node_delete_seconds: float,
    job_seconds: float,
    **access: Any,
) -> int:
    """Forecast a migration before it is applied.

    Runs it many times in a simulated copy of the cluster. Reads only.
    """
    from azure_linux_migrator.cli.migration_file import read_migration
    from azure_linux_migrator.cli.render import plan_data, plan_text
    from azure_linux_migrator.forecast.build_cluster import Assumptions
    from azure_linux_migrator.forecast.runs import plan as run_forecasts
    from azure_linux_migrator.forecast.snapshot import load, unwritable, writable

    if timeline is not None:
        writable(timeline, "--timeline")
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

        try:
            timeline.write_text(draw(forecast), encoding="utf-8")
        except OSError as error:
            raise unwritable(timeline, error, "--timeline") from error
    return BLOCKED if forecast.blocked else CLEAR


@azlm.command(epilog=_CODES)
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
def snapshot(output: Path, filename: Path | None, *, redact: bool, **access: Any) -> None:
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
    known = KnownNames.from_spec(name, spec) if spec else None
    save(redacted(cluster, random.SystemRandom(), known) if redact else cluster, output)
    print(f"{len(cluster.nodes)} nodes, {len(cluster.pods)} pods, {len(cluster.budgets)} budgets")
    for missing in cluster.unseen:
        print(f"not seen: {missing}")


@azlm.command(epilog=_CODES)
def crd() -> None:
    """Print the CustomResourceDefinition."""
    from azure_linux_migrator.api.crd import render

    print(render(), end="")


for command in (*migration_commands.COMMANDS, *intent_commands.COMMANDS):
    azlm.add_command(command)
