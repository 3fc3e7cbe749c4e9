"""Kubernetes quantities as the core counts: thousandths of a CPU, MiB of memory."""

from functools import lru_cache
from typing import Any

from azure_linux_migrator.core.records import Room

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
MIB = 2**20


@lru_cache(maxsize=4096)
def quantity(text: str) -> float:
    """The number that a quantity such as `250m` or `64Gi` stands for; 0 for what is none."""
    for suffixes in (_BINARY, _DECIMAL):
        for suffix, factor in suffixes.items():
            if text.endswith(suffix):
                return _number(text.removesuffix(suffix)) * factor
    return _number(text)


def room(allocatable: dict[str, Any] | None) -> Room:
    """What a node can hold."""
    found = allocatable or {}
    return Room(
        round(quantity(str(found.get("cpu", "0"))) * 1000),
        int(quantity(str(found.get("memory", "0"))) / MIB),
        int(quantity(str(found.get("pods", "0")))),
    )


def requests(containers: Any) -> tuple[int, int]:
    """What a pod's containers request together."""
    cpu = memory = 0.0
    for each in containers or ():
        asked = (each.resources.requests if each.resources else None) or {}
        cpu += quantity(str(asked.get("cpu", "0")))
        memory += quantity(str(asked.get("memory", "0")))
    return _pair(round(cpu * 1000), round(memory / MIB))


@lru_cache(maxsize=4096)
def _pair(cpu: int, memory: int) -> tuple[int, int]:
    """One tuple for all pods that ask for the same."""
    return cpu, memory


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
