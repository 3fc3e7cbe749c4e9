"""The StatefulSet controller, and others that give a pod's name and volumes to its successor."""

from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.simulator.cluster.api_server import ApiServer
from azure_linux_migrator.simulator.cluster.pod_factory import PodFactory
from azure_linux_migrator.simulator.cluster.workload import Workload


class StatefulSets:
    """Pods with names of their own."""

    def __init__(self, api: ApiServer, pod_factory: PodFactory) -> None:
        self._api = api
        self._births = pod_factory

    def sync(self, workload: Workload, pods: list[Pod]) -> None:
        """Make the pods whose names are free again.

        With OrderedReady the first that is missing, not Ready or terminating is the last that is
        looked at: processReplica in pkg/controller/statefulset/stateful_set_control.go.
        """
        present = {pod.key.name: pod for pod in pods}
        for name in workload.identities:
            found = present.get(name)
            if found is None:
                self._births.add(workload, name)
            elif found.finished and not found.terminating and workload.kind == "StatefulSet":
                self._api.delete(found.key, found.uid)
            if not workload.parallel and (found is None or not found.ready or found.terminating):
                return
