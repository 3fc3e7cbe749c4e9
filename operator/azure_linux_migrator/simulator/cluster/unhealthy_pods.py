"""Pods that do not become Ready, and whose replacements do not either.

The cause (a missing image, a wrong configuration) is not modelled; it is known from the start and
survives every move. Nothing here changes a pod.
"""

from collections import defaultdict
from collections.abc import Iterable

from azure_linux_migrator.model.cluster import NamespacedName, Pod
from azure_linux_migrator.simulator.cluster.workload import Workload


class UnhealthyPods:
    """The unhealthy pods by the phase in which they stay: `Pending` if no container starts,
    `Running` if containers start and fail."""

    def __init__(self) -> None:
        self._phases: dict[NamespacedName, str] = {}
        self._inherited: defaultdict[str, list[str]] = defaultdict(list)

    def strike(self, pod: Pod) -> None:
        """A pod stays unhealthy."""
        self._phases[pod.key] = pod.phase

    def of(self, pod: Pod) -> str:
        """The phase in which a pod stays; empty if it is healthy."""
        return self._phases.get(pod.key, "")

    def leave(self, workload: Workload, pod: Pod) -> None:
        """A pod goes, and its replacement inherits the failure. DaemonSet pods are exempt: the
        next one runs on another node."""
        if workload.keeps_names:
            return
        phase = self._phases.pop(pod.key, "")
        if phase and workload.kind != "DaemonSet":
            self._inherited[workload.uid].append(phase)

    def pass_on(self, workload: Workload, key: NamespacedName, siblings: Iterable[Pod]) -> None:
        """A pod is created: it inherits the failure of a pod that left, or that of the others of
        its workload if all of them are unhealthy."""
        if key in self._phases or not (self._phases or self._inherited):
            return
        heirless = self._inherited.get(workload.uid)
        if heirless:
            self._phases[key] = heirless.pop()
            return
        phases = [self.of(pod) for pod in siblings if not pod.terminating and not pod.finished]
        if phases and all(phases):
            self._phases[key] = phases[0]

    def end(self, pod: Pod) -> None:
        """A controller does not replace a pod any more."""
        self._phases.pop(pod.key, None)
