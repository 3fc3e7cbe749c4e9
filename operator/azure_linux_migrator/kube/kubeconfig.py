"""Credentials from a kubeconfig, by the `kubernetes` package, which runs exec plugins and the like.

Its errors name neither the file nor a remedy, and it ignores a missing user. What a context refers
to is therefore checked first.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.kube.credentials import Credentials
from azure_linux_migrator.kube.proxy import proxy_for

_SHOWN = 8
_WRITTEN_BY = "az aks get-credentials writes one"


class _References(Struct):
    cluster: str = ""
    user: str = ""


class _NamedEntry(Struct):
    name: str
    context: _References | None = None


class _File(Struct, rename="kebab"):
    current_context: str | None = None
    contexts: list[_NamedEntry] | None = None
    clusters: list[_NamedEntry] | None = None
    users: list[_NamedEntry] | None = None


async def load(kubeconfig: str, context: str | None) -> Credentials:
    """The credentials of a context, by default the current one.

    `kubeconfig` is one file or several, as KUBECONFIG lists them. Raises SettingsError.
    """
    chosen = check(kubeconfig, context)
    try:
        from kubernetes.aio.client import Configuration
        from kubernetes.aio.config import ConfigException, load_kube_config
    except ImportError as error:
        raise SettingsError(
            "the kubernetes package is not installed, which reads kubeconfigs (the image is "
            "without it): leave --kubeconfig out in a pod, elsewhere pip install kubernetes"
        ) from error

    configuration: Any = Configuration()
    try:
        await load_kube_config(  # type: ignore[no-untyped-call]  # untyped upstream
            config_file=kubeconfig, context=context, client_configuration=configuration
        )
    except (ConfigException, OSError, LookupError, TypeError, ValueError) as error:
        raise SettingsError(
            f"cannot connect by context {chosen} of kubeconfig {kubeconfig}: {error}; does "
            f"kubectl --context {chosen} get nodes work?"
        ) from error

    async def token() -> str:
        settings = await configuration.auth_settings()
        header = settings.get("BearerToken", {}).get("value") or ""
        return str(header).removeprefix("Bearer ").strip()

    server = configuration.host.rstrip("/")
    return Credentials(
        server=server,
        token=token,
        ca_file=configuration.ssl_ca_cert,
        certificate_file=configuration.cert_file,
        key_file=configuration.key_file,
        verify=configuration.verify_ssl,
        proxy=configuration.proxy or proxy_for(server, os.environ),
    )


def check(kubeconfig: str, context: str | None) -> str:
    """The name of the context that is used; raises SettingsError where there is none, or where it
    refers to a cluster or user that is missing."""
    paths = [Path(path).expanduser() for path in kubeconfig.split(os.pathsep) if path]
    files = [_read(path) for path in paths if path.exists()]
    if not files:
        raise SettingsError(
            f"there is no kubeconfig at {kubeconfig}: give --kubeconfig or set KUBECONFIG; "
            f"{_WRITTEN_BY}"
        )
    # Of two entries with one name the first counts.
    contexts = {
        c.name: c.context for file in reversed(files) for c in reversed(file.contexts or [])
    }
    names = sorted(contexts)
    listed = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    current = [file.current_context for file in files if file.current_context]
    chosen = context or (current[-1] if current else "")
    if not contexts:
        raise SettingsError(f"kubeconfig {kubeconfig} has no contexts; {_WRITTEN_BY}")
    if not chosen:
        raise SettingsError(
            f"kubeconfig {kubeconfig} has no current context: choose one by --context ({listed}), "
            "or for good by kubectl config use-context"
        )
    if chosen not in contexts:
        flag = "--context" if context else "current-context"
        raise SettingsError(
            f"kubeconfig {kubeconfig} has no context {chosen} ({flag}); its contexts are: {listed}"
        )
    references = contexts[chosen] or _References()
    clusters = {entry.name for file in files for entry in file.clusters or []}
    users = {entry.name for file in files for entry in file.users or []}
    for part, name, defined in (
        ("cluster", references.cluster, clusters),
        ("user", references.user, users),
    ):
        if name not in defined:
            problem = f"{part} {name}, which is not there" if name else f"no {part}"
            raise SettingsError(
                f"context {chosen} of kubeconfig {kubeconfig} names {problem}; "
                "az aks get-credentials writes the context again"
            )
    return chosen


def _read(path: Path) -> _File:
    try:
        content = path.read_bytes()
        if not content.strip():
            raise SettingsError(f"{path} is no kubeconfig: it is empty; {_WRITTEN_BY}")
        return msgspec.yaml.decode(content, type=_File)
    except OSError as error:
        raise SettingsError(
            f"kubeconfig {path} cannot be read: {error.strerror or error}"
        ) from error
    except msgspec.DecodeError as error:
        reason = " ".join(str(error).split())
        kind = "" if isinstance(error, msgspec.ValidationError) else "it is not YAML: "
        raise SettingsError(f"{path} is no kubeconfig: {kind}{reason}; {_WRITTEN_BY}") from error
