"""The `azlm` command: `run` is the operator; `preflight`, `plan` and `snapshot` only read."""

import argparse
import asyncio
import random
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
    look.add_argument("-o", "--output", choices=("table", "json"), default="table")
    _add_reading(look)
    look.set_defaults(run=_preflight)
    plan = commands.add_parser(
        "plan",
        help="forecast a migration before it is applied: exit code 0 clear, 2 blocked; reads only",
    )
    plan.add_argument("-f", "--filename", type=Path, required=True, help="the migration")
    plan.add_argument("--snapshot", type=Path, help="made by azlm snapshot, instead of the cluster")
    plan.add_argument("-o", "--output", choices=("table", "json", "yaml"), default="table")
    plan.add_argument("--timeline", type=Path, help="where to draw the forecast, as SVG")
    plan.add_argument("--runs", type=int, help="default: up to 10, as time allows")
    plan.add_argument("--pod-stop-seconds", type=float, default=2.0)
    plan.add_argument(
        "--node-boot-seconds", type=float, help="default: learnt from the nodes, and two minutes"
    )
    plan.add_argument("--node-delete-seconds", type=float, default=60.0)
    plan.add_argument("--job-seconds", type=float, default=600.0)
    _add_reading(plan)
    plan.set_defaults(run=_plan)
    snap = commands.add_parser(
        "snapshot", help="save what a forecast needs of the cluster to a file; reads only"
    )
    snap.add_argument("-o", "--output", type=Path, required=True, help="compressed if it ends .gz")
    snap.add_argument(
        "-f", "--filename", type=Path, help="a migration: reads what it needs of Azure"
    )
    snap.add_argument("--redact", action="store_true", help="replace names by stand-ins")
    _add_reading(snap)
    snap.set_defaults(run=_snapshot)
    crd = commands.add_parser("crd", help="print the CustomResourceDefinition")
    crd.set_defaults(run=_crd)
    return parser


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """As an admin at a terminal."""
    parser.add_argument("--context", help="of the kubeconfig; default: its current one")
    _add_connection(parser)


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


def _reading(arguments: argparse.Namespace) -> Settings:
    own = from_environment("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return Settings(
        kubeconfig=arguments.kubeconfig or own,
        context=arguments.context,
        arm_endpoint=arguments.arm_endpoint,
        cloud=arguments.cloud,
        cluster=cluster_from(
            arguments.subscription_id, arguments.resource_group, arguments.cluster_name
        ),
    )


def _width() -> int:
    import shutil

    return min(shutil.get_terminal_size((110, 40)).columns, 140)


def _plan(arguments: argparse.Namespace) -> int:
    from azure_linux_migrator.shell import plan, plan_text, timeline
    from azure_linux_migrator.shell.preflight import read_migration
    from azure_linux_migrator.sim.forecast.snapshot import load
    from azure_linux_migrator.sim.forecast.stage import Assumptions

    name, spec = read_migration(arguments.filename)
    if arguments.snapshot is not None:
        snapshot = load(arguments.snapshot)
    else:
        snapshot = asyncio.run(plan.take(_reading(arguments), spec))
    assumed = Assumptions(
        stop=arguments.pod_stop_seconds,
        node_boot=arguments.node_boot_seconds,
        node_delete=arguments.node_delete_seconds,
        job=arguments.job_seconds,
    )
    found = plan.plan(snapshot, name, spec, assumed=assumed, runs=arguments.runs)
    match arguments.output:
        case "json":
            print(plan_text.as_json(found))
        case "yaml":
            print(plan_text.as_yaml(found), end="")
        case _:
            print(plan_text.as_table(found, _width()))
    if arguments.timeline is not None:
        arguments.timeline.write_text(timeline.draw(found))
    return plan.exit_code(found)


def _snapshot(arguments: argparse.Namespace) -> int:
    from azure_linux_migrator.shell import plan
    from azure_linux_migrator.shell.preflight import read_migration
    from azure_linux_migrator.sim.forecast.redact import redact, spoken_in
    from azure_linux_migrator.sim.forecast.snapshot import save, writable

    name, spec = read_migration(arguments.filename) if arguments.filename else ("", None)
    writable(arguments.output)
    made = asyncio.run(plan.take(_reading(arguments), spec))
    spoken = spoken_in(name, spec) if spec else None
    kept = redact(made, random.SystemRandom(), spoken) if arguments.redact else made
    save(kept, arguments.output)
    print(f"{len(made.nodes)} nodes, {len(made.pods)} pods, {len(made.budgets)} budgets")
    for each in made.unseen:
        print(f"not seen: {each}")
    return 0


def _preflight(arguments: argparse.Namespace) -> int:
    from azure_linux_migrator.shell import preflight

    name, spec = preflight.read_migration(arguments.filename)
    settings = _reading(arguments)
    findings = asyncio.run(preflight.check(settings, name, spec))
    if arguments.output == "json":
        print(preflight.as_json(findings))
    else:
        print(preflight.as_table(findings, _width()))
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
