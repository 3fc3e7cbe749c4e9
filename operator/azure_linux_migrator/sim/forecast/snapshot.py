"""A cluster and its node pools at one moment: all that a forecast starts from, in one file.

It holds no secrets: no environment, no annotations, no commands. With `redacted` names are
replaced by stable stand-ins, so that it can be given to others.
"""

import gzip
import hashlib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Struct, structs

from azure_linux_migrator.core.preflight.snapshot import Unread
from azure_linux_migrator.core.preflight.survey import Survey
from azure_linux_migrator.core.records import (
    Attachment,
    Budget,
    Controller,
    Key,
    Labels,
    Node,
    Pod,
    Pool,
    Selector,
    Volume,
)
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.sim.cluster.shapes import Placing, PodTerm, Rule

VERSION = 2


class Snapshot(Struct):
    """`labels` and `taints` are the nodes', by name; `boots` tells how long each took from its
    Node object to Ready, in seconds; `placings` are the pods', by their owner's uid; `rules` belong
    to `budgets`, in their order; `scheduled` tells when pods got their nodes, by uid, as far as it
    is known; `unseen` what could not be read, and why."""

    taken_at: float
    nodes: list[Node] = []
    labels: dict[str, dict[str, str]] = {}
    taints: dict[str, list[str]] = {}
    boots: dict[str, float] = {}
    pods: list[Pod] = []
    placings: dict[str, Placing] = {}
    budgets: list[Budget] = []
    rules: list[Rule] = []
    controllers: list[Controller] = []
    volumes: list[Volume] = []
    attachments: list[Attachment] = []
    scheduled: dict[str, float] = {}
    pools: list[Pool] = []
    survey: dict[str, Any] = {}
    unseen: list[str] = []
    redacted: bool = False
    version: int = VERSION


def save(snapshot: Snapshot, file: Path) -> None:
    """Write it; compressed where the name ends in .gz."""
    content = msgspec.json.encode(snapshot)
    file.write_bytes(gzip.compress(content, 6) if file.suffix == ".gz" else content)


def load(file: Path) -> Snapshot:
    """Read it; raises SettingsError where the file is no snapshot of this version."""
    try:
        content = file.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        found = msgspec.json.decode(content, type=Snapshot)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise SettingsError(f"{file} is no snapshot made by azlm snapshot: {error}") from error
    if found.version != VERSION:
        raise SettingsError(f"{file} is a snapshot of version {found.version}, not {VERSION}")
    return found


def survey_out(survey: Survey) -> dict[str, Any]:
    """A survey as it is kept: each part, or why it is missing."""
    found = {}
    for each in fields(survey):
        part = getattr(survey, each.name)
        unread = isinstance(part, Unread)
        found[each.name] = {"unread": part.why} if unread else {"is": msgspec.to_builtins(part)}
    return found


def survey_in(kept: dict[str, Any]) -> Survey:
    """The inverse of `survey_out`; a part that was not kept was not read."""
    hints = get_type_hints(Survey)
    parts: dict[str, Any] = {}
    for name, part in kept.items():
        if "unread" in part:
            parts[name] = Unread(part["unread"])
        else:
            kind = next((k for k in get_args(hints[name]) if k is not Unread), hints[name])
            whole = hints[name] if not _is_union(hints[name]) else kind
            parts[name] = msgspec.convert(part["is"], whole)
    return Survey(**parts)


def _is_union(hint: Any) -> bool:
    return Unread in get_args(hint)


_OPEN = frozenset({"kube-system", "gatekeeper-system", ""})
"""Namespaces whose names are everybody's."""
_SETTINGS = frozenset(
    {
        "count", "vmSize", "osSKU", "osType", "mode", "type", "maxPods", "availabilityZones",
        "enableAutoScaling", "minCount", "maxCount", "provisioningState", "powerState",
        "orchestratorVersion", "currentOrchestratorVersion", "nodeImageVersion", "osDiskType",
        "osDiskSizeGB", "scaleSetPriority", "nodeTaints",
    }
)  # fmt: skip


def redact(snapshot: Snapshot) -> Snapshot:
    """The same cluster under other names; what decides where pods land stays as it is."""
    return structs.replace(
        snapshot,
        pods=[_pod(each) for each in snapshot.pods],
        placings={uid: _placing(each) for uid, each in snapshot.placings.items()},
        budgets=[_budget(each) for each in snapshot.budgets],
        controllers=[
            structs.replace(each, key=_key(each.key), surge="", stuck="")
            for each in snapshot.controllers
        ],
        volumes=[
            structs.replace(each, name=_name(each.name), claim=_key(each.claim))
            for each in snapshot.volumes
        ],
        attachments=[
            structs.replace(each, name=_name(each.name), volume=_name(each.volume))
            for each in snapshot.attachments
        ],
        pools=[
            structs.replace(
                each,
                tags=(),
                settings={k: v for k, v in each.settings.items() if k in _SETTINGS},
            )
            for each in snapshot.pools
        ],
        survey={},
        redacted=True,
    )


def _pod(pod: Pod) -> Pod:
    return structs.replace(
        pod,
        key=_key(pod.key),
        labels=_labels(pod.labels),
        owner=structs.replace(pod.owner, name=_name(pod.owner.name)) if pod.owner else None,
        claims=tuple(_name(each) for each in pod.claims),
        traits=(),
        unschedulable="unschedulable" if pod.unschedulable else "",
    )


def _placing(placing: Placing) -> Placing:
    """What it says about other pods, in their new labels and namespaces."""
    return structs.replace(
        placing,
        near=tuple(_term(each) for each in placing.near),
        apart=tuple(_term(each) for each in placing.apart),
        spread=tuple(
            structs.replace(each, selector=_selector(each.selector)) for each in placing.spread
        ),
    )


def _term(term: PodTerm) -> PodTerm:
    spaces = term.namespaces
    return PodTerm(
        term.topology,
        _selector(term.selector),
        spaces if spaces is None else tuple(_space(each) for each in spaces),
    )


def _selector(selector: Selector | None) -> Selector | None:
    if selector is None:
        return None
    requirements = tuple(
        structs.replace(each, values=tuple(_name(value) for value in each.values))
        for each in selector.requirements
    )
    return Selector(_labels(selector.equal), requirements)


def _budget(budget: Budget) -> Budget:
    disrupted = frozenset(_name(each) for each in budget.disrupted)
    return structs.replace(
        budget,
        key=_key(budget.key),
        selector=_selector(budget.selector),
        disrupted=disrupted,
        sync_failed="",
    )


def _labels(labels: Labels) -> Labels:
    return tuple((key, _name(value)) for key, value in labels)


def _key(key: Key) -> Key:
    return Key(_space(key.namespace), _name(key.name))


def _space(namespace: str) -> str:
    return namespace if namespace in _OPEN else _name(namespace)


def _name(text: str) -> str:
    if not text:
        return ""
    head, _, ordinal = text.rpartition("-")
    stem, tail = (head, f"-{ordinal}") if ordinal.isdecimal() and head else (text, "")
    return f"x{hashlib.sha256(stem.encode()).hexdigest()[:10]}{tail}"
