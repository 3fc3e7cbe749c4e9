"""A valid and an invalid edit for each field of a spec, by its path."""

from collections.abc import Iterator, Mapping
from typing import Any

from azure_linux_migrator.api.spec import MigrationSpec

SELECTOR = {"selector": {"matchLabels": {"app": "web"}}, "order": -1}

VALID: dict[str, Any] = {
    "mode": "Run",
    "target.osSKU": "AzureLinux3",
    "target.count": 3,
    "target.vmSize": "Standard_D8s_v5",
    "target.autoscaling": {"min": 1, "max": 4},
    "target.zones": ["1"],
    "target.labels": {"tier": "web"},
    "target.taints": ["dedicated=web:PreferNoSchedule"],
    "target.tags": {"team": "shop"},
    "target.maxPods": 50,
    "target.osDiskSizeGB": 128,
    "target.osDiskType": "Managed",
    "target.securityProfile.enableSecureBoot": False,
    "target.securityProfile.enableVTPM": True,
    "strategy.canary.nodes": 1,
    "strategy.canary.soak": "20s",
    "strategy.batch.size": "100%",
    "strategy.batch.soak": "10s",
    "strategy.maxSurge": 2,
    "strategy.finalSoak": "30s",
    "drain.unmanagedPods": "Evict",
    "drain.emptyDir": "Block",
    "drain.jobs": "Evict",
    "drain.timeout": "10m",
    "drain.onTimeout": "Force",
    "drain.order": [SELECTOR],
    "drain.prefetch": True,
    "drain.implicitBudgets": "Ignore",
    "drain.unhealthyReplacements": "Ignore",
    "drain.singletons": "SurgeFirst",
    "sourcePool": "ScaleToZero",
    "preflight.acknowledge": ["pdb.zero"],
    "approval": "BeforeRetire",
    "onFailure": "Rollback",
    "paused": True,
}

INVALID: dict[str, Any] = {
    "mode": "Try",
    "target.osSKU": "",
    "target.count": 0,
    "target.vmSize": "",
    "target.autoscaling": {"min": 5, "max": 4},
    "target.zones": "1",
    "target.labels": {"a b": "c"},
    "target.taints": ["no effect"],
    "target.tags": {"a<b": "c"},
    "target.maxPods": 5000,
    "target.osDiskSizeGB": -1,
    "target.osDiskType": "Floppy",
    "target.securityProfile.enableSecureBoot": "perhaps",
    "target.securityProfile.enableVTPM": [],
    "strategy.canary.nodes": -1,
    "strategy.canary.soak": "soon",
    "strategy.batch.size": "0%",
    "strategy.batch.soak": "-5s",
    "strategy.maxSurge": 0,
    "strategy.finalSoak": "1 day",
    "drain.unmanagedPods": "Delete",
    "drain.emptyDir": "Keep",
    "drain.jobs": "Kill",
    "drain.timeout": "9999h",
    "drain.onTimeout": "Retry",
    "drain.order": [{"order": 1}],
    "drain.prefetch": "sometimes",
    "drain.implicitBudgets": "Some",
    "drain.unhealthyReplacements": "Wait",
    "drain.singletons": "Twice",
    "sourcePool": "Recycle",
    "preflight.acknowledge": ["no.such.check"],
    "approval": "Never",
    "onFailure": "Panic",
    "paused": "yes please",
}

LOCKED = {
    "cluster.subscriptionID",
    "cluster.resourceGroup",
    "cluster.name",
    "source.nodePool",
    "target.nodePool",
    "strategy.type",
}
"""Fields that the API server lets nobody change (tests/contract/api/test_crd_apiserver.py)."""


def fields_of_the_spec() -> set[str]:
    """The paths of all fields that hold a value."""
    schema = MigrationSpec.model_json_schema(by_alias=True)
    return set(_leaves(schema, schema.get("$defs", {}), ""))


WHOLE = {"target.autoscaling"}
"""Objects that are given as one value."""


def _leaves(node: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> Iterator[str]:
    options = [node, *node.get("anyOf", ()), *node.get("allOf", ())]
    for reference in options:
        name = reference.get("$ref", "").rpartition("/")[2]
        option = definitions[name] if name else reference
        if "properties" in option and path not in WHOLE:
            for key, child in option["properties"].items():
                yield from _leaves(child, definitions, f"{path}.{key}" if path else key)
            return
    yield path


def edited(spec: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The top-level fields of a spec that an edit changes."""
    name, _, rest = path.partition(".")
    if not rest:
        return {name: value}
    inner = spec.get(name)
    return {
        name: {**(inner if isinstance(inner, dict) else {}), **edited(inner or {}, rest, value)}
    }
