"""The StatefulSet controller, and others whose pods keep their names and volumes."""

from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.simulator.cluster.api_server import ApiServer
from azure_linux_migrator.simulator.cluster.pod_factory import PodFactory
from azure_linux_migrator.simulator.cluster.workload import Workload


class StatefulSets:
    """Workloads whose pods keep their names."""

    def __init__(self, api: ApiServer, pod_factory: PodFactory) -> None:
        self._api = api
        self._pod_factory = pod_factory

    def sync(self, workload: Workload, pods: list[Pod]) -> None:
        """Create the pods whose names are free. With OrderedReady, the first pod that is
        missing, not Ready or terminating is the last one that is processed: processReplica in
        pkg/controller/statefulset/stateful_set_control.go."""
        present = {pod.key.name: pod for pod in pods}
        for name in workload.identities:
            chosen_pod = present.get(name)
            if chosen_pod is None:
                self._pod_factory.add(workload, name)
            elif (
                chosen_pod.finished
                and not chosen_pod.terminating
                and workload.kind == "StatefulSet"
            ):
                self._api.delete(chosen_pod.key, chosen_pod.uid)
            if not workload.parallel and (
                chosen_pod is None or not chosen_pod.ready or chosen_pod.terminating
            ):
                return
