"""spec of a Pod, or of a pod template, as the API writes it: what the core's records need of it."""

from msgspec import Struct, field

from azure_linux_migrator.kube.selectors import LabelSelector, SelectorRequirement
from azure_linux_migrator.model.scheduling import Toleration


class NodeSelectorTerm(Struct, rename="camel"):
    """One alternative of a node selector."""

    match_expressions: list[SelectorRequirement] | None = None
    match_fields: list[SelectorRequirement] | None = None


class NodeSelector(Struct, rename="camel"):
    """A v1 NodeSelector."""

    node_selector_terms: list[NodeSelectorTerm] | None = None


class NodeAffinity(Struct, rename={"required": "requiredDuringSchedulingIgnoredDuringExecution"}):
    """spec.affinity.nodeAffinity."""

    required: NodeSelector | None = None


class PodAffinityTerm(Struct, rename="camel"):
    """A required term of an affinity to other pods, or against them."""

    topology_key: str = ""
    label_selector: LabelSelector | None = None
    namespaces: list[str] | None = None
    namespace_selector: LabelSelector | None = None
    match_label_keys: list[str] | None = None
    mismatch_label_keys: list[str] | None = None


class PodAffinity(Struct, rename={"required": "requiredDuringSchedulingIgnoredDuringExecution"}):
    """spec.affinity.podAffinity and podAntiAffinity."""

    required: list[PodAffinityTerm] | None = None


class Affinity(Struct, rename="camel"):
    """spec.affinity."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class SpreadConstraint(Struct, rename="camel"):
    """spec.topologySpreadConstraints[]."""

    topology_key: str = ""
    when_unsatisfiable: str = ""
    max_skew: int = 1
    min_domains: int | None = None
    label_selector: LabelSelector | None = None
    match_label_keys: list[str] | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None


class Profile(Struct):
    """An appArmorProfile or a seccompProfile."""

    type: str = ""


class Sysctl(Struct):
    """securityContext.sysctls[]."""

    name: str = ""


class SecurityContext(Struct, rename={"apparmor": "appArmorProfile", "seccomp": "seccompProfile"}):
    """securityContext of a pod or a container."""

    privileged: bool | None = None
    apparmor: Profile | None = None
    seccomp: Profile | None = None
    sysctls: list[Sysctl] | None = None


class Resources(Struct):
    """What a container, or a pod as a whole, requests."""

    requests: dict[str, object] | None = None


class Port(Struct, rename="camel"):
    """spec.containers[].ports[]."""

    host_port: int | None = None


class VolumeMount(Struct, rename="camel"):
    """spec.containers[].volumeMounts[]."""

    name: str = ""
    read_only: bool | None = None


class Container(Struct, rename="camel"):
    """spec.containers[] and spec.initContainers[]; a restart policy of Always makes a sidecar."""

    name: str = ""
    command: list[str] | None = None
    args: list[str] | None = None
    ports: list[Port] | None = None
    volume_mounts: list[VolumeMount] | None = None
    security_context: SecurityContext | None = None
    resources: Resources | None = None
    restart_policy: str | None = None


class HostPathVolumeSource(Struct):
    """A volume's hostPath."""

    path: str = ""
    type: str | None = None


class Claim(Struct, rename="camel"):
    """A volume's persistentVolumeClaim."""

    claim_name: str = ""


class PodVolume(Struct, rename="camel"):
    """spec.volumes[]."""

    name: str = ""
    empty_dir: dict[str, object] | None = None
    host_path: HostPathVolumeSource | None = None
    persistent_volume_claim: Claim | None = None
    ephemeral: dict[str, object] | None = None


class PodSpec(Struct, rename="camel"):
    """spec of a Pod, or of a pod template."""

    node_name: str = ""
    restart_policy: str = "Always"
    volumes: list[PodVolume] | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    resources: Resources | None = None
    overhead: dict[str, object] | None = None
    node_selector: dict[str, str] | None = None
    affinity: Affinity | None = None
    tolerations: list[Toleration] | None = None
    topology_spread_constraints: list[SpreadConstraint] | None = None
    security_context: SecurityContext | None = None
    termination_grace_period_seconds: int | None = None
    host_pid: bool | None = field(default=None, name="hostPID")
    scheduler_name: str | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    preemption_policy: str | None = None
    resource_claims: list[dict[str, object]] | None = None
    scheduling_gates: list[dict[str, object]] | None = None
