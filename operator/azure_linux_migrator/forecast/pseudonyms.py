"""Stand-ins for what tells whose cluster it is: one mapping, the same in every field.

Words (labels, uids, volumes, …) get a keyed hash; its key is random and kept nowhere, so that a
guessed name cannot be tried against a snapshot. Names of nodes, namespaces and of what is in them
are numbered in their order instead: the drain goes by that order, and the lists of a snapshot show
it anyway. What everybody has, such as `kubernetes.io/os`, and what the migration itself names, its
pools above all, stays as it is.
"""

import random
from bisect import bisect
from collections.abc import Iterable
from hashlib import blake2b
from string import ascii_lowercase
from typing import TypeVar

from msgspec import Struct

from azure_linux_migrator.api.names import AGENTPOOL_LABEL
from azure_linux_migrator.model.cluster import Key, Labels, Requirement
from azure_linux_migrator.model.scheduling import Taint
from azure_linux_migrator.simulator.aks.nodes import parse_node_name

T = TypeVar("T")

_AZURE = "kubernetes.azure.com"
_POOL_KEYS = frozenset({AGENTPOOL_LABEL, "agentpool"})
_NODE_KEYS = frozenset({"kubernetes.io/hostname"})
_OPEN_LABELS = frozenset(
    {
        *(f"{domain}kubernetes.io/{name}" for domain in ("", "beta.") for name in ("arch", "os")),
        "beta.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "node.kubernetes.io/instance-type",
        "node.kubernetes.io/windows-build",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "topology.disk.csi.azure.com/zone",
        "storageprofile",
        "storagetier",
        *(f"node-role.kubernetes.io/{role}" for role in ("agent", "control-plane", "master")),
        "kubernetes.io/role",
        *(
            f"{_AZURE}/{name}"
            for name in (
                "accelerator", "consolidated-additional-properties-supported", "ebpf-dataplane",
                "fips_enabled", "kubelet-serving-ca", "localdns-state", "mode",
                "node-image-version", "nodepool-type", "os-sku", "os-sku-effective",
                "os-sku-requested", "podnetwork-type", "priority", "role", "scalesetpriority",
                "security-type", "sku-cpu", "sku-memory", "storageprofile", "storagetier",
            )
        ),
    }
)  # fmt: skip
"""Labels that say what a machine is, and nothing of whose it is: their values stay too."""
_OPEN_KEYS = _OPEN_LABELS | _POOL_KEYS | _NODE_KEYS | {f"{_AZURE}/cluster"}
_OPEN_TAINT_DOMAINS = frozenset({_AZURE, "node.kubernetes.io", "node.cloudprovider.kubernetes.io"})
_OPEN_TAINT_KEYS = frozenset({"CriticalAddonsOnly"})
"""AKS lets a System pool have no other taint."""
_EFFECTS = frozenset({"NoSchedule", "PreferNoSchedule", "NoExecute", ""})
OPEN_NAMESPACES = frozenset(
    {"default", "gatekeeper-system", "kube-node-lease", "kube-public", "kube-system"}
)
"""Namespaces that everybody has."""


class Spoken(Struct, frozen=True):
    """What the migration names: who reads its forecast knows it, and it must go on matching.

    `pairs` are labels and taints as key and value, `keys` their keys alone.
    """

    migration: str = ""
    pools: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()


