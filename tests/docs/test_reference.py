"""The reference is that of the code, and complete: fields, reasons, steps, commands, metrics,
names that are written into a cluster, and rights."""

import re

import pytest
import yaml

from azure_linux_migrator.api import names
from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.file_validation import parse_spec
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.controller.metrics_table import METRICS
from docgen.commands import commands
from docgen.fields import Part, example, examples, fields
from docgen.pages import generated
from tests.docs.pages import DOCS, PACKAGE, PAGES, ROOT

PARTS: tuple[Part, ...] = ("spec", "status")
METRIC = re.compile(r'f?"(azlm_[a-z_]+[a-z])"')
RBAC = (
    "deploy/kustomize/base/rbac.yaml",
    "deploy/kustomize/components/force/rbac.yaml",
    "deploy/kustomize/components/surge/rbac.yaml",
    "deploy/kustomize/components/conditions/rbac.yaml",
    "deploy/kustomize/components/scale/rbac.yaml",
)


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (DOCS / name).read_text()


def test_the_generated_parts_are_current() -> None:
    stale = [path.name for path, content in generated().items() if path.read_text() != content]
    assert stale == [], "run make docs-tables"


@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_field_has_a_meaning_and_is_shown(part: Part) -> None:
    text = page(f"reference/{part}.md")
    rows = re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
    shown = {name.split(".")[-1] for name in rows}
    leaves = [field for field in fields(part) if field.schema.get("type") != "object"]
    assert [field.path for field in fields(part) if not field.meaning] == []
    assert [field.path for field in leaves if field.path.split(".")[-1] not in shown] == []


def test_the_samples_are_valid_and_have_a_value_for_every_field() -> None:
    parse_spec(examples()["spec"])
    MigrationStatus.model_validate(examples()["status"], extra="forbid")
    assert [field.path for field in fields("spec") if example(field.path) is None] == []
    assert [field.path for field in fields("status") if example(field.path) is None] == []
    same = [
        field.path
        for field in fields("spec")
        if (default := field.schema.get("default")) is not None and example(field.path) == default
    ]
    assert same == [], "an example that is the default shows nothing"


def test_the_tutorial_shows_the_migration_of_the_demo() -> None:
    shown = re.search(r"```yaml\n(.*?)```", page("tutorial.md"), re.DOTALL)
    sample = (ROOT / "deploy" / "samples" / "migration.yaml").read_text()
    assert shown is not None
    assert yaml.safe_load(shown[1]) == yaml.safe_load(sample)


def test_every_condition_reason_cause_and_check_is_documented() -> None:
    for vocabulary, text in (
        (ConditionType, page("conditions.md")),
        (Reason, page("conditions.md")),
        (Cause, page("drain.md")),
        (Check, page("preflight.md")),
    ):
        assert [member.value for member in vocabulary if f"`{member.value}`" not in text] == []


def test_every_metric_is_documented() -> None:
    text = page("metrics.md")
    sources = sorted((PACKAGE / "controller").glob("*.py"))
    metrics = {name for file in sources for name in METRIC.findall(file.read_text())}
    assert len(metrics) > 15
    assert [name for name in sorted(metrics) if f"`{name}" not in text] == []


def test_every_command_is_explained() -> None:
    text = page("commands.md")
    assert [name for name in commands() if f"`azlm {name}" not in text] == []


def test_every_name_that_is_written_into_a_cluster_is_documented() -> None:
    text = page("reference/annotations.md")
    written = [
        value
        for key, value in vars(names).items()
        if key.isupper() and isinstance(value, str) and re.search(r"azlm-|/", value)
    ]
    assert len(written) > 15
    assert [
        value for value in written if f"`{value}`" not in text and value != names.API_VERSION
    ] == []


def _rights(file: str) -> set[tuple[str, str, str]]:
    """API group, resources and verbs of each rule."""
    documents = yaml.safe_load_all((ROOT / file).read_text())
    return {
        (
            rule["apiGroups"][0] or "core",
            ", ".join(rule["resources"]) + "".join(rule.get("resourceNames", ())),
            ", ".join(rule["verbs"]),
        )
        for document in documents
        for rule in document.get("rules", ())
    }


def test_the_page_of_rights_has_every_rule_and_no_other() -> None:
    text = page("reference/rights.md")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([a-z, ]+) \| [^|]+ \|$", text, re.MULTILINE)
    shown = {
        (group.strip("`"), resources.replace("`", "").replace(" named ", ""), verbs)
        for group, resources, verbs in rows
        if group != "API group"
    }
    assert shown == set().union(*(_rights(file) for file in RBAC))


def test_every_field_that_a_page_names_exists() -> None:
    """With `spec.` before it or without, as in `drain.timeout`."""
    others = {"spec.unschedulable", "status.conditions", *(f"spec.{check}" for check in Check)}
    exist = {field.path.replace("[]", "") for part in PARTS for field in fields(part)}
    top = {path.split(".")[1] for path in exist if path.startswith("spec.") and path.count(".") > 1}
    names = {
        name if name.startswith(PARTS) else f"spec.{name}"
        for text in (path.read_text() for path in PAGES)
        for name in re.findall(
            rf"`((?:spec|status|{'|'.join(top)})\.[A-Za-z.]+[A-Za-z])[`: ]", text
        )
    }
    assert len(names) > 40
    assert names - exist - others == set()


def test_every_metric_that_a_page_names_exists() -> None:
    samples = {spec.sample for spec in METRICS.values()}
    samples |= {f"{name}_count" for name in samples}
    names = {
        name for path in PAGES for name in re.findall(r"\bazlm_[a-z_]+[a-z]\b", path.read_text())
    }
    assert names - samples == set()
