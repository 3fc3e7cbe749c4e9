"""How long pods and nodes take, learnt from those that run: pods from their node to Ready.

Kubernetes shows in whole seconds when a pod was created and became Ready. The scheduler's events
show to the microsecond when it got its node, but last an hour only. With them, what is left of the
rounding is half a second, the same for all; without, each difference of two whole seconds is right
on average over pods that came one after the other. What rounding adds to the spread is taken out
again. Outliers are pods that were Ready for the last time long after they were made: a workload of
which there are no others shows nothing, and uses the figures of the whole cluster.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import sqrt
from statistics import fmean, median, pvariance

from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.simulator.cluster.workload import Span

SCHEDULING = 0.05
"""Seconds from the creation of a pod to its node."""
ONCE, TWICE = 1 / 12, 1 / 6
"""Variance (s²) that one and two roundings to whole seconds add."""
VM_SECONDS = 120.0
"""Seconds from Azure's acceptance to the Node object. A cluster does not record it; two minutes
are usual."""
FEW = 3
"""A workload with fewer running pods uses the times of the whole cluster."""
LONGEST_SECONDS = 1800.0
"""A pod that became Ready later than this after its creation had been Ready before."""
UNKNOWN = Span(5.0, 15.0)
"""Used if no pod gives a time."""


def boot_seconds(boots: Mapping[str, float]) -> float:
    """Seconds from the order of a machine to its Ready node: as the nodes record it, plus
    VM_SECONDS."""
    return VM_SECONDS + (median(boots.values()) if boots else 30.0)


def start_spans(
    pods: Iterable[Pod], scheduled: Mapping[str, float]
) -> tuple[dict[str, Span], Span]:
    """By the uid of the pods' owner, and for all pods."""
    rough: defaultdict[str, list[float]] = defaultdict(list)
    fine: defaultdict[str, list[float]] = defaultdict(list)
    for pod in pods:
        if not pod.ready or pod.owner is None or pod.owner.kind == "DaemonSet":
            continue
        rough[pod.owner.uid].append(pod.started_in - SCHEDULING)
        if (at := scheduled.get(pod.uid)) is not None:
            fine[pod.owner.uid].append(pod.created + pod.started_in + 0.5 - at)
    spans: dict[str, Span] = {}
    for uid, times in rough.items():
        learnt = _span(fine[uid], ONCE) or _span(times, TWICE)
        if learnt is not None:
            spans[uid] = learnt
    every = _span([time for times in fine.values() for time in times], ONCE)
    all_rough = _span([time_ for times in rough.values() for time_ in times], TWICE)
    return spans, every or all_rough or UNKNOWN


def _span(times: list[float], rounding: float) -> Span | None:
    """None if there are too few times."""
    sane = [time_ for time_ in times if time_ <= LONGEST_SECONDS]
    if len(sane) < FEW:
        return None
    usual = median(sane)
    kept = [seconds for seconds in sane if seconds <= 3 * usual + 5]
    mean = fmean(kept)
    variance = pvariance(kept, mean)
    shrink = sqrt(max(0.0, variance - rounding) / variance) if variance else 0.0
    fair = [max(0.05, mean + (seconds - mean) * shrink) for seconds in kept]
    return Span(min(fair), max(fair), tuple(fair))
