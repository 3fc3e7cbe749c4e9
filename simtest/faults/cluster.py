"""Faults of the cluster: nodes, pods, budgets and Deployments that change without azlm."""

from functools import partial

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.actions import Action, SetDeletionCost, SurgeReplica
from azure_linux_migrator.model.cluster import BudgetRule, NamespacedName
from azure_linux_migrator.model.selectors import Selector
from azure_linux_migrator.simulator.cluster.api_server import refusal
from simtest.faults import azure_cli
from simtest.faults.draws import BACK, on_request, timed
from simtest.faults.fault import Fault
from simtest.faults.fault_hook import InjectedFault
from simtest.faults.faulted_run import FaultedRun
from simtest.faults.registry import UNDISTURBED, FaultKind, FaultSet

FAULTS = FaultSet()
DENIALS: tuple[KubernetesError, ...] = (
    refusal(400, 'admission webhook "keep.example" denied the request: not now'),
    refusal(429, "Too many requests, please try again later."),
    refusal(403, "pods/eviction is forbidden"),
)


@FAULTS.at_time(FaultKind("evictions-denied", 2, timed(5, 90, ("CordonSource", "Drain", *BACK))))
def evictions_denied(run: FaultedRun, fault: Fault) -> bool:
    """An admission webhook refuses evictions, or the API server is overloaded, for a while. The
    fault is counted by the evictions that meet it."""
    run.denial = DENIALS[fault.pick % len(DENIALS)]
    run.evictions_denied_until = run.now + fault.length
    return False


@FAULTS.at_time(FaultKind("node-lost", 3, timed(5, 90)))
def node_lost(run: FaultedRun, fault: Fault) -> bool:
    """A node is NotReady for a while."""
    node = run.pick_node(fault)
    if node is None:
        return False
    run.simulation.node_lifecycle.lose(node.name)
    run.after(fault.length, partial(run.simulation.node_lifecycle.find, node.name))
    return True


@FAULTS.at_time(FaultKind("node-gone", 2, timed()))
def node_gone(run: FaultedRun, fault: Fault) -> bool:
    """Somebody deletes a machine, and the pool has one node less."""
    node = run.pick_node(fault)
    if node is None or len(run.nodes(node.pool)) < 2:
        return False
    if node.zone and any(pod.claims for pod in run.simulation.store.pods_on[node.name].values()):
        return False  # Azure's drain would wait for disks that cannot leave their zone
    if not azure_cli.delete_machine(run.simulation, node.pool, node.name):
        return False
    run.audit.pools_changed()
    return True


@FAULTS.at_time(FaultKind("pods-unready", 3, timed(1, 40)))
def pods_unready(run: FaultedRun, fault: Fault) -> bool:
    """A third of the Ready pods is not Ready for a while."""
    store = run.simulation.store
    keys = sorted(key for key, pod in store.pods.items() if pod.ready and not pod.mirror)
    for key in keys[fault.pick % 3 :: 3]:
        store.change_pod(key, ready=False)
        run.after(fault.length, partial(_make_ready, run, key, store.pods[key].uid))
    return bool(keys)


def _make_ready(run: FaultedRun, key: NamespacedName, uid: str) -> None:
    store = run.simulation.store
    pod = store.pods.get(key)
    if pod is None or pod.uid != uid or pod.phase != "Running":
        return
    node = store.nodes.get(pod.node)
    if node is not None and node.ready:
        store.change_pod(key, ready=True)


@FAULTS.at_time(FaultKind("pods-stuck", 2, timed(5, 200)))
def pods_stuck(run: FaultedRun, fault: Fault) -> bool:
    """A finalizer keeps the deleted pods of an app for a while."""
    store, label = run.simulation.store, ("app", f"app{fault.pick % 4}")
    keys = sorted(key for key, pod in store.pods.items() if label in pod.labels)
    for key in keys:
        store.change_pod(key, finalizers=True)
        run.after(fault.length, partial(_remove_finalizer, run, key))
    return bool(keys)


def _remove_finalizer(run: FaultedRun, key: NamespacedName) -> None:
    run.simulation.store.change_pod(key, finalizers=False)


@FAULTS.at_time(FaultKind("budget-tightened", 3, timed(5, 200)))
def budget_tightened(run: FaultedRun, fault: Fault) -> bool:
    """A budget allows no disruption for a while."""
    disruption = run.simulation.disruption
    keys = sorted(set(disruption.rules) & set(run.simulation.store.budgets))
    if not keys:
        return False
    key = keys[fault.pick % len(keys)]
    rule = disruption.rules[key]
    disruption.change(key, BudgetRule(max_unavailable=0))
    run.after(fault.length, partial(disruption.change, key, rule))
    return True


@FAULTS.at_time(FaultKind("budget-added", 3, timed(5, 200)))
def budget_added(run: FaultedRun, fault: Fault) -> bool:
    """A Deployment has one more budget for a while."""
    deployment = _pick_deployment(run, fault)
    key = NamespacedName(deployment.namespace, f"late-{deployment.name}")
    if key in run.simulation.store.budgets:
        return False
    rule = BudgetRule(min_available="100%" if fault.pick % 2 else 1)
    run.simulation.disruption.add(key, Selector((("app", deployment.name),)), rule)
    run.after(fault.length, partial(run.simulation.store.remove_budget, key))
    return True


@FAULTS.at_request(FaultKind("rescaled", 2, on_request(only=("SurgeReplica", "SetDeletionCost"))))
def rescaled(run: FaultedRun, fault: Fault, action: Action) -> InjectedFault | None:
    """Somebody scales the Deployment that azlm surges, at the same time."""
    if not isinstance(action, SurgeReplica | SetDeletionCost):
        return None
    run.after(0.1 + fault.pick % 3, partial(_scale_surged, run, action))
    return UNDISTURBED


def _scale_surged(run: FaultedRun, action: SurgeReplica | SetDeletionCost) -> None:
    if isinstance(action, SurgeReplica):
        deployment = action.deployment
    else:
        pod = run.simulation.store.pods.get(action.pod)
        workload = run.simulation.workloads.workload(pod) if pod else None
        if workload is None:
            return
        deployment = workload.key
    _scale(run, deployment, (run.scenario.replicas.get(deployment) or 1) + 2)


@FAULTS.at_time(FaultKind("scaled", 3, timed()))
def scaled(run: FaultedRun, fault: Fault) -> bool:
    """Somebody scales a Deployment."""
    deployment = _pick_deployment(run, fault)
    replicas = run.simulation.workloads.replicas(deployment)
    if replicas is None:
        return False
    _scale(run, deployment, max(1, replicas + (1 if fault.pick // 64 % 2 else -1)))
    return True


def _pick_deployment(run: FaultedRun, fault: Fault) -> NamespacedName:
    deployments = sorted(run.scenario.replicas)
    return deployments[fault.pick % len(deployments)]


def _scale(run: FaultedRun, deployment: NamespacedName, replicas: int) -> None:
    run.scenario.replicas[deployment] = replicas
    run.audit.scaled_by_others(deployment)
    run.simulation.workloads.scale(deployment, replicas)
