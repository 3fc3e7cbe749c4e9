"""The Job controller: pods that run once, and replacements for those that fail."""

from azure_linux_migrator.core.state.retry_delay import RetryDelay
from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.simulator.cluster.pod_factory import PodFactory
from azure_linux_migrator.simulator.cluster.workload import Workload
from azure_linux_migrator.simulator.kernel import Kernel

RETRY = RetryDelay(10.0, 600.0)
"""DefaultJobPodFailureBackOff and MaxJobPodFailureBackOff in pkg/controller/job."""


class Jobs:
    """Jobs. Their backoff limit is not modelled: snapshots do not contain it."""

    def __init__(self, kernel: Kernel, pod_factory: PodFactory) -> None:
        self._kernel = kernel
        self._pod_factory = pod_factory

    def count(self, workload: Workload, old: Pod | None, new: Pod | None) -> None:
        """A pod that is deleted while it runs counts as failed (isPodFailed in
        pkg/controller/job/job_controller.go). A success resets the count of failures."""
        if old is None or old.finished or old.terminating:
            return
        if new is not None and new.phase == "Succeeded":
            workload.succeeded += 1
            workload.failures = 0
        elif new is None or new.terminating or new.finished:
            workload.failures += 1
            workload.failed_at = self._kernel.now

    def sync(self, workload: Workload, pods: list[Pod]) -> float:
        """Create all missing pods at once, or return the seconds until that is permitted. They
        double with every failure: getRemainingTime in pkg/controller/job/backoff_utils.go."""
        active = sum(not pod.terminating and not pod.finished for pod in pods)
        missing = workload.replicas - workload.succeeded - active
        if missing <= 0:
            return 0.0
        if workload.failures:
            due = workload.failed_at + RETRY.after(workload.failures)
            if due > self._kernel.now:
                return due - self._kernel.now
        for _ in range(missing):
            self._pod_factory.add(workload)
        return 0.0
