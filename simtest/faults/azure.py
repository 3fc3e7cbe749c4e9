"""Faults of Azure: calls that fail, operations that end badly, an Azure that is busy or down."""

from collections.abc import Callable

from msgspec import structs

from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from simtest.faults.azure_calls import (
    CallFault,
    CallFaults,
    Effect,
    EndOperation,
    Hide,
    LoseResponse,
    MissingNodes,
    Refuse,
    Stall,
    inject,
)
from simtest.faults.draws import azure_call, timed
from simtest.faults.fault import Fault
from simtest.faults.faulted_run import FaultedRun
from simtest.faults.registry import FaultKind, FaultSet

FAULTS = FaultSet()
CALLS = ("PutPool", "DeletePool", "DeleteMachines")
"""The calls that change a pool."""
READS = ("GetPool", "ListPools")

REFUSED: tuple[Effect, ...] = (
    Refuse(429, "Throttled", retry_after=40.0),
    Refuse(500, "InternalServerError"),
    Refuse(503, "ServiceUnavailable"),
    Refuse(409, "OperationNotAllowed"),
    Refuse(403, "AuthorizationFailed"),
    Refuse(409, "EtagMismatch"),
    Refuse(400, "ErrCode_InsufficientVCPUQuota"),
    Refuse(409, "SkuNotAvailable"),
)
READS_REFUSED = REFUSED[:5]
LOST: tuple[Effect, ...] = (
    LoseResponse(committed=True, hang_seconds=2.0),
    LoseResponse(committed=True, hang_seconds=20.0),
    LoseResponse(committed=False, hang_seconds=2.0),
    LoseResponse(committed=False, hang_seconds=20.0),
)
RECONCILE, CREATE = "ReconcileVMSSAgentPoolFailed", "CreateVMSSAgentPoolFailed"
COMPUTE_THROTTLE = EndOperation(
    code=RECONCILE,
    message='VMSSAgentPoolReconciler retry failed: Status=429 Code="OperationNotAllowed" '
    'Message="The server rejected the request because too many requests have been received for '
    'this subscription." Details=[{"message":"{\\"internalErrorCode\\":'
    '\\"TooManyRequestsReceived\\"}"}]',
    nodes=0,
)
"""Azure Compute refuses to be asked so often, inside an operation of AKS (Azure/AKS issue 2417)."""
INTERNAL = EndOperation(
    code=CREATE,
    message="AKS encountered an internal error while attempting the requested operation. AKS will "
    "continuously retry the requested operation until successful or a retry timeout is hit.",
    nodes=0,
)
NO_ZONE = EndOperation(
    code="ResourceOperationFailure",
    message="The resource operation completed with terminal provisioning state 'Failed'.",
    details=(
        {
            "code": "OverconstrainedZonalAllocationRequest",
            "message": "Allocation failed. The condition is too restrictive.",
        },
    ),
    nodes=0,
)
"""The cause is in the details, and not in the text."""
SUBNET_FULL = EndOperation(
    code=CREATE,
    message="Category: ClientError; SubCode: SubnetIsFull; Dependency: Microsoft.Network; "
    "OrginalError: no address is left; AKSTeam: Networking",
    nodes=0,
)
"""The cause is a code without quotes."""
FAMILY_QUOTA = EndOperation(
    code=RECONCILE,
    message='Code="OperationNotAllowed" Message="Operation could not be completed as it results in '
    'exceeding approved standardDSv5Family Cores quota."',
    nodes=0,
)
FAILED: tuple[Effect, ...] = (
    EndOperation(),
    EndOperation(nodes=1),
    EndOperation(nodes=0),
    EndOperation(status="Canceled", nodes=0),
    COMPUTE_THROTTLE,
    INTERNAL,
    NO_ZONE,
    SUBNET_FULL,
    FAMILY_QUOTA,
)
EFFECTS = {"refused": REFUSED, "lost": LOST, "failed": FAILED, "stalled": (Stall(45.0),)}
_FAMILIES: dict[type, str] = {
    Refuse: "refused",
    LoseResponse: "lost",
    EndOperation: "failed",
    Stall: "stalled",
    Hide: "hidden",
    MissingNodes: "missing",
}


