"""What is generated under deploy/monitoring is in step with the code, the rules and the metrics."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
import yaml

from azure_linux_migrator.controller.metrics_table import METRICS
from monitoring.__main__ import DASHBOARDS, DIRECTORY, files
from monitoring.azure_rules import SEVERITIES
from monitoring.dashboards.model import COLUMNS, Dashboard
from monitoring.pod_monitors import GROUPS

RULES = [
    rule
    for group in yaml.safe_load((DIRECTORY / "rules.yaml").read_text())["spec"]["groups"]
    for rule in group["rules"]
]
by_name = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)


def _file(name: str) -> Any:
    return json.loads((DIRECTORY / name).read_text())


def _values(node: Any, key: str) -> list[Any]:
    """Every value of a key, however deep."""
    if isinstance(node, list):
        return [value for child in node for value in _values(child, key)]
    if not isinstance(node, dict):
        return []
    mine = [node[key]] if key in node else []
    return mine + [value for child in node.values() for value in _values(child, key)]


def test_the_files_are_those_that_the_code_writes() -> None:
    for name, content in files().items():
        assert (DIRECTORY / name).read_text() == content, "run: make monitoring"


def test_azure_has_every_rule() -> None:
    groups = _file("rules-azure.json")["resources"]
    mine = [rule for group in groups for rule in group["properties"]["rules"]]
    assert [rule["expression"] for rule in mine] == [rule["expr"] for rule in RULES]
    for azure, rule in zip(mine, RULES, strict=True):
        assert azure.get("alert") == rule.get("alert")
        assert azure.get("record") == rule.get("record")
        if "alert" in rule:
            assert azure["severity"] == SEVERITIES[rule["labels"]["severity"]]
            assert re.fullmatch(r"P(T\d+[MS]|\d+D)", azure["for"])
            link = f"[concat(parameters('runbooks'), '#{rule['alert'].lower()}')]"
            assert azure["annotations"] == {**rule["annotations"], "runbook": link}


def test_the_pod_monitors_scrape_the_pods_of_the_base() -> None:
    base = DIRECTORY.parent / "kustomize" / "base" / "deployment.yaml"
    pod = yaml.safe_load(base.read_text())["spec"]["template"]
    ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
    for name, group in GROUPS.items():
        monitor = yaml.safe_load((DIRECTORY / f"{name}.yaml").read_text())
        assert monitor["apiVersion"] == f"{group}/v1"
        assert (
            monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        )
        assert {end["port"] for end in monitor["spec"]["podMetricsEndpoints"]} <= ports


@by_name
def test_both_forms_of_a_dashboard_have_every_query(dashboard: Dashboard) -> None:
    expressions = [expr for _, expr in dashboard.expressions]
    assert _values(_file(f"grafana/{dashboard.name}.json"), "expr") == expressions
    assert _values(_file(f"perses/{dashboard.name}.json"), "query") == expressions


@by_name
def test_queries_use_metrics_that_there_are(dashboard: Dashboard) -> None:
    names = {spec.sample for spec in METRICS.values()}
    names |= {
        spec.name + suffix
        for spec in METRICS.values()
        if spec.kind == "histogram"
        for suffix in ("_bucket", "_count", "_sum")
    }
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    for title, expr in dashboard.expressions:
        assert set(re.findall(r"\bazlm_\w+", expr)) <= names, title
        assert set(re.findall(r"azlm:[\w:]+", expr)) <= recorded, title


@by_name
def test_panels_of_a_row_fill_the_width_and_do_not_overlap(dashboard: Dashboard) -> None:
    for row in dashboard.rows:
        assert sum(panel.width for panel in row.panels) % COLUMNS == 0, row.title
    for layout in _file(f"perses/{dashboard.name}.json")["spec"]["layouts"]:
        for left, right in pairwise(layout["spec"]["items"]):
            assert (
                right["x"] == left["x"] + left["width"] or right["y"] >= left["y"] + left["height"]
            )
