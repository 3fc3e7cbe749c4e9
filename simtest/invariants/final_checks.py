"""The checks at the end of a run: pools, nodes, workloads, and what azlm leaves behind."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.api.names import TAG_AUTOSCALER, TAG_MIGRATION, TAG_SOURCE
from azure_linux_migrator.api.status import MigrationStatus, Phase, since_epoch
from azure_linux_migrator.model.cluster import Pod
from simtest.custom_resource import CustomResource
from simtest.invariants.audit import Audit
from simtest.invariants.readings import in_batch
from simtest.scenario import NAME, Scenario

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
            self._rolled_back(body.status)
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
            ours = node.cordoned_by == NAME or in_batch(node) > 0
            left = ours and not (stays and node.pool == "src")
            self._that("marks-gone", not left, f"{node.name} still carries our marks")
        for controller in self._store.controllers.values():
            left = controller.surge.startswith(f"{NAME}/") and not controller.surge.endswith(
                "/yielded"
            )
            self._that("surge-left", not left, f"{controller.key} is still surged")

    def _cordons(self) -> None:
        for name in sorted(self._audit.nodes.foreign):
            node = self._store.nodes.get(name)
            kept = node is None or node.unschedulable
            self._that("foreign-cordons-stay", kept, f"{name} takes pods again")

    def _released(self) -> None:
        others = self._audit.pool_view.changed("src") or self._audit.context.pools_changed()
        if others or self._scenario.strategy == "InPlace":
            return  # AKS cordons nodes too, and leaves them so where its upgrade fails
        for node in self._audit.context.nodes("src"):
            free = not node.unschedulable or node.name in self._audit.nodes.foreign
            self._that("released", free, f"{node.name} is still cordoned")

    # Outcomes

    def _gone(self) -> None:
        kept = self._audit.context.spec.get("sourcePool") == "Keep"
        if not self._audit.succeeded or kept:
            self._released()
        if self._audit.succeeded:
            return
        paused = self._audit.context.is_paused
        self._autoscaler("autoscaler-back-paused" if paused else "autoscaler-back")

    def _rolled_back(self, status: MigrationStatus) -> None:
        self._released()
        self._autoscaler("autoscaler-back")
        there = self._aks.properties(self._target).get("tags") or {}
        gone = there.get(TAG_MIGRATION) != NAME
        self._that("source-back", gone, f"the target {self._target} is still there")
        have = int(self._aks.properties("src").get("count") or 0)
        before = status.source.count or 0
        back = have >= before or self._audit.pool_view.changed("src")
        self._that("source-back", back, f"the source has {have} nodes, it had {before}")

    def _autoscaler(self, name: str) -> None:
        """The pool is as it was, unless others have changed it."""
        source, held = self._aks.properties("src"), self._audit.pool_view.held
        if not source or self._scenario.strategy == "InPlace":
            return
        scales = bool(source.get("enableAutoScaling"))
        bounds = (source.get("minCount"), source.get("maxCount")) if scales else None
        same = bounds == held or self._audit.pool_view.others_set("src")
        self._that(name, same, f"the source scales within {bounds}, before within {held}")

    def _succeeded(self) -> None:
        spec, source = self._audit.context.spec, self._aks.properties("src")
        name = self._target
        target = self._aks.properties(name)
        changed = self._audit.context.pools_changed_at
        ended = since_epoch(self._audit.context.status.completion_time) or 0.0
        if changed is not None and changed > ended - LAST_SECONDS:
            return  # others have changed it after the last observation
        sku = target.get("osSKU")
        self._that("target-right", sku == "AzureLinux", f"{name} runs {sku}")
        if self._scenario.strategy == "InPlace":
            return
        self._target_is(spec, target)
        names = self._aks.pool_names()
        left = {"Delete": "src" in names, "ScaleToZero": source.get("count") != 0, "Keep": False}
        kept = left[spec["sourcePool"]] and not self._audit.context.pools_changed()
        self._that("source-retired", not kept, "the source was not retired")

    def _target_is(self, spec: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        that, context = self._that, self._audit.context
        asked = spec.get("target") or {}
        tags = target.get("tags") or {}
        wanted = {TAG_MIGRATION: NAME, TAG_SOURCE: "src", **(asked.get("tags") or {})}
        lacks = {key for key, value in wanted.items() if tags.get(key) != value}
        that("target-right", not lacks and TAG_AUTOSCALER not in tags, f"tags {tags}")
        zones = asked.get("zones", self._stage_zones())
        pool_zones = list(target.get("availabilityZones") or [])
        that("target-right", pool_zones == list(zones or []), f"zones {pool_zones}, not {zones}")
        self._bounds(asked, target)
        count, before = int(target.get("count") or 0), context.status.source.count
        final = before if asked.get("count") in {None, "Auto"} else asked["count"]
        scales = bool(target.get("enableAutoScaling"))
        free = (
            final is None
            or scales
            or asked.get("count") == "Auto"
            or self._audit.pool_view.changed(self._target)
        )
        that("target-count", free or count == final, f"{count} nodes, {final} were asked for")

    def _bounds(self, asked: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        wanted = asked.get("autoscaling")
        held = (wanted["min"], wanted["max"]) if wanted else self._audit.pool_view.held
        recorded = self._audit.context.status.source.autoscaler
        source_bounds = (recorded.min, recorded.max) if recorded else None
        scales = bool(target.get("enableAutoScaling"))
        bounds = (target.get("minCount"), target.get("maxCount")) if scales else None
        mine = bounds == held or (not wanted and bounds == source_bounds)
        same = mine or self._audit.pool_view.others_set(self._target)
        self._that("target-right", same, f"the target scales within {bounds}, not {held}")

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
            self._that("workloads-well", well == wanted or _hopeless(pods), text)


def _hopeless(pods: list[Pod]) -> bool:
    """Pods that fit on no node: not caused by azlm."""
    return any(pod.unschedulable for pod in pods)
