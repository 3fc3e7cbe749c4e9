"""rbac.arm: what the operator's identity may not do in Azure, and which role is missing where."""

from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.azure_facts import Unread

WRITER, SURVEYOR = "azlm node pool writer", "azlm surveyor"
_SCOPES: tuple[tuple[str, str, str], ...] = (
    ("/locations/usages/read", SURVEYOR, "the subscription"),
    ("/skus/read", SURVEYOR, "the subscription"),
    ("/virtualmachinescalesets/read", SURVEYOR, "the node resource group"),
    ("/subnets/read", SURVEYOR, "the virtual network"),
    ("/locks/read", SURVEYOR, "the subscription"),
    ("/subnets/join/action", WRITER, "the subnet"),
)
"""By the end of an action: its role and where that has to be assigned (docs/azure-role.md)."""


def rights(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """rbac.arm: a refusal now is better than one half-way."""
    result = RuleResult("rbac.arm", "the operator's identity")
    denied = snapshot.facts.denied
    if isinstance(denied, Unread):
        yield result.unchecked(denied)
        return
    for action in denied:
        role, scope = _needed(action)
        say = result.block if role == WRITER and not action.endswith("/read") else result.warn
        if "/agentpools/" in action.lower():
            say = result.block
        remedy = (
            f"it has the role {role} elsewhere: assign it on {scope} too, and see that its "
            "definition has that action"
            if _assigned(snapshot, role)
            else f"assign the role {role} on {scope}"
        )
        yield say(f"it may not {action}", f"{remedy} (docs/azure-role.md)")


def _needed(action: str) -> tuple[str, str]:
    for end, role, scope in _SCOPES:
        if action.lower().endswith(end):
            return role, scope
    return WRITER, "the cluster"


def _assigned(snapshot: PreflightSnapshot, role: str) -> bool:
    """Whether something that only this role allows was read: then its scope is too narrow."""
    facts = snapshot.facts
    parts: tuple[object, ...] = (facts.cluster, facts.windows)
    if role == SURVEYOR:
        parts = (facts.usages, facts.sizes, facts.subnets or _NOTHING, facts.extensions)
    return any(not isinstance(part, Unread) for part in parts)


_NOTHING = Unread("no subnet of the cluster's own")
