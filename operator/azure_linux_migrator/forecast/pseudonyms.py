"""Pseudonyms for the names of one snapshot: one mapping, the same in every field.

Identifiers and labels get a keyed hash. The key is random and not stored, so a guessed name cannot
be tested against a snapshot. Nodes, namespaces and objects are numbered in their sort order,
because the drain follows it. Names that every cluster has, and names that the migration itself
gives, such as its pools, are kept. This module does not know the records that hold the names.
"""

import random
from bisect import bisect
from collections.abc import Iterable
from hashlib import blake2b
from string import ascii_lowercase
from typing import TypeVar

from msgspec import Struct

from azure_linux_migrator.api.names import AGENTPOOL_LABEL
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.cluster import AZURE_DISK, SHARES, NamespacedName
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.scheduling import Taint
from azure_linux_migrator.model.selectors import Labels
from azure_linux_migrator.model.traits import COMMANDS
from azure_linux_migrator.simulator.aks.nodes import parse_node_name

T = TypeVar("T")

_AZURE = "kubernetes.azure.com"
_POOL_LABELS = frozenset({AGENTPOOL_LABEL, "agentpool"})
_NODE_FIELDS = frozenset({"kubernetes.io/hostname", "metadata.name"})
"""The label and the field by which a node affinity names a node."""
_PUBLIC_LABELS = frozenset({
    "kubernetes.io/arch", "kubernetes.io/os", "kubernetes.io/role",
    "beta.kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type", "node.kubernetes.io/windows-build",
    "node-role.kubernetes.io/agent", "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master", "topology.disk.csi.azure.com/zone",
    "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone",
    "storageprofile", "storagetier",
    *(
        f"{_AZURE}/{name}" for name in (
            "accelerator", "consolidated-additional-properties-supported", "ebpf-dataplane",
            "fips_enabled", "kubelet-serving-ca", "localdns-state", "mode", "node-image-version",
            "nodepool-type", "os-sku", "os-sku-effective", "os-sku-requested", "podnetwork-type",
            "priority", "role", "scalesetpriority", "security-type", "sku-cpu", "sku-memory",
            "storageprofile", "storagetier",
        )
    ),
})  # fmt: skip
"""Labels that describe a machine and not its owner: their values are kept too."""
_PUBLIC_KEYS = _PUBLIC_LABELS | _POOL_LABELS | _NODE_FIELDS | {f"{_AZURE}/cluster"}
_PUBLIC_TAINT_DOMAINS = (f"{_AZURE}/", "node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
_SYSTEM_POOL_TAINT = "CriticalAddonsOnly"
PUBLIC_WORDS = COMMANDS | frozenset({
    "NoSchedule", "PreferNoSchedule", "NoExecute",
    "CronJob", "DaemonSet", "Deployment", "Job", "Node", "ReplicaSet", "ReplicationController",
    "StatefulSet",
    "daemonsets", "deployments", "events", "persistentvolumes", "poddisruptionbudgets",
    "replicasets", "statefulsets", "volumeattachments",
    "amd.com/gpu", "nvidia.com/gpu", "localhost",
    "cluster-autoscaler.kubernetes.io/safe-to-evict", "karpenter.sh/do-not-disrupt",
    "default", "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule",
    "Microsoft.Authorization", "Microsoft.Compute", "Microsoft.ContainerService",
    "Microsoft.Network", "action", "agentPools", "delete", "join", "locations", "locks",
    "maintenanceConfigurations", "managedClusters", "read", "skus", "subnets", "usages",
    "virtualMachineScaleSets", "virtualNetworks", "write",
    AZURE_DISK, *SHARES,
})  # fmt: skip
"""Words of Kubernetes and Azure that a rule reads; an identifier that equals one of them is
kept."""
PUBLIC_NAMESPACES = frozenset(
    {"default", "gatekeeper-system", "kube-node-lease", "kube-public", "kube-system"}
)
"""Namespaces that every AKS cluster may have."""


class KnownNames(Struct, frozen=True):
    """Names in the spec of the migration: they are kept, since the reader of the forecast has
    the spec. `pairs` are labels and taints as key and value, `keys` their keys alone."""

    migration: str = ""
    pools: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def from_spec(cls, name: str, spec: MigrationSpec) -> "KnownNames":
        """The pools, namespaces, labels and taints that the migration of that name contains."""
        taints = [Taint.parse(text) for text in spec.target.taints or ()]
        selectors = [rule.selector for rule in spec.drain.order]
        expressions = [term for selector in selectors for term in selector.match_expressions]
        pairs = {
            *(spec.target.labels or {}).items(),
            *((taint.key, taint.value) for taint in taints),
            *(pair for selector in selectors for pair in (selector.match_labels or {}).items()),
            *((term.key, value) for term in expressions for value in term.values),
        }
        target = Migration(name, "", 1, spec, MigrationStatus()).new_pool
        return cls(
            migration=name,
            pools=frozenset({spec.source.node_pool, target}),
            namespaces=frozenset(space for rule in spec.drain.order for space in rule.namespaces),
            keys=frozenset(key for key, _ in pairs) | {term.key for term in expressions},
            pairs=frozenset(pairs),
        )


class Pseudonyms:
    """The pseudonyms of one snapshot. `objects` are all of its namespaced names, `stateful_sets`
    those of them that are StatefulSets, `nodes` the names of its nodes; `pools` are kept."""

    def __init__(
        self,
        rng: random.Random,
        names: KnownNames,
        *,
        objects: Iterable[NamespacedName],
        stateful_sets: Iterable[NamespacedName],
        nodes: Iterable[str],
        pools: Iterable[str],
    ) -> None:
        self._salt = rng.randbytes(16)
        self._names = names
        self._pools = names.pools | frozenset(pools)
        self._stateful_sets = frozenset(stateful_sets)
        self._identifiers = {"": ""} | {word: word for word in PUBLIC_WORDS}
        self._labels: dict[Labels, Labels] = {}
        keys = sorted(set(objects))
        self._objects = _numbered(keys, "x")
        self._namespaces = _between(
            PUBLIC_NAMESPACES | names.namespaces, {key.namespace for key in keys}
        )
        self._nodes = self._node_names(rng, sorted(set(nodes)))

    def identifier(self, text: str) -> str:
        """The keyed hash of a text; empty texts and public words are kept."""
        pseudonym = self._identifiers.get(text)
        if pseudonym is None:
            pseudonym = f"x{blake2b(text.encode(), key=self._salt, digest_size=8).hexdigest()}"
            self._identifiers[text] = pseudonym
        return pseudonym

    def namespace(self, name: str) -> str:
        """A namespace."""
        return self._namespaces.get(name) or self.identifier(name)

    def object(self, key: NamespacedName) -> str:
        """The name of an object in a namespace.

        A StatefulSet names its pods by its own name and an ordinal. Their pseudonyms are formed the
        same way, since the simulator names its later pods so.
        """
        stem, tail = key.name, ""
        while True:
            head, _, ordinal = stem.rpartition("-")
            if (
                not ordinal.isdecimal()
                or NamespacedName(key.namespace, head) not in self._stateful_sets
            ):
                break
            stem, tail = head, f"-{ordinal}{tail}"
        name = self._objects.get(NamespacedName(key.namespace, stem))
        return f"{name or self.identifier(f'{key.namespace}/{stem}')}{tail}" if stem else ""

    def node(self, name: str) -> str:
        """A node; if AKS generated its name, the pool and the instance number are kept."""
        return self._nodes.get(name) or self.identifier(name)

    def pool(self, name: str) -> str:
        """A node pool of AKS keeps its name."""
        return name if name in self._pools else self.identifier(name)

    def migration(self, name: str) -> str:
        """The migration of the forecast keeps its name; other migrations do not."""
        return name if name == self._names.migration else self.identifier(name)

    def label_key(self, key: str) -> str:
        """The key of a label."""
        public = key in _PUBLIC_KEYS or key in self._names.keys
        return key if public else self.identifier(key)

    def label_value(self, key: str, value: str) -> str:
        """The value of the label with that key."""
        if key in _NODE_FIELDS:
            return self.node(value)
        if key in _POOL_LABELS:
            return self.pool(value)
        public = key in _PUBLIC_LABELS or (key, value) in self._names.pairs
        return value if public else self.identifier(value)

    def labels(self, labels: Labels) -> Labels:
        """Labels, sorted again."""
        pseudonyms = self._labels.get(labels)
        if pseudonyms is None:
            pairs = ((self.label_key(key), self.label_value(key, value)) for key, value in labels)
            pseudonyms = self._labels[labels] = tuple(sorted(pairs))
        return pseudonyms

    def taint_key(self, key: str) -> str:
        """The key of a taint, or of a toleration."""
        return key if _public_taint(key) or key in self._names.keys else self.identifier(key)

    def taint_value(self, key: str, value: str) -> str:
        """The value of the taint with that key."""
        public = _public_taint(key) or (key, value) in self._names.pairs
        return value if public else self.identifier(value)

    def _node_names(self, rng: random.Random, names: list[str]) -> dict[str, str]:
        parsed = {name: parts[0] for name in names if (parts := parse_node_name(name))}
        digits = sorted(set(parsed.values()))
        drawn = sorted(rng.sample(range(10_000_000, 100_000_000), len(digits)))
        replacement = dict(zip(digits, drawn, strict=True))
        pseudonyms = _numbered([name for name in names if name not in parsed], "x-node-")
        for name, old in parsed.items():
            _, pool, _, instance = name.split("-")
            pseudonyms[name] = f"aks-{self.pool(pool)}-{replacement[old]}-{instance}"
        return pseudonyms


def _public_taint(key: str) -> bool:
    return key == _SYSTEM_POOL_TAINT or key.startswith(_PUBLIC_TAINT_DOMAINS)


def _between(kept: Iterable[str], names: set[str]) -> dict[str, str]:
    """Kept names as they are, the others numbered between them in alphabetical order, as far as
    one letter permits."""
    fixed = sorted(kept)
    pseudonyms = {name: name for name in fixed}
    for name, number in _numbered(sorted(names - set(fixed) - {""}), "-ns").items():
        at = bisect(fixed, name)
        low = fixed[at - 1][:1] if at else ""
        high = fixed[at][:1] if at < len(fixed) else "~"
        letter = next((letter for letter in ascii_lowercase if low < letter < high), "x")
        pseudonyms[name] = f"{letter}{number}"
    return pseudonyms


def _numbered(names: list[T], prefix: str) -> dict[T, str]:
    """Numbers of one width, so that they sort as the names do."""
    width = len(str(len(names)))
    return {name: f"{prefix}{number:0{width}}" for number, name in enumerate(names)}
