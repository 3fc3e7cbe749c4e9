"""Free text under pseudonyms: log lines, events, status messages, a resource as YAML.

The names are those of a snapshot (pseudonyms.py). Owns how a name is recognised in a text: as a
word, with its namespace, or as the beginning of a name that a controller made from it. What looks
like a name of Azure (ids, hosts, addresses) is replaced whether it is known or not.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from azure_linux_migrator.forecast.pseudonyms import PUBLIC_WORDS, Pseudonyms
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot

_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b")
_HOST = re.compile(
    r"\b[\w.-]+\.(?:azmk8s\.io|azurecr\.io|azure\.com|windows\.net|azurewebsites\.net)\b"
)
_KEPT_HOSTS = frozenset(("management.azure.com", "kubernetes.azure.com", "login.azure.com"))
_RESOURCE = re.compile(
    r"\b(resourceGroups|managedClusters|virtualNetworks|subnets|userAssignedIdentities|"
    r"virtualMachineScaleSets|virtualMachines|networkSecurityGroups|routeTables|disks)"
    r"/([^/\s\"',;)\]]+)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_JOINT = re.compile(r"[./-]")
_VALUES = frozenset(("matchLabels", "labels", "tags", "nodeLabels"))
"""Mappings of a resource whose values are somebody's own words."""
_NOISE = frozenset(("managedFields", "kubectl.kubernetes.io/last-applied-configuration"))


class TextRedaction:
    """Redacts texts about one cluster."""

    def __init__(
        self, snapshot: ClusterSnapshot, names: Pseudonyms, own_words: Iterable[str] = ()
    ) -> None:
        """`own_words` are further names that are to be replaced, such as the cluster's."""
        self._names = names
        self._words: dict[str, str] = {}
        for word in own_words:
            self._words[word] = names.identifier(word)
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
        for node in snapshot.nodes:
            self._words[node.name] = names.node(node.name)

    def text(self, text: str) -> str:
        """The same text under pseudonyms."""
        text = _UUID.sub(lambda found: self._names.identifier(found[0]), text)
        text = _RESOURCE.sub(lambda found: f"{found[1]}/{self._names.identifier(found[2])}", text)
        text = _HOST.sub(self._host, text)
        text = _ADDRESS.sub(lambda found: self._names.identifier(found[0]), text)
        return _WORD.sub(lambda found: self._word(found[0]), text)

    def value(self, value: Any, *, own: bool = False) -> Any:
        """A value of JSON; `own` where every text in it is somebody's own word."""
        if isinstance(value, Mapping):
            return {
                key: self.value(item, own=own or key in _VALUES or key == "values")
                for key, item in value.items()
                if key not in _NOISE
            }
        if isinstance(value, list | tuple):
            return [self.value(item, own=own) for item in value]
        if isinstance(value, str):
            return self._names.identifier(value) if own else self.text(value)
        return value

    def _host(self, found: re.Match[str]) -> str:
        return found[0] if found[0] in _KEPT_HOSTS else self._names.identifier(found[0])

    def _word(self, word: str) -> str:
        """A word, if it is a name or begins with one; its parts otherwise."""
        if word in self._words:
            return self._words[word]
        if word in PUBLIC_WORDS:
            return word
        for joint in reversed(list(_JOINT.finditer(word))):
            known = self._words.get(word[: joint.start()])
            if known is not None:
                rest = word[joint.end() :]
                return f"{known}{joint[0]}{self._rest(rest, joint[0])}"
        head, slash, tail = word.partition("/")
        return f"{self._word(head)}/{self._word(tail)}" if slash and head and tail else word

    def _rest(self, rest: str, joint: str) -> str:
        """What follows a known name: another name, or what a controller has appended."""
        if joint == "/":
            return self._word(rest)
        return rest if rest.isdecimal() else self._names.identifier(rest)
