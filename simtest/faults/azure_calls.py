"""Faults of calls to the modelled AKS: which calls meet a fault, and what becomes of them.

All faults are plain records that decode from JSON: a test can send them to the simulated ARM server
of the testbed, which runs in another process.
"""

from typing import Any, Literal

import msgspec

from azure_linux_migrator.simulator.aks import errors
from azure_linux_migrator.simulator.aks.call_hook import CallEffect
from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost
from azure_linux_migrator.simulator.aks.limits import ClusterShape
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.operations import Ending

Call = Literal[
    "*",
    "GetCluster",
    "GetPool",
    "ListPools",
    "PutPool",
    "DeletePool",
    "Abort",
    "DeleteMachines",
    "ListMachines",
    "GetMachine",
    "UpgradeProfile",
    "AvailableVersions",
    "GetOperation",
    "GetOperationResult",
    "Usages",
    "Skus",
    "Subnet",
    "Locks",
    "MaintenanceConfigurations",
    "ScaleSets",
]
"""Names of the calls; `*` matches each of them."""


class _Record(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    pass


class Refuse(_Record, frozen=True, tag="Refuse", tag_field="kind"):
    """Answer with an error and change nothing.

    `retry_after` is in seconds. An empty message gets AKS's own text where one is known.
    """

    status: int
    code: str
    message: str = ""
    retry_after: float | None = None
    wrapped: bool | None = None


class LoseResponse(_Record, frozen=True, tag="LoseResponse", tag_field="kind"):
    """Drop the connection, before or after the call took effect, after `hang_seconds`."""

    committed: bool = True
    hang_seconds: float = 0.0


class EndOperation(_Record, frozen=True, tag="EndOperation", tag_field="kind"):
    """Let the operation that the call starts end badly.

    `nodes` is how many nodes still come or go before that; all of them where it is None.
    """

    status: Literal["Failed", "Canceled"] = "Failed"
    code: str = "ReconcileVMSSAgentPoolFailed"
    message: str = (
        'Code="AllocationFailed" Message="Allocation failed. We do not have sufficient capacity '
        'for the requested VM size in this region."'
    )
    nodes: int | None = None
    details: tuple[dict[str, str], ...] = ()
    """Inner errors, each with `code` and `message`."""


class Stall(_Record, frozen=True, tag="Stall", tag_field="kind"):
    """Delay the work of the operation that the call starts; for ever where `seconds` is None."""

    seconds: float | None = None


class Hide(_Record, frozen=True, tag="Hide", tag_field="kind"):
    """Reads do not show the pool for `seconds` after the write."""

    seconds: float


class MissingNodes(_Record, frozen=True, tag="MissingNodes", tag_field="kind"):
    """`count` nodes of a growing pool never appear although the operation succeeds."""

    count: int = 1


Effect = Refuse | LoseResponse | EndOperation | Stall | Hide | MissingNodes


class CallFault(_Record, frozen=True):
    """`effect` on the calls that match, from the `nth` one on (1-based), `times` times.

    `pool` None matches any pool, `times` None every later call.
    """

    effect: Effect
    call: Call = "*"
    pool: str | None = None
    nth: int = 1
    times: int | None = 1

    def matches(self, call: str, pool: str | None) -> bool:
        """Tell whether the call is of the kind that this fault waits for."""
        return self.call in ("*", call) and self.pool in (None, pool)


class CallFaults:
    """The faults in force on one cluster, as its CallHook, each with the number of matching calls
    so far."""

    def __init__(self, cluster: ManagedCluster) -> None:
        self._shape = cluster.shape
        self._faults: list[CallFault] = []
        self._counts: list[int] = []
        cluster.call_hook = self

    def add(self, *faults: CallFault) -> None:
        """Put more faults in force; each counts calls from now on."""
        self._faults += faults
        self._counts += [0] * len(faults)

    def clear(self) -> None:
        """End every fault. Operations that a fault has changed stay changed."""
        self._faults.clear()
        self._counts.clear()

    def called(self, call: str, pool: str | None) -> CallEffect:
        """Count the call, and join the effects of its faults."""
        effects = self.met(call, pool)
        for effect in effects:
            if isinstance(effect, Refuse):
                raise refusal(effect, call, pool, self._shape)
            if isinstance(effect, LoseResponse) and not effect.committed:
                raise ResponseLost(committed=False, hang_seconds=effect.hang_seconds)
        joined: dict[str, Any] = {}
        for effect in effects:
            match effect:
                case LoseResponse(hang_seconds=seconds):
                    joined.setdefault("answer_lost_after", seconds)
                case Stall(seconds=wait):
                    joined["waits"] = (wait, *joined.get("waits", ()))
                case EndOperation(status, code, message, nodes, details):
                    joined["ending"] = Ending(status, code, message, nodes, details)
                case MissingNodes(count=count):
                    joined["missing_nodes"] = count
                case Hide(seconds=hidden):
                    joined["hidden_seconds"] = hidden
        return CallEffect(**joined)

    def met(self, call: str, pool: str | None) -> list[Effect]:
        """Count the call and return the effects of the faults that it meets."""
        effects: list[Effect] = []
        for index, fault in enumerate(self._faults):
            if not fault.matches(call, pool):
                continue
            self._counts[index] += 1
            past = self._counts[index] - fault.nth
            if past >= 0 and (fault.times is None or past < fault.times):
                effects.append(fault.effect)
        return effects


def inject(cluster: ManagedCluster, *faults: CallFault) -> None:
    """Put faults in force on a cluster, beside those that are in force already."""
    hook = cluster.call_hook
    (hook if isinstance(hook, CallFaults) else CallFaults(cluster)).add(*faults)


_FULL_ACTIONS = {
    "Usages": "Microsoft.Compute/locations/usages/read",
    "Skus": "Microsoft.Compute/skus/read",
    "Subnet": "Microsoft.Network/virtualNetworks/subnets/read",
    "Locks": "Microsoft.Authorization/locks/read",
    "ScaleSets": "Microsoft.Compute/virtualMachineScaleSets/read",
}
_ACTIONS = {
    "MaintenanceConfigurations": "maintenanceConfigurations/read",
    "GetCluster": "read",
    "GetPool": "agentPools/read",
    "ListPools": "agentPools/read",
    "PutPool": "agentPools/write",
    "DeletePool": "agentPools/delete",
    "Abort": "agentPools/abort/action",
    "DeleteMachines": "agentPools/deleteMachines/action",
    "ListMachines": "agentPools/machines/read",
    "GetMachine": "agentPools/machines/read",
    "UpgradeProfile": "agentPools/upgradeProfiles/read",
    "AvailableVersions": "availableAgentPoolVersions/read",
}
"""The role action that each call needs, after `Microsoft.ContainerService/managedClusters/`."""


def refusal(effect: Refuse, call: str, pool: str | None, shape: ClusterShape) -> ArmError:
    """The error that the caller gets, in AKS's own words where the test gave none."""
    error = ArmError(
        effect.status,
        effect.code,
        effect.message or _text_of(effect, call, pool, shape),
        retry_after=effect.retry_after,
        wrapped=effect.wrapped,
    )
    if effect.code == "EtagMismatch":
        error.details = errors.etag_mismatch(409).details
    return error


def _text_of(effect: Refuse, call: str, pool: str | None, shape: ClusterShape) -> str:
    scope = (
        f"/subscriptions/{shape.subscription}/resourceGroups/{shape.resource_group}/providers/"
        f"Microsoft.ContainerService/managedClusters/{shape.name}"
    )
    if pool is not None:
        scope += f"/agentPools/{pool}"
    action = _ACTIONS.get(call, "../locations/operations/read")
    full = _FULL_ACTIONS.get(call, f"Microsoft.ContainerService/managedClusters/{action}")
    texts = {
        "AuthorizationFailed": errors.forbidden(full, scope).message,
        "OperationNotAllowed": errors.pool_busy(pool or shape.name, "Updating").message,
        "EtagMismatch": errors.etag_mismatch(409).message,
        "PreconditionFailed": errors.already_exists(412).message,
        "Throttled": errors.throttled(0).message,
        "ScopeLocked": (
            f"The scope '{scope}' cannot perform {call} operation because following scope(s) are "
            f"locked: '{scope}'. Please remove the lock and try again."
        ),
        "RequestDisallowedByPolicy": f"Resource '{pool or shape.name}' was disallowed by policy.",
    }
    return texts.get(effect.code, f"The request failed with {effect.code}.")
