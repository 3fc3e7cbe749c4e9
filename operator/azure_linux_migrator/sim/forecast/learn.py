"""How long pods take, learnt from the pods that run: from their creation to Ready.

Kubernetes tells both times in whole seconds, so that each difference carries an error of its own
(variance 1/6 s²); it is taken out of the spread again, and the mean is kept. Outliers are pods that
were Ready for the last time long after they were made.
"""

from collections import defaultdict
from collections.abc import Iterable
from math import sqrt
from statistics import fmean, median, pvariance

from azure_linux_migrator.core.records import Pod
from azure_linux_migrator.sim.cluster.shapes import Span

ROUNDING = 1 / 6
FEW = 3
"""A workload with fewer running pods than this takes after the whole cluster."""
LONGEST_SECONDS = 1800.0


def start_spans(pods: Iterable[Pod], overhead: float) -> tuple[dict[str, Span], Span]:
    """By the uid of the pods' owner, and for all; `overhead` is what scheduling takes of it."""
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for pod in pods:
        if pod.ready and pod.owner is not None and pod.owner.kind != "DaemonSet":
            seen[pod.owner.uid].append(pod.started_in)
    whole = _span([each for times in seen.values() for each in times] or [10.0], overhead)
    known = {uid: _span(times, overhead) for uid, times in seen.items() if len(times) >= FEW}
    return known, whole


def _span(times: list[float], overhead: float) -> Span:
    usual = median(times)
    kept = [each for each in times if each <= min(LONGEST_SECONDS, 3 * usual + 5)]
    mean = fmean(kept)
    variance = pvariance(kept, mean)
    shrink = sqrt(max(0.0, variance - ROUNDING) / variance) if variance else 0.0
    fair = [max(0.05, mean - overhead + (each - mean) * shrink) for each in kept]
    return Span(min(fair), max(fair), tuple(fair))
