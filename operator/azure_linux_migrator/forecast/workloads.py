"""From the pods of a snapshot to the workloads of the simulated cluster: owners, start and stop
times, kept names and volumes, and which pods do not become Ready."""

from collections import defaultdict

from msgspec import structs

from azure_linux_migrator.forecast.observed_times import start_spans
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Pod
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.scheduling import ANYWHERE, SchedulingConstraints
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.workload import Kind, Span, Template, Workload

PATIENCE = 5
PATIENCE_SECONDS = 60.0
"""A pod that is not Ready for so many times its usual start, and so many seconds, does not
become Ready."""
_KINDS: dict[str, Kind] = {
    "StatefulSet": "StatefulSet",
    "DaemonSet": "DaemonSet",
    "Job": "Job",
    "ReplicaSet": "ReplicaSet",
    "ReplicationController": "ReplicaSet",
    "Node": "Other",
}


class Starts:
    """Start times from the snapshot. If a disk has to be attached, the start time includes that,
    unless the start was quicker than any attachment: then the disk was attached already."""

    def __init__(self, snapshot: ClusterSnapshot, *, attach: float) -> None:
        """`attach` is the time of attaching a disk, in seconds."""
        self._spans, self._whole = start_spans(snapshot.pods, snapshot.scheduled)
        self._attach = attach
        disks = {attachment.volume for attachment in snapshot.attachments}
        self._disks = {volume.claim for volume in snapshot.volumes if volume.name in disks}

    def usual(self, pod: Pod) -> float:
        """Seconds that a pod takes on average."""
        return self._span([pod]).mean

    def after_attach(self, pods: list[Pod]) -> Span:
        """The start time of a workload's pods after their disks are attached."""
        span = self._span(pods)
        claims = (NamespacedName(pod.key.namespace, claim) for pod in pods for claim in pod.claims)
        if not any(claim in self._disks for claim in claims):
            return span
        seen = tuple(
            seconds - self._attach if seconds > self._attach else seconds for seconds in span.seen
        )
        return Span(min(seen), max(seen), seen) if seen else span

    def _span(self, pods: list[Pod]) -> Span:
        newest = sorted(pods, key=lambda pod: -pod.created)
        uids = (pod.owner.uid for pod in newest if pod.owner is not None)
        return next((self._spans[uid] for uid in uids if uid in self._spans), self._whole)


def add_workloads(
    simulation: SimulatedCluster,
    snapshot: ClusterSnapshot,
    starts: Starts,
    *,
    stop: Span,
    run: Span,
) -> None:
    """Add the workloads, which have nothing to do yet, then the controllers as the cluster shows
    them. `stop` is the time that pods take to end, `run` the time that a Job's pods take to
    succeed."""
    controllers = {controller.uid: controller for controller in snapshot.controllers}
    owned: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in snapshot.pods:
        if pod.owner is not None:
            parent = controllers.get(pod.owner.uid)
            top = parent.owner if parent and parent.owner in controllers else pod.owner.uid
            owned[top].append(pod)
    for uid, pods in owned.items():
        workload = _workload(uid, pods, controllers.get(uid))
        workload.template = _template(
            pods, workload.kind, controllers.get(uid), snapshot.scheduling
        )
        workload.template = structs.replace(
            workload.template,
            start=starts.after_attach(pods),
            stop=stop,
            run=run if workload.kind == "Job" else None,
        )
        simulation.workloads.add(workload, fresh=False)
        for owner in {pod.owner.uid for pod in pods if pod.owner is not None}:
            simulation.workloads.own(owner, workload)
    for controller in snapshot.controllers:
        simulation.store.put_controller(controller)


