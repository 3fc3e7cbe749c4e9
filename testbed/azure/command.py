"""`python -m testbed azure`: the demo on a real, small AKS cluster that is deleted afterwards.

It makes a resource group with a cluster in a subscription, migrates its pool `workers` with azlm as
a process, and writes the demo's figures and a log without secrets. The group is deleted in every
case, also when the run is interrupted. `--dry-run` does the same against the simulated Azure.
"""

import argparse
import secrets
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import yaml

from azure_linux_migrator.azure.identity import BY_NAME
from testbed.aks.process import AksServer
from testbed.azure.cli_login import CliLogin
from testbed.azure.interrupts import hold_back, interrupts
from testbed.azure.proxy import ArmProxy, Token
from testbed.azure.recording import Recording
from testbed.azure.redaction import Redaction
from testbed.azure.small_cluster import SmallCluster
from testbed.control_plane import ControlPlane, StartError, say
from testbed.demo.command import SPEEDS, install
from testbed.demo.measured import Setup, measured_migration
from testbed.demo.process import SUBSCRIPTION, AzureCluster
from testbed.fill.command import fill_workloads
from testbed.fill.workloads import Manifest, demo
from testbed.kubectl import kubectl

PATIENCE = 3 * 3600.0
SERVER_IMAGE = "registry.k8s.io/pause:3.10"
JOB_IMAGE = "registry.k8s.io/e2e-test-images/busybox:1.36.1-1"
LEFT_OVER = 3
"""The exit code if the resource group could not be deleted."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("azure", help="run the demo on a small AKS cluster of its own")
    parser.add_argument("--subscription", default="", help="the id of the subscription that pays")
    parser.add_argument("--location", default="westeurope")
    parser.add_argument("--vm-size", default="Standard_D2s_v5")
    parser.add_argument("--nodes", type=int, default=3, help="nodes in the pool to be migrated")
    parser.add_argument("--output", type=Path, default=Path("dist/azure-e2e"))
    parser.add_argument("--record", action="store_true", help="keep every exchange with Azure")
    parser.add_argument("--dry-run", action="store_true", help="against the simulated Azure")
    parser.set_defaults(run=_run)


def portable(manifests: list[Manifest]) -> list[Manifest]:
    """The workloads without AKS's own, with images that exist."""
    chosen = [item for item in manifests if item["metadata"]["namespace"] != "kube-system"]
    for item in chosen:
        for container in item["spec"].get("template", {}).get("spec", {}).get("containers", ()):
            container["image"] = JOB_IMAGE if item["kind"] == "Job" else SERVER_IMAGE
            if item["kind"] == "Job":
                container["command"] = ["sleep", "12"]
    return chosen


def _run(arguments: argparse.Namespace) -> int:
    if not arguments.subscription and not arguments.dry_run:
        say(
            "azure-e2e needs an Azure subscription, in which it makes a small cluster for about an "
            "hour: make azure-e2e SUBSCRIPTION=<id> LOCATION=<region>, after az login with the "
            "Contributor role. DRY_RUN=1 runs it against the simulated Azure instead"
        )
        return 2
    try:
        with interrupts():
            return AzureRun(arguments).go()
    except KeyboardInterrupt:
        say("\ninterrupted before anything was made")
        return 130
    except (StartError, RuntimeError, OSError) as error:
        say(f"azure-e2e: {error}")
        return 1