class OwnCallFaults(CallFaults):
    """Faults that only the calls of azlm meet. Calls of other clients are not counted."""

    def __init__(
        self,
        cluster: ManagedCluster,
        own: Callable[[], bool],
        on_strike: Callable[[str, str], None],
    ) -> None:
        super().__init__(cluster)
        self._own, self._on_strike = own, on_strike

    def met(self, call: str, pool: str | None) -> list[Effect]:
        """Count the call if it is one of azlm's."""
        if not self._own():
            return []
        effects = super().met(call, pool)
        for effect in effects:
            family = _FAMILIES[type(effect)]
            suffix = "" if family in {"hidden", "missing"} else f"-{call}"
            self._on_strike(f"azure-{family}{'-read' if call in READS else suffix}", call)
        return effects


def _variants(kind: str, *calls: str) -> tuple[str, ...]:
    return tuple(f"{kind}-{call}" for call in calls)


@FAULTS.at_time(
    FaultKind(
        "azure-refused",
        5,
        azure_call(reads=True),
        variants=_variants("azure-refused", *CALLS, "read"),
    ),
    FaultKind(
        "azure-lost",
        4,
        azure_call(reads=True),
        variants=_variants("azure-lost", *CALLS, "read"),
    ),
    FaultKind("azure-failed", 4, azure_call(), variants=_variants("azure-failed", *CALLS)),
    FaultKind("azure-stalled", 2, azure_call(), variants=_variants("azure-stalled", *CALLS)),
)
def azure_call_fails(run: FaultedRun, fault: Fault) -> bool:
    """The next calls of a kind fail. The fault is counted when a call meets it."""
    _, family, call = fault.kind.split("-")
    if call == "read":
        effects = READS_REFUSED if family == "refused" else LOST
        call = READS[fault.pick // 16 % 2]
    else:
        effects = EFFECTS[family]
    return _arm(run, fault, effects[fault.pick % len(effects)], call)


@FAULTS.at_time(FaultKind("azure-hidden", 1, timed(2, 12, ("CreateTarget", "Preflight"))))
def azure_hidden(run: FaultedRun, fault: Fault) -> bool:
    """A new pool is not visible for a while."""
    return _arm(run, fault, Hide(fault.length), "PutPool")


@FAULTS.at_time(FaultKind("azure-missing", 1, timed(steps=("CreateTarget", "Drain"))))
def azure_missing(run: FaultedRun, fault: Fault) -> bool:
    """A pool gets fewer nodes than its count."""
    return _arm(run, fault, MissingNodes(1 + fault.pick % 2), "PutPool")


def _arm(run: FaultedRun, fault: Fault, effect: Effect, call: str) -> bool:
    times, nth = 1 + fault.pick // 128 % 3, 1 + (fault.pick // 512 % 4 == 0)
    call_fault = CallFault(effect, call, nth=nth, times=times)  # type: ignore[arg-type]
    inject(run.simulation.aks, call_fault)
    return False


@FAULTS.at_time(FaultKind("azure-down", 2, timed(10, 120)))
def azure_down(run: FaultedRun, fault: Fault) -> bool:
    """Azure answers every call with 503."""
    run.azure_down_until = run.now + fault.length
    return True


@FAULTS.at_time(FaultKind("azure-busy", 3, timed(5, 90)))
def azure_busy(run: FaultedRun, fault: Fault) -> bool:
    """Another operation of the cluster is in progress."""
    run.simulation.aks.occupy("Updating", fault.length, run.now)
    run.simulation.node_lifecycle.touched()
    return True


@FAULTS.at_time(FaultKind("azure-locked", 2, timed(10, 120)))
def azure_locked(run: FaultedRun, fault: Fault) -> bool:
    """Somebody puts a lock on the node resource group, and takes it away again."""
    aks = run.simulation.aks
    aks.region = structs.replace(aks.region, node_group_locks=("keep",))

    def unlock() -> None:
        aks.region = structs.replace(aks.region, node_group_locks=())

    run.after(fault.length, unlock)
    return True
