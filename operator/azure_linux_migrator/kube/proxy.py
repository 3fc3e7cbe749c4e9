"""Which HTTP proxy leads to the API server, by the environment: as client-go, which asks
golang.org/x/net/http/httpproxy.

Not by aiohttp's trust_env: it knows no address ranges in NO_PROXY, and AKS writes the ranges of the
cluster there (learn.microsoft.com/azure/aks/http-proxy).
"""

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit


def proxy_for(server: str, environment: Mapping[str, str]) -> str | None:
    """The URL of the proxy to `server`, or None for a direct connection."""
    url = urlsplit(server)
    scheme = url.scheme.upper()
    proxy = environment.get(f"{scheme}_PROXY") or environment.get(f"{scheme.lower()}_proxy")
    if not proxy or url.hostname is None:
        return None
    exceptions = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    port = url.port or (443 if scheme == "HTTPS" else 80)
    if _is_local(url.hostname) or any(
        _matches(entry.strip().lower(), url.hostname, port) for entry in exceptions.split(",")
    ):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _matches(entry: str, host: str, port: int) -> bool:
    """An entry is `*`, an address, a range, or a name that stands for its subdomains too, each of
    the last with a port or without."""
    if entry in {"", "*"}:
        return entry == "*"
    address = _address(host)
    with suppress(ValueError):  # of a name, or an address with a port
        network = ip_network(entry, strict=False)
        return address is not None and address in network
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        if int(number) != port:
            return False
        entry = name.strip("[]")
    if address is not None:
        return _address(entry) == address
    domain = entry.removeprefix("*").removeprefix(".")
    subdomain = host.endswith(f".{domain}")
    return subdomain or (host == domain and not entry.startswith((".", "*")))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
