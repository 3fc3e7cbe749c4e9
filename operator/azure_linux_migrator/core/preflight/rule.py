"""A preflight check: a pure function of the snapshot, known by an id."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.model.azure_facts import Unread

T = TypeVar("T")
CheckFunction = Callable[[PreflightSnapshot], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class PreflightRule:
    """`source` is where the fact behind the check is documented or was reported."""

    id: Check
    source: str
    check: CheckFunction


@dataclass(frozen=True, slots=True)
class RuleResult:
    """Makes the findings of one rule."""

    rule: str
    subject: str

    def block(self, message: str, remedy: str, cause: Cause | None = None) -> Finding:
        """Stops the migration, unless it is acknowledged."""
        return Finding(self.rule, Severity.BLOCK, self.subject, message, remedy, cause=cause)

    def forbid(self, message: str, remedy: str, cause: Cause | None = None) -> Finding:
        """Stops the migration, whatever is acknowledged."""
        severity = Severity.BLOCK
        return Finding(self.rule, severity, self.subject, message, remedy, final=True, cause=cause)

    def warn(self, message: str, remedy: str) -> Finding:
        """To be known before going on."""
        return Finding(self.rule, Severity.WARN, self.subject, message, remedy)

    def info(self, message: str) -> Finding:
        """Good to know."""
        return Finding(self.rule, Severity.INFO, self.subject, message)

    def fixed(self, message: str) -> Finding:
        """azlm handles it; nothing to do."""
        return Finding(self.rule, Severity.FIXED, self.subject, message)

    def unchecked(self, unread: Unread, remedy: str = "") -> Finding:
        """Never a silent pass."""
        message = f"not checked, because {unread.why}"
        return Finding(self.rule, Severity.UNCHECKED, self.subject, message, remedy)


def of_pool(snapshot: PreflightSnapshot, rule: str) -> RuleResult:
    """Findings about the source pool."""
    return RuleResult(rule, f"nodepool {snapshot.source.name}")


def groups(
    snapshot: PreflightSnapshot, wanted: Callable[[WorkloadFacts], object], kind: str = "Pod"
) -> Iterator[tuple[str, list[WorkloadFacts]]]:
    """The workloads that are wanted, by the controller that owns them, sorted."""
    grouped: dict[str, list[WorkloadFacts]] = {}
    for workload in snapshot.workloads:
        if workload.kind == kind and wanted(workload):
            grouped.setdefault(workload.owner or f"Pod {workload.key}", []).append(workload)
    yield from sorted(grouped.items())


def counted(pods: list[WorkloadFacts]) -> str:
    """How many pods, with the first three by name."""
    names = ", ".join(str(pod.key) for pod in pods[:3])
    more = f" and {len(pods) - 3} more" if len(pods) > 3 else ""
    return f"{len(pods)} pod{'s' if len(pods) > 1 else ''} ({names}{more})"


def blocked_by(
    snapshot: PreflightSnapshot, cause: Cause
) -> Iterator[tuple[str, list[WorkloadFacts], Blocker]]:
    """Workloads that the drain refuses to move for this cause, with the first of the blockers."""
    blocked = groups(
        snapshot, lambda workload: workload.blocker is not None and workload.blocker.cause is cause
    )
    for owner, pods in blocked:
        if (blocker := pods[0].blocker) is not None:
            yield owner, pods, blocker


def blocker_text(blocker: Blocker) -> str:
    """A pod's blocker without the pod's name."""
    return blocker.message.removeprefix(f"pod {blocker.key}: ")
