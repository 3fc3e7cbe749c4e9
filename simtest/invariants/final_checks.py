"""The checks at the end of a run: pools, nodes, workloads, and what azlm leaves behind."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.api.names import TAG_AUTOSCALER, TAG_MIGRATION, TAG_SOURCE, TAG_STOP
from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.model.cluster import Pod
from simtest.custom_resource import CustomResource
from simtest.invariants.audit import Audit
from simtest.scenario import NAME, Scenario

CHANGING = frozenset(
    (
        "count",
        "enableAutoScaling",
        "minCount",
        "maxCount",
        "provisioningState",
        "eTag",
        "status",
        "powerState",
        "nodeImageVersion",
    )
)
"""What AKS, the autoscaler and the judged scales change of a pool; those have their own checks."""
LAST_SECONDS = 60.0
"""Changes of a pool that others make so late are not observed any more."""


class FinalChecks:
    """Judges a run that has ended and is idle."""

    def __init__(self, scenario: Scenario, resource: CustomResource, audit: Audit) -> None:
        self._scenario = scenario
        self._store = scenario.simulation.store
        self._aks = scenario.simulation.aks
        self._resource = resource
        self._audit = audit
        self._that = audit.judge.that
        self._target = audit.context.target

    def judge(self, *, calm: bool) -> None:
        """Make all checks; `calm` if no fault was scheduled."""
        self._audit.pool_view.look()
        body = self._resource.body
        if body is None:
            self._gone()
        elif body.status.phase == Phase.ROLLED_BACK:
            self._rolled_back()
        elif body.status.is_true("Succeeded"):
            self._succeeded()
        self._marks()
        self._cordons()
        self._workloads()
        probes = "pdb.zero" in (self._scenario.spec.get("preflight") or {}).get("acknowledge", ())
        if calm and not probes:
            refused = self._audit.refused - self._audit.outrun
            self._that("calm-unrefused", not refused, f"{refused} refused evictions")

    # Nodes

    def _marks(self) -> None:
        kept = self._scenario.spec["sourcePool"] == "Keep" and self._audit.succeeded
        stays = kept and self._resource.body is not None
        for node in self._store.nodes.values():
            ours = node.cordoned_by == NAME or node.batch.startswith(f"{NAME}.")
            left = ours and not (stays and node.pool == "src")
            self._that("marks-gone", not left, f"{node.name} still carries our marks")
        for name, mark in self._scenario.others_marks.items():
            marked = self._store.nodes.get(name)
            kept = marked is None or marked.batch == mark
            self._that("others-marks-stay", kept, f"{name} has lost the mark {mark}")
        for controller in self._store.controllers.values():
            left = controller.surge.startswith(f"{NAME}/")
            self._that("surge-left", not left, f"{controller.key} still has {controller.surge}")

    def _cordons(self) -> None:
        for name in sorted(self._audit.nodes.foreign):
            node = self._store.nodes.get(name)
            kept = node is None or node.unschedulable
            self._that("foreign-cordons-stay", kept, f"{name} takes pods again")

    def _released(self) -> None:
        if self._scenario.strategy == "InPlace":
            return  # AKS cordons nodes too, and leaves them so where its upgrade fails
        others = self._audit.pool_view.changed("src") or self._audit.context.pools_changed()
        for node in self._audit.context.nodes("src"):
            free = not node.unschedulable or node.name in self._audit.nodes.foreign
            self._that("released", free, f"{node.name} is still cordoned", excuse=others)

    # Outcomes

    def _gone(self) -> None:
        kept = self._audit.context.spec.get("sourcePool") == "Keep"
        if not self._audit.succeeded or kept:
            self._released()
        if self._audit.succeeded:
            return
        self._originals()
        paused = self._audit.context.is_paused
        self._autoscaler("autoscaler-back-paused" if paused else "autoscaler-back")

    def _rolled_back(self) -> None:
        self._released()
        self._originals()
        self._autoscaler("autoscaler-back")
        there = self._aks.properties(self._target).get("tags") or {}
        gone = there.get(TAG_MIGRATION) != NAME
        self._that("source-back", gone, f"the target {self._target} is still there")
        have = int(self._aks.properties("src").get("count") or 0)
        before = self._audit.pool_view.size or 0
        others = self._audit.pool_view.changed("src")
        text = f"the source has {have} nodes, it had {before}"
        self._that("source-back", have >= before, text, excuse=others)

    def _originals(self) -> None:
        """All of the source but what others change, and what the autoscaler and AKS do."""
        view, source = self._audit.pool_view, self._aks.properties("src")
        if not source or self._scenario.strategy == "InPlace":
            return
        before = {name: value for name, value in view.originals.items() if name not in CHANGING}
        now = {name: value for name, value in source.items() if name not in CHANGING}
        tags = {
            name: value for name, value in (now.pop("tags", None) or {}).items() if name != TAG_STOP
        }
        before_tags = before.pop("tags", None) or {}
        text = f"the source is {now} with tags {tags}, it was {before} with {before_tags}"
        others = self._audit.context.pools_changed() or view.others_set("src")
        self._that("originals-back", (now, tags) == (before, before_tags), text, excuse=others)

    def _autoscaler(self, name: str) -> None:
        """The pool is as it was, unless others have changed it."""
        source, held = self._aks.properties("src"), self._audit.pool_view.held
        if not source or self._scenario.strategy == "InPlace":
            return
        scales = bool(source.get("enableAutoScaling"))
        bounds = (source.get("minCount"), source.get("maxCount")) if scales else None
        others = self._audit.pool_view.others_set("src")
        text = f"the source scales within {bounds}, before within {held}"
        self._that(name, bounds == held, text, excuse=others)

    def _succeeded(self) -> None:
        spec, source = self._audit.context.spec, self._aks.properties("src")
        name = self._target
        target = self._aks.properties(name)
        changed = self._audit.context.pools_changed_at
        ended = self._audit.succeeded_at or 0.0
        # Others have changed it after the last observation.
        late = changed is not None and changed > ended - LAST_SECONDS
        sku = target.get("osSKU")
        self._that("target-right", sku == "AzureLinux", f"{name} runs {sku}", excuse=late)
        if self._scenario.strategy == "InPlace":
            return
        self._target_is(spec, target, late=late)
        names = self._aks.pool_names()
        left = {"Delete": "src" in names, "ScaleToZero": source.get("count") != 0, "Keep": False}
        text = "the source was not retired"
        others = self._audit.context.pools_changed()
        self._that("source-retired", not left[spec["sourcePool"]], text, excuse=others)

    def _target_is(self, spec: Mapping[str, Any], target: Mapping[str, Any], *, late: bool) -> None:
        that = self._that
        asked = spec.get("target") or {}
        tags = target.get("tags") or {}
        wanted = {TAG_MIGRATION: NAME, TAG_SOURCE: "src", **(asked.get("tags") or {})}
        lacks = {key for key, value in wanted.items() if tags.get(key) != value}
        right = not lacks and TAG_AUTOSCALER not in tags
        that("target-right", right, f"tags {tags}", excuse=late)
        zones = asked.get("zones", self._stage_zones())
        pool_zones = list(target.get("availabilityZones") or [])
        text = f"zones {pool_zones}, not {zones}"
        that("target-right", pool_zones == list(zones or []), text, excuse=late)
        self._bounds(asked, target, late=late)
        count, before = int(target.get("count") or 0), self._audit.pool_view.size
        final = before if asked.get("count") in {None, "Auto"} else asked["count"]
        scales = bool(target.get("enableAutoScaling"))
        free = final is None or scales or asked.get("count") == "Auto"
        view = self._audit.pool_view
        others = late or view.changed(self._target) or view.changed("src")
        text = f"{count} nodes, {final} were asked for"
        that("target-count", free or count == final, text, excuse=others)

    def _bounds(self, asked: Mapping[str, Any], target: Mapping[str, Any], *, late: bool) -> None:
        wanted = asked.get("autoscaling")
        view = self._audit.pool_view
        right = {(wanted["min"], wanted["max"])} if wanted else view.bounds_had
        scales = bool(target.get("enableAutoScaling"))
        bounds = (target.get("minCount"), target.get("maxCount")) if scales else None
        others = late or view.others_set(self._target)
        text = f"the target scales within {bounds}, not {right}"
        self._that("target-right", bounds in right, text, excuse=others)

    def _stage_zones(self) -> list[str]:
        return self._audit.pool_view.zones

    # Workloads

    def _workloads(self) -> None:
        simulation = self._scenario.simulation
        for key, wanted in sorted(self._scenario.replicas.items()):
            workload = next(w for w in simulation.workloads.by_uid.values() if w.key == key)
            text = f"{key} has the scale {workload.replicas}, its admin wants {wanted}"
            self._that("workloads-well", workload.replicas == wanted, text)
            pods = [self._store.pods[key] for key in simulation.workloads.pods_of[workload.uid]]
            well = sum(pod.ready and not pod.terminating for pod in pods)
            text = f"{key} has {well} of {wanted} pods at the end"
            self._that("workloads-well", well == wanted, text, excuse=_hopeless(pods))
            if workload.uid in self._audit.context.moved:
                others = key in self._audit.context.rescaled or self._audit.context.pools_changed()
                text = f"a pod of {key} fits nowhere at the end"
                self._that("moved-land", not _hopeless(pods), text, excuse=others)


def _hopeless(pods: list[Pod]) -> bool:
    """Pods that fit on no node: not caused by azlm."""
    return any(pod.unschedulable for pod in pods)
