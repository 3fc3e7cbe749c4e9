"""The findings of a preflight: a table for people, JSON and YAML for machines, JUnit and SARIF for
pipelines."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from azure_linux_migrator.cli.render.migration_data import dumped
from azure_linux_migrator.core.preflight.findings import Finding, Severity

_MARKS = {
    Severity.BLOCK: "BLOCK",
    Severity.WARN: "warn",
    Severity.INFO: "info",
    Severity.FIXED: "fixed",
    Severity.UNCHECKED: "unchecked",
}


_LEVELS = {Severity.BLOCK: "error", Severity.WARN: "warning"}
"""SARIF's levels; all else is a note."""

Findings = tuple[Finding, ...]


def report(checked: Mapping[str, Findings], output: str, width: int, *, single: bool) -> str:
    """The findings of several migrations; `single` where there is one by its nature, which needs no
    heading."""
    match output:
        case "json" | "yaml":
            pools = {name: _data(findings) for name, findings in checked.items()}
            return dumped(next(iter(pools.values())) if single else {"pools": pools}, output)
        case "junit":
            return as_junit(checked)
        case "sarif":
            return as_sarif(checked)
    if single:
        return as_table(next(iter(checked.values())), width)
    if not checked:
        return "every Linux pool of the cluster runs Azure Linux already"
    return "\n\n".join(
        f"Pool {name}\n{as_table(findings, width)}" for name, findings in checked.items()
    )


def as_junit(checked: Mapping[str, Findings]) -> str:
    """A test suite for each migration, a test case for each finding; what blocks has failed."""
    suites = ET.Element("testsuites", name="azlm preflight")
    for name, findings in checked.items():
        blocks = sum(finding.blocks for finding in findings)
        unchecked = sum(finding.severity is Severity.UNCHECKED for finding in findings)
        counts = {"tests": len(findings), "failures": blocks, "skipped": unchecked}
        attributes = {"name": name} | {key: str(count) for key, count in counts.items()}
        suite = ET.SubElement(suites, "testsuite", attributes)
        for finding in findings:
            case = ET.SubElement(suite, "testcase", classname=finding.rule, name=finding.subject)
            text = f"{finding.message}; {finding.remedy}".rstrip("; ")
            if finding.blocks:
                ET.SubElement(
                    case, "failure", message=finding.message, type=finding.rule
                ).text = text
            elif finding.severity is Severity.UNCHECKED:
                ET.SubElement(case, "skipped", message=finding.message)
            else:
                ET.SubElement(case, "system-out").text = f"{finding.severity}: {text}"
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode")


def as_sarif(checked: Mapping[str, Findings]) -> str:
    """SARIF 2.1.0 (docs.oasis-open.org/sarif); an acknowledged finding is suppressed."""
    rules = sorted({finding.rule for findings in checked.values() for finding in findings})
    results: list[dict[str, Any]] = []
    for name, findings in checked.items():
        for finding in findings:
            place = {"name": finding.subject, "fullyQualifiedName": f"{name}/{finding.subject}"}
            result: dict[str, Any] = {
                "ruleId": finding.rule,
                "level": _LEVELS.get(finding.severity, "note"),
                "message": {"text": f"{finding.message}; {finding.remedy}".rstrip("; ")},
                "locations": [{"logicalLocations": [place]}],
            }
            if finding.acknowledged:
                result["suppressions"] = [{"kind": "external"}]
            results.append(result)
    driver = {"name": "azlm preflight", "rules": [{"id": rule} for rule in rules]}
    run = {"tool": {"driver": driver}, "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=2)


def _data(findings: Findings) -> dict[str, Any]:
    return {
        "blocked": sum(finding.blocks for finding in findings),
        "findings": [
            {
                "rule": finding.rule,
                "severity": str(finding.severity),
                "subject": finding.subject,
                "message": finding.message,
                "remedy": finding.remedy,
                "acknowledged": finding.acknowledged,
            }
            for finding in findings
        ],
    }


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
