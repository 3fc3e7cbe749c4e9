"""What is wrong with a kubeconfig, told before the client library trips over it."""

import os
from pathlib import Path
from typing import Any

import yaml

from azure_linux_migrator.errors import SettingsError

_SHOWN = 8
_WRITTEN_BY = "az aks get-credentials writes one"


def check(kubeconfig: str, context: str | None) -> str:
    """The name of the context that will be used.

    `kubeconfig` is one file or several, as KUBECONFIG lists them. Raises SettingsError where they
    hold no such context, or one that is not whole.
    """
    paths = [Path(each).expanduser() for each in kubeconfig.split(os.pathsep) if each]
    there = [each for each in paths if each.exists()]
    if not there:
        raise SettingsError(
            f"there is no kubeconfig at {kubeconfig}: give --kubeconfig or set KUBECONFIG; "
            f"{_WRITTEN_BY}"
        )
    read = [_read(each) for each in there]
    named = {part: _named(read, part) for part in ("contexts", "clusters", "users")}
    known = named["contexts"]
    current = [str(each["current-context"]) for each in read if each.get("current-context")]
    wanted = context or (current[-1] if current else "")
    listed = ", ".join(sorted(known)[:_SHOWN]) + (" …" if len(known) > _SHOWN else "")
    if not known:
        raise SettingsError(f"kubeconfig {kubeconfig} has no contexts; {_WRITTEN_BY}")
    if not wanted:
        raise SettingsError(
            f"kubeconfig {kubeconfig} has no current context: choose one by --context ({listed}), "
            "or for good by kubectl config use-context"
        )
    if wanted not in known:
        which = "--context" if context else "current-context"
        raise SettingsError(
            f"kubeconfig {kubeconfig} has no context {wanted} ({which}); its contexts are: {listed}"
        )
    found = known[wanted].get("context")
    for part in ("cluster", "user"):
        name = found.get(part) if isinstance(found, dict) else None
        if name not in named[f"{part}s"]:
            told = f"{part} {name}, which is not there" if name else f"no {part}"
            raise SettingsError(
                f"context {wanted} of kubeconfig {kubeconfig} names {told}; az aks get-credentials "
                "writes the context anew"
            )
    return wanted


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"kubeconfig {path} cannot be read: {error.strerror or error}"
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        told = " ".join(str(error).split())
        raise SettingsError(f"{path} is no kubeconfig: it is not YAML: {told}") from error
    if not isinstance(found, dict):
        what = "empty" if found is None else f"a {type(found).__name__}"
        raise SettingsError(f"{path} is no kubeconfig: it is {what}; {_WRITTEN_BY}")
    return found


def _named(read: list[dict[str, Any]], part: str) -> dict[str, dict[str, Any]]:
    """The entries of a list in all files; of two with one name the first counts."""
    entries = [entry for each in read for entry in each.get(part) or ()]
    return {str(e["name"]): e for e in reversed(entries) if isinstance(e, dict) and "name" in e}
