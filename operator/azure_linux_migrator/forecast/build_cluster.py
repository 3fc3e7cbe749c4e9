"""From a snapshot to a simulated cluster in the state of the real one."""

import random
from collections import defaultdict
from typing import Any

from msgspec import Struct

from azure_linux_migrator.core.drain.pod_filters import runs_once
from azure_linux_migrator.forecast.observed_times import boot_seconds
from azure_linux_migrator.forecast.snapshot import azure_facts_from
from azure_linux_migrator.forecast.workloads import Starts, add_pods, add_workloads
from azure_linux_migrator.model.azure_facts import AzureFacts, Unread
from azure_linux_migrator.model.cluster import BudgetRule, Node
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import Taint
from azure_linux_migrator.simulator.aks.errors import ArmError
from azure_linux_migrator.simulator.aks.limits import ClusterShape, Limits, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, make_node, parse_node_name
from azure_linux_migrator.simulator.assembly.simulated_cluster import Lags, Pace, SimulatedCluster
from azure_linux_migrator.simulator.cluster.node_lifecycle import SIZE_LABEL
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity, Span

MANY_PODS = 3000
CONTROLLERS = Span(0.005, 0.02)
"""Seconds until the controller of a workload replaces a pod, as measured: a StatefulSet's
replacement comes before the next eviction."""
WRITE_SECONDS = 0.015
"""Seconds that an eviction takes from reading its budget to writing it: chosen so that as many
conflict as were measured (39 of 200 for a budget with twelve slots)."""
REQUEST = Span(0.014, 0.06)
"""Seconds for a request and its answer: measured for evictions on a real control plane."""
_READ_ONLY = frozenset(("provisioningState", "eTag", "powerState", "status", "creationData"))


class Assumptions(Struct, frozen=True):
    """What a cluster's past does not show, in seconds; `node_boot` None is measured from its nodes.

    `attach` and `detach` are a disk's. About 15 s are usual for each of an Azure Disk, says its
    driver's maintainer (kubernetes-sigs/cloud-provider-azure issue 78), and 10 to 15 s were
    measured (kubernetes-sigs/azuredisk-csi-driver issue 269). `loosened` names a disruption budget
    that lets one pod more go at a time than it does.
    """

    stop: float = 2.0
    node_boot: float | None = None
    node_delete: float = 60.0
    job: float = 600.0
    attach: float = 15.0
    detach: float = 15.0
    loosened: str = ""


def build_cluster(
    snapshot: ClusterSnapshot, assumed: Assumptions, rng: random.Random
) -> SimulatedCluster:
    """The simulated cluster of the snapshot. Raises SettingsError for pools that cannot be
    modelled."""
    azure_facts = (
        azure_facts_from(snapshot.azure_facts)
        if snapshot.azure_facts
        else AzureFacts(at=snapshot.taken_at)
    )
    aks = ManagedCluster(
        rng,
        shape=_shape(snapshot.pools, azure_facts),
        timings=Timings(
            boot=booting(snapshot, assumed), delete=assumed.node_delete, drain_timeout=1800.0
        ),
        limits=Limits(refused_beside_others=0.0),
        wait_for_drains=True,
    )
    pods = len(snapshot.pods)
    simulation = SimulatedCluster(
        aks,
        rng,
        now=snapshot.taken_at,
        lags=Lags(
            workloads=CONTROLLERS,
            attach=_around(assumed.attach),
            detach=_around(assumed.detach),
        ),
        pace=Pace(
            request=REQUEST,
            coalesce=0.003 if pods < MANY_PODS else min(0.5, pods / 60_000),
        ),
        azure_facts=azure_facts,
    )
    simulation.api.write_seconds = WRITE_SECONDS
    simulation.scheduler.bare = snapshot.scheduling
    if not isinstance(azure_facts.sizes, Unread):
        simulation.node_lifecycle.gpus = {
            name: size.gpus for name, size in azure_facts.sizes.items() if size.gpus
        }
    _nodes(simulation, snapshot)
    starts = Starts(snapshot, attach=assumed.attach)
    stop, run = Span(assumed.stop * 0.5, assumed.stop * 1.5), Span(assumed.job, assumed.job)
    add_workloads(simulation, snapshot, starts, stop=stop, run=run)
    for volume in snapshot.volumes:
        simulation.store.put_volume(volume)
    for attachment in snapshot.attachments:
        simulation.kubelets.attachable.add(attachment.volume)
        simulation.store.put_attachment(attachment)
    add_pods(simulation, snapshot, starts)
    _budgets(simulation, snapshot)
    _loosen(simulation, assumed.loosened)
    _jobs_end(simulation, snapshot, assumed)
    return simulation


