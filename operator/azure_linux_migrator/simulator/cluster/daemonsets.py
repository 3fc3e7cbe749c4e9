"""The DaemonSet controller: a pod on every node that its template admits.

pkg/controller/daemon/daemon_controller.go (NodeShouldRunDaemonPod) checks labels and taints of the
node and ignores cordons and free resources. A pod for which the node has no room is created and
stays Pending for that node.
"""

from collections import defaultdict

from msgspec import structs

from azure_linux_migrator.model.cluster import Node, Pod
from azure_linux_migrator.model.scheduling import SchedulingConstraints, Toleration
from azure_linux_migrator.simulator.cluster.api_server import ApiServer
from azure_linux_migrator.simulator.cluster.pod_factory import PodFactory
from azure_linux_migrator.simulator.cluster.store import Store
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity, Template, Workload

HOSTNAME = "kubernetes.io/hostname"
ADDED = tuple(
    Toleration(f"node.kubernetes.io/{key}", "Exists", effect=effect)
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    )
)
"""AddOrUpdateDaemonPodTolerations in pkg/controller/daemon/util/daemonset_util.go; the last one is
added to pods of the host's network only, and no node keeps that taint for long."""


class DaemonSets:
    """DaemonSets."""

    def __init__(self, store: Store, api: ApiServer, pod_factory: PodFactory) -> None:
        self._store = store
        self._api = api
        self._pod_factory = pod_factory
        self._bound_for: dict[str, str] = {}
        self._strange: defaultdict[str, set[str]] = defaultdict(set)

    def forget(self, node: str) -> None:
        """The labels or taints of a node may have changed."""
        for names in self._strange.values():
            names.discard(node)

    def gone(self, pod: Pod) -> None:
        """A pod is gone."""
        self._bound_for.pop(pod.uid, None)

    def template(self, pod: Pod, template: Template) -> Template:
        """A pending pod can only go to its own node. A real one names the node by a field; AKS
        also labels every node with its name."""
        node = self._bound_for.get(pod.uid)
        if node is None or pod.node:
            return template
        scheduling = structs.replace(
            template.scheduling,
            selector=((HOSTNAME, node),),
            terms=(),
            tolerations=template.scheduling.tolerations + ADDED,
            near=(),
            apart=(),
            spread=(),
        )
        return structs.replace(template, scheduling=scheduling)

    def sync(self, workload: Workload, pods: list[Pod]) -> None:
        """Create a pod for each node that has none; delete pods that finished or that wait for a
        node that is gone."""
        nodes, bound_for = self._store.nodes, self._bound_for
        there = {pod.node or bound_for.get(pod.uid, "") for pod in pods}
        for pod in pods:
            lost = not pod.node and bound_for.get(pod.uid) not in nodes
            if (lost or pod.finished) and not pod.terminating:
                self._api.delete(pod.key, pod.uid)
        strange = self._strange[workload.uid]
        for name in sorted(nodes.keys() - there - strange):
            machine = self._store.machines[name]
            if admits(workload.template.scheduling, name, machine):
                self._start(workload, nodes[name], machine)
            else:
                strange.add(name)

    def _start(self, workload: Workload, node: Node, machine: NodeCapacity) -> None:
        if _fits(node, machine, workload.template.requests):
            self._pod_factory.add(workload, node=node.name)
            return
        waiting = self._pod_factory.make(workload, self._pod_factory.next_name(workload))
        self._bound_for[waiting.uid] = node.name
        self._store.put_pod(waiting)


def admits(scheduling: SchedulingConstraints, name: str, machine: NodeCapacity) -> bool:
    """Whether the labels and taints of a node admit pods with these constraints."""
    tolerations = scheduling.tolerations + ADDED
    for taint in machine.taints:
        hard = taint.effect in {"NoSchedule", "NoExecute"}
        if hard and not any(toleration.matches(taint) for toleration in tolerations):
            return False
    return scheduling.selects(name, machine.labels)


def _fits(node: Node, machine: NodeCapacity, requests: tuple[int, int]) -> bool:
    allocatable = node.allocatable
    return not allocatable.pods or (
        machine.pods < allocatable.pods
        and machine.cpu + requests[0] <= allocatable.cpu
        and machine.memory + requests[1] <= allocatable.memory
    )
