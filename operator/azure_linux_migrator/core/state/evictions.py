"""The effects of an eviction, and of the apiserver's answer to it, on the world."""

from azure_linux_migrator.core.state.inflight import InflightEvictions
from azure_linux_migrator.core.state.pdb_index import PdbIndex
from azure_linux_migrator.core.state.slot_timing import SlotTimes
from azure_linux_migrator.model.actions import DeletePod, EvictPod
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Pod


class Evictions:
    """The part of the world that evictions change; times are in seconds since the epoch."""

    pods: dict[NamespacedName, Pod]
    budgets: dict[NamespacedName, Budget]
    inflight: InflightEvictions
    slot_times: SlotTimes
    pdb_index: PdbIndex

    def evicting(self, action: EvictPod | DeletePod, now: float) -> None:
        """An eviction is about to be sent (`now`: seconds since the epoch)."""
        budget = self.budgets.get(action.budget) if action.budget is not None else None
        takes = self.inflight.sent(
            action.pod,
            action.uid,
            budget=action.budget,
            owner=action.owner,
            now=now,
            revision=budget.revision if budget is not None else 0,
        )
        if takes and action.budget is not None:
            self.slot_times.sent(action.budget, now)

    def eviction_granted(self, action: EvictPod | DeletePod) -> None:
        """It was carried out."""
        self.inflight.granted(action.pod, action.uid, action.budget)

    def eviction_refused(
        self, action: EvictPod | DeletePod, *, reason: str, message: str, until: float
    ) -> None:
        """It was refused for that reason; it is not sent again before `until`."""
        budget = self.inflight.budget_of(action.pod)
        if budget is not None:
            self.slot_times.refused(budget)
        if not self._stands(action):
            self.inflight.forget(action.pod)
            return
        self.inflight.refused(action.pod, action.uid, reason=reason, message=message, until=until)

    def budget_refused(
        self,
        action: EvictPod | DeletePod,
        *,
        reason: str,
        message: str,
        until: float,
        strict: bool,
    ) -> None:
        """It was refused for its budget's sake: nothing of that budget is sent before `until`, or
        until its status changes, where the apiserver did not name the time (`strict`)."""
        pod, detail = self.pods.get(action.pod), {"reason": reason, "message": message}
        budgets = self.pdb_index.of(pod) if pod is not None else ()
        budget = action.budget or next(iter(budgets), None)
        if budget in self.budgets and action.budget is not None:
            self.slot_times.refused(budget)
            self.inflight.forget(action.pod)
        else:
            # It was thought to cost nothing, and may wait in a queue of pods that need no budget.
            self.eviction_refused(action, **detail, until=until)
        if budget in self.budgets:
            self.inflight.budget_backoffs.refused(budget, **detail, until=until, strict=strict)

    def eviction_unanswered(
        self, action: EvictPod | DeletePod, *, reason: str, message: str, until: float, now: float
    ) -> None:
        """It is not known what came of it, or of an earlier one; not sent again before `until`."""
        self.inflight.unanswered(
            action.pod, action.uid, reason=reason, message=message, until=until, now=now
        )

    def eviction_needless(self, action: EvictPod | DeletePod) -> None:
        """The pod was gone already."""
        budget = self.inflight.budget_of(action.pod)
        if budget is not None and not self.inflight.doubted(action.pod, action.uid):
            self.slot_times.refused(budget)
        self.inflight.gone(action.pod, action.uid)

    def _stands(self, action: EvictPod | DeletePod) -> bool:
        """Whether the pod of an action is there still."""
        pod = self.pods.get(action.pod)
        return pod is not None and pod.uid == action.uid
