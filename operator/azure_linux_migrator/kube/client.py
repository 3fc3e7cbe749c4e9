"""One HTTP client for the Kubernetes API: plain requests, bytes in and out.

Configuration and TLS come from `kubernetes.aio`; the requests themselves go through its aiohttp
session, because its generated models cost seconds and gigabytes on large lists (docs of the core's
records tell why slim ones suffice).
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio import client as api
from kubernetes.aio import config
from kubernetes.aio.config.config_exception import ConfigException

from azure_linux_migrator.errors import KubernetesError, SettingsError
from azure_linux_migrator.kube.kubeconfig import check

CONNECTIONS = 200
TOKEN_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass
class Client:
    """A connection to one cluster. Every status of 400 and more is raised as KubernetesError."""

    server: str
    _configuration: Any
    _session: aiohttp.ClientSession
    _in_cluster: bool

    @classmethod
    async def connect(cls, kubeconfig: str | None, context: str | None = None) -> "Client":
        """Connect by a kubeconfig, or as the pod's ServiceAccount; raises SettingsError."""
        configuration = api.Configuration()
        chosen = check(kubeconfig, context) if kubeconfig is not None else ""
        try:
            if kubeconfig is None:
                config.load_incluster_config(  # type: ignore[no-untyped-call]  # untyped upstream
                    client_configuration=configuration
                )
            else:
                await config.load_kube_config(  # type: ignore[no-untyped-call]  # untyped upstream
                    config_file=kubeconfig, context=context, client_configuration=configuration
                )
        except (ConfigException, OSError, LookupError, TypeError, ValueError) as error:
            if kubeconfig is None:
                raise SettingsError(
                    f"cannot connect as the pod's ServiceAccount: {error}; outside a cluster give "
                    "--kubeconfig"
                ) from error
            raise SettingsError(
                f"cannot connect by context {chosen} of kubeconfig {kubeconfig}: {error}; does "
                f"kubectl --context {chosen} get nodes work?"
            ) from error
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=_ssl(configuration))
        session = aiohttp.ClientSession(connector=connector)
        return cls(configuration.host.rstrip("/"), configuration, session, kubeconfig is None)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = JSON,
        timeout: float = 30.0,  # noqa: ASYNC109 - per request, turned into aiohttp's own
    ) -> bytes:
        """Send a request and return the answer's body. `timeout` in seconds."""
        try:
            async with self._session.request(
                method,
                self.server + path,
                params=query,
                data=None if body is None else json.dumps(body).encode(),
                headers=await self._headers(content_type if body is not None else None),
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                content = await response.read()
                if response.status >= 400:
                    raise _error(response, content)
                return content
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(method, path, error) from error

    async def json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """`request`, decoded."""
        return dict(json.loads(await self.request(method, path, **more)))

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, silence: float
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """A watch's body; ends with KubernetesError after `silence` seconds without a byte."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=silence)
        try:
            async with self._session.get(
                self.server + path, params=query, headers=await self._headers(None), timeout=limits
            ) as response:
                if response.status >= 400:
                    raise _error(response, await response.read())
                yield response.content
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable("GET", path, error) from error

    async def kopf_connection(self) -> dict[str, Any]:
        """Arguments of kopf.ConnectionInfo for the same identity."""
        token = await self._token()
        found: dict[str, Any] = {
            "server": self.server,
            "ca_path": self._configuration.ssl_ca_cert,
            "insecure": not self._configuration.verify_ssl,
            "certificate_path": self._configuration.cert_file,
            "private_key_path": self._configuration.key_file,
        }
        return found | ({"scheme": "Bearer", "token": token} if token else {})

    async def _token(self) -> str:
        if self._in_cluster:
            # Projected tokens are rotated under us: the file is the truth.
            return _read_token()
        known = await self._configuration.auth_settings()
        header = known.get("BearerToken", {}).get("value") or ""
        return str(header).removeprefix("Bearer ").strip()

    async def _headers(self, content_type: str | None) -> dict[str, str]:
        headers = {"Accept": JSON, "User-Agent": "azlm"}
        if token := await self._token():
            headers["Authorization"] = f"Bearer {token}"
        if content_type:
            headers["Content-Type"] = content_type
        return headers


def _read_token() -> str:
    return TOKEN_FILE.read_text().strip()


def _ssl(configuration: Any) -> Any:
    import ssl

    if not configuration.host.startswith("https"):
        return True
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _error(response: aiohttp.ClientResponse, content: bytes) -> KubernetesError:
    try:
        body = json.loads(content)
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    text = str(body.get("message") or content[:500].decode(errors="replace").strip())
    delay = response.headers.get("Retry-After", "")
    return KubernetesError(
        response.status,
        text or f"HTTP {response.status}",
        body=body,
        retry_after=float(delay) if delay.isdecimal() else None,
    )


def _unreachable(method: str, path: str, error: Exception) -> KubernetesError:
    detail = str(error) or type(error).__name__
    return KubernetesError(0, f"no answer from the Kubernetes API to {method} {path}: {detail}")
