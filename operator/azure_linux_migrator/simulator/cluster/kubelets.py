"""The kubelets, and what happens to pods whose node is lost or removed.

A pod on a node becomes Ready after its disks are attached and its start time has passed, unless it
is unhealthy, and is gone after its stop time. A lost node does not answer: its pods stop being
Ready and leave only with the node.
"""

import random
from collections import deque

from msgspec import structs

from azure_linux_migrator.model.cluster import Attachment, NamespacedName, Node, Pod
from azure_linux_migrator.simulator.cluster.store import NullWatcher, Store
from azure_linux_migrator.simulator.cluster.workload import Span
from azure_linux_migrator.simulator.cluster.workloads import Workloads
from azure_linux_migrator.simulator.kernel import Kernel

COLLECT_SECONDS = 40.0
"""Pods of a node that is gone are collected after so many seconds (quarantine of the pod GC)."""
FINALIZER_SECONDS = 1.0
"""Seconds that a controller takes to remove its finalizer from a finished pod."""
OVERDUE_SECONDS = 60.0
"""A pod that is present so many seconds after its deadline has a finalizer that is not removed."""


class Kubelets(NullWatcher):
    """The kubelets of all nodes, the volume attacher and the pod garbage collector."""

    def __init__(
        self,
        store: Store,
        kernel: Kernel,
        workloads: Workloads,
        rng: random.Random,
        *,
        attach: Span,
        detach: Span,
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._workloads = workloads
        self._rng = rng
        self._attach, self._detach = attach, detach
        self.attachable: set[str] = set()
        """The volumes that must be attached to a node, such as disks."""
        self.start_times: dict[str, deque[float]] = {}
        """By the uid of a workload: how long its next pods take to start, in the order in which
        they come, whoever causes them (seconds). Afterwards the template decides."""
        store.watchers.append(self)

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """Start bound pods, and stop deleted ones."""
        if new is None:
            if old is not None and old.claims and old.node:
                self._release(old)
            return
        if new.node and (old is None or not old.node) and new.phase == "Pending":
            self._admit(new)
        if new.terminating and (old is None or not old.terminating):
            self._stop(new)

    def node(self, old: Node | None, new: Node | None) -> None:
        """A node is lost, answers again, or is removed."""
        if new is None and old is not None:
            name = old.name
            self._kernel.after(COLLECT_SECONDS, lambda: self._collect(name))
        elif old is not None and new is not None and old.ready != new.ready:
            self._reach(new)

    def attach_now(self, pod: Pod) -> None:
        """The volumes of a pod that runs already."""
        for volume in self._store.volumes_of(pod):
            self.attachable.add(volume.name)
            name = f"{volume.name}@{pod.node}"
            self._store.put_attachment(Attachment(name, pod.node, volume.name))

    # Starting

    def go_on(self, pod: Pod, spent: float) -> None:
        """A running pod becomes Ready; it has been starting for `spent` seconds."""
        left = max(0.0, self._start_seconds(pod) - spent)
        self._later(left, self._started, pod)

    def _admit(self, pod: Pod) -> None:
        disks = [v.name for v in self._store.volumes_of(pod) if v.name in self.attachable]
        where = [{attachment.node for attachment in self._store.attached(disk)} for disk in disks]
        if any(nodes - {pod.node} for nodes in where):
            self._later(1.0, self._try_again, pod)
        elif not all(where):
            self._later(self._attach.draw(self._rng), self._attached, pod)
        else:
            self._later(self._start_seconds(pod), self._started, pod)

    def _try_again(self, pod: Pod) -> None:
        self._admit(pod)

    def _attached(self, pod: Pod) -> None:
        self.attach_now(pod)
        self._later(self._start_seconds(pod), self._started, pod)

    def _start_seconds(self, pod: Pod) -> float:
        workload = self._workloads.workload(pod)
        fixed = self.start_times.get(workload.uid) if workload is not None else None
        return fixed.popleft() if fixed else self._workloads.template(pod).start.draw(self._rng)

    def _started(self, pod: Pod) -> None:
        node = self._store.nodes.get(pod.node)
        if node is None or not node.ready:
            self._later(1.0, self._started, pod)
            return
        ailment = self._workloads.unhealthy_pods.of(pod)
        if ailment:
            self._store.change_pod(pod.key, phase=ailment)
            return
        now = float(int(self._kernel.now))
        self._store.put_pod(
            structs.replace(
                pod, phase="Running", ready=True, started_in=max(0.0, now - pod.created)
            )
        )
        template = self._workloads.template(pod)
        if template.run is not None:
            self._later(template.run.draw(self._rng), self._completed, pod)

    def finish(self, key: NamespacedName) -> None:
        """A running pod of a Job succeeds now."""
        pod = self._store.pods.get(key)
        if pod is not None and pod.phase == "Running" and not pod.terminating:
            self._completed(pod)

    def _completed(self, pod: Pod) -> None:
        self._store.put_pod(structs.replace(pod, phase="Succeeded", ready=False))

    # Stopping

    def _stop(self, pod: Pod) -> None:
        uid, key = pod.uid, pod.key
        if pod.finalizers and 0 < pod.deadline < self._kernel.now - OVERDUE_SECONDS:
            return
        delay = self._workloads.template(pod).stop.draw(self._rng)
        self._kernel.after(delay, lambda: self._stopped(key, uid))

    def _stopped(self, key: NamespacedName, uid: str) -> None:
        pod = self._store.pods.get(key)
        if pod is None or pod.uid != uid:
            return
        node = self._store.nodes.get(pod.node)
        if node is not None and not node.ready:
            self._kernel.after(5.0, lambda: self._stopped(key, uid))
        elif pod.finalizers:
            self._kernel.after(FINALIZER_SECONDS, lambda: self._freed(key, uid))
        else:
            self._store.remove_pod(key)

    def _freed(self, key: NamespacedName, uid: str) -> None:
        pod = self._store.pods.get(key)
        if pod is not None and pod.uid == uid:
            self._store.remove_pod(key)

    def _release(self, pod: Pod) -> None:
        delay = self._detach.draw(self._rng)
        for volume in self._store.volumes_of(pod):
            for attachment in self._store.attached(volume.name):
                if attachment.node == pod.node:
                    self._kernel.after(delay, lambda it=attachment: self._detached(it))  # type: ignore[misc]

    def _detached(self, attachment: Attachment) -> None:
        """Not while a pod on the node uses the volume (desired_state_of_world.go in
        pkg/controller/volume/attachdetach): replicas of a Deployment share theirs."""
        for pod in self._store.pods_on[attachment.node].values():
            if any(volume.name == attachment.volume for volume in self._store.volumes_of(pod)):
                return
        self._store.remove_attachment(attachment.name)

    # Nodes

    def _reach(self, node: Node) -> None:
        for pod in tuple(self._store.pods_on[node.name].values()):
            unhealthy = self._workloads.unhealthy_pods.of(pod)
            if pod.phase == "Running" and not pod.terminating and not unhealthy:
                self._store.change_pod(pod.key, ready=node.ready)

    def _collect(self, name: str) -> None:
        if name in self._store.nodes:
            return
        for key in tuple(self._store.pods_on[name]):
            self._store.remove_pod(key)
        for attachment in tuple(self._store.attachments.values()):
            if attachment.node == name:
                self._store.remove_attachment(attachment.name)

    def _later(self, delay: float, then: object, pod: Pod) -> None:
        """Continue with a pod unless its deletion has begun meanwhile."""
        key, uid = pod.key, pod.uid

        def go() -> None:
            pod = self._store.pods.get(key)
            if pod is not None and pod.uid == uid and not pod.terminating:
                then(pod)  # type: ignore[operator]

        self._kernel.after(delay, go)
