"""An admin who follows the status and nothing else: approves, and fixes a stalled migration by its
reason, the causes of its blockers and its message.

So the remedies in the status are tested too: a run that stays Stalled after them fails, and so does
a run that stalls for a reason without a fix here.
"""

import re
from collections.abc import Callable
from typing import ClassVar

from msgspec import structs

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.names import APPROVE, RESUME
from azure_linux_migrator.api.status import MigrationStatus, Phase, since_epoch
from azure_linux_migrator.api.status_drain import BlockerStatus
from simtest.custom_resource import Body, CustomResource
from simtest.faults import azure_cli
from simtest.faults.fault import HEALED
from simtest.invariants.audit import Audit
from simtest.remedies import Remedies
from simtest.scenario import NOW, Scenario

LOOKS_SECONDS = 20.0
PATIENT_SECONDS = 120.0
"""A stalled migration is left alone for so many seconds: most continue by themselves."""
WAITS = frozenset(
    (
        "AzureForbidden",
        "QuotaExceeded",
        "KubernetesForbidden",
        "ClusterNotFound",
        "RolledBack",
        "CapacityShort",
        "AzureUnavailable",
    )
)
"""Reasons that Azure or another admin fixes after the faults are over."""


class Admin(Remedies):
    """Reads the status every LOOKS_SECONDS."""

    def __init__(self, scenario: Scenario, resource: CustomResource, audit: Audit) -> None:
        super().__init__(scenario, resource, audit)
        self._stalled_since: float | None = None
        self._unschedulable = self._cordoned = 0
        self._grown_at = 0.0
        self._anew = False
        resource.watchers.append(self._gone)
        self._simulation.kernel.after(LOOKS_SECONDS, self._look)

    def _look(self) -> None:
        self._simulation.kernel.after(LOOKS_SECONDS, self._look)
        body = self._resource.body
        if body is not None:
            self._read(body)
        self._repair()

    def _read(self, body: Body) -> None:
        self._approve(body)
        self._resume(body)
        self._unblock(body.status)
        now = self._simulation.kernel.now
        if body.status.is_true("Stalled"):
            since = self._stalled_since = self._stalled_since or now
            if now - since >= PATIENT_SECONDS:
                self._fix(body)
                self._stalled_since = now
        else:
            self._stalled_since = None

    def _gone(self, body: Body | None) -> None:
        """If the status says so, apply the resource again after its deletion."""
        if body is None and self._anew:
            self._anew = False
            self._resource.recreate(dict(self._scenario.spec))

    def _approve(self, body: Body) -> None:
        ready = body.status.condition("Ready")
        if ready is not None and ready.reason == "Planned":
            self._run_planned(body)
        if ready is not None and ready.reason == "AwaitingApproval":
            match = re.search(rf"{re.escape(APPROVE)}=(\S+)", body.status.message)
            self._require(match, f"the status does not tell how to approve: {body.status.message}")
            self._resource.annotate(APPROVE, match[1] if match else "")

    def _run_planned(self, _body: Body) -> None:
        """Begin what was planned, also where the forecast has blocking pods: they go then."""
        self._scenario.spec["mode"] = "Run"
        self._resource.edit(mode="Run")

    def _resume(self, body: Body) -> None:
        """A pause that a deleted predecessor left ends as the status says, and one that azlm saw in
        the same moment as its end."""
        settled = self._simulation.kernel.now > NOW + HEALED
        left = settled or "its predecessor left" in body.status.message
        if body.status.phase == Phase.PAUSED and left and not body.spec.get("paused"):
            self._require("azlm resume" in body.status.message, "the status tells no way on")
            self._resource.annotate(RESUME, f"{self._simulation.kernel.now}")

    def _unblock(self, status: MigrationStatus) -> None:
        """Follow the remedies of blockers that are reported for a while."""
        now = self._simulation.kernel.now
        filled = "src" if status.rollback else status.target_pool
        if now - self._grown_at < PATIENT_SECONDS:
            return
        ready = status.condition("Ready")
        if ready is not None and ready.reason == "ReplacementsUnschedulable":
            self._unschedulable += 1
            if self._unschedulable > PATIENT_SECONDS / LOOKS_SECONDS:
                self._grow(filled)
        if ready is not None and ready.reason == "TargetNotReady":
            self._cordoned += 1
            if self._cordoned > PATIENT_SECONDS / LOOKS_SECONDS:
                self._uncordon_target(status)
        for blocker in status.blockers:
            if now - (since_epoch(blocker.since) or now) > PATIENT_SECONDS:
                self.remedy(blocker)

    def remedy(self, blocker: BlockerStatus) -> None:
        """If pods do not fit, add a node to the pool that is filled."""
        unwell = blocker.cause in {Cause.BUDGET_UNHEALTHY, Cause.OWNER_UNHEALTHY}
        full = blocker.cause in {Cause.VOLUME_ZONE, Cause.SURGE_STUCK}
        body = self._resource.body
        if body is not None and (full or (unwell and self._crowded())):
            self._grow("src" if body.status.rollback else self._scenario.target)
        else:
            super().remedy(blocker)

    def _crowded(self) -> bool:
        """Whether some pods fit nowhere, as `kubectl describe pods` shows."""
        return any(pod.unschedulable for pod in self._simulation.store.pods.values())

    def _grow(self, pool: str) -> None:
        """`az aks nodepool scale`, by one node."""
        count = self._simulation.aks.properties(pool).get("count")
        if self._simulation.kernel.now - self._grown_at < PATIENT_SECONDS:
            return
        self._unschedulable, self._grown_at = 0, self._simulation.kernel.now
        if count is not None and count < 12:
            azure_cli.update(self._simulation, pool, count=int(count) + 1)

    def _fix(self, body: Body) -> None:
        stalled = body.status.condition("Stalled")
        reason = stalled.reason if stalled else ""
        text = f"the status names no remedy: {reason}: {body.status.message}"
        self._require(reason in self._FIXES or reason in WAITS, text)
        if reason in self._FIXES:
            self._FIXES[reason](self, body)

    def _raise_timeout(self, body: Body) -> None:
        drain = {**body.spec["drain"], "timeout": "0s"}
        self._scenario.spec["drain"] = drain
        self._resource.edit(drain=drain)

    def _try_target_again(self, body: Body) -> None:
        azure_cli.update(self._simulation, body.status.target_pool)

    def _try_source_again(self, _body: Body) -> None:
        """The error of the last operation, as `az` shows it."""
        failed = self._simulation.aks.properties("src").get("status") or {}
        self.loosen_named(str(failed.get("provisioningError")))
        azure_cli.update(self._simulation, "src")

    def _update_again(self, body: Body) -> None:
        self.loosen_named(body.status.message)
        for blocker in body.status.blockers:
            self.remedy(blocker)
        azure_cli.update(self._simulation, "src", osSKU="AzureLinux")

    def _remove_lock(self, _body: Body) -> None:
        """`az lock delete`."""
        aks = self._simulation.aks
        aks.region = structs.replace(aks.region, node_group_locks=())

    def _turn_autoscaler_off(self, _body: Body) -> None:
        off = {"enableAutoScaling": False, "minCount": None, "maxCount": None}
        azure_cli.update(self._simulation, "src", **off)

    def _start_source(self, _body: Body) -> None:
        azure_cli.update(self._simulation, "src", powerState={"code": "Running"})

    def _start_target(self, body: Body) -> None:
        azure_cli.update(self._simulation, body.status.target_pool, powerState={"code": "Running"})

    def _change_back(self, body: Body) -> None:
        before = re.search(r"from (\w+) to", body.status.message)
        self._require(before, f"from what? {body.status.message}")
        if before is not None:
            azure_cli.update(self._simulation, "src", osSKU=before[1])

    def _tag(self, body: Body) -> None:
        tags = dict(re.findall(r"(azlm-[\w-]+)=(\w+)", body.status.message))
        azure_cli.update(self._simulation, body.status.target_pool, tags=tags)

    def _delete_and_create(self, _body: Body) -> None:
        self._anew = True
        self._resource.delete()

    def _delete(self, _body: Body) -> None:
        self._resource.delete()

    def _free_the_name(self, _body: Body) -> None:
        azure_cli.delete(self._simulation, self._scenario.target)

    def _unblock_pods(self, body: Body) -> None:
        for blocker in body.status.blockers:
            self.remedy(blocker)

    def _uncordon_target(self, status: MigrationStatus) -> None:
        """`kubectl uncordon`, if the message says so. On the way back nothing stalls for it."""
        self._cordoned = 0
        if "kubectl uncordon" in status.message:
            self.uncordon("src" if status.rollback else self._scenario.target)

    def _make_target_usable(self, body: Body) -> None:
        self._uncordon_target(body.status)

    def _cordon(self, _body: Body) -> None:
        self.cordon_again()

    def _repair(self) -> None:
        """The auto-repair of AKS: a pool that lacks machines for a while gets them."""
        aks, now = self._simulation.aks, self._simulation.kernel.now
        for name in aks.pool_names():
            wanted = aks.properties(name)
            have, count = len(aks.nodes(name)), int(wanted["count"])
            if have >= count:
                self._short_since.pop(name, None)
            running = (wanted.get("powerState") or {}).get("code", "Running") == "Running"
            if running and wanted.get("provisioningState") == "Succeeded" and have < count:
                self.repair(name, count, now)

    def _give_room(self, body: Body) -> None:
        """Replacements found no node for longer than spec.drain.timeout."""
        self._grow("src" if body.status.rollback else self._scenario.target)
        self._raise_timeout(body)

    _FIXES: ClassVar[dict[str, Callable[["Admin", Body], None]]] = {
        "NodeUncordoned": _cordon,
        "TargetNotReady": _make_target_usable,
        "DrainTimedOut": _raise_timeout,
        "ReplacementsUnschedulable": _give_room,
        "TargetFailed": _try_target_again,
        "UpdateFailed": _update_again,
        "SourceNotHealthy": _try_source_again,
        "ScopeLocked": _remove_lock,
        "AutoscalerTurnedOn": _turn_autoscaler_off,
        "SourceStopped": _start_source,
        "TargetStopped": _start_target,
        "SourceUpgraded": _change_back,
        "TargetTagsChanged": _tag,
        "TargetPoolGone": _delete_and_create,
        "TargetMissing": _delete_and_create,
        "SourcePoolGone": _delete,
        "SourcePoolNotFound": _delete,
        "TargetPoolExists": _free_the_name,
        "PreflightBlocked": Remedies.acknowledge,
        "PodsBlocked": _unblock_pods,
        "ForecastBlocked": _run_planned,
    }
    """The fixes by the reason for which a migration stalls."""
