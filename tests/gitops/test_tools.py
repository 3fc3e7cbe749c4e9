"""Migrations from Git, by the real tools, with prune and self-heal on."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.fill.workloads import deployment
from tests.support.gitops.argocd import ArgoCD, ArgoCDServerSide
from tests.support.gitops.fleet import SURGE, Fleet, fleet, install
from tests.support.gitops.flux import Flux
from tests.support.gitops.table import TABLE

pytestmark = pytest.mark.cluster

ORDER = [{"selector": {"matchLabels": {"app": "app-00"}}, "order": -1}]
SLOW = {"canary": {"nodes": 1, "soak": "10m"}}
"""The drain has begun, and waits."""
FAST = {"canary": {"nodes": 1, "soak": "0s"}, "batch": {"size": "50%", "soak": "0s"}}
FAST |= {"finalSoak": "0s"}
TOOLS = {"flux": Flux, "argocd": ArgoCD, "argocd-server-side": ArgoCDServerSide}


@pytest.fixture(params=TOOLS)
def git(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    with fleet(TOOLS[request.param], tmp_path) as ready:
        yield ready


def test_a_migration_from_git_to_its_end(git: Fleet) -> None:
    """With an approval, a pause, a surge, an order and an upgrade of the operator on its way."""
    git.repository.copy(SURGE, "operator/surge")
    text = git.repository.read("operator/kustomization.yaml")
    git.repository.write("operator/kustomization.yaml", f"{text}components:\n- surge\n")
    git.repository.write("apps/solo.yaml", solo())
    git.repository.commit("Add the workloads")
    install(git)
    git.tool.deliver_apps()
    git.tool.sync("apps")
    git.bed.wait("solo is Ready", lambda: ready(git, "solo"))

    git.tool.deliver("migrations")
    spec = {"approval": "BeforeDrain", "drain": {"singletons": "SurgeFirst", "order": ORDER}}
    git.migrate(**spec, strategy=SLOW)
    git.bed.wait_reason("AwaitingApproval")
    git.bed.audit.mark()
    git.say("pause")
    git.say("approve")
    assert git.phase() == "Paused"
    assert git.tool.health() in {"Suspended", "Progressing"}
    assert git.evictions() == 0
    TABLE.record(git, "pause", "holds; the annotation may go")
    TABLE.record(git, "approve", "opens the gate, also while paused")
    git.say("resume")
    git.wait_draining(3)
    TABLE.record(git, "resume", "goes on")
    git.migrate(**spec, strategy=SLOW, paused=True)
    git.wait_phase("Paused")
    TABLE.record(git, "`spec.paused` in Git", "holds until Git says false")
    upgrade(git)
    # Written out: where a line with a default is gone, Argo CD's ServerSideDiff sees no difference.
    git.migrate(**spec, strategy=FAST, paused=False)
    for name in ("azlm", "azlm-migrations", "apps"):
        git.tool.reconcile(name)
    git.bed.wait_done()
    assert git.moved_once()
    assert ready(git, "solo")
    for name in ("azlm", "azlm-migrations", "apps"):
        git.tool.reconcile(name)
    assert git.tool.health() in {"Healthy", "Progressing"}
    changes = Counter(git.changes())
    pause = {"patch azurelinuxmigrations workers": 2}
    assert changes == Counter(pause | {"patch deployments azlm": 1}), "Git's changes, and no drift"
    TABLE.record(git, "install from the overlay", "Synced or Ready")
    TABLE.record(git, "a migration from Git", "done; the tool wrote nothing but Git's changes")
    TABLE.record(git, "`drain.singletons: SurgeFirst`", "moved, no drift")
    TABLE.record(git, "`drain.order`", "no drift")
    TABLE.record(git, "operator upgrade mid-drain", "each pod moved once")


def test_words_that_end_a_migration_last(git: Fleet) -> None:
    """A rollback, another attempt, an abort; then what a deletion does, and a removal from Git."""
    git.tool.use_chart()
    install(git)
    git.tool.deliver("migrations")
    git.migrate(strategy=SLOW)
    git.wait_draining(2)
    git.bed.audit.mark()
    git.say("rollback")
    git.wait_phase("RolledBack")
    git.tool.reconcile("azlm-migrations")
    assert git.changes() == []
    assert git.phase() == "RolledBack"
    assert git.cordoned() == []
    TABLE.record(git, "install from the chart", "Synced or Ready")
    TABLE.record(git, "rollback", "stays RolledBack; the tool wrote nothing")

    git.say("retry")
    git.bed.wait("cordoned again", lambda: len(git.cordoned()) == 4)
    TABLE.record(git, "retry", "begins again")
    git.say("abort")
    git.wait_phase("Aborted")
    git.tool.reconcile("azlm-migrations")
    assert git.phase() == "Aborted"
    assert git.cordoned() == []
    TABLE.record(git, "abort", "stays Aborted, nodes uncordoned")

    before = git.uid()
    git.bed.kubectl("delete", "azlm", "workers", "--timeout=60s")
    git.tool.compare("azlm-migrations")
    uids = ("get", "azlm", "-o", "jsonpath={.items[*].metadata.uid}")
    git.bed.wait("the tool makes it again", lambda: git.bed.kubectl(*uids) not in {"", before})
    git.wait_phase("Paused")
    assert git.cordoned() == []
    TABLE.record(git, "delete with kubectl, after an abort", "recreated, paused")

    git.repository.remove("migrations/workers.yaml")
    git.push("Stop for good")
    git.bed.wait("it is gone", lambda: not git.bed.kubectl("get", "azlm", "-o", "name"))
    git.tool.reconcile("azlm-migrations")
    assert not git.bed.kubectl("get", "azlm", "-o", "name")
    assert git.cordoned() == []
    TABLE.record(git, "removal from Git", "gone for good, nodes uncordoned")


def solo() -> dict[str, Any]:
    """A singleton. Argo CD takes an empty map of annotations for drift once there is one."""
    manifest = deployment("solo", 1)
    del manifest["spec"]["template"]["metadata"]["annotations"]
    return manifest


def upgrade(git: Fleet) -> None:
    """A new image by Git, rolled out while pods are on their way."""
    git.repository.replace("operator/kustomization.yaml", "newTag: 0.2.0", "newTag: 0.2.1")
    git.push("Upgrade azlm", "azlm")
    git.bed.wait(
        "both operators are new",
        lambda: git.pods.running == 2 and git.pods.images[-1].endswith(":0.2.1"),
    )


def ready(git: Fleet, name: str) -> bool:
    answer = yaml.safe_load(git.bed.kubectl("get", "deployment", name, "-o", "yaml"))
    return bool(answer.get("status", {}).get("readyReplicas") == answer["spec"]["replicas"])
