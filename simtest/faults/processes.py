"""Faults of the operator's processes: crashes, suspends, two processes at once, wrong clocks,
silent watches, an API server that is down, missing rights."""

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.simulator.cluster.api_server import refusal
from simtest.faults.draws import timed
from simtest.faults.fault import Fault
from simtest.faults.faulted_run import FaultedRun
from simtest.faults.operator_processes import RETRY_SECONDS, WATCHES, OperatorProcess
from simtest.faults.registry import FaultKind, FaultSet

FAULTS = FaultSet()
LEASE_SECONDS = 15.0
"""Another process takes a Lease that was not renewed for so long."""
RIGHTS = ("patch nodes", "create pods/eviction")


@FAULTS.at_time(FaultKind("crash", 3, timed(0.5, 60)))
def crash(run: FaultedRun, fault: Fault) -> bool:
    """The process ends, and another one starts."""
    return run.processes.replace(fault.length)


@FAULTS.at_time(FaultKind("freeze", 5, timed(1, 40)))
def freeze(run: FaultedRun, fault: Fault) -> bool:
    """The process is suspended and continues; if that takes long enough, a second process has taken
    the Lease. Requests that were sent take effect, some late."""
    processes, operator = run.processes, run.processes.operator
    if not operator.alive or run.resource.body is None:
        return False
    operator.process.freeze()
    if fault.pick % 3 == 0:
        operator.requests.delay(fault.length)
        run.late_until |= dict.fromkeys(operator.requests.running, run.now + fault.length + 1)
    if fault.length > LEASE_SECONDS + RETRY_SECONDS:
        processes.lead_beside()
    run.after(fault.length, lambda: _thaw(operator))
    return True


def _thaw(operator: OperatorProcess) -> None:
    if operator.alive:
        operator.process.thaw()


@FAULTS.at_time(FaultKind("twins", 3, timed(0.2, 10)))
def twins(run: FaultedRun, fault: Fault) -> bool:
    """A second process waits for the Lease while the first one works, and then ends by SIGTERM."""
    old = run.processes.operator
    if not old.alive or run.resource.body is None:
        return False
    run.processes.lead_beside()
    if run.processes.operator is old:
        return False
    run.after(fault.length, lambda: old.kill(late=0.0))
    return True


@FAULTS.at_time(FaultKind("clock", 2, timed(-2, 60)), FaultKind("clock-back", 1, timed(-60, -2)))
def clock(run: FaultedRun, fault: Fault) -> bool:
    """The clock of the process jumps."""
    run.processes.operator.skew += fault.length
    return run.processes.operator.alive


@FAULTS.at_time(FaultKind("status-refused", 3, timed(1, 30)))
def status_refused(run: FaultedRun, fault: Fault) -> bool:
    """Writes of the status are refused."""
    error = refusal((500, 409, 403, 429)[fault.pick % 4], "not now")
    return _fail_status_writes(run, fault, error)


@FAULTS.at_time(FaultKind("status-unanswered", 2, timed(1, 20)))
def status_unanswered(run: FaultedRun, fault: Fault) -> bool:
    """Writes of the status are not answered."""
    return _fail_status_writes(run, fault, KubernetesError(0, "no answer in time"))


def _fail_status_writes(run: FaultedRun, fault: Fault, error: KubernetesError) -> bool:
    run.processes.status_error = error
    run.after(fault.length, run.processes.restore_status_writes)
    return True


@FAULTS.at_time(FaultKind("watch-held", 4, timed(0.5, 30)))
def watch_held(run: FaultedRun, fault: Fault) -> bool:
    """The events of a watch are late."""
    operator = run.processes.operator
    operator.watches.hold(WATCHES[fault.pick % len(WATCHES)], run.now + fault.length)
    return operator.alive


@FAULTS.at_time(FaultKind("watch-lost", 4, timed(0.5, 20)))
def watch_lost(run: FaultedRun, fault: Fault) -> bool:
    """A watch ends and is opened again later."""
    operator = run.processes.operator
    operator.watches.lose(WATCHES[fault.pick % len(WATCHES)], fault.length)
    return operator.alive


@FAULTS.at_time(FaultKind("kubernetes-down", 3, timed(3, 60)))
def kubernetes_down(run: FaultedRun, fault: Fault) -> bool:
    """No request is answered, and the watches deliver nothing: a process that cannot renew its
    Lease ends."""
    processes = run.processes
    processes.kubernetes_down_until = run.now + fault.length
    for kind in WATCHES:
        processes.operator.watches.hold(kind, processes.kubernetes_down_until, broken=True)
    _fail_status_writes(run, fault, refusal(503, "the apiserver is shutting down"))
    return True


@FAULTS.at_time(FaultKind("access-missing", 1, timed(5, 200, ("Preflight",))))
def access_missing(run: FaultedRun, fault: Fault) -> bool:
    """Rights of the operator are taken away for a while."""
    run.access.missing = RIGHTS[: 1 + fault.pick % 2]
    run.after(fault.length, run.grant_access)
    return True
