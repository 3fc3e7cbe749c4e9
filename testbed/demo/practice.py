"""`python -m testbed practice`: a cluster with the operator, to try azlm's commands on."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane, say
from testbed.demo.command import ROOT, install
from testbed.demo.process import DEMO, AzlmProcess
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import demo

TEXT = """\
A cluster with {nodes} Ubuntu nodes, {pods} pods, a simulated AKS, and the operator.
In another terminal:

    export KUBECONFIG={kubeconfig} PATH={binaries}:$PATH
    export AZLM_SUBSCRIPTION_ID={cluster.subscription}
    export AZLM_RESOURCE_GROUP={cluster.resource_group} AZLM_CLUSTER={cluster.name}
    azlm preflight --all-pools --arm-endpoint={arm}
    kubectl apply -f {sample}
    azlm status -w

Ctrl-C ends and removes it."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "practice", help="serve a cluster to try azlm's commands on, until Ctrl-C"
    )
    parser.add_argument("--nodes", type=int, default=6, help="nodes in the pool to be migrated")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="azlm-practice-") as directory,
            served(Path(directory), arguments.nodes) as text,
        ):
            print(text, flush=True)
            signal.pause()
    except KeyboardInterrupt:
        say("removed")
    return 0


@contextmanager
def served(scratch: Path, nodes: int) -> Iterator[str]:
    """The cluster while entered; what to type, as text."""
    say("starting a real control plane, filling it, and starting the operator …")
    plane = ControlPlane.start(scratch / "plane")
    try:
        install(plane.kubeconfig)
        apply(plane.kubeconfig, pool_nodes("system", 2, os_sku="AzureLinux", mode="System"))
        pods = fill(plane.kubeconfig, demo(), pool="workers", nodes=nodes)
        account = plane.service_account_kubeconfig("azlm-system", "azlm")
        with (
            AksServer(plane.kubeconfig) as aks,
            AzlmProcess(account, aks.url, scratch, DEMO) as operator,
        ):
            operator.wait_ready()
            yield TEXT.format(
                nodes=nodes,
                pods=pods,
                kubeconfig=plane.kubeconfig,
                binaries=Path(sys.executable).parent,
                cluster=DEMO,
                arm=aks.url,
                sample=ROOT / "deploy" / "samples" / "migration.yaml",
            )
    finally:
        plane.stop()
