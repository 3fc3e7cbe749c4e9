"""From a pod's spec to model.traits: what is notable for a move to another node OS."""

from sys import intern
from typing import Any

from msgspec import Struct

from azure_linux_migrator.kube.selectors import Expression, LabelSelector
from azure_linux_migrator.model import traits

_KEEP = (
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    ("karpenter.sh/do-not-disrupt", "true"),
)
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
HOSTNAME = "kubernetes.io/hostname"


class _Term(Struct, rename="camel"):
    match_expressions: list[Expression] | None = None
    match_fields: list[Expression] | None = None


class _Selector(Struct, rename="camel"):
    node_selector_terms: list[_Term] | None = None


class NodeAffinity(Struct, rename={"required": "requiredDuringSchedulingIgnoredDuringExecution"}):
    """spec.affinity.nodeAffinity."""

    required: _Selector | None = None


class PodTerm(Struct, rename="camel"):
    """A required term of an affinity to other pods, or against them."""

    topology_key: str = ""
    label_selector: LabelSelector | None = None
    namespaces: list[str] | None = None
    namespace_selector: LabelSelector | None = None
    match_label_keys: list[str] | None = None
    mismatch_label_keys: list[str] | None = None


class PodAffinity(Struct, rename={"required": "requiredDuringSchedulingIgnoredDuringExecution"}):
    """spec.affinity.podAffinity and podAntiAffinity."""

    required: list[PodTerm] | None = None


class Affinity(Struct, rename="camel"):
    """spec.affinity."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class _Profile(Struct):
    type: str = ""


class _Sysctl(Struct):
    name: str = ""


class Security(Struct, rename={"apparmor": "appArmorProfile"}):
    """securityContext of a pod or a container."""

    privileged: bool | None = None
    apparmor: _Profile | None = None
    sysctls: list[_Sysctl] | None = None


class Resources(Struct):
    """What a container, or a pod as a whole, asks for."""

    requests: dict[str, Any] | None = None


class Container(Struct, rename="camel"):
    """spec.containers[] and spec.initContainers[]; a restart policy of Always makes a sidecar."""

    command: list[str] | None = None
    args: list[str] | None = None
    security_context: Security | None = None
    resources: Resources | None = None
    restart_policy: str | None = None


class HostPath(Struct):
    """A volume's hostPath."""

    path: str = ""


def found(spec: Any, annotations: dict[str, str]) -> tuple[str, ...]:
    """Sorted traits of a pod's spec (the decoded struct of decode.py)."""
    some = {
        *_selects(spec),
        *_security(spec, annotations),
        *_commands(spec.containers),
        *(f"{traits.KEEP}{key}" for key, value in _KEEP if annotations.get(key) == value),
    }
    for volume in spec.volumes or ():
        if volume.host_path is not None and volume.host_path.path.startswith(traits.HOST_PATHS):
            some.add(f"{traits.HOST_PATH}{volume.host_path.path}")
        if volume.empty_dir is not None:
            some.add(traits.EMPTY_DIR)
    grace = spec.termination_grace_period_seconds or 0
    if grace > traits.LONG_GRACE_SECONDS:
        some.add(f"{traits.GRACE}{grace}")
    for container in spec.containers or ():
        for name in (container.resources.requests or {}) if container.resources else ():
            if name.endswith("/gpu"):
                some.add(f"{traits.GPU}{name}")
    return tuple(intern(each) for each in sorted(some))


def spreads(spec: Any, namespace: str, labels: dict[str, str]) -> bool:
    """Whether the pod repels others of its kind from its node: one of its terms means itself."""
    anti = spec.affinity.pod_anti_affinity if spec.affinity else None
    return any(
        each.topology_key == HOSTNAME
        and (not each.namespaces or namespace in each.namespaces)
        and each.label_selector is not None
        and each.label_selector.record().matches(labels)
        for each in (anti.required if anti else None) or ()
    )


def _selects(spec: Any) -> list[str]:
    pairs = list((spec.node_selector or {}).items())
    wanted = spec.affinity.node_affinity if spec.affinity else None
    for term in (wanted.required.node_selector_terms if wanted and wanted.required else None) or ():
        for expression in term.match_expressions or ():
            if expression.operator == "In":
                pairs += [(expression.key, value) for value in expression.values or ()]
    return [f"{traits.SELECTS}{key}={value}" for key, value in pairs if key in traits.SELECTED]


def _security(spec: Any, annotations: dict[str, str]) -> list[str]:
    contexts = [spec.security_context, *(c.security_context for c in spec.containers or ())]
    some = []
    for context in contexts:
        if context is None:
            continue
        if context.privileged:
            some.append(traits.PRIVILEGED)
        if context.apparmor is not None and context.apparmor.type == "Localhost":
            some.append(traits.APPARMOR_LOCALHOST)
        some += [f"{traits.SYSCTL}{one.name}" for one in context.sysctls or ()]
    if any(
        key.startswith(_APPARMOR) and value.startswith("localhost/")
        for key, value in annotations.items()
    ):
        some.append(traits.APPARMOR_LOCALHOST)
    return some


def _commands(containers: list[Container] | None) -> set[str]:
    words = {
        word.rsplit("/", 1)[-1]
        for container in containers or ()
        for text in (*(container.command or ()), *(container.args or ()))
        for word in text.split()
    }
    return {f"{traits.COMMAND}{word}" for word in words & traits.COMMANDS}