class AzureRun:
    """One run, and what it leaves in its output folder."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        name = f"azlm-e2e-{secrets.token_hex(3)}"
        self._arguments = arguments
        self._dry = bool(arguments.dry_run)
        subscription = SUBSCRIPTION if self._dry else arguments.subscription
        self._cluster = AzureCluster(subscription, name, name)
        self._output: Path = arguments.output / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{name}"
        self._redaction = Redaction({subscription: SUBSCRIPTION, name: "azlm1"})
        self._recording = Recording(self._redaction) if arguments.record else None
        self._poll_seconds = 0.5 if self._dry else 10.0

    def go(self) -> int:
        """Run it; the exit code."""
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="azlm-azure-")))
            upstream, token = self._azure(stack, scratch)
            self._redaction.replace(upstream, BY_NAME["public"].arm)
            proxy = stack.enter_context(
                ArmProxy(
                    upstream,
                    scope=f"/subscriptions/{self._cluster.subscription}/",
                    token=token,
                    recording=self._recording,
                    poll_seconds=self._poll_seconds,
                )
            )
            small = SmallCluster(
                proxy.url,
                self._cluster,
                location=self._arguments.location,
                vm_size=self._arguments.vm_size,
                nodes=self._arguments.nodes,
            )
            if not self._dry:
                self.announce()
            code = 1
            try:
                try:
                    small.create(self._poll_seconds)
                    code = self._migrate(small, proxy, scratch)
                finally:
                    hold_back()
            except KeyboardInterrupt:
                say("\ninterrupted")
                code = 130
            except (StartError, RuntimeError, OSError) as error:
                say(self._redaction.text(f"azure-e2e: {error}"))
            finally:
                code = self._finish(small, scratch, code)
            return code

    def announce(self) -> None:
        """Say what is made: a process that is killed (SIGKILL) cannot delete it."""
        say(
            f"resource group {self._cluster.resource_group} is made, costs money while it exists, "
            f"and is deleted at the end. Should this process be killed: {self._deletion}"
        )

    @property
    def _deletion(self) -> str:
        cluster = self._cluster
        return (
            f"az group delete --subscription {cluster.subscription} --name {cluster.resource_group}"
        )

    def _azure(self, stack: ExitStack, scratch: Path) -> tuple[str, Token | None]:
        """The URL of Azure Resource Manager, and what gives its tokens."""
        if self._dry:
            say("starting a control plane and the simulated Azure …")
            plane = ControlPlane.start(scratch / "plane")
            stack.callback(plane.stop)
            group, name = self._cluster.resource_group, self._cluster.name
            flags = (f"--resource-group={group}", f"--cluster={name}", "--new")
            server = AksServer(plane.kubeconfig, "--boot-seconds=3", "--delete-seconds=2", *flags)
            return stack.enter_context(server).url, None
        cloud = BY_NAME["public"]
        return cloud.arm, CliLogin(cloud, self._cluster.subscription).token

    def _migrate(self, small: SmallCluster, proxy: ArmProxy, scratch: Path) -> int:
        kubeconfig = scratch / "kubeconfig"
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(small.kubeconfig())
        install(kubeconfig)
        say("filling it: shops, caches, a Job and a DaemonSet …")
        pods = fill_workloads(kubeconfig, portable(demo()))
        setup = Setup(
            kubeconfig=kubeconfig,
            operator=_as_service_account(kubeconfig),
            cluster=self._cluster,
            arm=proxy.url,
            scratch=scratch,
            patience=PATIENCE,
            azure_requests=proxy.requests,
            speeds=SPEEDS if self._dry else (),
        )
        well, report = measured_migration(setup, pods=pods)
        self._write("figures.txt", report)
        print(report, flush=True)
        return 0 if well else 1

    def _finish(self, small: SmallCluster, scratch: Path, code: int) -> int:
        """Delete everything, and keep the log and the recording. Signals are held back."""
        if not small.delete(self._poll_seconds):
            say(
                "the resource group could not be deleted, and costs money until it is: "
                + self._deletion
            )
            code = LEFT_OVER
        try:
            self._keep(scratch)
        except OSError as error:
            say(f"log and recording could not be kept: {error}")
        return code

    def _keep(self, scratch: Path) -> None:
        log = scratch / "azlm.log"
        if log.exists():
            self._write("operator.log", log.read_text(errors="replace"))
        if self._recording is not None:
            source = f"make azure-e2e, {datetime.now(UTC):%Y-%m-%d}"
            source += ", against the simulated Azure" if self._dry else ""
            files = self._recording.write(self._output / "exchanges", source)
            say(f"{len(files)} files of exchanges are in {self._output / 'exchanges'}")

    def _write(self, name: str, text: str) -> None:
        self._output.mkdir(parents=True, exist_ok=True)
        (self._output / name).write_text(self._redaction.text(text))


def _as_service_account(kubeconfig: Path) -> Path:
    """A kubeconfig of the operator's ServiceAccount, beside that of the admin."""
    token = kubectl(kubeconfig, "create", "token", "azlm", "-n", "azlm-system", "--duration=24h")
    config = yaml.safe_load(kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"token": token.strip()}
    file = kubeconfig.with_name("operator.kubeconfig")
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(config))
    return file
