"""Mutations of the pod filters: pods are evicted that have to stay or to be waited for."""

from collections.abc import Callable

from azure_linux_migrator.core.drain import pod_filters
from simtest.mutations.mutation import Mutation, Patches

FILTERS = {pod_filter.__name__: pod_filter for pod_filter in pod_filters.PIPELINE}


def _without_filter(name: str) -> Callable[[], Patches]:
    left_out = FILTERS[name]
    chosen = tuple(pod_filter for pod_filter in pod_filters.PIPELINE if pod_filter is not left_out)
    return lambda: [(pod_filters, "PIPELINE", chosen)]


DRAINED_PODS: tuple[Mutation, ...] = (
    Mutation("daemons", "DaemonSet pods are evicted", "daemons-stay", _without_filter("_daemon")),
    Mutation("jobs", "Jobs are not waited for", "jobs-wait", _without_filter("_run_once")),
    Mutation(
        "empty-dir",
        "spec.drain.emptyDir is ignored",
        "empty-dir-stays",
        _without_filter("_empty_dir"),
    ),
    Mutation(
        "unmanaged",
        "spec.drain.unmanagedPods is ignored",
        "unmanaged-stays",
        _without_filter("_unmanaged"),
    ),
    Mutation(
        "local-volume",
        "pods with local volumes are evicted",
        "local-volume-stays",
        _without_filter("_local_volume"),
    ),
    Mutation(
        "volume-zone",
        "pods whose volume the target cannot attach are evicted",
        "volume-reached",
        _without_filter("_volume_zone"),
    ),
)
