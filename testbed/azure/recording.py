"""Exchanges with Azure, kept without secrets in the form of recordings that tests replay."""

import json
import re
from pathlib import Path
from typing import Any

from testbed.azure.redaction import Redaction

HEADERS = (
    "Azure-AsyncOperation",
    "Location",
    "Retry-After",
    "x-ms-operation-identifier",
    "x-ms-failure-cause",
)
"""Headers of answers that are kept."""
NOTE = (
    "ids, names and addresses are placeholders, equal where they were equal; values, states, keys, "
    "header names and the order of keys are as received"
)
MOST_ITEMS = 20
_SUBJECTS = (
    (re.compile(r"/agentPools/(\w+)", re.IGNORECASE), "pool-{}"),
    (re.compile(r"/managedClusters/([\w-]+)", re.IGNORECASE), "cluster"),
    (re.compile(r"/resourcegroups/([\w-]+)$", re.IGNORECASE), "resource-group"),
)


class Recording:
    """The exchanges of a run, in their order."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._exchanges: dict[str, list[dict[str, Any]]] = {}

    def add(
        self,
        method: str,
        url: str,
        request: Any,
        status: int,
        headers: dict[str, str],
        response: Any,
        *,
        subject: str = "",
    ) -> None:
        """Keep an exchange. A poll belongs to the `subject` of the write that it follows; answers
        that repeat the one before are counted."""
        exchange: dict[str, Any] = {"method": method, "url": self._redaction.url(url)}
        if request is not None:
            exchange["request"] = self._redaction.body(request)
        exchange["status"] = status
        kept = {name: text for name in HEADERS if (text := _header(headers, name))}
        if kept:
            exchange["headers"] = {
                name: self._redaction.url(text)
                if text.startswith("http")
                else self._redaction.text(text)
                for name, text in kept.items()
            }
        exchange["response"] = self._redaction.body(_abridged(response))
        kept_so_far = self._exchanges.setdefault(subject or subject_of(url), [])
        last = {} if not kept_so_far else kept_so_far[-1]
        if {key: value for key, value in last.items() if key != "repeats"} == exchange:
            last["repeats"] = last.get("repeats", 1) + 1
        else:
            kept_so_far.append(exchange)

    def write(self, folder: Path, source: str) -> list[Path]:
        """One file for each pool, and one each for the cluster, the group and the rest."""
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for subject, exchanges in sorted(self._exchanges.items()):
            whole = {"source": source, "note_ids": NOTE, "exchanges": exchanges}
            file = folder / f"{subject}.json"
            file.write_text(json.dumps(whole, indent=1) + "\n")
            files.append(file)
        return files


def subject_of(url: str) -> str:
    """The name of the file that an exchange belongs to."""
    path = url.partition("?")[0]
    for pattern, name in _SUBJECTS:
        if match := pattern.search(path):
            return name.format(match[1].lower())
    return "surroundings"


def _abridged(response: Any) -> Any:
    """A list of the region's sizes has thousands of items: the first ones show the form."""
    items = response.get("value") if isinstance(response, dict) else None
    if not isinstance(items, list) or len(items) <= MOST_ITEMS:
        return response
    note = f"abridged: {len(items) - MOST_ITEMS} more"
    return response | {"value": [*items[:MOST_ITEMS], {"note": note}]}


def _header(headers: dict[str, str], name: str) -> str:
    return next((text for key, text in headers.items() if key.lower() == name.lower()), "")
