"""A cluster whose operator, migrations and workloads come from Git."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from testbed.control_plane import ControlPlane
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import uniform
from tests.support.bed import Bed
from tests.support.gitops.controllers import PATIENCE, wait_until
from tests.support.gitops.operator_pods import OperatorPods
from tests.support.gitops.repository import ROOT, Repository

HANDLED = {
    "pause": "handledPause",
    "resume": "handledResume",
    "approve": "approved",
    "rollback": "handledRollback",
    "abort": "handledAbort",
    "retry": "handledRetry",
}
"""Where the status records a word."""
CHANGES = frozenset({"create", "update", "patch", "delete"})


class GitopsTool(Protocol):
    """What the scenarios need of Flux or Argo CD. Names are those of the example's objects."""

    name: str
    user: str

    def start(self) -> None:
        """Install it and start its controllers."""

    def stop(self) -> None:
        """Stop its controllers."""

    def deliver(self, *files: str) -> None:
        """Apply files of its directory of the example."""

    def use_chart(self) -> None:
        """Take the operator from the chart instead of the kustomize overlay."""

    def deliver_apps(self) -> None:
        """Deliver the repository's directory `apps`."""

    def sync(self, name: str) -> None:
        """Have the head of the repository applied, and wait until it is."""

    def compare(self, name: str) -> None:
        """Compare with Git once more, and wait until that is done; what differs is put back."""

    def reconcile(self, name: str) -> None:
        """Compare with Git once more, and wait until that is done; nothing may differ."""

    def health(self) -> str:
        """What it makes of the migration: Progressing, Healthy, Suspended or Degraded."""

    def word(self, word: str, expected: Callable[[], bool]) -> None:
        """Say a word to the migration as an admin does with this tool; wait for its record."""


class Fleet:
    """The fixture of a scenario. `bed` has the cluster, the simulated AKS and the status."""

    def __init__(
        self, bed: Bed, tool: GitopsTool, repository: Repository, pods: OperatorPods
    ) -> None:
        self.bed = bed
        self.tool = tool
        self.repository = repository
        self.pods = pods

    def migrate(self, **spec: Any) -> None:
        """Commit a migration of the pool `workers`, without a canary and soaks, and sync it."""
        strategy = {"batch": {"size": "50%", "soak": "0s"}, "finalSoak": "0s"}
        whole = {"source": {"nodePool": "workers"}, "target": {"nodePool": "workersazl"}}
        body = {
            "apiVersion": "azlm.dev/v1alpha1",
            "kind": "AzureLinuxMigration",
            "metadata": {"name": "workers"},
            "spec": whole | {"strategy": {"canary": {"nodes": 0}} | strategy} | spec,
        }
        self.repository.write("migrations/workers.yaml", body)
        self.push("Migrate workers")

    def push(self, subject: str, name: str = "azlm-migrations") -> None:
        """Commit what was written, and have it applied."""
        self.repository.commit(subject)
        self.tool.sync(name)

    def say(self, word: str) -> None:
        """A word of an admin; then its annotation goes, and the tool looks once more."""
        field = HANDLED[word]
        before = self.bed.status().get(field)
        self.tool.word(word, lambda: self.bed.status().get(field) != before)
        self.bed.kubectl("annotate", "azlm", "workers", f"azlm.dev/{word}-")
        self.tool.reconcile("azlm-migrations")

    def phase(self) -> str:
        """The phase of the migration."""
        return str(self.bed.status().get("phase", ""))

    def uid(self) -> str:
        """The uid of the migration."""
        return self.bed.kubectl("get", "azlm", "workers", "-o", "jsonpath={.metadata.uid}")

    def wait_phase(self, phase: str) -> None:
        """Wait for a phase."""
        self.bed.wait(f"phase {phase}", lambda: self.phase() == phase)

    def wait_draining(self, evictions: int = 1) -> None:
        """Wait for evictions."""
        enough = lambda: sum(self.bed.audit.evictions().values()) >= evictions  # noqa: E731
        self.bed.wait(f"{evictions} evictions", enough)

    def evictions(self) -> int:
        """How many evictions were granted."""
        return self.bed.audit.evictions()[201]

    def changes(self) -> list[str]:
        """What the tool has changed of ours since the audit's mark, but for its own objects."""
        return [
            f"{request.verb} {request.resource} {request.name}"
            for request in self.bed.audit.requests(self.tool.user)
            if request.verb in CHANGES
            and not request.dry_run
            and request.code < 300
            and request.resource in {"azurelinuxmigrations", "deployments"}
            and request.namespace in {"", "azlm-system", "default"}
        ]

    def cordoned(self) -> list[str]:
        """Cordoned nodes of the source pool."""
        return [
            node["metadata"]["name"]
            for node in self.bed.nodes("workers")
            if node["spec"].get("unschedulable")
        ]

    def moved_once(self) -> bool:
        """Whether no eviction was refused, and no pod was evicted twice."""
        return self.bed.audit.evictions().keys() <= {201} and set(
            self.bed.audit.evicted().values()
        ) <= {1}

    def operator(self) -> dict[str, Any]:
        """The operator's Deployment."""
        answer = self.bed.kubectl("get", "deployment", "azlm", "-n", "azlm-system", "-o", "json")
        return dict(json.loads(answer))


@contextmanager
def fleet(tool_type: Any, scratch: Path) -> Iterator[Fleet]:
    """A plane with two pools and workloads, AKS, a repository, the tool, the operator's pods."""
    plane = ControlPlane.start(scratch / "plane", ready_ms=300, ready_jitter_ms=800, delete_ms=300)
    try:
        repository = Repository(scratch / "repository")
        repository.remove("migrations/workers.yaml")
        repository.commit("Begin without migrations")
        bed = Bed(plane, scratch)
        bed.patience = PATIENCE
        # The operator's pods of the system pool only: that its own moves are kept apart.
        apply(plane.kubeconfig, pool_nodes("system", 2, os_sku="AzureLinux", mode="System"))
        bed.fill(uniform(2, 12, 1))
        aks = bed.start_aks()
        tool: GitopsTool = tool_type(plane, repository, scratch)
        try:
            with OperatorPods(plane, aks.url, scratch / "azlm.log") as pods:
                tool.start()
                yield Fleet(bed, tool, repository, pods)
        finally:
            tool.stop()
            bed.stop_aks()
    finally:
        plane.stop()


def install(fleet: Fleet) -> None:
    """Deliver the operator from Git, and wait until it leads."""
    fleet.tool.deliver("operator")
    fleet.tool.sync("azlm")
    bed = fleet.bed
    bed.wait("the operator leads", lambda: "leading as" in bed.log())
    wait_until("two operators run", lambda: fleet.pods.running == 2)


SURGE = ROOT / "deploy" / "kustomize" / "components" / "surge"
