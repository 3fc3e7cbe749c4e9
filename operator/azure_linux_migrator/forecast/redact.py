"""A snapshot under pseudonyms, which can be given to others.

Its forecast is the same: pseudonyms match where the names match (selectors and labels, tolerations
and taints, claims and volumes, owners and pods), and they sort in the same order. Each field of a
record declares what it holds (model/sensitivity.py); this module replaces each kind. Of a composed
text, only the parts known to be public are kept.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import fields
from ipaddress import ip_network
from typing import Annotated, Any

from azure_linux_migrator.api.names import (
    RELINQUISHED,
    TAG_AUTOSCALER,
    TAG_COUNT,
    TAG_MIGRATION,
    TAG_SOURCE,
    TAG_TARGET_COUNT,
)
from azure_linux_migrator.azure import policies
from azure_linux_migrator.forecast.pseudonyms import PUBLIC_WORDS, KnownNames, Pseudonyms
from azure_linux_migrator.forecast.record_walk import RecordWalk, Replacement, keep
from azure_linux_migrator.forecast.snapshot import azure_facts_from, azure_facts_to
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName, Owner
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.scheduling import Taint
from azure_linux_migrator.model.sensitivity import ArmId, Public, Sensitivity, TaintText
from azure_linux_migrator.model.traits import HOST_PATHS, SYSTEM_PATHS, HostPath

LEFT_OUT = "left out by --redact"
_RESOURCES = ("nvidia.com/", "amd.com/", "hugepages-", "ephemeral-storage")
_NUMBER_TAGS = frozenset({TAG_AUTOSCALER, TAG_COUNT, TAG_TARGET_COUNT})
_PUBLIC_PROPERTIES = (
    "availabilityZones", "count", "currentOrchestratorVersion", "enableAutoScaling",
    "enableEncryptionAtHost", "enableFIPS", "enableNodePublicIP", "enableUltraSSD",
    "gpuInstanceProfile", "kubeletDiskType", "maxCount", "maxPods", "minCount", "mode",
    "nodeImageVersion", "orchestratorVersion", "osDiskSizeGB", "osDiskType", "osSKU", "osType",
    "podIPAllocationMode", "powerState", "provisioningState", "scaleDownMode",
    "scaleSetEvictionPolicy", "scaleSetPriority", "spotMaxPrice", "type", "upgradeSettings",
    "vmSize", "workloadRuntime",
)  # fmt: skip
_ID_PROPERTIES = (
    "capacityReservationGroupID", "hostGroupID", "nodePublicIPPrefixID", "podSubnetID",
    "proximityPlacementGroupID", "vnetSubnetID",
)  # fmt: skip
_PROPERTIES: dict[str, Any] = {
    **dict.fromkeys(_PUBLIC_PROPERTIES, Public),
    **dict.fromkeys(_ID_PROPERTIES, ArmId),
    "nodeLabels": Annotated[dict[str, str], Sensitivity.LABELS],
    "nodeTaints": list[TaintText],
    "tags": Annotated[dict[str, str], Sensitivity.POOL_TAGS],
}
"""The properties of a pool that are kept, as types of which each text has its Sensitivity."""
_PROFILES = {
    "artifactStreamingProfile": {"enabled"},
    "gpuProfile": {"driver"},
    "securityProfile": {"enableSecureBoot", "enableVTPM", "sshAccess"},
}
"""Parts of properties that are kept."""
_REFUSED = policies.fields(policies.Policy.REFUSE)
"""A pool with one of these properties is refused, whatever the value."""


def redact(
    snapshot: ClusterSnapshot, rng: random.Random, known_names: KnownNames | None = None
) -> ClusterSnapshot:
    """The same cluster under pseudonyms.

    `rng` draws them: a SystemRandom, so that they cannot be drawn again. `known` are the names in
    the migration that is to be forecast. Raises TypeError for a record field without a Sensitivity.
    """
    return redact_with(pseudonyms_of(snapshot, rng, known_names or KnownNames()), snapshot)


def redact_with(names: Pseudonyms, snapshot: ClusterSnapshot) -> ClusterSnapshot:
    """The same cluster under these pseudonyms."""
    redacted: ClusterSnapshot = _walk(names)(ClusterSnapshot, snapshot)
    redacted.redacted = True
    return redacted


def pseudonyms_of(snapshot: ClusterSnapshot, rng: random.Random, names: KnownNames) -> Pseudonyms:
    """Pseudonyms for the cluster, drawn from `rng`; they sort as the names do, since the drain
    follows that order."""
    owned = [
        (NamespacedName(pod.key.namespace, pod.owner.name), pod.owner)
        for pod in snapshot.pods
        if pod.owner
    ]
    controllers: list[tuple[NamespacedName, str]] = [
        *((key, owner.kind) for key, owner in owned if owner.kind != "Node"),
        *((controller.key, controller.kind) for controller in snapshot.controllers),
    ]
    return Pseudonyms(
        rng,
        names,
        objects=[
            *(pod.key for pod in snapshot.pods),
            *(key for key, _ in controllers),
            *(budget.key for budget in snapshot.budgets),
        ],
        stateful_sets=[key for key, kind in controllers if kind == "StatefulSet"],
        nodes=[
            *(node.name for node in snapshot.nodes),
            *snapshot.labels,
            *snapshot.boots,
            *(pod.node for pod in snapshot.pods if pod.node),
            *(attachment.node for attachment in snapshot.attachments if attachment.node),
        ],
        pools=[pool.name for pool in snapshot.pools],
    )


def _walk(names: Pseudonyms) -> RecordWalk:
    def labels(value: Any, *_: Any) -> Any:
        if isinstance(value, Mapping):
            return dict(names.labels(tuple(value.items())))
        return names.labels(value)

    def owner_name(name: str, owner: Owner, namespace: str) -> str:
        return (
            names.node(name)
            if owner.kind == "Node"
            else names.object(NamespacedName(namespace, name))
        )

    replacements: dict[Sensitivity, Replacement] = {}
    walk = RecordWalk(replacements)
    replacements |= {
        Sensitivity.PUBLIC: keep,
        Sensitivity.LEFT_OUT: lambda *_: "",
        Sensitivity.MESSAGE: lambda text, *_: text and LEFT_OUT,
        Sensitivity.IDENTIFIER: lambda text, *_: names.identifier(text),
        Sensitivity.NAMESPACE: lambda name, *_: names.namespace(name),
        Sensitivity.OBJECT: lambda name, _, namespace: names.object(
            NamespacedName(namespace, name)
        ),
        Sensitivity.OWNER_NAME: owner_name,
        Sensitivity.NODE: lambda name, *_: names.node(name),
        Sensitivity.POOL: lambda name, *_: names.pool(name),
        Sensitivity.MIGRATION: lambda name, *_: names.migration(name),
        Sensitivity.MARK: lambda text, *_: _mark(names, text),
        Sensitivity.LABELS: labels,
        Sensitivity.LABEL_KEY: lambda key, *_: names.label_key(key),
        Sensitivity.LABEL_VALUE: lambda value, term, _: names.label_value(term.key, value),
        Sensitivity.TAINT: lambda text, *_: _taint(names, text),
        Sensitivity.TAINT_KEY: lambda key, *_: names.taint_key(key),
        Sensitivity.TAINT_VALUE: lambda value, taint, _: names.taint_value(taint.key, value),
        Sensitivity.HOST_PATH: lambda path, *_: _host_path(names, path),
        Sensitivity.RESOURCE_AMOUNTS: lambda amounts, *_: tuple(
            sorted(
                (name if name.startswith(_RESOURCES) else names.identifier(name), amount)
                for name, amount in amounts
            )
        ),
        Sensitivity.POOL_PROPERTIES: lambda given, *_: _properties(walk, given),
        Sensitivity.POOL_TAGS: lambda tags, *_: _tags(names, tags),
        Sensitivity.ARM_ID: lambda text, *_: names.identifier(text.lower()),
        Sensitivity.ARM_ACTION: lambda text, *_: "/".join(
            part if part in PUBLIC_WORDS else "-" for part in text.split("/")
        ),
        Sensitivity.CIDR: lambda text, *_: _cidr(text),
        Sensitivity.SERVICE: lambda text, *_: _service(names, text),
        Sensitivity.AZURE_FACTS: lambda azure_facts, *_: _azure_facts(walk, azure_facts),
        Sensitivity.UNREAD_LIST: lambda text, *_: _unread(names, text),
    }
    return walk


def _mark(names: Pseudonyms, text: str) -> str:
    """`<migration or stamp><separator><number>`; any other text only shows that there is one."""
    by, yielded, _ = text.partition(f"/{RELINQUISHED}.")
    if yielded:
        return f"{names.migration(by)}{yielded}unknown"
    match = re.fullmatch(r"(.*)([./@])([^./@]*)", text, re.DOTALL)
    if match is None:
        return text and "unknown"
    name, separator, number = match.groups()
    public = number.isdecimal()
    return f"{names.migration(name)}{separator}{number if public else 'unknown'}"


def _taint(names: Pseudonyms, text: str) -> str:
    head, _, effect = text.rpartition(":")
    key, _, value = head.partition("=")
    pseudonym = Taint(names.taint_key(key), names.taint_value(key, value), names.identifier(effect))
    return str(pseudonym)


def _service(names: Pseudonyms, text: str) -> str:
    namespace, _, name = text.partition("/")
    return f"{names.namespace(namespace)}/{names.object(NamespacedName(namespace, name))}"


def _host_path(names: Pseudonyms, path: str) -> str:
    """The part of the path that every node has, or else a directory that none has."""
    prefixes = [
        prefix for prefix in (*HOST_PATHS, *SYSTEM_PATHS) if HostPath(path).under((prefix,))
    ]
    return max(prefixes, key=len) if prefixes else f"/{names.identifier(path.strip('/'))}"


def _properties(walk: RecordWalk, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The ARM properties that a forecast needs."""
    kept: dict[str, Any] = {}
    for name, value in properties.items():
        if value is None:
            kept[name] = None
        elif name in _PROPERTIES:
            kept[name] = walk(_PROPERTIES[name], value)
        elif name in _PROFILES:
            kept[name] = {part: value[part] for part in _PROFILES[name] if part in value}
        elif name in _REFUSED and value:
            kept[name] = {"leftOut": True}
    return kept


