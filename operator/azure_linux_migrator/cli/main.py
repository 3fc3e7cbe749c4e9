"""The `azlm` command: `run` is the operator; `preflight`, `plan` and `snapshot` only read.

Heavy packages are imported by the command that needs them: `--help` and a mistyped flag answer at
once, and a forecast of a saved snapshot loads no client of Kubernetes or Azure.
"""

import asyncio
import os
import sys
from typing import Any

import click
from click.shell_completion import shell_complete

from azure_linux_migrator.cli import (
    check_commands,
    completion,
    intent_commands,
    migration_commands,
    options,
    report_command,
    ui_command,
    uninstall_command,
)
from azure_linux_migrator.cli.check_commands import CODES
from azure_linux_migrator.cli.options import variable
from azure_linux_migrator.errors import AzlmError, AzureError, KubernetesError

FAILED = 1
USAGE = 64
"""Exit code of wrong usage, as sysexits.h names it: 2 means blocked."""
INTERRUPTED, OUTPUT_CLOSED = 130, 141
BEGIN = """\b
begin here:
  azlm preflight --all-pools        what would stop or hurt a migration of each pool
  azlm plan -f migration.yaml       how long a migration would take, and what limits it
  kubectl apply -f migration.yaml   start it; the operator does it
  azlm status -w                    follow it
"""


def main() -> int:
    """Run the command line; returns the exit code.

    0 done or clear, 1 failed or not determined, 2 blocked, 64 wrong usage.
    """
    if instruction := os.environ.get(completion.VARIABLE):
        return shell_complete(azlm, {}, "azlm", completion.VARIABLE, instruction)
    try:
        with azlm.make_context("azlm", sys.argv[1:]) as context:
            code = int(azlm.invoke(context) or 0)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "azlm"
        message = error.format_message().rstrip(".")
        print(f"{command}: {message}; {command} --help explains more", file=sys.stderr)
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
        case KubernetesError(status=404, reason=""):  # a path that the server does not serve
            return (
                "; azlm is not installed in this cluster (docs/install.md), or the context is "
                "another cluster's"
            )
        case AzureError(code="ResourceNotFound" | "ResourceGroupNotFound" | "SubscriptionNotFound"):
            return (
                "; give --subscription-id, --resource-group and --cluster-name (or spec.cluster) "
                "as az aks list -o table shows them"
            )
        case AzureError(code="AuthorizationFailed"):
            return "; a role such as Reader on the cluster would do"
        case AzureError(code="AuthenticationFailed"):
            return "; sign in with az login, or set AZURE_CLIENT_ID and what belongs to it"
    return ""


@click.group(
    no_args_is_help=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
    epilog=BEGIN,
)
@click.version_option(package_name="azure-linux-migrator", message="%(prog)s %(version)s")
def azlm() -> None:
    """Move AKS node pools to Azure Linux.

    Kubernetes is reached with your kubeconfig, Azure with your az login, and both with your own
    rights. azlm COMMAND --help explains a command. Installed as kubectl-azlm, it is kubectl azlm.
    """


@azlm.command(epilog=CODES)
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


for command in (
    *check_commands.COMMANDS,
    *migration_commands.COMMANDS,
    *intent_commands.COMMANDS,
    *ui_command.COMMANDS,
    *report_command.COMMANDS,
    *completion.COMMANDS,
    uninstall_command.uninstall,
):
    azlm.add_command(command)
