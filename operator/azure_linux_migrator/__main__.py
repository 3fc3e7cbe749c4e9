"""The `azlm` command: `run` is the operator, `preflight` checks, `crd` prints the definition."""

import argparse
import asyncio
import sys
from pathlib import Path

from azure_linux_migrator.errors import AzlmError
from azure_linux_migrator.settings import CLOUDS, Settings, cluster_from, from_environment


def main() -> int:
    """Run the command line; returns the exit code (0 done, 1 failed, 2 wrong usage)."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments) or 0)
    except AzlmError as error:
        print(f"azlm: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="azlm", description="Moves AKS node pools to Azure Linux."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the operator")
    _add_connection(run)
    run.add_argument("--metrics-address", default="127.0.0.1")
    run.add_argument("--metrics-port", type=int, default=8080, help="0 picks a free one")
    run.add_argument(
        "--namespace",
        default=from_environment("POD_NAMESPACE") or "azlm-system",
        help="where the leader's Lease lives",
    )
    run.add_argument(
        "--identity",
        default=from_environment("POD_NAME") or "",
        help="the Lease holder's name; must not be shared by two running operators",
    )
    run.add_argument("--log-format", choices=("plain", "json"), default="plain")
    run.set_defaults(run=_run)
    look = commands.add_parser(
        "preflight",
        help="check a migration before it is applied: exit code 0 clear, 2 blocked",
    )
    look.add_argument("-f", "--filename", type=Path, required=True, help="the migration")
    look.add_argument("--context", help="of the kubeconfig; default: its current one")
    look.add_argument("-o", "--output", choices=("table", "json"), default="table")
    _add_connection(look)
    look.set_defaults(run=_preflight)
    crd = commands.add_parser("crd", help="print the CustomResourceDefinition")
    crd.set_defaults(run=_crd)
    return parser


def _add_connection(parser: argparse.ArgumentParser) -> None:
    """Where the cluster and Azure are."""
    parser.add_argument("--kubeconfig", help="default: KUBECONFIG, or the pod's own ServiceAccount")
    parser.add_argument(
        "--arm-endpoint", help="Azure Resource Manager's base URL, instead of a cloud"
    )
    parser.add_argument(
        "--cloud", choices=CLOUDS, default=from_environment("AZLM_CLOUD") or CLOUDS[0]
    )
    parser.add_argument("--subscription-id", default=from_environment("AZLM_SUBSCRIPTION_ID"))
    parser.add_argument("--resource-group", default=from_environment("AZLM_RESOURCE_GROUP"))
    parser.add_argument("--cluster-name", default=from_environment("AZLM_CLUSTER"))


def _preflight(arguments: argparse.Namespace) -> int:
    import shutil

    from azure_linux_migrator.shell import preflight

    name, spec = preflight.read_migration(arguments.filename)
    own = from_environment("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    settings = Settings(
        kubeconfig=arguments.kubeconfig or own,
        context=arguments.context,
        arm_endpoint=arguments.arm_endpoint,
        cloud=arguments.cloud,
        cluster=cluster_from(
            arguments.subscription_id, arguments.resource_group, arguments.cluster_name
        ),
    )
    findings = asyncio.run(preflight.check(settings, name, spec))
    if arguments.output == "json":
        print(preflight.as_json(findings))
    else:
        print(preflight.as_table(findings, min(shutil.get_terminal_size((110, 40)).columns, 140)))
    return preflight.exit_code(findings)


def _run(arguments: argparse.Namespace) -> None:
    settings = Settings(
        kubeconfig=arguments.kubeconfig,
        arm_endpoint=arguments.arm_endpoint,
        cloud=arguments.cloud,
        metrics_address=arguments.metrics_address,
        metrics_port=arguments.metrics_port,
        cluster=cluster_from(
            arguments.subscription_id, arguments.resource_group, arguments.cluster_name
        ),
        namespace=arguments.namespace,
        identity=arguments.identity,
        log_format=arguments.log_format,
    )
    import uvloop

    from azure_linux_migrator.shell.app import serve

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


def _crd(_: argparse.Namespace) -> None:
    from azure_linux_migrator.api.crd import render

    print(render(), end="")


if __name__ == "__main__":
    sys.exit(main())
