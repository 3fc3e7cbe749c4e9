"""The workload controllers: pods made and removed until each workload has what it wants.

Deployments roll as their strategy says and rank what they remove as ReplicaSets do; StatefulSets
give a name again only when its pod is gone; DaemonSets have one pod on every node; Jobs run once.
Each looks at a workload `lag` seconds after something of it has changed.
"""

import random
from collections import defaultdict
from collections.abc import Callable

from msgspec import structs

from azure_linux_migrator.core.records import Controller, Key, Node, Owner, Pod
from azure_linux_migrator.sim.cluster.api import Api
from azure_linux_migrator.sim.cluster.shapes import Template, Workload
from azure_linux_migrator.sim.cluster.store import Deaf, Store
from azure_linux_migrator.sim.kernel import Kernel

JOB_BACKOFF_SECONDS = 10.0


class Workloads(Deaf):
    """All workload controllers of the cluster."""

    def __init__(
        self,
        store: Store,
        kernel: Kernel,
        api: Api,
        rng: random.Random,
        lag: Callable[[], float],
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._api = api
        self._rng = rng
        self._lag = lag
        self.known: dict[str, Workload] = {}
        self.pods_of: defaultdict[str, dict[Key, None]] = defaultdict(dict)
        self._by_owner: dict[str, str] = {}
        self._queued: set[str] = set()
        self._daemons: dict[str, None] = {}
        store.watchers.append(self)

    # Writes

    def add(self, workload: Workload, *, fresh: bool = True) -> None:
        """A workload is applied; its pods follow, unless they are there already."""
        self.known[workload.uid] = workload
        if workload.kind == "DaemonSet":
            self._daemons[workload.uid] = None
        if workload.kind in {"Deployment", "StatefulSet", "DaemonSet"}:
            self._store.put_controller(_controller(workload))
        if not workload.current:
            self._adopt_set(workload)
        if fresh:
            self.soon(workload.uid)

    def own(self, owner: str, workload: Workload) -> None:
        """Pods of that owner are the workload's."""
        self._by_owner[owner] = workload.uid

    def template(self, pod: Pod) -> Template:
        """What a pod was made from."""
        found = self.workload(pod)
        return found.template if found else Template()

    def workload(self, pod: Pod) -> Workload | None:
        """Whose pod it is."""
        return self.known.get(self._by_owner.get(pod.owner.uid, "")) if pod.owner else None

    def by_key(self, key: Key) -> Workload | None:
        """A Deployment by its name."""
        found = (w for w in self.known.values() if w.kind == "Deployment" and w.key == key)
        return next(found, None)

    def replicas(self, key: Key) -> int | None:
        """A Deployment's scale; None where there is none."""
        found = self.by_key(key)
        return found.replicas if found else None

    def scale(self, key: Key, replicas: int, *, surge: str | None = None) -> None:
        """Change a Deployment's scale, and our record of a surge with it."""
        found = self.by_key(key)
        if found is not None:
            found.replicas = replicas
            self._show(found, {} if surge is None else {"surge": surge})
            self.soon(found.uid)

    def note(self, key: Key, surge: str) -> None:
        """Record on a Deployment what becomes of its surge."""
        found = self.by_key(key)
        if found is not None:
            self._show(found, {"surge": surge})

    def restart(self, key: Key, stamp: str) -> None:
        """A new template for a Deployment's pods."""
        found = self.by_key(key)
        if found is not None and self._store.controllers[found.uid].restarted != stamp:
            found.generation += 1
            found.current = ""
            self._adopt_set(found)
            self._show(found, {"restarted": stamp})
            self.soon(found.uid)

    def place(self, workload: Workload, node: str, *, created: float, **more: object) -> Pod:
        """A pod that has been running there for a while."""
        pod = self._new(workload, self._free_ordinal(workload), node=node, created=created)
        fields = {"phase": "Running", "ready": True} | more
        pod = structs.replace(pod, **fields)
        self._store.put_pod(pod)
        return pod

    # Watching

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """One of somebody's pods."""
        found = new or old
        workload = self.workload(found) if found else None
        if found is None or workload is None:
            return
        if new is None:
            self.pods_of[workload.uid].pop(found.key, None)
        else:
            self.pods_of[workload.uid][found.key] = None
            if (
                old is not None
                and (old.ready, old.terminating, old.phase, old.deletion_cost)
                == (new.ready, new.terminating, new.phase, new.deletion_cost)
            ) or old is None:
                return
        self.soon(workload.uid)

    def node(self, old: Node | None, new: Node | None) -> None:
        """DaemonSets follow the nodes."""
        if (old is None) != (new is None):
            for uid in self._daemons:
                self.soon(uid)

    # Working

    def soon(self, uid: str) -> None:
        """Look at a workload after the controllers' lag."""
        if uid not in self._queued:
            self._queued.add(uid)
            self._kernel.after(self._lag(), lambda: self._sync(uid))

    def _sync(self, uid: str) -> None:
        self._queued.discard(uid)
        workload = self.known[uid]
        pods = [self._store.pods[key] for key in self.pods_of[uid]]
        match workload.kind:
            case "Deployment" | "ReplicaSet":
                self._sync_deployment(workload, pods)
            case "StatefulSet":
                self._sync_stateful(workload, pods)
            case "DaemonSet":
                self._sync_daemons(workload, pods)
            case "Job":
                self._sync_job(workload, pods)

    def _sync_deployment(self, workload: Workload, pods: list[Pod]) -> None:
        live = [pod for pod in pods if not pod.terminating and not pod.finished]
        for pod in pods:
            if pod.finished and not pod.terminating:
                self._api.delete(pod.key, pod.uid)
        current = _set_uid(workload)
        new = [pod for pod in live if pod.owner and pod.owner.uid == current]
        old = [pod for pod in live if pod.owner and pod.owner.uid != current]
        surge = workload.max_surge if old else 0
        missing = min(workload.replicas - len(new), workload.replicas + surge - len(live))
        for _ in range(missing):
            self._store.put_pod(self._new(workload, self._number(workload)))
        if len(new) > workload.replicas:
            self._remove(new, len(new) - workload.replicas)
        elif old:
            ready = sum(pod.ready for pod in live)
            spare = ready - (workload.replicas - workload.max_unavailable)
            unready = [pod for pod in old if not pod.ready]
            self._remove(unready, len(unready))
            self._remove([pod for pod in old if pod.ready], max(0, spare))

    def _sync_stateful(self, workload: Workload, pods: list[Pod]) -> None:
        present = {pod.key.name: pod for pod in pods}
        for ordinal in range(workload.replicas):
            found = present.get(f"{workload.key.name}-{ordinal}")
            if found is None:
                self._store.put_pod(self._new(workload, ordinal))
            elif found.finished and not found.terminating:
                self._api.delete(found.key, found.uid)
            if not workload.parallel and (found is None or not found.ready or found.terminating):
                return

    def _sync_daemons(self, workload: Workload, pods: list[Pod]) -> None:
        on = {pod.node for pod in pods}
        for name in self._store.nodes:
            if name not in on:
                pod = self._new(workload, self._number(workload), node=name)
                self._store.put_pod(pod)

    def _sync_job(self, workload: Workload, pods: list[Pod]) -> None:
        if any(pod.phase == "Succeeded" or not pod.terminating for pod in pods):
            return
        workload.failures += 1
        if workload.failures > 1:
            wait = JOB_BACKOFF_SECONDS * 2 ** min(workload.failures - 2, 5)
            self._kernel.after(wait, lambda: self._start_job(workload))
        else:
            self._start_job(workload)

    def _start_job(self, workload: Workload) -> None:
        if not any(not self._store.pods[key].terminating for key in self.pods_of[workload.uid]):
            self._store.put_pod(self._new(workload, self._number(workload)))

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
            self._api.delete(pod.key, pod.uid)

    # Making

    def _number(self, workload: Workload) -> int:
        workload.made += 1
        return workload.made

    def _free_ordinal(self, workload: Workload) -> int:
        if workload.kind != "StatefulSet":
            return self._number(workload)
        taken = {key.name for key in self.pods_of[workload.uid]}
        each = (n for n in range(workload.replicas) if f"{workload.key.name}-{n}" not in taken)
        return next(each, workload.replicas)

    def _new(
        self, workload: Workload, number: int, *, node: str = "", created: float | None = None
    ) -> Pod:
        template = workload.template
        key = Key(workload.key.namespace, f"{workload.key.name}-{number}")
        born = self._kernel.now if created is None else created
        self._store.revision += 1
        kind = "ReplicaSet" if workload.kind == "Deployment" else workload.kind
        uid = _set_uid(workload)
        return Pod(
            key=key,
            uid=f"{key}.{self._store.revision}",
            node=node,
            phase="Pending",
            ready=False,
            terminating=False,
            labels=template.labels,
            owner=None if workload.kind == "Other" else Owner(kind, workload.key.name, uid),
            mirror=template.mirror,
            empty_dir=template.empty_dir,
            created=float(int(born)),
            finalizers=template.finalizer,
            claims=workload.claims.get(key.name, ()),
            traits=template.traits,
            requests=template.requests,
            spread=template.placing.alone(key.namespace, template.labels),
            extras=template.extras,
        )

    def _adopt_set(self, workload: Workload) -> None:
        uid = _set_uid(workload)
        self._by_owner[uid] = workload.uid
        if workload.kind == "Deployment":
            name = f"{workload.key.name}-{workload.generation}"
            made = Controller(
                "ReplicaSet",
                Key(workload.key.namespace, name),
                uid,
                owner=workload.uid,
                replicas=workload.replicas,
            )
            self._store.put_controller(made)

    def _show(self, workload: Workload, changes: dict[str, str]) -> None:
        found = self._store.controllers[workload.uid]
        changed = structs.replace(found, replicas=workload.replicas, **changes)
        self._store.put_controller(changed)


def _set_uid(workload: Workload) -> str:
    """The uid of the ReplicaSet whose pods are current; of others the controller itself."""
    if workload.kind != "Deployment":
        return workload.uid
    return workload.current or f"{workload.uid}/{workload.generation}"


def _controller(workload: Workload) -> Controller:
    stateful = workload.kind == "StatefulSet"
    return Controller(
        workload.kind,
        workload.key,
        workload.uid,
        replicas=workload.replicas,
        rolling=workload.rolling if workload.kind == "Deployment" else stateful,
        max_unavailable=1 if stateful else workload.max_unavailable,
        max_surge=0 if stateful else workload.max_surge,
        traits=workload.template.traits if workload.kind == "DaemonSet" else (),
    )
