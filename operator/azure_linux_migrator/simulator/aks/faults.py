"""Faults to inject into the modelled AKS: which call they meet and what they do to it.

All are plain records that decode from JSON, so that a test in another process can send them.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from azure_linux_migrator.simulator.aks import errors
from azure_linux_migrator.simulator.aks.errors import ArmError
from azure_linux_migrator.simulator.aks.limits import ClusterShape

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


class Fault(_Record, frozen=True):
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


class FaultBook:
    """The faults in force, each with the number of matching calls it has seen."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults: list[Fault] = list(faults)
        self._seen: list[int] = [0] * len(self._faults)

    def add(self, faults: Iterable[Fault]) -> None:
        """Put more faults in force; each counts calls from now on."""
        for fault in faults:
            self._faults.append(fault)
            self._seen.append(0)

    def clear(self) -> None:
        """End every fault. What was already done to an operation stays done."""
        self._faults.clear()
        self._seen.clear()

    def met(self, call: str, pool: str | None) -> list[Effect]:
        """Count the call and return what befalls it."""
        effects: list[Effect] = []
        for index, fault in enumerate(self._faults):
            if not fault.matches(call, pool):
                continue
            self._seen[index] += 1
            past = self._seen[index] - fault.nth
            if past >= 0 and (fault.times is None or past < fault.times):
                effects.append(fault.effect)
        return effects


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
        effect.message or _known_text(effect, call, pool, shape),
        retry_after=effect.retry_after,
        wrapped=effect.wrapped,
    )
    if effect.code == "EtagMismatch":
        error.details = errors.etag_mismatch(409).details
    return error


def _known_text(effect: Refuse, call: str, pool: str | None, shape: ClusterShape) -> str:
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