def add_pods(simulation: SimulatedCluster, snapshot: ClusterSnapshot, starts: Starts) -> None:
    """Add the pods as they are: Ready, starting, or unhealthy."""
    ready_nodes = {node.name for node in snapshot.nodes if node.ready}
    for pod in snapshot.placed_pods():
        waits = not pod.ready and not pod.terminating and not pod.finished
        workload = simulation.workloads.workload(pod)
        if waits and not pod.node and workload is not None and workload.kind == "DaemonSet":
            # Snapshots leave out the field with its node; the controller creates the pod again.
            simulation.workloads.soon(workload.uid)
            continue
        starting = waits and pod.node in ready_nodes
        since = snapshot.taken_at - max(pod.created, pod.unready_since)
        if starting and since > max(PATIENCE_SECONDS, PATIENCE * starts.usual(pod)):
            simulation.workloads.unhealthy_pods.strike(pod)
            starting = False
        simulation.store.put_pod(pod)
        if starting and pod.phase == "Running":
            simulation.kubelets.go_on(pod, since)


def _workload(uid: str, pods: list[Pod], controller: Controller | None) -> Workload:
    kind = _kind(pods, controller)
    first = pods[0].owner
    live = [pod for pod in pods if not pod.terminating and not pod.finished]
    newest = max(pods, key=lambda pod: pod.created)
    counted = controller is not None and kind not in {"DaemonSet", "Job"}
    names: tuple[str, ...] = ()
    if kind == "Named" or (kind == "StatefulSet" and controller is None):
        names = tuple(sorted(pod.key.name for pod in pods if not pod.finished))
    own_claims = kind in {"StatefulSet", "Named"}
    workload = Workload(
        kind,
        controller.key if controller else pods[0].key._replace(name=first.name if first else ""),
        uid,
        controller.replicas if controller and counted else len(live),
        Template(),
        claims={pod.key.name: pod.claims for pod in pods} if own_claims else {},
        current=newest.owner.uid if newest.owner else "",
        pods_created=len(pods) + 100_000,
        names=names,
    )
    if controller is not None:
        workload.parallel, workload.first = not controller.ordered, controller.first_ordinal
        workload.max_surge, workload.max_unavailable = (
            controller.max_surge,
            controller.max_unavailable,
        )
        workload.rolling = controller.rolling
    return workload


def _kind(pods: list[Pod], controller: Controller | None) -> Kind:
    owner = pods[0].owner
    if controller is not None and controller.kind == "Deployment":
        return "Deployment"
    workload_kind = _KINDS.get(owner.kind) if owner else None
    if workload_kind is not None:
        return workload_kind
    return "Named" if _have_names(pods) else "ReplicaSet"


def _have_names(pods: list[Pod]) -> bool:
    """Whether pods of an unknown controller keep their names: if the names end in numbers
    (StrimziPodSet, OpenKruise's StatefulSets), or each pod has claims of its own
    (CloudNativePG)."""
    live = [pod for pod in pods if not pod.finished]
    claims = [claim for pod in live for claim in pod.claims]
    own = all(pod.claims for pod in live) and len(claims) == len(set(claims))
    counted = all(pod.key.name.rpartition("-")[2].isdecimal() for pod in live)
    return bool(live) and (counted or own)


def _template(
    pods: list[Pod],
    kind: Kind,
    controller: Controller | None,
    scheduling_of: dict[str, SchedulingConstraints],
) -> Template:
    pod = max(pods, key=lambda pod: pod.created)
    uids = [pod.owner.uid if pod.owner else pod.uid, *(p.owner.uid for p in pods if p.owner)]
    scheduling = next((scheduling_of[uid] for uid in uids if uid in scheduling_of), ANYWHERE)
    if kind == "DaemonSet":
        # The controller gives every pod an affinity to its node instead of that of the template
        # (ReplaceDaemonSetPodNodeNameNodeAffinity in pkg/controller/daemon/util).
        terms = controller.scheduling.terms if controller else ()
        scheduling = structs.replace(scheduling, terms=terms)
    return Template(
        labels=pod.labels,
        requests=pod.requests,
        extended_resources=pod.extended_resources,
        scheduling=scheduling,
        empty_dir=pod.empty_dir,
        mirror=pod.mirror,
        finalizer=pod.finalizers,
        traits=pod.traits,
        claims=() if kind in {"StatefulSet", "Named"} else pod.claims,
    )