def _tags(names: Pseudonyms, tags: Any) -> Any:
    """The tags of this operator, by which a migration recognizes its pools."""
    if not isinstance(tags, Mapping):
        return tuple(sorted(_tags(names, dict(tags)).items()))
    kept = {
        name: value
        for name, value in tags.items()
        if name in _NUMBER_TAGS and value.replace("-", "").isdecimal()
    }
    if TAG_MIGRATION in tags:
        kept[TAG_MIGRATION] = names.migration(tags[TAG_MIGRATION])
    if TAG_SOURCE in tags:
        kept[TAG_SOURCE] = names.pool(tags[TAG_SOURCE])
    return kept


def _azure_facts(walk: RecordWalk, azure_facts: Mapping[str, Any]) -> dict[str, Any]:
    """Stored Azure facts; parts that this version does not know are left out."""
    parts = {field.name for field in fields(AzureFacts)} & azure_facts.keys()
    facts = azure_facts_from({name: azure_facts[name] for name in parts})
    redacted = azure_facts_to(walk(AzureFacts, facts))
    return {name: redacted.get(name, {"unread": LEFT_OUT}) for name in azure_facts}


def _cidr(text: str) -> str:
    """Another range with as many addresses."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return "10.0.0.0/8"
    return f"{'10.0.0.0' if network.version == 4 else 'fd00::'}/{network.prefixlen}"


def _unread(names: Pseudonyms, text: str) -> str:
    """Without the message of the API server, which names the caller."""
    resource = text.partition(":")[0]
    if resource == "scheduling":
        return text  # The number of pods with unsupported scheduling rules.
    return f"{names.identifier(resource)}: could not be read ({LEFT_OUT})"
