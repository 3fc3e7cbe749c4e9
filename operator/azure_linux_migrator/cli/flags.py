"""The flags of the `azlm` command: their names, what they take and what is said of them.

Imports nothing heavy: a mistyped flag is told at once.
"""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from azure_linux_migrator.controller.settings import CLOUDS, from_environment

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]  # noqa: SLF001 - argparse names it nowhere else

USAGE = 64
"""Exit code of wrong usage, as sysexits.h names it: 2 already means blocked."""
MOST_RUNS = 10_000
_JUDGES = """\
exit codes:
  0   clear: nothing blocks it
  1   it could not be told: standard error says why
  2   blocked: the output says by what
  64  wrong usage of the command line
"""
_WORKS = """\
exit codes:
  0   done
  1   failed: standard error says why
  64  wrong usage of the command line
"""
_FILE = "the file with the AzureLinuxMigration, YAML or JSON; - reads the standard input"


class Parser(argparse.ArgumentParser):
    """Ends with USAGE where argparse ends with 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, and end."""
        self.exit(USAGE, f"{self.prog}: {message}; {self.prog} --help tells more\n")


def parser() -> Parser:
    """The command line; `command` of what it parses is the subcommand's name."""
    made = Parser(prog="azlm", description="Moves AKS node pools to Azure Linux.")
    commands = made.add_subparsers(
        required=True, metavar="COMMAND", dest="command", parser_class=Parser
    )
    for add in (_run, _preflight, _plan, _snapshot, _crd):
        add(commands)
    return made


def _command(commands: "Commands", name: str, summary: str, more: str, codes: str) -> Parser:
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {more}".rstrip(),
        epilog=codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _run(commands: "Commands") -> None:
    run = _command(commands, "run", "run the operator", "", _WORKS)
    run.add_argument("--kubeconfig", help="default: the pod's own ServiceAccount")
    _add_azure(run)
    run.add_argument(
        "--metrics-address",
        default="127.0.0.1",
        help="where Prometheus metrics are served; default: %(default)s",
    )
    run.add_argument(
        "--metrics-port", type=port, default=8080, help="0 picks a free one; default: %(default)s"
    )
    run.add_argument(
        "--namespace",
        default=from_environment("POD_NAMESPACE") or "azlm-system",
        help="where the leader's Lease lives; default: POD_NAMESPACE, or azlm-system",
    )
    run.add_argument(
        "--identity",
        default=from_environment("POD_NAME") or "",
        help="the Lease holder's name, which two running operators must not share; default: "
        "POD_NAME, or host and process",
    )
    run.add_argument(
        "--log-format",
        choices=("plain", "json"),
        default="plain",
        help="lines to read, or one JSON object a line; default: %(default)s",
    )


def _preflight(commands: "Commands") -> None:
    look = _command(
        commands, "preflight", "check a migration before it is applied", "Reads only.", _JUDGES
    )
    look.add_argument("-f", "--filename", type=Path, required=True, help=_FILE)
    _add_output(look, "table", "json")
    _add_reading(look)


def _plan(commands: "Commands") -> None:
    plan = _command(
        commands,
        "plan",
        "forecast a migration before it is applied",
        "Runs it many times in a simulated copy of the cluster. Reads only.",
        _JUDGES,
    )
    plan.add_argument("-f", "--filename", type=Path, required=True, help=_FILE)
    plan.add_argument(
        "--snapshot",
        type=Path,
        metavar="FILE",
        help="forecast this file, made by azlm snapshot, and not the cluster",
    )
    _add_output(plan, "table", "json", "yaml")
    plan.add_argument(
        "--timeline", type=Path, metavar="FILE", help="also draw the forecast, as SVG, into it"
    )
    plan.add_argument(
        "--runs",
        type=runs,
        metavar="N",
        help="how many runs, each with other dice; default: 3 to 10, as many as half a minute "
        "allows",
    )
    assumed = plan.add_argument_group("what the cluster's past does not tell, in seconds")
    assumed.add_argument(
        "--pod-stop-seconds",
        type=seconds,
        default=2.0,
        metavar="S",
        help="from a pod's eviction to its end; default: %(default)g",
    )
    assumed.add_argument(
        "--node-boot-seconds",
        type=seconds,
        metavar="S",
        help="from the order of a node to its being Ready; default: two minutes for the machine "
        "and what the running nodes took from there",
    )
    assumed.add_argument(
        "--node-delete-seconds",
        type=seconds,
        default=60.0,
        metavar="S",
        help="until AKS has deleted a node; default: %(default)g",
    )
    assumed.add_argument(
        "--job-seconds",
        type=seconds,
        default=600.0,
        metavar="S",
        help="how long a pod of a Job that runs now may still run; default: %(default)g",
    )
    _add_reading(plan)


def _snapshot(commands: "Commands") -> None:
    snap = _command(
        commands,
        "snapshot",
        "save what a forecast needs of the cluster to a file",
        "azlm plan --snapshot reads it, without access to the cluster. Reads only.",
        _WORKS,
    )
    snap.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="compressed if it ends .gz"
    )
    snap.add_argument(
        "-f",
        "--filename",
        type=Path,
        help=f"{_FILE}; with it, what its preflight needs of Azure (quotas, sizes, subnets) is "
        "saved too",
    )
    snap.add_argument("--redact", action="store_true", help="replace names by stand-ins")
    _add_reading(snap)


def _crd(commands: "Commands") -> None:
    _command(commands, "crd", "print the CustomResourceDefinition", "", _WORKS)


def _add_output(made: Parser, *choices: str) -> None:
    """The form of an answer; the first is what is told without a word."""
    made.add_argument(
        "-o",
        "--output",
        choices=choices,
        default=choices[0],
        help="for people or for machines; default: %(default)s",
    )


def _add_reading(made: Parser) -> None:
    """As an admin at a terminal."""
    made.add_argument(
        "--kubeconfig", metavar="FILE", help="default: $KUBECONFIG, or ~/.kube/config"
    )
    made.add_argument(
        "--context", help="which of the kubeconfig's contexts; default: its current one"
    )
    _add_azure(made)


def _add_azure(made: Parser) -> None:
    """Where Azure is, and which cluster is meant where spec.cluster does not say."""
    azure = made.add_argument_group("Azure; spec.cluster of a migration goes first")
    azure.add_argument(
        "--subscription-id",
        default=from_environment("AZLM_SUBSCRIPTION_ID"),
        help="the cluster's; default: AZLM_SUBSCRIPTION_ID",
    )
    azure.add_argument(
        "--resource-group",
        default=from_environment("AZLM_RESOURCE_GROUP"),
        help="the cluster's, not the MC_ one of its nodes; default: AZLM_RESOURCE_GROUP",
    )
    azure.add_argument(
        "--cluster-name", default=from_environment("AZLM_CLUSTER"), help="default: AZLM_CLUSTER"
    )
    azure.add_argument(
        "--cloud",
        choices=CLOUDS,
        default=from_environment("AZLM_CLOUD") or CLOUDS[0],
        help="default: AZLM_CLOUD, or public",
    )
    azure.add_argument(
        "--arm-endpoint",
        metavar="URL",
        help="Azure Resource Manager's base URL, instead of a cloud",
    )


def seconds(text: str) -> float:
    """A time of a flag."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0 on, not {text!r}")
    return value


def runs(text: str) -> int:
    """How many runs."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_RUNS:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 1 to {MOST_RUNS}, not {text!r}"
        )
    return int(text)


def port(text: str) -> int:
    """A TCP port."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to 65535, not {text!r}")
    return int(text)
