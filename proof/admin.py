"""An admin who reads the status and does what it says: approves, and mends what stalls.

So the remedies that azlm tells are proved too: a run that ends Stalled after them has failed.
"""

import re
from typing import Any

from azure_linux_migrator.api.names import APPROVE
from azure_linux_migrator.api.status import MigrationStatus, since_epoch
from azure_linux_migrator.core.drain.blockers import Cause
from azure_linux_migrator.core.records import Key
from azure_linux_migrator.sim.aks_errors import ArmError, ResponseLost
from azure_linux_migrator.sim.cluster.shapes import Rule
from azure_linux_migrator.sim.pilot.resource import Resource
from proof.audit import Audit
from proof.scenario import Scenario

LOOKS_SECONDS = 20.0
PATIENT_SECONDS = 120.0
"""A stalled migration is left alone for so long: most mend themselves."""


class Admin:
    """Looks every LOOKS_SECONDS."""

    def __init__(self, stage: Scenario, resource: Resource, audit: Audit) -> None:
        self._stage = stage
        self._scene = stage.scene
        self._resource = resource
        self._audit = audit
        self._stalled_since: float | None = None
        self._unplaced = 0
        self._grown_at = 0.0
        self._scene.kernel.after(LOOKS_SECONDS, self._look)

    def _look(self) -> None:
        body = self._resource.body
        if body is None:
            return
        self._approve(body.status)
        self._unblock(body.status)
        now = self._scene.kernel.now
        if body.status.is_true("Stalled"):
            since = self._stalled_since = self._stalled_since or now
            if now - since >= PATIENT_SECONDS:
                self._mend(body.status)
                self._stalled_since = now
        else:
            self._stalled_since = None
        self._repair()
        if not body.status.is_true("Succeeded"):
            self._scene.kernel.after(LOOKS_SECONDS, self._look)

    def _approve(self, status: MigrationStatus) -> None:
        ready = status.condition("Ready")
        if ready is not None and ready.reason == "Planned":
            self._resource.edit(mode="Run")
        if ready is not None and ready.reason == "AwaitingApproval":
            word = re.search(rf"{APPROVE}=(\S+)", status.message)
            self._resource.annotate(APPROVE, word[1] if word else "")

    def _unblock(self, status: MigrationStatus) -> None:
        """What the blockers' remedies say, once they have stood for a while."""
        now = self._scene.kernel.now
        filled = "src" if status.rollback else status.target_pool
        if now - self._grown_at < PATIENT_SECONDS:
            return
        ready = status.condition("Ready")
        if ready is not None and ready.reason == "ReplacementsUnschedulable":
            self._unplaced += 1
            if self._unplaced > PATIENT_SECONDS / LOOKS_SECONDS:
                self._grow(filled)
        old = [b for b in status.blockers if now - (since_epoch(b.since) or now) > PATIENT_SECONDS]
        for each in old:
            key = Key(each.namespace, each.name)
            match each.cause:
                case Cause.BUDGET_DEADLOCKED if key in self._scene.disruption.rules:
                    self._scene.disruption.change(key, Rule(max_unavailable=1))
                case Cause.VOLUME_ZONE:
                    self._grow(filled)

    def _grow(self, pool: str) -> None:
        """`az aks nodepool scale`, by one."""
        count = self._scene.aks.properties(pool).get("count")
        self._unplaced, self._grown_at = 0, self._scene.kernel.now
        if count is not None and count < 10:
            self._put_again(pool, count=int(count) + 1)

    def _mend(self, status: MigrationStatus) -> None:
        stalled = status.condition("Stalled")
        reason = stalled.reason if stalled else ""
        match reason:
            case "SourceInUse":
                self._cordon_again()
            case "DrainTimedOut":
                drain = {**self._stage.spec["drain"], "timeout": "0s"}
                self._stage.spec["drain"] = drain
                self._resource.edit(drain=drain)
            case "RolledBack":
                return
            case "TargetFailed" | "TargetPoolFailed" | "CapacityShort" | "UpdateFailed":
                if reason == "UpdateFailed":
                    self._loosen()
                self._put_again("src" if reason == "UpdateFailed" else status.target_pool)
            case "SourceNotHealthy":
                self._put_again("src")
            case "AutoscalerTurnedOn":
                self._put_again("src", enableAutoScaling=False, minCount=None, maxCount=None)
            case _:
                self._loosen()
                self._put_again(status.target_pool)
                self._put_again("src")

    def _loosen(self) -> None:
        """AKS's own drain may wait for a pod that only the drained node has room for."""
        for key, budget in tuple(self._scene.store.budgets.items()):
            if budget.allowed == 0:
                self._scene.disruption.change(key, Rule(max_unavailable="100%"))

    def _cordon_again(self) -> None:
        for node in tuple(self._scene.store.nodes.values()):
            if node.pool == "src" and not node.unschedulable:
                self._audit.foreign_cordon(node)
                self._scene.store.change_node(node.name, unschedulable=True)

    def _put_again(self, pool: str, **changes: Any) -> None:
        """`az aks nodepool update`: the pool as it should be, sent again."""
        aks, now = self._scene.aks, self._scene.kernel.now
        wanted = aks.properties(pool)
        failed = wanted.get("provisioningState") in {"Failed", "Canceled"}
        if not wanted or not (failed or changes):
            return
        named = ("count", "vmSize", "osSKU", "mode", "type", "tags", "availabilityZones")
        keep = (*named, "enableAutoScaling", "minCount", "maxCount")
        body = {key: wanted[key] for key in keep if wanted.get(key) is not None} | changes
        try:
            aks.put(pool, {"properties": {k: v for k, v in body.items() if v is not None}}, now)
        except (ArmError, ResponseLost):
            return
        self._scene.fleet.touched()

    def _repair(self) -> None:
        """AKS's auto-repair: a pool that has fewer machines than it should gets them."""
        aks, now = self._scene.aks, self._scene.kernel.now
        for name in aks.pool_names():
            wanted = aks.properties(name)
            have = len(aks.nodes(name))
            if wanted.get("provisioningState") == "Succeeded" and have < int(wanted["count"]):
                try:
                    aks.autoscale(name, int(wanted["count"]), now)
                except (ArmError, ResponseLost):
                    continue
                self._scene.fleet.touched()
