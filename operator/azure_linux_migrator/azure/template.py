"""The body of the target pool, from the source's: by an allow-list, field by field (policies.py).

Re-sending a fetched pool would pin its old node image (`nodeImageVersion`, `creationData`), carry
read-only state, and break on fields a newer API added. What has no policy is not copied.
"""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.azure.policies import Policy, fields
from azure_linux_migrator.errors import AzureError

UNSUPPORTED = "AzlmUnsupportedPool"

_COPIED = fields(Policy.COPY, Policy.COPY_WITH_CARE)
_REFUSED = fields(Policy.REFUSE)
_OWN_LABELS = ("kubernetes.azure.com/", "kubernetes.io/")
_SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
_RESENT = _COPIED | fields(Policy.FILTER) | fields(Policy.OVERRIDE)
"""What an update of a pool sends back: all that a client may set and AKS would otherwise clear."""


def target_body(
    source: Mapping[str, Any],
    *,
    os_sku: str,
    count: int | None,
    overrides: Mapping[str, Any],
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """The ARM body of the target pool; `source` are the source's ARM properties.

    Raises AzureError(AzlmUnsupportedPool) for pools whose replacement would change what they are.
    """
    for name in sorted(_REFUSED):
        if source.get(name):
            raise AzureError(UNSUPPORTED, f"the source pool has a {name}; such pools are not moved")
    if source.get("type") == "AvailabilitySet":
        raise AzureError(UNSUPPORTED, "the source pool is of the retired type AvailabilitySet")
    body = {name: source[name] for name in sorted(_COPIED) if source.get(name) is not None}
    body |= {"nodeLabels": _labels(source), "nodeTaints": _taints(source)}
    for name, value in overrides.items():
        if value is not None:
            _set(body, name, value)
    body |= {
        "osSKU": os_sku,
        "count": count if count is not None else int(source.get("count") or 0),
        "enableAutoScaling": False,
        "tags": {**_tags(source), **tags},
    }
    version = source.get("currentOrchestratorVersion") or source.get("orchestratorVersion")
    if version and "orchestratorVersion" not in body:
        body["orchestratorVersion"] = version
    return {"properties": {name: value for name, value in body.items() if value not in ({}, [])}}


def updated_body(
    pool: Mapping[str, Any],
    changes: Mapping[str, Any],
    tags: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """The ARM body that changes nothing of a pool but these properties and tags.

    There is no PATCH for pools: all else is sent back as it is. None removes; a dotted name such
    as `upgradeSettings.maxSurge` changes one setting of a profile.
    """
    body = {name: pool[name] for name in sorted(_RESENT) if pool.get(name) is not None}
    for name, value in changes.items():
        if value is None:
            body.pop(name, None)
        else:
            _set(body, name, value)
    if tags:
        merged = {**(body.get("tags") or {}), **tags}
        body["tags"] = {name: value for name, value in merged.items() if value is not None}
    return {"properties": body}


def _set(body: dict[str, Any], name: str, value: object) -> None:
    """A property, or by a dotted name such as `securityProfile.enableVTPM` one setting of one."""
    profile, _, setting = name.partition(".")
    body[profile] = {**(body.get(profile) or {}), setting: value} if setting else value


def _labels(source: Mapping[str, Any]) -> dict[str, str]:
    """Without those under the prefixes that AKS keeps for itself and refuses."""
    labels: Mapping[str, str] = source.get("nodeLabels") or {}
    return {key: value for key, value in labels.items() if not key.startswith(_OWN_LABELS)}


def _taints(source: Mapping[str, Any]) -> list[str]:
    """Without the one AKS gives spot pools; a System pool may have only two kinds of them."""
    taints = [taint for taint in source.get("nodeTaints") or () if taint != _SPOT_TAINT]
    if source.get("mode") == "System":
        return [
            taint
            for taint in taints
            if taint.startswith("CriticalAddonsOnly") or taint.endswith(":PreferNoSchedule")
        ]
    return taints


def _tags(source: Mapping[str, Any]) -> dict[str, str]:
    """Without ours: a pool that was itself made by a migration names that one."""
    tags: Mapping[str, str] = source.get("tags") or {}
    return {key: value for key, value in tags.items() if not key.startswith("azlm-")}
