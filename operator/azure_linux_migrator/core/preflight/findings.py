"""What a preflight check found, and what an admin can do about it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from azure_linux_migrator.api.causes import Cause


class Severity(StrEnum):
    """BLOCK stops the migration before anything is touched, unless the admin acknowledges it."""

    BLOCK = "Block"
    WARN = "Warn"
    INFO = "Info"
    FIXED = "Fixed"
    """Would be a problem, but azlm takes care of it."""
    UNCHECKED = "Unchecked"
    """Could not be read; the message says why. Never a silent pass."""


ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found by one rule. `rule` is the id under which an admin acknowledges it.

    `subject` is what it is about (`nodepool workers`, `pod default/web-0`), `message` what was
    found with its evidence, `remedy` what to do. A `final` one cannot be acknowledged; `cause` is
    that of the blocker that the drain would have.
    """

    rule: str
    severity: Severity
    subject: str
    message: str
    remedy: str = ""
    acknowledged: bool = False
    final: bool = False
    cause: Cause | None = None

    @property
    def blocks(self) -> bool:
        """Whether the migration must not begin."""
        return self.severity is Severity.BLOCK and not self.acknowledged

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}" + (f"; {self.remedy}" if self.remedy else "")


def acknowledge(findings: Iterable[Finding], ids: Iterable[str]) -> tuple[Finding, ...]:
    """The findings by severity, rule and subject; those of the given rules acknowledged, where
    they can be."""
    acknowledged_ids = frozenset(ids)
    marked = (
        replace(finding, acknowledged=finding.rule in acknowledged_ids and not finding.final)
        for finding in findings
    )
    return tuple(
        sorted(
            marked,
            key=lambda finding: (ORDER.index(finding.severity), finding.rule, finding.subject),
        )
    )
