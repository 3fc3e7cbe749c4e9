"""The findings of a preflight: a table for people, JSON for machines."""

import json
import textwrap

from azure_linux_migrator.core.preflight.findings import Finding, Severity

_MARKS = {
    Severity.BLOCK: "BLOCK",
    Severity.WARN: "warn",
    Severity.INFO: "info",
    Severity.FIXED: "fixed",
    Severity.UNCHECKED: "unchecked",
}


def as_json(findings: tuple[Finding, ...]) -> str:
    """For machines."""
    return json.dumps(
        {
            "blocked": sum(finding.blocks for finding in findings),
            "findings": [
                {
                    "rule": finding.rule,
                    "severity": finding.severity,
                    "subject": finding.subject,
                    "message": finding.message,
                    "remedy": finding.remedy,
                    "acknowledged": finding.acknowledged,
                }
                for finding in findings
            ],
        },
        indent=2,
    )


def as_table(findings: tuple[Finding, ...], width: int) -> str:
    """For people: a line for what was found, indented ones for what to do."""
    longest = max((len(finding.rule) for finding in findings), default=4)
    indent = " " * (11 + longest)
    lines = [f"{'SEVERITY':<10} {'RULE':<{longest}} FINDING"]
    for finding in findings:
        first = f"{_MARKS[finding.severity]:<10} {finding.rule:<{longest}} "
        suffix = " (acknowledged)" if finding.acknowledged else ""
        text = f"{finding.subject}: {finding.message}{suffix}"
        wrapped = textwrap.wrap(
            text,
            max(width, 60),
            initial_indent=first,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
        lines += wrapped
        if finding.remedy and finding.severity in {Severity.BLOCK, Severity.WARN}:
            lines += textwrap.wrap(
                f"→ {finding.remedy}",
                max(width, 60),
                initial_indent=indent,
                subsequent_indent=f"{indent}  ",
                break_on_hyphens=False,
            )
    counts = {
        severity: sum(e.severity is severity and not e.acknowledged for e in findings)
        for severity in Severity
    }
    blocks = counts[Severity.BLOCK]
    verdict = "blocked" if blocks else "clear to begin"
    summary = (
        f"{verdict}: {blocks} block, {counts[Severity.WARN]} warn, "
        f"{counts[Severity.UNCHECKED]} could not be checked, "
        f"{counts[Severity.INFO] + counts[Severity.FIXED]} for information"
    )
    lines += ["", summary]
    blocking = [finding for finding in findings if finding.blocks]
    if blocking and not any(finding.final for finding in blocking):
        rules = ", ".join(dict.fromkeys(finding.rule for finding in blocking))
        lines.append(f"To go on all the same, set spec.preflight.acknowledge: [{rules}].")
    return "\n".join(lines)
