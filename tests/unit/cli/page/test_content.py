"""What the page is given: of a live migration, of a record, and of a forecast."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.cli.page.content import head, node_row, pod_row
from azure_linux_migrator.cli.page.document import document
from azure_linux_migrator.cli.page.spans import StepLog, recorded_spans
from azure_linux_migrator.cli.page.static_data import of_forecast, of_record, read_record
from azure_linux_migrator.cli.view.migration_view import view_of
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.forecast.forecast import forecast
from azure_linux_migrator.model.cluster import NamespacedName, Node, Owner, Pod
from tests.support.page_api import migration
from tests.support.snapshots import cluster
from tests.support.worlds import NOW

SOON = "2027-01-15T07:02:00Z"
LATER = "2027-01-15T07:07:00Z"


def condition(kind: str, at: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": kind, "lastTransitionTime": at}


def data_in(page: str) -> Any:
    match = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    return json.loads(match[1])


@pytest.mark.parametrize(
    ("pod", "state"),
    [
        ({}, "running"),
        ({"ready": False}, "starting"),
        ({"ready": False, "failing": "CrashLoopBackOff"}, "failing"),
        ({"terminating": True}, "leaving"),
        ({"owner": Owner("DaemonSet", "agent", "ds")}, "stays"),
        ({"mirror": True}, "stays"),
    ],
)
def test_the_state_of_a_pod(pod: dict[str, Any], state: str) -> None:
    fields: dict[str, Any] = {"phase": "Running", "ready": True, "terminating": False} | pod
    record = Pod(NamespacedName("ns", "p"), "uid", "node", **fields)
    assert pod_row(record) == ["node", state]


def test_a_node_is_in_the_pool_that_its_os_tells_where_both_are_one() -> None:
    body = migration()
    body["spec"]["strategy"] = {"type": "InPlace"}
    in_place = view_of(body, NOW).migration
    sides = [
        (node_row(in_place, Node("n", pool, os_sku=os_sku)) or {}).get("side")
        for pool, os_sku in (("workers", "Ubuntu"), ("workers", "AzureLinux"), ("x", "AzureLinux"))
    ]
    assert sides == ["source", "target", None]


def test_actions_are_those_that_may_have_an_effect() -> None:
    ended = view_of(migration(step="", phase="Aborted"), NOW)
    assert head(ended, ())["actions"] == []
    assert head(ended, (), allow_actions=True)["actions"] == ["retry"]
    succeeded = view_of(migration(phase="Succeeded"), NOW)
    assert head(succeeded, (), allow_actions=True)["actions"] == []


def test_times_of_steps_are_those_of_the_record_until_a_step_was_seen() -> None:
    body = migration(conditions=[condition("TargetReady", SOON)])
    view = view_of(body, NOW)
    spans = recorded_spans(view)
    began, ended = spans["CreateTarget"]
    assert ended == began + 120
    assert spans["Drain"] == (ended, None)

    steps = StepLog()
    steps.see(view, NOW)
    steps.see(view_of(body | {"status": body["status"] | {"step": "Soak"}}, NOW), NOW + 60)
    assert steps.spans()["Drain"] == (ended, NOW + 60)
    assert steps.spans()["Soak"] == (NOW + 60, None)


def test_a_record_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    body = migration(
        step="HandOverAutoscaler",
        phase="Succeeded",
        completionTime=LATER,
        conditions=[condition("TargetReady", SOON), condition("Succeeded", LATER)],
    )
    file.write_text(yaml.safe_dump(body))
    name, data = of_record(read_record(file), NOW)
    assert (name, data["head"]["mode"], data["head"]["phase"]) == ("workers", "record", "Succeeded")
    assert {step["state"] for step in data["head"]["steps"]} == {"done"}
    for wrong in ("a: [", "kind: Pod\nmetadata: {name: x}\n", "[]", "kind: AzureLinuxMigration"):
        file.write_text(wrong)
        with pytest.raises(SettingsError):
            read_record(file)


def test_a_forecast_becomes_one_document_that_loads_nothing() -> None:
    snapshot = cluster(workers=2)
    spec = MigrationSpec.model_validate({"source": {"nodePool": "workers"}})
    result = forecast(snapshot, "m</script>", spec, runs=1, compare=0)
    page = document("m</script>", of_forecast(result, spec, snapshot))
    data = data_in(page)
    assert data["head"]["name"] == "m</script>"
    assert [row["side"] for row in data["rows"]["nodes"].values()] == ["source", "source"]
    assert data["forecast"]["typical"]["steps"][0]["name"] == "Preflight"
    assert page.count("</script>") == 2
    assert "src=" not in page
    assert "<link" not in page


def test_a_text_is_never_taken_for_a_part_of_the_template() -> None:
    data = {"head": {"message": "{{script}} {{style}}"}}
    assert data_in(document("m", data)) == data
