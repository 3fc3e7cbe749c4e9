"""Pods that must run on the node of others, as long as all of these are on the source."""

from functools import cached_property

from azure_linux_migrator.api.names import AGENTPOOL_LABEL
from azure_linux_migrator.core.drain.pod_tracker import TrackedPod
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.model.scheduling import HOSTNAME, PodTerm
from azure_linux_migrator.model.selectors import Labels

_OF_THE_POOL = frozenset({HOSTNAME, AGENTPOOL_LABEL, "agentpool"})
"""Node labels of which no node of the target has a value of the source."""


class Companions:
    """Of one preflight; answers are kept for pods with the same terms."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._answers: dict[tuple[PodTerm, str], list[Pod]] = {}

    def of(self, entry: TrackedPod) -> Pod | None:
        """A pod that the entry's must be beside, and that leaves the source no sooner; None where
        it may start elsewhere."""
        for term in entry.pod.scheduling.near:
            if term.topology not in _OF_THE_POOL:
                continue
            pods = [pod for pod in self._meant(term, entry.pod.key.namespace) if pod != entry.pod]
            if pods and all(self._stays(pod, entry) for pod in pods):
                return pods[0]
        return None

    def _meant(self, term: PodTerm, namespace: str) -> list[Pod]:
        """Pods with a node that a term means, seen from a namespace."""
        if (term, namespace) not in self._answers:
            searched = self._placed if term.namespaces is None else term.namespaces or (namespace,)
            self._answers[term, namespace] = [
                pod
                for home in searched
                for labels, pods in self._placed.get(home, {}).items()
                if term.means(namespace, home, dict(labels))
                for pod in pods
            ]
        return self._answers[term, namespace]

    @cached_property
    def _placed(self) -> dict[str, dict[Labels, list[Pod]]]:
        """Pods with a node by namespace and labels: replicas are looked at together."""
        placed: dict[str, dict[Labels, list[Pod]]] = {}
        for pod in self._ctx.seen.world.pods.values():
            if pod.node and not pod.terminating and not pod.finished:
                alike = placed.setdefault(pod.key.namespace, {}).setdefault(pod.labels, [])
                alike.append(pod)
        return placed

    def _stays(self, pod: Pod, entry: TrackedPod) -> bool:
        """Whether a pod is on the source for as long as the entry's: it would have to join it."""
        node = self._ctx.seen.world.nodes.get(pod.node)
        if pod.owner is not None and pod.owner.kind == "DaemonSet":
            return False
        if node is None or node.pool != self._ctx.migration.source:
            return False
        other = self._ctx.planner.tracker.entries.get(pod.key)
        return other is None or other.tier >= entry.tier
