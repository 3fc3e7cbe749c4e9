"""The alerts: they fire and are silent as they should (promtool), use metrics that there are, and
have a runbook each. `make rules` builds promtool; without it two of these tests skip."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from azure_linux_migrator.controller.metrics_table import METRICS
from testbed.binaries import built
from tests.support.expositions import exposition

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RULE: dict[str, Any] = yaml.safe_load((MONITORING / "rules.yaml").read_text())
ALERTS = [rule for group in RULE["spec"]["groups"] for rule in group["rules"] if "alert" in rule]


def promtool(directory: Path, *args: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    binary = built("promtool")
    if binary is None:
        pytest.skip("promtool is not built here: make rules")
    return subprocess.run(
        [str(binary), *args],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        timeout=120,
    )


def test_every_alert_fires_and_is_silent_as_it_should(tmp_path: Path) -> None:
    (tmp_path / "rules.groups.yaml").write_text(yaml.safe_dump(RULE["spec"]))
    shutil.copy(MONITORING / "rules.test.yaml", tmp_path)
    checked = promtool(tmp_path, "check", "rules", "rules.groups.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool(tmp_path, "test", "rules", "rules.test.yaml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_metrics_are_named_as_prometheus_wants_them(tmp_path: Path) -> None:
    own = "\n".join(line for line in exposition().splitlines() if "azlm" in line) + "\n"
    checked = promtool(tmp_path, "check", "metrics", stdin=own)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_a_firing_and_a_silent_case() -> None:
    cases = yaml.safe_load((MONITORING / "rules.test.yaml").read_text())["tests"]
    expected: dict[str, set[bool]] = {}
    for case in cases:
        for check in case.get("alert_rule_test", ()):
            expected.setdefault(check["alertname"], set()).add(bool(check["exp_alerts"]))
    assert expected == {alert["alert"]: {True, False} for alert in ALERTS}


def test_every_alert_has_a_runbook() -> None:
    page = (ROOT / "docs" / "runbooks.md").read_text()
    headings = {heading.lower() for heading in re.findall(r"^## (\w+)$", page, re.MULTILINE)}
    anchors = {
        alert["annotations"]["runbook"].removeprefix("docs/runbooks.md#") for alert in ALERTS
    }
    assert anchors == headings == {alert["alert"].lower() for alert in ALERTS}


def test_the_rules_use_metrics_that_there_are() -> None:
    names = {spec.sample for spec in METRICS.values()}
    names |= {spec.name + "_count" for spec in METRICS.values() if spec.kind == "histogram"}
    rules = [rule for group in RULE["spec"]["groups"] for rule in group["rules"]]
    used = {name for rule in rules for name in re.findall(r"\bazlm_\w+", rule["expr"])}
    assert used <= names
