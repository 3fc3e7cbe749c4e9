"""Free text under pseudonyms: log lines, events, status messages, a resource as YAML.

The names are those of a snapshot (pseudonyms.py). Owns how a name is recognised in a text: as a
word, with its namespace, or as the beginning of a name that a controller made from it. What looks
like a name of Azure (ids, hosts, addresses) is replaced whether it is known or not.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.forecast.pseudonyms import PUBLIC_WORDS, Pseudonyms
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.selectors import Labels

_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_ADDRESS = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    re.IGNORECASE,
)
"""IPv4 and IPv6 addresses, and those of mail. Times of day are kept (_TIME)."""
_TIME = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")
_HOST = re.compile(r"\b[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?![\w-])", re.IGNORECASE)
_PUBLIC_HOST = re.compile(
    r"(?:^|\.)(?:k8s\.io|kubernetes\.io|azlm\.dev|cncf\.io|fluxcd\.io|argoproj\.io|x-k8s\.io|"
    r"kubernetes\.azure\.com|management\.azure\.com|aka\.ms|microsoft\.com|nvidia\.com|amd\.com|"
    r"karpenter\.sh|azure\.workload\.identity)$"
)
_FILE = re.compile(r"\.(?:py|go|json|yaml|yml|txt|md|log|Compute|Network|ContainerService)$")
"""What looks like a host and is a file, or a provider of Azure."""
_RESOURCE = re.compile(
    r"(?i)\b(resourceGroups|agentPools|providers/[\w.]+/\w+|managedClusters|virtualNetworks|subnets|"
    r"userAssignedIdentities|virtualMachineScaleSets|virtualMachines)/([^/\s\"',;)\]]+)"
)
_TAINT = re.compile(r"([\w./-]+)=([\w.-]*):(NoSchedule|PreferNoSchedule|NoExecute)\b")
_PAIR = re.compile(r"[\w./-]+=[\w.-]+")
_NODE = re.compile(r"\baks-([a-z0-9]+)-(\d{8})-vmss([0-9a-z]{6})\b")
_GROUP = re.compile(r"\bMC_[\w.()-]+|(?<=[Rr]esource group ')[^']+")
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_JOINT = re.compile(r"[./_-]")
_VALUES = frozenset(
    ("matchLabels", "labels", "tags", "nodeLabels", "taints", "namespaces", "annotations")
)
"""Parts of a resource whose values are somebody's own words."""
_CHECKS = frozenset(Check)
_FIELDS = ("spec.", "status.", "metadata.")
"""Dotted words of the product: ids of checks, and fields."""
_OWN = "azlm.dev/"
"""The prefix of annotations that are azlm's own, and kept."""
_NOISE = frozenset(("managedFields", "kubectl.kubernetes.io/last-applied-configuration"))


