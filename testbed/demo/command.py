"""`python -m testbed demo`: from `kubectl apply` to a retired pool, with a measured summary."""

import argparse
import tempfile
from pathlib import Path

from testbed.aks.process import AksServer
from testbed.audit import AuditLog
from testbed.control_plane import ControlPlane, say
from testbed.demo.measured import Setup, measured_migration
from testbed.demo.process import DEMO
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import demo
from testbed.kubectl import kubectl

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0
SPEEDS = (
    "--node-boot-seconds=5",
    "--node-delete-seconds=3",
    "--job-seconds=12",
    "--pod-stop-seconds=0.5",
)
"""The times of the testbed's nodes and pods."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("demo", help="run a whole migration and measure it")
    parser.add_argument("--nodes", type=int, default=6, help="nodes in the pool to be migrated")
    parser.set_defaults(run=_run)


def install(kubeconfig: Path) -> None:
    """What deploy/kustomize/base ships, but for the Deployment: the operator runs as a process."""
    kubectl(kubeconfig, "apply", "-f", str(ROOT / "crds" / "azurelinuxmigrations.azlm.dev.yaml"))
    for name in ("namespace", "serviceaccount", "rbac"):
        manifest = ROOT / "deploy" / "kustomize" / "base" / f"{name}.yaml"
        kubectl(kubeconfig, "apply", "-f", str(manifest))


def _run(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="azlm-demo-") as directory:
        say("starting a real control plane (etcd, apiserver, controllers, scheduler, kwok) …")
        plane = ControlPlane.start(Path(directory) / "plane")
        try:
            return _migrate(plane, Path(directory), arguments.nodes)
        except KeyboardInterrupt:
            say("\ninterrupted; cleaning up")
            return 130
        finally:
            plane.stop()


def _migrate(plane: ControlPlane, scratch: Path, nodes: int) -> int:
    install(plane.kubeconfig)
    apply(plane.kubeconfig, pool_nodes("system", 2, os_sku="AzureLinux", mode="System"))
    say("filling it: shops, caches, a Job, DaemonSets, and what AKS runs in kube-system …")
    pods = fill(plane.kubeconfig, demo(), pool="workers", nodes=nodes)
    audit = AuditLog(plane.audit_log)
    audit.mark()
    with AksServer(plane.kubeconfig) as aks:
        setup = Setup(
            kubeconfig=plane.kubeconfig,
            operator=plane.service_account_kubeconfig("azlm-system", "azlm"),
            cluster=DEMO,
            arm=aks.url,
            scratch=scratch,
            patience=PATIENCE,
            azure_requests=aks.requests,
            audit=audit,
            speeds=SPEEDS,
        )
        well, report = measured_migration(setup, pods=pods)
    print(report)
    return 0 if well else 1
