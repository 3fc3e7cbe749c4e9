"""Faults of the operator's requests: its process ends, the answer is late, wrong or lost."""

from azure_linux_migrator.errors import AzureError, KubernetesError
from azure_linux_migrator.model.actions import AZURE, Action, DeletePool, EvictPod, UpdatePool
from azure_linux_migrator.simulator.cluster.api_server import refusal
from simtest.faults.draws import on_request
from simtest.faults.fault import Fault
from simtest.faults.fault_hook import InjectedFault
from simtest.faults.faulted_run import FaultedRun
from simtest.faults.registry import UNDISTURBED, FaultKind, FaultSet

FAULTS = FaultSet()


@FAULTS.at_request(FaultKind("crash-before", 5, on_request(0.5, 20)))
def crash_before(run: FaultedRun, fault: Fault, _action: Action) -> InjectedFault:
    """The process ends before the request is sent."""
    run.processes.replace(fault.length)
    return InjectedFault(lost=True)


@FAULTS.at_request(FaultKind("crash-after", 5, on_request(0.5, 20)))
def crash_after(run: FaultedRun, fault: Fault, _action: Action) -> InjectedFault:
    """The process ends after the effect and before the answer."""
    run.crash_seconds = fault.length
    return UNDISTURBED


@FAULTS.at_request(
    FaultKind(
        "crash-late",
        4,
        on_request(1, 25, excluded=("CreatePool", "SurgeReplica")),
        variants=("crash-late", "crash-late-deleted"),
    ),
    FaultKind("crash-late-create", 1, on_request(1, 25, only=("CreatePool",))),
    FaultKind("crash-late-surge", 1, on_request(1, 25, only=("SurgeReplica",))),
)
def crash_late(run: FaultedRun, fault: Fault, action: Action) -> InjectedFault:
    """The process ends, and the request takes effect later."""
    run.late_until[action.key] = run.now + fault.length + 1
    run.processes.replace(min(5.0, fault.length * 0.4))
    return InjectedFault(late=fault.length)


@FAULTS.at_request(
    FaultKind("slow", 4, on_request(1, 25), variants=("slow", "slow-deleted")),
)
def slow(run: FaultedRun, fault: Fault, action: Action) -> InjectedFault:
    """The request takes effect later."""
    run.late_until[action.key] = run.now + fault.length + 1
    return InjectedFault(late=fault.length)


@FAULTS.at_request(FaultKind("refused", 5, on_request()))
def refused(_run: FaultedRun, fault: Fault, action: Action) -> InjectedFault:
    """The API server refuses the request; Azure closes the connection."""
    if isinstance(action, AZURE):
        return _connection_closed(fault, committed=False)
    pick = fault.pick // 2
    conflict = refusal(409, "Operation cannot be fulfilled", "")
    errors = (
        refusal(500, "etcdserver: request timed out"),
        refusal(429, "Too many requests, please try again later.", retry_after=1.0),
        refusal(503, "the apiserver is shutting down", retry_after=5.0),
        refusal(500, "x") if isinstance(action, EvictPod) else conflict,
        refusal(403, "forbidden"),
        KubernetesError(0, "connection refused"),
    )
    return InjectedFault(errors[pick % len(errors)])


@FAULTS.at_request(FaultKind("unanswered", 5, on_request(0.1, 30)))
def unanswered(_run: FaultedRun, fault: Fault, action: Action) -> InjectedFault:
    """The answer is lost, after the effect or without one."""
    committed = fault.pick // 2 % 4 > 0
    if isinstance(action, AZURE):
        return _connection_closed(fault, committed=committed)
    timeout = KubernetesError(0, "no answer in time")
    return InjectedFault(timeout, committed=committed, delay=fault.length)


def _connection_closed(fault: Fault, *, committed: bool) -> InjectedFault:
    error = AzureError("Unreachable", "the connection was closed")
    return InjectedFault(error, committed=committed, delay=fault.length)


@FAULTS.at_request(FaultKind("overtaken", 3, on_request(only=("UpdatePool", "DeletePool"))))
def overtaken(run: FaultedRun, fault: Fault, action: Action) -> InjectedFault | None:
    """Another client changes the pool just before this request."""
    if not isinstance(action, UpdatePool | DeletePool):
        return None
    if properties := run.simulation.aks.properties(action.pool):
        properties["eTag"] = f"foreign-{fault.pick}"
        run.audit.pool_view.overtaken(action.pool)
    return UNDISTURBED
