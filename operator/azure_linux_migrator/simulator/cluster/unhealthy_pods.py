"""Pods that do not become Ready, and whose successors do not either.

What ails them (an image that is not there, a configuration that crashes) is none of the model's
business; it is known from the start and goes on through every move. Nothing here changes a pod.
"""

from collections import defaultdict
from collections.abc import Iterable

from azure_linux_migrator.model.cluster import NamespacedName, Pod
from azure_linux_migrator.simulator.cluster.workload import Workload


class UnhealthyPods:
    """Which pods ail, by the phase that they stay in: `Pending` where no container starts,
    `Running` where they start and fail."""

    def __init__(self) -> None:
        self._phases: dict[NamespacedName, str] = {}
        self._heirless: defaultdict[str, list[str]] = defaultdict(list)

    def strike(self, pod: Pod) -> None:
        """A pod stays as it is."""
        self._phases[pod.key] = pod.phase

    def of(self, pod: Pod) -> str:
        """The phase that a pod stays in; empty where it is well."""
        return self._phases.get(pod.key, "")

    def leave(self, workload: Workload, pod: Pod) -> None:
        """A pod goes; whoever comes in its place will ail. Pods of DaemonSets have no heirs: the
        next one runs on another node."""
        if workload.keeps_names:
            return
        phase = self._phases.pop(pod.key, "")
        if phase and workload.kind != "DaemonSet":
            self._heirless[workload.uid].append(phase)

    def pass_on(self, workload: Workload, key: NamespacedName, siblings: Iterable[Pod]) -> None:
        """A pod is made: it takes after one that left, or after its siblings where all of them
        ail."""
        if key in self._phases or not (self._phases or self._heirless):
            return
        heirless = self._heirless.get(workload.uid)
        if heirless:
            self._phases[key] = heirless.pop()
            return
        phases = [self.of(pod) for pod in siblings if not pod.terminating and not pod.finished]
        if phases and all(phases):
            self._phases[key] = phases[0]

    def end(self, pod: Pod) -> None:
        """A controller has no more use for a pod: nobody comes in its place."""
        self._phases.pop(pod.key, None)
