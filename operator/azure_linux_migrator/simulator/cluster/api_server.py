"""The API server's answers to writes: evictions with budgets kept, and the patches that azlm sends.

Evictions follow pkg/registry/core/pod/storage/eviction.go; tests/contract/eviction holds the same
points against the real one. Refusals are raised as KubernetesError, shaped like a metav1.Status.
"""

from collections.abc import Callable

from msgspec import structs

from azure_linux_migrator.core.drain.disruption_budgets import DISRUPTED_LIMIT
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Pod
from azure_linux_migrator.simulator.cluster.disruption_controller import DisruptionController
from azure_linux_migrator.simulator.cluster.store import Store
from azure_linux_migrator.simulator.kernel import Kernel

GRACE_SECONDS = 30.0
CONFLICT_SECONDS = 0.5
"""Seconds after which an eviction is tried again if another one wrote its budget meanwhile, plus
up to a tenth (EvictionsRetry in eviction.go). Not modelled: the eviction gives up after twenty
times, and writes of the disruption controller count too."""


def refusal(
    status: int, message: str, cause: str = "", retry_after: float | None = None
) -> KubernetesError:
    """An answer of the API server other than success."""
    details = {"details": {"causes": [{"reason": cause}]}} if cause else {}
    return KubernetesError(status, message, body=details, retry_after=retry_after)


class ApiServer:
    """One API server over one store. `write_seconds` is how long an eviction takes from reading
    its budget to writing it, during which other writes conflict; 0 if that is not modelled."""

    def __init__(
        self,
        store: Store,
        kernel: Kernel,
        disruption: DisruptionController,
        longest_stop: Callable[[Pod], float],
    ) -> None:
        self.store = store
        self._kernel = kernel
        self._disruption = disruption
        self._longest_stop = longest_stop
        self.write_seconds = 0.0
        self._charged: dict[NamespacedName, float] = {}

    # Pods

    def conflicts(self, key: NamespacedName) -> bool:
        """Whether an eviction of the pod follows another one of its budget so soon that its
        write of the budget conflicts."""
        pod = self.store.pods.get(key)
        if not self.write_seconds or pod is None or not pod.ready or pod.terminating:
            return False
        charged = (self._charged.get(key) for key in self._disruption.budgets_of(pod))
        return any(at is not None and self._kernel.now - at < self.write_seconds for at in charged)

    def evict(self, key: NamespacedName, uid: str) -> None:
        """The eviction subresource, with a precondition on the uid."""
        pod = self._pod(key)
        if pod.terminating or pod.finished or pod.phase == "Pending":
            self._expect(pod, uid)
            self.delete(key, uid)
            return
        budgets = self._disruption.budgets_of(pod)
        if len(budgets) > 1:
            raise refusal(
                500,
                f"This pod has more than one PodDisruptionBudget, which the eviction subresource "
                f"does not support: {key}",
            )
        if budgets:
            self._charge(pod, self.store.budgets[budgets[0]])
        self._expect(pod, uid)
        self.delete(key, uid)

    def delete(self, key: NamespacedName, uid: str) -> None:
        """Delete a pod with its own grace period, which is at least as long as it takes to stop. A
        pod without a node is removed at once."""
        pod = self._pod(key)
        self._expect(pod, uid)
        if pod.terminating:
            return
        if not pod.node:
            self.store.remove_pod(key)
            return
        deadline = float(int(self._kernel.now + max(GRACE_SECONDS, self._longest_stop(pod))))
        self.store.put_pod(structs.replace(pod, terminating=True, deadline=deadline))

    def set_deletion_cost(self, key: NamespacedName, uid: str, cost: int) -> None:
        """Rank a pod first among those that its ReplicaSet removes."""
        pod = self.store.pods.get(key)
        if pod is not None and pod.uid == uid:
            self.store.change_pod(key, deletion_cost=cost)

    def _pod(self, key: NamespacedName) -> Pod:
        pod = self.store.pods.get(key)
        if pod is None:
            raise refusal(404, f'pods "{key.name}" not found')
        return pod

    def _expect(self, pod: Pod, uid: str) -> None:
        if pod.uid != uid:
            raise refusal(409, f"the UID in the precondition ({uid}) does not match ({pod.uid})")

    def _charge(self, pod: Pod, budget: Budget) -> None:
        if not pod.ready and (
            budget.unhealthy_policy == "AlwaysAllow" or budget.healthy >= budget.desired > 0
        ):
            return
        text = "Cannot evict pod as it would violate the pod's disruption budget."
        if budget.observed_generation < budget.generation:
            raise refusal(429, text, "DisruptionBudget", 10.0)
        if budget.allowed < 0:
            raise refusal(403, text, "DisruptionBudgetNegativeAllowedDisruptions")
        if len(budget.disrupted) > DISRUPTED_LIMIT:
            raise refusal(403, text, "DisruptionBudgetTooManyDisruptedPods")
        if budget.allowed == 0:
            raise refusal(429, text, "DisruptionBudget")
        self._charged[budget.key] = self._kernel.now
        self._disruption.charge(budget.key, pod.key)

    # Nodes

    def cordon(self, node: str, by: str, batch: str) -> None:
        """As kube/cordon.py does: a cordon of somebody else is kept."""
        marks = {"batch": batch} if batch else {}
        present = self.store.nodes.get(node)
        if present is not None and present.unschedulable and present.cordoned_by != by:
            self.store.change_node(node, **marks)
            return
        self.store.change_node(node, unschedulable=True, cordoned_by=by, **marks)

    def mark(self, node: str, batch: str) -> None:
        """Add a node to a batch."""
        self.store.change_node(node, batch=batch)

    def report_drain(self, node: str, report: str) -> None:
        """Tell of a drain in the conditions of a node, or of none."""
        self.store.change_node(node, drain=report)

    def uncordon(self, node: str, by: str) -> None:
        """Remove a cordon that azlm set and still owns."""
        present = self.store.nodes.get(node)
        if present is not None and present.cordoned_by == by:
            self.store.change_node(node, unschedulable=False, cordoned_by="")
