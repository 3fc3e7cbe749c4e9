"""What is replaced in records of a real subscription: secrets, ids, names, addresses.

Equal things stay equal, so that an operation's URL and its polls still belong together.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from azure_linux_migrator.simulator.aks.operations import swapped

SECRET = "<secret>"
_GUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_IPV6 = re.compile(
    r"(?<![\w.])(?:[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){1,6}:[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,7}:)"
    r"(?!:?\w)",
    re.IGNORECASE,
)
_PATTERNS = (
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), SECRET),  # a JSON web token
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "<user>"),
    (re.compile(r"\b[\w.-]+\.azmk8s\.io\b"), "aks1.example"),
    (re.compile(r"-\d{8}-vmss"), "-12345678-vmss"),
    (re.compile(r"(?<=\bssh-)(rsa|ed25519) AAAA[\w+/=]+"), rf"\1 {SECRET}"),
    (re.compile(r"\b(sig|AccountKey|SharedAccessKey)=[^\s&;\"'<>]+"), rf"\1={SECRET}"),
)
_SECRET_KEYS = re.compile(
    r"secret|password|token|certificate|kubeconfigs|keydata|connectionstring"
    r"|(admin|account|access|primary|private|secondary|shared)_?key",
    re.IGNORECASE,
)
_QUERY = frozenset({"api-version", "$filter", "ignore-pod-disruption-budget"})
"""Parameters of URLs that are kept; others are signatures."""
_SKIP = "$skiptoken"
"""Shows that a URL is of a further page. Its value may encode ids and names."""
_WITH_QUERY = re.compile(
    r"""(?<![\w/])(?:https?:/)?/[^\s"'<>?\\]*\?[\w.$-]+=(?:[^\s"'<>\\]|\\u0026)*"""
)


class Redaction:
    """Replaces the same by the same in everything that it is given."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """`names` are the placeholders of names and ids that are known beforehand."""
        self._names: list[tuple[re.Pattern[str], str]] = []
        self._guids: dict[str, str] = {}
        for name in sorted(names, key=len, reverse=True):
            self.replace(name, names[name])

    def replace(self, name: str, placeholder: str) -> None:
        """Replace one more name, in any case, from now on."""
        self._names.append((re.compile(re.escape(name), re.IGNORECASE), placeholder))
        if _GUID.fullmatch(name):
            self._guids[name.lower()] = placeholder

    def text(self, text: str) -> str:
        """A text, such as a log, without what is to be kept private."""
        return self._plain(_WITH_QUERY.sub(lambda match: _unsigned(match[0]), text))

    def _plain(self, text: str) -> str:
        for pattern, placeholder in (*self._names, *_PATTERNS):
            text = pattern.sub(placeholder, text)
        text = _GUID.sub(lambda match: self._guid(match[0].lower()), text)
        return _IPV6.sub(_address, _IPV4.sub(_address, text))

    def body(self, value: Any) -> Any:
        """A JSON value, the same way; all below a key that holds a secret is left out."""
        if isinstance(value, str):
            redacted = self.url if value.startswith(("http://", "https://")) else self.text
            return redacted(value)
        if isinstance(value, list):
            return [self.body(item) for item in value]
        if isinstance(value, dict):
            return {
                self.text(key): SECRET if _SECRET_KEYS.search(key) and item else self.body(item)
                for key, item in value.items()
            }
        return value

    def url(self, url: str) -> str:
        """A URL without its signature."""
        return self._plain(_unsigned(url))

    def _guid(self, guid: str) -> str:
        if guid in self._guids.values():
            return guid
        if guid not in self._guids:
            twin = self._guids.get(swapped(guid))
            number = len(self._guids) + 1
            placeholder = f"00112233-4455-6677-8899-{number:012x}"
            self._guids[guid] = swapped(twin) if twin else placeholder
        return self._guids[guid]


def _unsigned(url: str) -> str:
    """A URL with the parameters of _QUERY only; `&` may be escaped as in JSON."""
    try:
        parts = urlsplit(url.replace(r"\u0026", "&"))
    except ValueError:
        return url.partition("?")[0]
    query = [
        (name, "x" if name.lower() == _SKIP else value)
        for name, value in parse_qsl(parts.query)
        if name.lower() in {*_QUERY, _SKIP}
    ]
    return urlunsplit(parts._replace(query=urlencode(query, safe="$")))


def _address(match: re.Match[str]) -> str:
    """Public addresses are replaced; those of private networks identify no one."""
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return match[0]
    if not address.is_global:
        return match[0]
    return "192.0.2.1" if address.version == 4 else "2001:db8::1"