class TextRedaction:
    """Redacts texts about one cluster."""

    def __init__(
        self, snapshot: ClusterSnapshot, names: Pseudonyms, own_words: Iterable[str] = ()
    ) -> None:
        """`own_words` are further names that are to be replaced, such as the cluster's."""
        self._names = names
        self._words: dict[str, str] = {}
        self._pairs: dict[str, str] = {}
        for word in own_words:
            self._words[word.casefold()] = names.identifier(word)
        keys = [
            *(pod.key for pod in snapshot.pods),
            *(
                NamespacedName(pod.key.namespace, pod.owner.name)
                for pod in snapshot.pods
                if pod.owner is not None and pod.owner.kind != "Node"
            ),
            *(controller.key for controller in snapshot.controllers),
            *(budget.key for budget in snapshot.budgets),
        ]
        for key in keys:
            name, namespace = names.object(key), names.namespace(key.namespace)
            self._words[str(key)] = f"{namespace}/{name}"
            self._words.setdefault(key.name, name)
            self._words.setdefault(key.namespace, namespace)
        self._namespaces = {key.namespace for key in keys}
        for node in (*(node.name for node in snapshot.nodes), *snapshot.boots):
            self._words[node] = names.node(node)
        for volume in snapshot.volumes:
            self._words.setdefault(volume.name, names.identifier(volume.name))
        for node_labels in snapshot.labels.values():
            self._learn(tuple(node_labels.items()))
        for pod in snapshot.pods:
            self._learn(pod.labels)

    def _learn(self, labels: Labels) -> None:
        """Labels by their keys with values, as texts quote them."""
        for key, value in labels:
            key_shown, shown = self._names.label_key(key), self._names.label_value(key, value)
            if (key, value) != (key_shown, shown):
                self._pairs[f"{key}={value}"] = f"{key_shown}={shown}"
            if key != key_shown:
                self._words.setdefault(key, key_shown)

    def text(self, text: str) -> str:
        """The same text under pseudonyms."""
        text = _UUID.sub(lambda match: self._names.identifier(match[0]), text)
        text = _GROUP.sub(lambda match: self._names.identifier(match[0]), text)
        text = _RESOURCE.sub(self._resource, text)
        text = _TAINT.sub(self._taint, text)
        text = _PAIR.sub(lambda match: self._pairs.get(match[0], match[0]), text)
        text = _ADDRESS.sub(self._address, text)
        text = _NODE.sub(lambda match: self._words.get(match[0]) or self._node(match), text)
        text = _WORD.sub(lambda match: self._word(match[0]), text)
        return _HOST.sub(self._host, text)

    def value(self, value: Any, *, own: bool = False) -> Any:
        """A value of JSON; `own` where every text in it is somebody's own word."""
        if isinstance(value, Mapping):
            return {
                self._key(key, own=own): self.value(
                    item, own=(own or key in _VALUES or key == "values") and not _kept(key)
                )
                for key, item in value.items()
                if key not in _NOISE
            }
        if isinstance(value, list | tuple):
            return [self.value(item, own=own) for item in value]
        if isinstance(value, str):
            return self._names.identifier(value) if own else self.text(value)
        return value

    def _key(self, key: str, *, own: bool) -> str:
        return self._names.label_key(key) if own and not _kept(key) else key

    def _host(self, match: re.Match[str]) -> str:
        host = match[0]
        own = host in _CHECKS or host.startswith(_FIELDS) or host in self._words.values()
        public = own or _PUBLIC_HOST.search(host) or _FILE.search(host)
        return host if public else self._names.identifier(host)

    def _address(self, match: re.Match[str]) -> str:
        return match[0] if _TIME.fullmatch(match[0]) else self._names.identifier(match[0])

    def _resource(self, match: re.Match[str]) -> str:
        name = match[2]
        pool = match[1].casefold().endswith("agentpools")
        return f"{match[1]}/{self._names.pool(name) if pool else self._names.identifier(name)}"

    def _taint(self, match: re.Match[str]) -> str:
        key, value, effect = match[1], match[2], match[3]
        return f"{self._names.taint_key(key)}={self._names.taint_value(key, value)}:{effect}"

    def _node(self, match: re.Match[str]) -> str:
        """A node that is gone: its pool and number stay, as in Pseudonyms."""
        return f"aks-{self._names.pool(match[1])}-{self._names.identifier(match[2])}-vmss{match[3]}"

    def _word(self, word: str) -> str:
        """A word, if it is a name or begins with one; its parts otherwise."""
        pseudonym = self._words.get(word) or self._words.get(word.casefold())
        if pseudonym is not None:
            return pseudonym
        if word in PUBLIC_WORDS:
            return word
        for joint in reversed(list(_JOINT.finditer(word))):
            shown = self._words.get(word[: joint.start()])
            if shown is not None:
                rest = word[joint.end() :]
                inside = word[: joint.start()] in self._namespaces
                return f"{shown}{joint[0]}{self._rest(rest, joint[0], inside=inside)}"
        head, slash, tail = word.partition("/")
        return f"{self._word(head)}/{self._word(tail)}" if slash and head and tail else word

    def _rest(self, rest: str, joint: str, *, inside: bool) -> str:
        """What follows a known name: another name, one of an object that is gone where it follows
        a namespace (`inside`), or what a controller has appended."""
        if joint == "/":
            shown = self._word(rest)
            return self._names.identifier(rest) if inside and shown == rest else shown
        return rest if rest.isdecimal() else self._names.identifier(rest)


def _kept(key: str) -> bool:
    return key.startswith(_OWN)
