"""Where the API server is and how requests authenticate: as the pod's ServiceAccount, or otherwise.

The ServiceAccount needs two files and two variables
(kubernetes.io/docs/tasks/run-application/access-api-from-pod), not the `kubernetes` package, which
costs 20 MB and 0.3 s to import. A kubeconfig is read by kube/kubeconfig.py.
"""

import os
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.kube.proxy import proxy_for

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


async def no_token() -> str:
    """The token of a connection that authenticates by a client certificate, or not at all."""
    return ""


@dataclass(frozen=True)
class Credentials:
    """A connection's settings. `token` is called for every request: projected tokens rotate."""

    server: str
    token: Callable[[], Awaitable[str]] = no_token
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    proxy: str | None = None
    """The URL of an HTTP proxy; None for a direct connection."""

    def tls(self) -> ssl.SSLContext | bool:
        """The `ssl` argument of an aiohttp connector; raises SettingsError for bad files."""
        if not self.server.startswith("https"):
            return True
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file:
                context.load_cert_chain(self.certificate_file, keyfile=self.key_file)
        except OSError as error:
            raise SettingsError(
                f"the certificates for {self.server} cannot be used "
                f"({self.ca_file}, {self.certificate_file}): {error}"
            ) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def in_cluster(
    environment: Mapping[str, str] = os.environ, folder: Path = SERVICE_ACCOUNT
) -> Credentials:
    """The credentials of the pod's ServiceAccount; raises SettingsError outside a pod."""
    host = environment.get("KUBERNETES_SERVICE_HOST")
    port = environment.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise _not_in_cluster("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    token_file, ca_file = folder / "token", folder / "ca.crt"
    for file in (token_file, ca_file):
        try:
            content = file.read_text()
        except OSError as error:
            raise _not_in_cluster(f"{file} cannot be read: {error.strerror or error}") from error
        if not content.strip():
            raise _not_in_cluster(f"{file} is empty")

    async def token() -> str:
        return token_file.read_text().strip()

    address = f"[{host}]" if ":" in host else host
    server = f"https://{address}:{port}"
    return Credentials(server, token, str(ca_file), proxy=proxy_for(server, environment))


def skip_kubernetes_package() -> None:
    """Makes every import of `kubernetes` fail in this process, as if it was not installed.

    Kopf imports it where it can, to offer a login by it and to accept its objects; the operator
    uses neither. To be called before Kopf is imported, and not where a kubeconfig is to be read.
    """
    sys.modules["kubernetes"] = None  # type: ignore[assignment]  # docs.python.org/3/reference/import.html#the-module-cache


def _not_in_cluster(reason: str) -> SettingsError:
    return SettingsError(
        f"cannot connect as the pod's ServiceAccount: {reason}; outside a cluster give --kubeconfig"
    )
