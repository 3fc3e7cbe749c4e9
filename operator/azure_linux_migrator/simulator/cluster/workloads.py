"""The workloads of the cluster, and which pods belong to them.

The rules of the controllers are in modules of their own: deployments, statefulsets, daemonsets,
jobs. Each processes a workload `lag` seconds after a change.
"""

import random
from collections.abc import Callable

from msgspec import structs

from azure_linux_migrator.model.cluster import Controller, NamespacedName, Node, Pod
from azure_linux_migrator.model.scheduling import ANYWHERE
from azure_linux_migrator.model.traits import NO_TRAITS
from azure_linux_migrator.simulator.cluster.api_server import ApiServer
from azure_linux_migrator.simulator.cluster.daemonsets import DaemonSets
from azure_linux_migrator.simulator.cluster.deployments import Deployments
from azure_linux_migrator.simulator.cluster.jobs import Jobs
from azure_linux_migrator.simulator.cluster.pod_factory import PodFactory
from azure_linux_migrator.simulator.cluster.statefulsets import StatefulSets
from azure_linux_migrator.simulator.cluster.store import NullWatcher, Store
from azure_linux_migrator.simulator.cluster.workload import Template, Workload
from azure_linux_migrator.simulator.kernel import Kernel


class Workloads(NullWatcher):
    """All workload controllers of the cluster."""

    def __init__(
        self,
        store: Store,
        kernel: Kernel,
        api: ApiServer,
        rng: random.Random,
        lag: Callable[[], float],
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._lag = lag
        self._pod_factory = PodFactory(store, kernel)
        self._deployments = Deployments(api, self._pod_factory)
        self._statefulsets = StatefulSets(api, self._pod_factory)
        self._daemonsets = DaemonSets(store, api, self._pod_factory)
        self._jobs = Jobs(kernel, self._pod_factory)
        self.by_uid: dict[str, Workload] = {}
        self.pods_of = self._pod_factory.pods_of
        self.unhealthy_pods = self._pod_factory.unhealthy_pods
        self._by_owner: dict[str, str] = {}
        self._queued: set[str] = set()
        self._daemons: dict[str, None] = {}
        store.watchers.append(self)

    # Writes

    def add(self, workload: Workload, *, fresh: bool = True) -> None:
        """Apply a workload; its pods are created unless they exist already."""
        self.by_uid[workload.uid] = workload
        if workload.kind == "DaemonSet":
            self._daemons[workload.uid] = None
        if workload.kind in {"Deployment", "StatefulSet", "DaemonSet"}:
            self._store.put_controller(_controller(workload))
        if not workload.current:
            self._adopt_set(workload)
        if fresh:
            self.soon(workload.uid)

    def own(self, owner: str, workload: Workload) -> None:
        """Assign the pods of an owner to the workload."""
        self._by_owner[owner] = workload.uid

    def template(self, pod: Pod) -> Template:
        """The template of a pod."""
        workload = self.workload(pod)
        if workload is None:
            return Template()
        if workload.kind == "DaemonSet":
            return self._daemonsets.template(pod, workload.template)
        return workload.template

    def workload(self, pod: Pod) -> Workload | None:
        """The workload of a pod."""
        return self.by_uid.get(self._by_owner.get(pod.owner.uid, "")) if pod.owner else None

    def by_key(self, key: NamespacedName) -> Workload | None:
        """A Deployment by its name."""
        workloads = (w for w in self.by_uid.values() if w.kind == "Deployment" and w.key == key)
        return next(workloads, None)

    def replicas(self, key: NamespacedName) -> int | None:
        """The replicas of a Deployment; None if there is none."""
        workload = self.by_key(key)
        return workload.replicas if workload else None

    def scale(self, key: NamespacedName, replicas: int, *, surge: str | None = None) -> None:
        """Change the replicas of a Deployment, and azlm's record of a surge with it."""
        workload = self.by_key(key)
        if workload is not None:
            workload.replicas = replicas
            self._show(workload, {} if surge is None else {"surge": surge})
            self.soon(workload.uid)

    def note(self, key: NamespacedName, surge: str) -> None:
        """Write azlm's record of a surge to a Deployment."""
        workload = self.by_key(key)
        if workload is not None:
            self._show(workload, {"surge": surge})

    def surge_of(self, key: NamespacedName) -> str:
        """azlm's record of a surge on a Deployment; empty if there is none."""
        workload = self.by_key(key)
        return self._store.controllers[workload.uid].surge if workload is not None else ""

    def restart(self, key: NamespacedName, stamp: str) -> None:
        """Give a Deployment a new template."""
        workload = self.by_key(key)
        if workload is not None and self._store.controllers[workload.uid].restarted != stamp:
            workload.generation += 1
            workload.current = ""
            self._adopt_set(workload)
            self._show(workload, {"restarted": stamp})
            self.soon(workload.uid)

    def place(self, workload: Workload, node: str, *, created: float, **more: object) -> Pod:
        """Create a pod that runs already."""
        name = self._pod_factory.free_name(workload)
        pod = self._pod_factory.make(workload, name, node=node, created=created)
        fields = {"phase": "Running", "ready": True} | more
        pod = structs.replace(pod, **fields)
        self._store.put_pod(pod)
        return pod

    # Watching

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod of a workload changed."""
        pod = new or old
        workload = self.workload(pod) if pod else None
        if pod is None or workload is None:
            return
        if new is None:
            self.pods_of[workload.uid].pop(pod.key, None)
            self._daemonsets.gone(pod)
        else:
            self.pods_of[workload.uid][pod.key] = None
        if workload.kind == "Job":
            self._jobs.count(workload, old, new)
        if old is not None and not old.terminating and (new is None or new.terminating):
            self.unhealthy_pods.leave(workload, pod)
        if new is None or (old is not None and _matters(workload, old, new)):
            self.soon(workload.uid)

    def node(self, old: Node | None, new: Node | None) -> None:
        """DaemonSets follow the nodes, and the OS that a node has after an update in place."""
        if old is None or new is None or old.os_sku != new.os_sku:
            node = new or old
            self._daemonsets.forget(node.name if node else "")
            for uid in self._daemons:
                self.soon(uid)

    # Working

    def soon(self, uid: str) -> None:
        """Process a workload after the lag of the controllers."""
        if uid not in self._queued:
            self._queued.add(uid)
            self._kernel.after(self._lag(), lambda: self._sync(uid))

    def _sync(self, uid: str) -> None:
        self._queued.discard(uid)
        workload = self.by_uid[uid]
        pods = [self._store.pods[key] for key in self.pods_of[uid]]
        match workload.kind:
            case "Deployment" | "ReplicaSet":
                self._deployments.sync(workload, pods)
            case "StatefulSet" | "Named":
                self._statefulsets.sync(workload, pods)
            case "DaemonSet":
                self._daemonsets.sync(workload, pods)
            case "Job":
                wait = self._jobs.sync(workload, pods)
                if wait:
                    self._kernel.after(wait, lambda: self.soon(uid))

    def _adopt_set(self, workload: Workload) -> None:
        uid = workload.growing
        self._by_owner[uid] = workload.uid
        if workload.kind == "Deployment":
            name = f"{workload.key.name}-{workload.generation}"
            controller = Controller(
                "ReplicaSet",
                NamespacedName(workload.key.namespace, name),
                uid,
                owner=workload.uid,
                replicas=workload.replicas,
            )
            self._store.put_controller(controller)

    def _show(self, workload: Workload, changes: dict[str, str]) -> None:
        controller = self._store.controllers[workload.uid]
        changed = structs.replace(controller, replicas=workload.replicas, **changes)
        self._store.put_controller(changed)


def _matters(workload: Workload, old: Pod, new: Pod) -> bool:
    """Whether a change of a pod concerns its controller."""
    if workload.kind == "DaemonSet":
        return new.finished and not old.finished
    return (old.ready, old.terminating, old.phase, old.deletion_cost) != (
        new.ready,
        new.terminating,
        new.phase,
        new.deletion_cost,
    )


def _controller(workload: Workload) -> Controller:
    stateful, daemon = workload.kind == "StatefulSet", workload.kind == "DaemonSet"
    return Controller(
        workload.kind,
        workload.key,
        workload.uid,
        replicas=workload.replicas,
        rolling=workload.rolling if workload.kind == "Deployment" else stateful,
        max_unavailable=1 if stateful else workload.max_unavailable,
        max_surge=0 if stateful else workload.max_surge,
        traits=workload.template.traits if daemon else NO_TRAITS,
        scheduling=workload.template.scheduling if daemon else ANYWHERE,
    )
