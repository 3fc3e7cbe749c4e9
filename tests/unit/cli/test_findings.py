"""The findings of a preflight for people, programs and pipelines."""

import json
from xml.etree import ElementTree as ET

import pytest
import yaml

from azure_linux_migrator.cli.render.findings import report
from azure_linux_migrator.core.preflight.findings import Finding, Severity

BLOCK = Finding("pdb.zero", Severity.BLOCK, "PodDisruptionBudget a/b", "allows 0", "let it allow 1")
KNOWN = Finding("pod.bare", Severity.BLOCK, "Pod a/c", "has no owner", "", acknowledged=True)
UNREAD = Finding("quota.vcpu", Severity.UNCHECKED, "nodepool workers", "403 & <denied>")
CHECKED: dict[str, tuple[Finding, ...]] = {"workers": (BLOCK, KNOWN, UNREAD), "gpu": ()}


def test_several_pools_have_a_heading_each() -> None:
    text = report(CHECKED, "table", 100, single=False)
    assert text.startswith("Pool workers\nSEVERITY")
    assert "blocked: 1 block" in text
    assert "Pool gpu\n" in text
    assert "clear to begin" in text


def test_a_cluster_without_pools_to_move_says_so() -> None:
    assert "runs Azure Linux already" in report({}, "table", 100, single=False)


def test_json_is_by_pool() -> None:
    pools = json.loads(report(CHECKED, "json", 100, single=False))["pools"]
    assert (pools["workers"]["blocked"], pools["gpu"]["blocked"]) == (1, 0)
    alone = json.loads(report({"m": (BLOCK,)}, "json", 100, single=True))
    assert alone["findings"][0]["rule"] == "pdb.zero"


@pytest.mark.parametrize("single", [True, False])
def test_yaml_says_what_json_says(*, single: bool) -> None:
    as_yaml, as_json = (report(CHECKED, output, 100, single=single) for output in ("yaml", "json"))
    assert yaml.safe_load(as_yaml) == json.loads(as_json)


def test_junit_fails_for_what_blocks_and_skips_what_was_not_read() -> None:
    suites = ET.fromstring(report(CHECKED, "junit", 100, single=False))
    workers, gpu = suites.findall("testsuite")
    counts = {key: workers.get(key) for key in ("tests", "failures", "skipped")}
    assert counts == {"tests": "3", "failures": "1", "skipped": "1"}
    [failure] = workers.iter("failure")
    assert failure.text == "allows 0; let it allow 1"
    assert [case.get("message") for case in workers.iter("skipped")] == ["403 & <denied>"]
    assert list(gpu) == []


def test_sarif_has_levels_and_suppresses_what_is_acknowledged() -> None:
    document = json.loads(report(CHECKED, "sarif", 100, single=False))
    assert document["version"] == "2.1.0"
    [run] = document["runs"]
    levels = [(result["ruleId"], result["level"]) for result in run["results"]]
    assert levels == [("pdb.zero", "error"), ("pod.bare", "error"), ("quota.vcpu", "note")]
    assert ["suppressions" in result for result in run["results"]] == [False, True, False]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == {"pdb.zero", "pod.bare", "quota.vcpu"}
