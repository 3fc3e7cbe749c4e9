"""The remedies in a status, carried out as an admin does with kubectl and az."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

from msgspec import structs

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.model.cluster import BudgetRule, NamespacedName
from azure_linux_migrator.model.scheduling import SchedulingConstraints
from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost
from simtest.custom_resource import Body, CustomResource
from simtest.invariants.audit import Audit
from simtest.scenario import Scenario

SHORT_SECONDS = 60.0
"""A pool that lacks machines for so many seconds is repaired."""
_PASSING = frozenset(
    (
        Cause.WEBHOOK,
        Cause.SERVER,
        Cause.NAMESPACE_TERMINATING,
        Cause.NEGATIVE,
        Cause.FORBIDDEN,
        Cause.BUDGET_UNHEALTHY,
        Cause.OWNER_UNHEALTHY,
        Cause.SURGE_IMPOSSIBLE,
        Cause.UNSCHEDULABLE,
        Cause.NOT_READY,
        Cause.NOT_MADE,
    )
)
"""Causes that need no action after the admin's faults are over."""


class Remedies:
    """Each method is named by a remedy of azlm."""

    def __init__(self, scenario: Scenario, resource: CustomResource, audit: Audit) -> None:
        self._scenario = scenario
        self._simulation = scenario.simulation
        self._resource = resource
        self._audit = audit
        self._short_since: dict[str, float] = {}

    def remedy(self, blocker: BlockerStatus) -> None:
        """Carry out the remedy of a blocker."""
        self._require(blocker.remedy, f"a blocker names no remedy: {blocker.message}")
        apply = self._REMEDIES.get(Cause(blocker.cause))
        if apply is not None:
            apply(self, NamespacedName(blocker.namespace, blocker.name), blocker.remedy)
        else:
            passing = blocker.cause in _PASSING
            self._require(passing, f"no admin knows what to do: {blocker.message}")

    def _require(self, what: object, text: str) -> None:
        self._audit.judge.that("remedy-reported", what, text)

    def _let_go(self, key: NamespacedName, _remedy: str) -> None:
        self._simulation.disruption.change(key, BudgetRule(max_unavailable=1))

    def _remove_budget(self, key: NamespacedName, _remedy: str) -> None:
        self._simulation.store.remove_budget(key)

    def _leave_one_budget(self, key: NamespacedName, _remedy: str) -> None:
        pod = self._simulation.store.pods.get(key)
        for budget in sorted(self._simulation.disruption.budgets_of(pod))[1:] if pod else ():
            self._simulation.store.remove_budget(budget)

    def _let_data_go(self, _key: NamespacedName, _remedy: str) -> None:
        self._edit_drain(emptyDir="Evict")

    def _evict_singletons(self, _key: NamespacedName, remedy: str) -> None:
        self._require("spec.drain.singletons to Evict" in remedy, f"no way to move it: {remedy}")
        self._edit_drain(singletons="Evict")

    def _delete_pod(self, key: NamespacedName, _remedy: str) -> None:
        pod = self._simulation.store.pods.get(key)
        if pod is not None:
            self._simulation.api.delete(key, pod.uid)

    def _edit_drain(self, **changes: Any) -> None:
        body = self._resource.body
        if body is not None:
            drain = {**body.spec["drain"], **changes}
            self._scenario.spec["drain"] = drain
            self._resource.edit(drain=drain)

    def _move_data(self, key: NamespacedName, _remedy: str) -> None:
        """The data is elsewhere: delete the claim and the pod."""
        pod = self._simulation.store.pods.get(key)
        for volume in self._simulation.store.volumes_of(pod) if pod else ():
            self._simulation.store.remove_volume(volume.name)
        self._delete_pod(key, "")

    def _take_tolerations_out(self, key: NamespacedName, _remedy: str) -> None:
        pod = self._simulation.store.pods.get(key)
        workload = self._simulation.workloads.workload(pod) if pod else None
        if workload is not None and workload.template.scheduling.tolerations:
            workload.template = structs.replace(
                workload.template, scheduling=SchedulingConstraints()
            )
            self._simulation.workloads.restart(
                workload.key, f"admin-{self._simulation.kernel.now:.0f}"
            )
            if pod is not None and workload.kind != "Deployment":
                self._simulation.api.delete(key, pod.uid)

    def _unstick(self, key: NamespacedName, remedy: str) -> None:
        pod = self._simulation.store.pods.get(key)
        if pod is None:
            return
        if "finalizer" in remedy:
            self._simulation.store.change_pod(key, finalizers=False)
        else:
            self._simulation.node_lifecycle.find(pod.node)

    def _detach(self, key: NamespacedName, _remedy: str) -> None:
        """Start the CSI driver again."""
        store, node = self._simulation.store, key.name
        used = {v.name for pod in store.pods_on[node].values() for v in store.volumes_of(pod)}
        for attachment in tuple(store.attachments.values()):
            if attachment.node == node and attachment.volume not in used:
                store.remove_attachment(attachment.name)

    def loosen_named(self, message: str) -> None:
        """Loosen the budgets of the node that AKS's own drain names."""
        match = re.search(r"Node '([\w-]+)' failed to be drained", message)
        for pod in tuple(self._simulation.store.pods_on[match[1]].values()) if match else ():
            for key in self._simulation.disruption.budgets_of(pod):
                self._simulation.disruption.change(key, BudgetRule(max_unavailable="100%"))

    def cordon_again(self) -> None:
        """Cordon the nodes of the source that somebody uncordoned."""
        for node in tuple(self._simulation.store.nodes.values()):
            if node.pool == "src" and not node.unschedulable:
                self._audit.foreign_cordon(node)
                self._simulation.store.change_node(node.name, unschedulable=True)

    def uncordon(self, pool: str) -> None:
        """Uncordon one Ready node of a pool."""
        for node in self._audit.context.nodes(pool):
            if node.unschedulable and node.ready:
                self._audit.foreign_uncordon(node)
                self._simulation.store.change_node(node.name, unschedulable=False)
                return

    def acknowledge(self, body: Body) -> None:
        """Fix what blocks the preflight if possible, and otherwise acknowledge it by its id."""
        blocking = {
            finding.rule
            for finding in body.status.preflight.findings
            if finding.severity == "Block" and not finding.acknowledged
        }
        for blocker in body.status.blockers:
            self.remedy(blocker)
        acknowledged = tuple((body.spec.get("preflight") or {}).get("acknowledge", ()))
        named = sorted(rule for rule in blocking - {"cluster.busy"} if rule in body.status.message)
        if named:
            preflight = {
                "acknowledge": [*acknowledged, *(r for r in named if r not in acknowledged)]
            }
            self._scenario.spec["preflight"] = preflight
            self._resource.edit(preflight=preflight)

    def repair(self, pool: str, count: int, now: float) -> None:
        """AKS creates the missing machines."""
        since = self._short_since.setdefault(pool, now)
        if now - since < SHORT_SECONDS:
            return
        del self._short_since[pool]
        try:
            self._simulation.aks.autoscale(pool, count, now)
        except (ArmError, ResponseLost):
            return
        self._simulation.node_lifecycle.touched()

    _REMEDIES: ClassVar[dict[Cause, Callable[["Remedies", NamespacedName, str], None]]] = {
        Cause.BUDGET_DEADLOCKED: _let_go,
        Cause.BUDGET_WITHOUT_PODS: _remove_budget,
        Cause.BUDGET_SYNC_FAILED: _remove_budget,
        Cause.UNMANAGED: _delete_pod,
        Cause.EMPTY_DIR: _let_data_go,
        Cause.LOCAL_VOLUME: _move_data,
        Cause.TWO_BUDGETS: _leave_one_budget,
        Cause.RETURNS: _take_tolerations_out,
        Cause.STUCK_TERMINATING: _unstick,
        Cause.VOLUME_ATTACHED: _detach,
        Cause.SURGE_UNDONE: _evict_singletons,
    }
    """The remedies by the cause of a blocker, with the name of its object and the remedy's text."""