class Standins:
    """Stand-ins of one snapshot. `names` are all of its namespaced names and `sets` those of them
    that are StatefulSets, `nodes` its nodes' names; `pools` are kept."""

    def __init__(
        self,
        rng: random.Random,
        spoken: Spoken,
        *,
        names: Iterable[Key],
        sets: Iterable[Key],
        nodes: Iterable[str],
        pools: Iterable[str],
    ) -> None:
        self._salt = rng.randbytes(16)
        self._spoken = spoken
        self._pools = spoken.pools | frozenset(pools)
        self._sets = frozenset(sets)
        self._words: dict[str, str] = {"": ""}
        self._labels: dict[Labels, Labels] = {}
        known = sorted(set(names))
        self._names = _numbered(known, "x")
        self._namespaces = self._spaces({key.namespace for key in known})
        self._nodes = self._machines(rng, sorted(set(nodes)))

    def word(self, text: str) -> str:
        """Any text; an empty one stays empty."""
        found = self._words.get(text)
        if found is None:
            found = f"x{blake2b(text.encode(), key=self._salt, digest_size=8).hexdigest()}"
            self._words[text] = found
        return found

    def namespace(self, name: str) -> str:
        """A namespace."""
        return self._namespaces.get(name) or self.word(name)

    def name(self, key: Key) -> str:
        """The name of something in a namespace.

        A StatefulSet gives its pods its own name and a number: their stand-ins are made the same
        way, since its next pods will be too.
        """
        stem, tail = key.name, ""
        while True:
            head, _, ordinal = stem.rpartition("-")
            if not ordinal.isdecimal() or Key(key.namespace, head) not in self._sets:
                break
            stem, tail = head, f"-{ordinal}{tail}"
        found = self._names.get(Key(key.namespace, stem)) or self.word(f"{key.namespace}/{stem}")
        return f"{found}{tail}" if stem else ""

    def key(self, key: Key) -> Key:
        """Namespace and name."""
        return Key(self.namespace(key.namespace), self.name(key))

    def node(self, name: str) -> str:
        """A node; where AKS made its name, the pool and the number in it stay."""
        return self._nodes.get(name) or self.word(name)

    def pool(self, name: str) -> str:
        """A node pool of AKS keeps its name, which the migration gives."""
        return name if name in self._pools else self.word(name)

    def migration(self, name: str) -> str:
        """The migration keeps its name; another one does not."""
        return name if name == self._spoken.migration else self.word(name)

    def label_key(self, key: str) -> str:
        """The key of a label."""
        return key if key in _OPEN_KEYS or key in self._spoken.keys else self.word(key)

    def label_value(self, key: str, value: str) -> str:
        """The value of a label with that key."""
        if key in _NODE_KEYS:
            return self.node(value)
        if key in _POOL_KEYS:
            return self.pool(value)
        open_to_all = key in _OPEN_LABELS or (key, value) in self._spoken.pairs
        return value if open_to_all else self.word(value)

    def labels(self, labels: Labels) -> Labels:
        """Labels, sorted again."""
        found = self._labels.get(labels)
        if found is None:
            pairs = ((self.label_key(key), self.label_value(key, value)) for key, value in labels)
            found = self._labels[labels] = tuple(sorted(pairs))
        return found

    def requirement(self, given: Requirement) -> Requirement:
        """A term of a selector, of labels as above."""
        values = tuple(self.label_value(given.key, value) for value in given.values)
        return Requirement(self.label_key(given.key), given.operator, values)

    def taint(self, given: Taint) -> Taint:
        """A taint; a toleration is of the same key, value and effect."""
        key = given.key
        if key.partition("/")[0] in _OPEN_TAINT_DOMAINS or key in _OPEN_TAINT_KEYS:
            value = given.value
        else:
            spoken = (key, given.value) in self._spoken.pairs
            value = given.value if spoken else self.word(given.value)
            key = key if key in self._spoken.keys else self.word(key)
        effect = given.effect if given.effect in _EFFECTS else self.word(given.effect)
        return Taint(key, value, effect)

    def _spaces(self, names: set[str]) -> dict[str, str]:
        """Those that stay lie between the others in the order of the alphabet, where they can."""
        stay = sorted(OPEN_NAMESPACES | self._spoken.namespaces)
        found = {name: name for name in stay}
        others = sorted(names - set(stay) - {""})
        for name, number in _numbered(others, "-ns").items():
            at = bisect(stay, name)
            low = stay[at - 1][:1] if at else ""
            high = stay[at][:1] if at < len(stay) else "~"
            letter = next((each for each in ascii_lowercase if low < each < high), "x")
            found[name] = f"{letter}{number}"
        return found

    def _machines(self, rng: random.Random, names: list[str]) -> dict[str, str]:
        parsed = {name: parts[0] for name in names if (parts := parse_node_name(name))}
        digits = sorted(set(parsed.values()))
        others = sorted(rng.sample(range(10_000_000, 100_000_000), len(digits)))
        drawn = dict(zip(digits, others, strict=True))
        found = _numbered([name for name in names if name not in parsed], "x-node-")
        for name, old in parsed.items():
            _, pool, _, instance = name.split("-")
            found[name] = f"aks-{self.pool(pool)}-{drawn[old]}-{instance}"
        return found


def _numbered(names: list[T], prefix: str) -> dict[T, str]:
    """Numbers of one width, so that they sort as the names do."""
    width = len(str(len(names)))
    return {name: f"{prefix}{number:0{width}}" for number, name in enumerate(names)}
