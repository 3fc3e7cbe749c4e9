"""Kubernetes quantities as the core counts: thousandths of a CPU, MiB of memory, the rest as is."""

from collections.abc import Iterable
from functools import lru_cache

from azure_linux_migrator.kube.pod_spec import Container, PodSpec
from azure_linux_migrator.model.cluster import Allocatable, ExtendedResources

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
MIB = 2**20
_OWN_FIELDS = frozenset({"cpu", "memory", "pods"})
"""Resources that have a field of their own in the core's records."""


@lru_cache(maxsize=4096)
def quantity(text: str) -> float:
    """The number that a quantity such as `250m` or `64Gi` stands for; 0 for what is none."""
    for suffixes in (_BINARY, _DECIMAL):
        for suffix, factor in suffixes.items():
            if text.endswith(suffix):
                return _number(text.removesuffix(suffix)) * factor
    return _number(text)


def allocatable(allocatable: dict[str, object] | None) -> Allocatable:
    """What a node can hold."""
    quantities = allocatable or {}
    return Allocatable(
        round(quantity(str(quantities.get("cpu", "0"))) * 1000),
        int(quantity(str(quantities.get("memory", "0"))) / MIB),
        int(quantity(str(quantities.get("pods", "0")))),
        _extended({name: quantity(str(text)) for name, text in quantities.items()}),
    )


def requests(spec: PodSpec) -> tuple[tuple[int, int], ExtendedResources]:
    """What the scheduler reserves for a pod (a decoded PodSpec): CPU and memory, and the rest.

    The containers' sum, or what its init containers need if that is more, with the sidecars in
    both; what the pod as a whole requests goes before, and the runtime's overhead is added
    (PodRequests in component-helpers/resource/helpers.go).
    """
    total: dict[str, float] = {}
    for container in spec.containers or ():
        _add(total, _asked(container))
    if spec.init_containers:
        _start(total, spec.init_containers)
    for name, text in ((spec.resources.requests if spec.resources else None) or {}).items():
        if name in {"cpu", "memory"} or name.startswith("hugepages-"):
            total[name] = quantity(str(text))
    _add(total, spec.overhead)
    pair = _pair(round(total.get("cpu", 0) * 1000), round(total.get("memory", 0) / MIB))
    return pair, _extended(total) if total.keys() - _OWN_FIELDS else ()


def _start(total: dict[str, float], init_containers: Iterable[Container]) -> None:
    """Raise a pod's sum to what its start needs: init containers run one after the other, each
    beside the sidecars that were started before it, and those stay."""
    peak: dict[str, float] = {}
    sidecars: dict[str, float] = {}
    for init_container in init_containers:
        now: dict[str, float] = {}
        if init_container.restart_policy == "Always":
            _add(total, _asked(init_container))
            _add(sidecars, _asked(init_container))
        else:
            _add(now, _asked(init_container))
        for name, amount in sidecars.items():
            now[name] = now.get(name, 0.0) + amount
        for name, amount in now.items():
            peak[name] = max(peak.get(name, 0.0), amount)
    for name, amount in peak.items():
        total[name] = max(total.get(name, 0.0), amount)


def _asked(container: Container) -> dict[str, object] | None:
    return container.resources.requests if container.resources else None


def _add(total: dict[str, float], asked: dict[str, object] | None) -> None:
    for name, text in (asked or {}).items():
        total[name] = total.get(name, 0.0) + quantity(str(text))


def _extended(amounts: dict[str, float]) -> ExtendedResources:
    rest = sorted(
        (name, round(amount))
        for name, amount in amounts.items()
        if amount and name not in _OWN_FIELDS and not name.startswith("attachable-volumes-")
    )
    return _shared(tuple(rest)) if rest else ()


@lru_cache(maxsize=4096)
def _shared(extended_resources: ExtendedResources) -> ExtendedResources:
    """One tuple for all pods, or nodes, with the same."""
    return extended_resources


@lru_cache(maxsize=4096)
def _pair(cpu: int, memory: int) -> tuple[int, int]:
    """One tuple for all pods that ask for the same."""
    return cpu, memory


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
