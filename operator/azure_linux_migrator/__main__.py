"""The `azlm` command: `run` is the operator; `preflight`, `plan` and `snapshot` only read."""

import argparse
import asyncio
import os
import random
import sys
import time
from pathlib import Path

from azure_linux_migrator.cli.flags import parser
from azure_linux_migrator.controller.settings import Settings, cluster_from, from_environment
from azure_linux_migrator.errors import AzlmError, AzureError, KubernetesError

FAILED, INTERRUPTED, UNREAD = 1, 130, 141


def main() -> int:
    """Run the command line; returns the exit code.

    0 done or clear, 1 failed or could not be told, 2 blocked, 64 wrong usage.
    """
    arguments = parser().parse_args()
    try:
        done = int(_COMMANDS[arguments.command](arguments) or 0)
        sys.stdout.flush()
    except AzlmError as error:
        print(f"azlm: {error}{_next(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read the output has closed it (head, less): nothing more can be said to anybody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return done


def _next(error: AzlmError) -> str:
    """What to do about a refusal that cannot say so itself."""
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
    from azure_linux_migrator.cli import plan
    from azure_linux_migrator.cli.migration_file import read_migration
    from azure_linux_migrator.cli.render import plan_data, plan_text, timeline
    from azure_linux_migrator.forecast.build_cluster import Assumptions
    from azure_linux_migrator.forecast.runs import plan as run_forecasts
    from azure_linux_migrator.forecast.snapshot import load, unwritable, writable

    picture: Path | None = arguments.timeline
    if picture is not None:
        writable(picture, "--timeline")
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
    found = run_forecasts(snapshot, name, spec, assumed=assumed, runs=arguments.runs)
    match arguments.output:
        case "json":
            print(plan_data.as_json(found))
        case "yaml":
            print(plan_data.as_yaml(found), end="")
        case _:
            print(plan_text.as_table(found, _width(), now=time.time()))
    if picture is not None:
        try:
            picture.write_text(timeline.draw(found), encoding="utf-8")
        except OSError as error:
            raise unwritable(picture, error, "--timeline") from error
    return plan.exit_code(found)


def _snapshot(arguments: argparse.Namespace) -> int:
    from azure_linux_migrator.cli import plan
    from azure_linux_migrator.cli.migration_file import read_migration
    from azure_linux_migrator.forecast.pseudonyms import KnownNames
    from azure_linux_migrator.forecast.redact import redact
    from azure_linux_migrator.forecast.snapshot import save, writable

    name, spec = read_migration(arguments.filename) if arguments.filename else ("", None)
    writable(arguments.output)
    made = asyncio.run(plan.take(_reading(arguments), spec))
    known = KnownNames.from_spec(name, spec) if spec else None
    kept = redact(made, random.SystemRandom(), known) if arguments.redact else made
    save(kept, arguments.output)
    print(f"{len(made.nodes)} nodes, {len(made.pods)} pods, {len(made.budgets)} budgets")
    for each in made.unseen:
        print(f"not seen: {each}")
    return 0


def _preflight(arguments: argparse.Namespace) -> int:
    from azure_linux_migrator.cli import preflight
    from azure_linux_migrator.cli.migration_file import read_migration

    name, spec = read_migration(arguments.filename)
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

    from azure_linux_migrator.kube.credentials import skip_kubernetes_package

    if settings.kubeconfig is None:
        skip_kubernetes_package()
    from azure_linux_migrator.controller.process import serve

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


def _crd(_: argparse.Namespace) -> None:
    from azure_linux_migrator.api.crd import render

    print(render(), end="")


_COMMANDS = {
    "run": _run,
    "preflight": _preflight,
    "plan": _plan,
    "snapshot": _snapshot,
    "crd": _crd,
}


if __name__ == "__main__":
    sys.exit(main())
