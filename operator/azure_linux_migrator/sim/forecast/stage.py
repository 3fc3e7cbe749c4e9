"""From a snapshot to a simulated cluster that begins where the real one stood."""

import random
from collections import defaultdict
from typing import Any

from msgspec import Struct, structs

from azure_linux_migrator.core.preflight.survey import Survey
from azure_linux_migrator.core.records import Controller, Node, Pod, Pool
from azure_linux_migrator.sim.aks import ManagedCluster
from azure_linux_migrator.sim.aks_errors import ArmError
from azure_linux_migrator.sim.aks_limits import ClusterShape, Limits, Timings
from azure_linux_migrator.sim.aks_nodes import NodeRecord, Taint, make_node, parse_node_name
from azure_linux_migrator.sim.cluster.fleet import SIZE_LABEL
from azure_linux_migrator.sim.cluster.shapes import (
    Kind,
    Machine,
    Placing,
    Rule,
    Span,
    Template,
    Workload,
)
from azure_linux_migrator.sim.forecast.learn import boot_seconds, start_spans
from azure_linux_migrator.sim.forecast.snapshot import Snapshot, survey_in
from azure_linux_migrator.sim.pilot.pilot import Pace
from azure_linux_migrator.sim.scene import Lags, Scene

MANY_PODS = 3000
_KINDS: frozenset[str] = frozenset(("StatefulSet", "DaemonSet", "Job"))
_READ_ONLY = frozenset(("provisioningState", "eTag", "powerState", "status", "creationData"))


class Assumptions(Struct, frozen=True):
    """What a cluster's past does not tell, in seconds; `node_boot` None takes after its nodes."""

    stop: float = 2.0
    node_boot: float | None = None
    node_delete: float = 60.0
    job: float = 600.0


def stage(snapshot: Snapshot, assumed: Assumptions, rng: random.Random) -> Scene:
    """A scene of the snapshot. Raises SettingsError for pools that cannot be modelled."""
    aks = ManagedCluster(
        rng,
        shape=_shape(snapshot.pools),
        timings=Timings(
            boot=booting(snapshot, assumed), delete=assumed.node_delete, drain_timeout=1800.0
        ),
        limits=Limits(throttling=True),
        wait_for_drains=True,
    )
    survey = survey_in(snapshot.survey) if snapshot.survey else Survey(at=snapshot.taken_at)
    pods = len(snapshot.pods)
    scene = Scene(
        aks,
        rng,
        now=snapshot.taken_at,
        lags=Lags(),
        pace=Pace(coalesce=0.003 if pods < MANY_PODS else min(0.5, pods / 60_000)),
        survey=survey,
    )
    _nodes(scene, snapshot)
    _workloads(scene, snapshot, assumed)
    for volume in snapshot.volumes:
        scene.store.put_volume(volume)
    for attachment in snapshot.attachments:
        scene.kubelets.attachable.add(attachment.volume)
        scene.store.put_attachment(attachment)
    for pod in snapshot.pods:
        scene.store.put_pod(_freed(pod))
    _budgets(scene, snapshot)
    _jobs_end(scene, snapshot, assumed)
    return scene


def booting(snapshot: Snapshot, assumed: Assumptions) -> float:
    """Seconds until an ordered node is Ready."""
    return boot_seconds(snapshot.boots) if assumed.node_boot is None else assumed.node_boot


def _freed(pod: Pod) -> Pod:
    """The finalizer of a Job's pod is the Job controller's, which removes it in time."""
    tracked = pod.owner is not None and pod.owner.kind == "Job" and pod.finalizers
    return structs.replace(pod, finalizers=False) if tracked else pod


def _shape(pools: list[Pool]) -> ClusterShape:
    """The control plane's version: that of its newest pool."""
    versions = [str(pool.settings.get("currentOrchestratorVersion") or "") for pool in pools]
    newest = max((v for v in versions if v), key=_numbers, default="")
    return ClusterShape(kubernetes_version=newest) if newest else ClusterShape()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _nodes(scene: Scene, snapshot: Snapshot) -> None:
    by_pool: defaultdict[str, list[Node]] = defaultdict(list)
    for node in snapshot.nodes:
        by_pool[node.pool].append(node)
    for pool in snapshot.pools:
        settings = {k: v for k, v in pool.settings.items() if k not in _READ_ONLY}
        try:
            records = [
                _record(scene, pool, settings, node, at)
                for at, node in enumerate(by_pool[pool.name])
            ]
            scene.aks.adopt(pool.name, settings, records)
        except (ArmError, ValueError, KeyError) as error:
            why = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            scene.notes.append(
                f"node pool {pool.name}: its nodes take pods, what AKS would do with it is left "
                f"out ({why})"
            )
    for node in snapshot.nodes:
        labels = snapshot.labels.get(node.name, {})
        taints = tuple(Taint.parse(text) for text in snapshot.taints.get(node.name, ()))
        scene.store.put_node(node, Machine(labels, taints))
        if node.room.pods and (size := labels.get(SIZE_LABEL)):
            scene.fleet.rooms.setdefault(size, node.room)


