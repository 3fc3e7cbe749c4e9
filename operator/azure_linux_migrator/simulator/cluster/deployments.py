"""The Deployment and ReplicaSet controllers.

Rollouts follow pkg/controller/deployment/rolling.go; pods to remove are ranked as in
ActivePodsWithRanks in pkg/controller/controller_utils.go.
"""

from collections import defaultdict

from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.simulator.cluster.api_server import ApiServer
from azure_linux_migrator.simulator.cluster.pod_factory import PodFactory
from azure_linux_migrator.simulator.cluster.workload import Workload


class Deployments:
    """Deployments, and ReplicaSets without one."""

    def __init__(self, api: ApiServer, pod_factory: PodFactory) -> None:
        self._api = api
        self._pod_factory = pod_factory

    def sync(self, workload: Workload, pods: list[Pod]) -> None:
        """Create and remove pods. Finished pods stay and are replaced: FilterActivePods in
        pkg/controller/controller_utils.go ignores them, and only the pod garbage collector
        removes them."""
        live = [pod for pod in pods if not pod.terminating and not pod.finished]
        current = workload.growing
        new = [pod for pod in live if pod.owner and pod.owner.uid == current]
        old = [pod for pod in live if pod.owner and pod.owner.uid != current]
        surge = workload.max_surge if old else 0
        missing = min(workload.replicas - len(new), workload.replicas + surge - len(live))
        for _ in range(missing):
            self._pod_factory.add(workload)
        if len(new) > workload.replicas:
            self._remove(new, len(new) - workload.replicas)
        elif old:
            ready = sum(pod.ready for pod in live)
            spare = ready - (workload.replicas - workload.max_unavailable)
            unready = [pod for pod in old if not pod.ready]
            self._remove(unready, len(unready))
            self._remove([pod for pod in old if pod.ready], max(0, spare))

    def _remove(self, pods: list[Pod], count: int) -> None:
        crowd: defaultdict[str, int] = defaultdict(int)
        for pod in pods:
            crowd[pod.node] += 1
        ranked = sorted(
            pods,
            key=lambda pod: (
                bool(pod.node),
                pod.phase == "Running",
                pod.ready,
                pod.deletion_cost,
                -crowd[pod.node],
                -pod.created,
            ),
        )
        for pod in ranked[:count]:
            self._pod_factory.unhealthy_pods.end(pod)
            self._api.delete(pod.key, pod.uid)
