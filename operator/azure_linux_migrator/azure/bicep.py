"""The new pool as Bicep, in place of the old one: every property that can be set."""

from azure_linux_migrator.azure.iac_values import EMPTY, bicep, own_tags
from azure_linux_migrator.azure.policies import POLICIES, Policy
from azure_linux_migrator.model.pool import Pool

API_VERSION = "2026-08-01"
_TYPE = f"Microsoft.ContainerService/managedClusters/agentPools@{API_VERSION}"
_UNSET = frozenset((Policy.STRIP, Policy.REFUSE))
SET = tuple(name for name, policy in POLICIES.items() if policy not in _UNSET and name != "tags")
"""Properties that a template may set."""


def resource(pool: Pool, old: str) -> str:
    """The resource that replaces the one of pool `old`."""
    own: dict[str, object] = {
        name: value for name in SET if (value := pool.properties.get(name)) not in EMPTY
    }
    if pool.autoscaling:
        own.pop("count", None)  # the autoscaler's; a deployment would set it back
    if tags := own_tags(pool):
        own["tags"] = tags
    lines = [
        f"// In place of the resource of pool {old}. A deployment in complete mode deletes what",
        "// its template does not have: add this before the old resource is removed.",
        f"resource {pool.name} '{_TYPE}' = {{",
        "  parent: cluster // the managed cluster's symbolic name",
        f"  name: {bicep(pool.name)}",
        f"  properties: {bicep(own, '  ')}",
        "}",
    ]
    return "\n".join(lines)