def booting(snapshot: ClusterSnapshot, assumed: Assumptions) -> float:
    """Seconds until an ordered node is Ready."""
    return boot_seconds(snapshot.boots) if assumed.node_boot is None else assumed.node_boot


def _around(usual: float) -> Span:
    """10 to 20 s for 15."""
    return Span(usual * 2 / 3, usual * 4 / 3)


def _shape(pools: list[Pool], azure_facts: AzureFacts) -> ClusterShape:
    """The control plane's version is that of its newest pool. Where the versions on offer were not
    read, the pools' own are."""
    versions = {pool.settings.kubernetes_version for pool in pools} - {""}
    if not versions:
        return ClusterShape()
    own = tuple(sorted(versions, key=_numbers))
    read = azure_facts.versions
    offered = own if isinstance(read, Unread) else tuple(v for v in read if len(_numbers(v)) == 3)
    return ClusterShape(kubernetes_version=own[-1], pool_versions=offered)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _nodes(simulation: SimulatedCluster, snapshot: ClusterSnapshot) -> None:
    by_pool: defaultdict[str, list[Node]] = defaultdict(list)
    for node in snapshot.nodes:
        by_pool[node.pool].append(node)
    for pool in snapshot.pools:
        settings = {k: v for k, v in pool.properties.items() if k not in _READ_ONLY}
        try:
            records = [
                _record(simulation, pool, settings, node, at)
                for at, node in enumerate(by_pool[pool.name])
            ]
            simulation.aks.adopt(pool.name, settings, records)
        except (ArmError, ValueError, KeyError) as error:
            why = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            simulation.notes.append(
                f"node pool {pool.name}: its nodes take pods, what AKS would do with it is left "
                f"out ({why})"
            )
    for node in snapshot.labelled_nodes():
        labels = snapshot.labels.get(node.name, {})
        taints = tuple(Taint.parse(text) for text in snapshot.taints.get(node.name, ()))
        simulation.store.put_node(node, NodeCapacity(labels, taints))
        if node.allocatable.pods and (size := labels.get(SIZE_LABEL)):
            simulation.node_lifecycle.allocatable_by_size.setdefault(size, node.allocatable)


def _record(
    simulation: SimulatedCluster, pool: Pool, settings: dict[str, Any], node: Node, at: int
) -> NodeRecord:
    parsed = parse_node_name(node.name)
    described = {
        "currentOrchestratorVersion": simulation.aks.shape.kubernetes_version,
        "nodeImageVersion": "",
        "mode": "User",
        "type": "VirtualMachineScaleSets",
        **settings,
    }
    index = parsed[1] if parsed else at
    return make_node(
        simulation.aks.setting, pool.name, described, index, name=node.name, zone=node.zone or "0"
    )


def _budgets(simulation: SimulatedCluster, snapshot: ClusterSnapshot) -> None:
    """Budgets over pods of a controller with unknown scale keep the count that they need now."""
    unscaled = [
        (pod.key.namespace, dict(pod.labels))
        for pod in snapshot.pods
        if pod.owner is not None and pod.owner.uid not in simulation.store.controllers
    ]
    for budget, given in zip(snapshot.budgets, snapshot.rules, strict=True):
        selector, space = budget.selector, budget.key.namespace
        guessed = selector is not None and any(
            namespace == space and selector.matches(labels) for namespace, labels in unscaled
        )
        rule = (
            BudgetRule(min_available=budget.desired) if guessed or given == BudgetRule() else given
        )
        simulation.disruption.rules[budget.key] = rule
        simulation.store.put_budget(budget)


def _loosen(simulation: SimulatedCluster, name: str) -> None:
    for key, budget in tuple(simulation.store.budgets.items()):
        if str(key) == name:
            more = budget.expected - budget.desired + 1
            simulation.disruption.change(key, BudgetRule(max_unavailable=more))


def _jobs_end(
    simulation: SimulatedCluster, snapshot: ClusterSnapshot, assumed: Assumptions
) -> None:
    """Pods that run to completion succeed within the assumed time of a Job, unless they fail again
    and again."""
    for pod in snapshot.pods:
        if pod.phase != "Running" or not (pod.run_once or runs_once(pod)):
            continue
        if simulation.workloads.unhealthy_pods.of(pod):
            continue
        left = simulation.rng.uniform(0, assumed.job)
        key = pod.key
        simulation.kernel.after(left, lambda k=key: simulation.kubelets.finish(k))  # type: ignore[misc]
