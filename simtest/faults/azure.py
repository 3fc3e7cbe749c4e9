"""What befalls Azure around a migration."""

from collections.abc import Callable

from azure_linux_migrator.simulator.aks.faults import (
    Effect,
    EndOperation,
    FaultBook,
    Hide,
    LoseResponse,
    MissingNodes,
    Refuse,
    Stall,
)
from azure_linux_migrator.simulator.aks.faults import Fault as AzureFault
from azure_linux_migrator.simulator.controller.custom_resource import CustomResource
from simtest.faults.base import FaultBase
from simtest.faults.schedule import Fault
from simtest.invariants.audit import Audit
from simtest.scenario import Scenario

REFUSED: tuple[Effect, ...] = (
    Refuse(429, "Throttled", retry_after=5.0),
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
FAILED: tuple[Effect, ...] = (
    EndOperation(),
    EndOperation(nodes=1),
    EndOperation(nodes=0),
    EndOperation(status="Canceled", nodes=0),
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
READS = ("GetPool", "ListPools")


class Book(FaultBook):
    """Faults that only azlm's own calls meet; others' calls count for nothing."""

    def __init__(self, ours: Callable[[], bool], struck: Callable[[str, str], None]) -> None:
        super().__init__()
        self._ours, self._struck = ours, struck

    def met(self, call: str, pool: str | None) -> list[Effect]:
        """Count the call if it is ours."""
        if not self._ours():
            return []
        effects = super().met(call, pool)
        for each in effects:
            family = _FAMILIES[type(each)]
            to = "" if family in {"hidden", "missing"} else f"-{call}"
            self._struck(f"azure-{family}{'-read' if call in READS else to}", call)
        return effects


class AzureFaults(FaultBase):
    """Calls that go wrong, operations that end badly, and an Azure that is busy or away."""

    def __init__(self, stage: Scenario, resource: CustomResource, audit: Audit) -> None:
        super().__init__(stage, resource, audit)
        self._azure_until = 0.0
        self._calls_azure = False
        self._scene.aks.faults = Book(lambda: self._calls_azure, self._struck_call)

    def _struck_call(self, kind: str, call: str) -> None:
        self.strikes[kind, f"{call} in {self.where()}"] += 1

    def _arm(self, fault: Fault, effect: Effect, call: str) -> None:
        times, nth = 1 + fault.pick // 128 % 3, 1 + (fault.pick // 512 % 4 == 0)
        met = AzureFault(effect, call, nth=nth, times=times)  # type: ignore[arg-type]
        self._scene.aks.faults.add([met])

    def _azure(self, fault: Fault) -> bool:
        """A call that changes a pool, or one that reads, is met from now on; it is counted then."""
        _, family, call = fault.kind.split("-")
        if call == "read":
            effects = READS_REFUSED if family == "refused" else LOST
            call = READS[fault.pick // 16 % 2]
        else:
            effects = EFFECTS[family]
        self._arm(fault, effects[fault.pick % len(effects)], call)
        return False

    def _azure_hidden(self, fault: Fault) -> bool:
        self._arm(fault, Hide(fault.length), "PutPool")
        return False

    def _azure_missing(self, fault: Fault) -> bool:
        self._arm(fault, MissingNodes(1 + fault.pick % 2), "PutPool")
        return False

    def _azure_down(self, fault: Fault) -> bool:
        self._azure_until = self._scene.kernel.now + fault.length
        return True

    def _azure_busy(self, fault: Fault) -> bool:
        self._scene.aks.occupy("Updating", fault.length, self._scene.kernel.now)
        self._scene.node_lifecycle.touched()
        return True

    def _overtake(self, pool: str, pick: int) -> bool:
        """Somebody else's change of a pool comes just before ours."""
        found = self._scene.aks.properties(pool)
        if not found:
            return False
        found["eTag"] = f"foreign-{pick}"
        self._audit.watched.overtaken(pool)
        return True
