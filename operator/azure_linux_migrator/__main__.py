"""The `azlm` command: `azlm run` is the operator, `azlm crd` prints its resource definition."""

import argparse
import asyncio
import sys

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
    run.add_argument("--kubeconfig", help="default: the pod's own ServiceAccount")
    run.add_argument("--arm-endpoint", help="Azure Resource Manager's base URL, instead of a cloud")
    run.add_argument("--cloud", choices=CLOUDS, default=from_environment("AZLM_CLOUD") or CLOUDS[0])
    run.add_argument("--metrics-address", default="127.0.0.1")
    run.add_argument("--metrics-port", type=int, default=8080, help="0 picks a free one")
    run.add_argument("--subscription-id", default=from_environment("AZLM_SUBSCRIPTION_ID"))
    run.add_argument("--resource-group", default=from_environment("AZLM_RESOURCE_GROUP"))
    run.add_argument("--cluster-name", default=from_environment("AZLM_CLUSTER"))
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
    crd = commands.add_parser("crd", help="print the CustomResourceDefinition")
    crd.set_defaults(run=_crd)
    return parser


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
