"""The resource definition as generated: in step with crds/, structural, bounded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from azure_linux_migrator.api.crd import STEPS_WITH_TARGET, crd, render
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.core.steps.routes import BLUE_GREEN, ROLLING

ROOT = Path(__file__).resolve().parents[3]


def _version() -> dict[str, Any]:
    return dict(crd()["spec"]["versions"][0])


def _root() -> dict[str, Any]:
    return dict(_version()["schema"]["openAPIV3Schema"])


def _walk(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from _walk(child, f"{path}.{name}")
    if "items" in node:
        yield from _walk(node["items"], f"{path}[]")


def _fields(part: str) -> dict[str, dict[str, Any]]:
    return dict(_walk(_root()["properties"][part], part))


def test_no_drift() -> None:
    kept = (ROOT / "crds" / "azurelinuxmigrations.azlm.dev.yaml").read_text()
    assert kept == render(), "run: make crds"


def test_what_is_rendered_is_the_definition() -> None:
    assert yaml.safe_load(render()) == crd()
    assert render().startswith("# Generated")


def test_how_it_is_called() -> None:
    spec = crd()["spec"]
    names = spec["names"]
    assert crd()["metadata"]["name"] == "azurelinuxmigrations.azlm.dev"
    assert spec["scope"] == "Cluster"
    assert names["shortNames"] == ["azlm"]
    assert names["categories"] == ["azure"]
    assert _version()["subresources"] == {"status": {}}


@pytest.mark.parametrize("part", ["spec", "status"])
def test_the_schema_is_structural_and_bounded(part: str) -> None:
    for path, node in _fields(part).items():
        for foreign in ("$ref", "$defs", "title", "anyOf", "const"):
            assert foreign not in node, f"{path} has {foreign}"
        assert not isinstance(node.get("additionalProperties"), bool), path
        if node.get("x-kubernetes-int-or-string"):
            assert "type" not in node, path
            continue
        match node["type"]:
            case "string":
                assert "maxLength" in node or "enum" in node, f"{path} has no limit"
            case "array":
                assert "maxItems" in node, f"{path} has no limit"
            case "object":
                assert "properties" in node or "maxProperties" in node, path


def test_every_field_of_a_spec_is_described() -> None:
    bare = [path for path, node in _fields("spec").items() if not node.get("description")]
    assert bare == []


def test_no_default_is_inside_a_list() -> None:
    filled = [path for path, node in _fields("spec").items() if "[" in path and "default" in node]
    assert filled == []
    assert any("[" in path for path in _fields("spec")), "the walk goes into lists"


def test_defaults_are_each_written_once() -> None:
    """Objects default to {}, which the apiserver fills; the result is what the models assume."""
    objects = {
        path: node["default"]
        for path, node in _fields("spec").items()
        if node.get("type") == "object" and "default" in node
    }
    assert set(objects) == {
        "spec.target",
        "spec.strategy",
        "spec.strategy.batch",
        "spec.strategy.canary",
        "spec.drain",
        "spec.preflight",
    }
    assert all(default == {} for default in objects.values())

    def filled(node: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        for name, child in node.get("properties", {}).items():
            if name not in value and "default" in child:
                value[name] = child["default"]
            if isinstance(value.get(name), dict):
                value[name] = filled(child, dict(value[name]))
        return value

    source = {"source": {"nodePool": "workers"}}
    by_models = MigrationSpec.model_validate(source).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    assert filled(_root()["properties"]["spec"], dict(source)) == by_models


def test_a_status_has_no_default_but_the_one_that_keeps_kstatus_waiting() -> None:
    defaults = {
        path: node["default"] for path, node in _fields("status").items() if "default" in node
    }
    assert defaults == {"status": {"observedGeneration": -1}}


def test_a_status_tolerates_words_of_a_newer_operator() -> None:
    enums = {path for path, node in _fields("status").items() if "enum" in node}
    assert enums == {"status.conditions[].status"}, "only what metav1.Condition itself closes"


def test_conditions_are_merged_by_type() -> None:
    conditions = _fields("status")["status.conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_columns() -> None:
    columns = _version()["additionalPrinterColumns"]
    shown = [column["name"] for column in columns if "priority" not in column]
    wide = [column["name"] for column in columns if column.get("priority") == 10]
    assert shown == ["Source", "Target", "Phase", "Nodes", "Ready", "Reason", "Age"]
    assert wide == ["Step", "Pods", "Batch", "Message"]


def test_columns_show_fields_that_exist() -> None:
    fields = set(_fields("spec")) | set(_fields("status"))
    paths = {
        column["jsonPath"].removeprefix(".") for column in _version()["additionalPrinterColumns"]
    }
    plain = {path for path in paths if "[" not in path and not path.startswith("metadata.")}
    assert plain <= fields


def test_every_rule_refuses_something() -> None:
    fields = [*_fields("spec").items(), ("", _root())]
    rules = [
        (path, rule) for path, node in fields for rule in node.get("x-kubernetes-validations", ())
    ]
    assert len(rules) > 10
    for path, rule in rules:
        assert rule["message"], path
        if path in {"", "spec"}:
            assert rule["fieldPath"], rule["message"]


def test_the_target_is_locked_by_the_steps_that_follow_its_creation() -> None:
    for route, without in ((BLUE_GREEN, {"CompleteTarget"}), (ROLLING, {"ScaleTarget"})):
        names = [name for name, _ in route.steps]
        locked = [name for name in STEPS_WITH_TARGET if name not in without]
        assert names[names.index("CreateTarget") + 1 :] == locked