def _record(scene: Scene, pool: Pool, settings: dict[str, Any], node: Node, at: int) -> NodeRecord:
    known = parse_node_name(node.name)
    described = {
        "currentOrchestratorVersion": scene.aks.shape.kubernetes_version,
        "nodeImageVersion": "",
        "mode": "User",
        "type": "VirtualMachineScaleSets",
        **settings,
    }
    index = known[1] if known else at
    return make_node(
        scene.aks.setting, pool.name, described, index, name=node.name, zone=node.zone or "0"
    )


def _workloads(scene: Scene, snapshot: Snapshot, assumed: Assumptions) -> None:
    controllers = {each.uid: each for each in snapshot.controllers}
    pods: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in snapshot.pods:
        if pod.owner is not None:
            found = controllers.get(pod.owner.uid)
            top = found.owner if found and found.owner in controllers else pod.owner.uid
            pods[top].append(pod)
    spans, whole = start_spans(snapshot.pods, snapshot.scheduled)
    for uid, owned in pods.items():
        made = _workload(uid, owned, controllers, snapshot.placings)
        first = owned[0].owner
        start = spans.get(first.uid if first else "", whole)
        stop = Span(assumed.stop * 0.5, assumed.stop * 1.5)
        made.template = _template(owned[0], snapshot.placings, start, stop, assumed)
        scene.workloads.add(made, fresh=False)
        for pod in owned:
            if pod.owner is not None:
                scene.workloads.own(pod.owner.uid, made)
    for each in snapshot.controllers:
        scene.store.put_controller(each)


def _workload(
    uid: str, owned: list[Pod], controllers: dict[str, Controller], _: dict[str, Placing]
) -> Workload:
    found = controllers.get(uid)
    first = owned[0].owner
    kind: Kind = "ReplicaSet"
    if found is not None and found.kind == "Deployment":
        kind = "Deployment"
    elif first is not None and first.kind in _KINDS:
        kind = first.kind  # type: ignore[assignment]
    elif first is not None and first.kind == "Node":
        kind = "Other"
    live = [pod for pod in owned if not pod.terminating and not pod.finished]
    newest = max(owned, key=lambda pod: pod.created)
    key = found.key if found else owned[0].key._replace(name=first.name if first else "")
    return Workload(
        kind,
        key,
        uid,
        found.replicas if found and kind != "DaemonSet" else len(live),
        Template(),
        max_surge=found.max_surge if found else 1,
        max_unavailable=found.max_unavailable if found else 0,
        rolling=found.rolling if found else True,
        claims={pod.key.name: pod.claims for pod in owned} if kind == "StatefulSet" else {},
        current=newest.owner.uid if newest.owner else "",
        made=len(owned) + 100_000,
    )


def _template(
    pod: Pod, placings: dict[str, Placing], start: Span, stop: Span, assumed: Assumptions
) -> Template:
    owner = pod.owner.uid if pod.owner else pod.uid
    job = pod.owner is not None and pod.owner.kind == "Job"
    return Template(
        labels=pod.labels,
        requests=pod.requests,
        placing=placings.get(owner, Placing()),
        start=start,
        stop=stop,
        run=Span(assumed.job, assumed.job) if job else None,
        empty_dir=pod.empty_dir,
        mirror=pod.mirror,
        finalizer=pod.finalizers and not job,
        traits=pod.traits,
    )


def _budgets(scene: Scene, snapshot: Snapshot) -> None:
    """Budgets over pods whose controller's scale is not known keep what they need now."""
    unscaled = [
        (pod.key.namespace, dict(pod.labels))
        for pod in snapshot.pods
        if pod.owner is not None and pod.owner.uid not in scene.store.controllers
    ]
    for budget, given in zip(snapshot.budgets, snapshot.rules, strict=True):
        selector, space = budget.selector, budget.key.namespace
        guessed = selector is not None and any(
            namespace == space and selector.matches(labels) for namespace, labels in unscaled
        )
        rule = Rule(min_available=budget.desired) if guessed or given == Rule() else given
        scene.disruption.rules[budget.key] = rule
        scene.store.put_budget(budget)


def _jobs_end(scene: Scene, snapshot: Snapshot, assumed: Assumptions) -> None:
    """Running Jobs end within what a Job is assumed to take."""
    for pod in snapshot.pods:
        if pod.owner is None or pod.owner.kind != "Job" or pod.phase != "Running":
            continue
        left = scene.rng.uniform(0, assumed.job)
        key = pod.key
        scene.kernel.after(left, lambda k=key: scene.kubelets.finish(k))  # type: ignore[misc]
