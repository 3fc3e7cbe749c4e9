"""The CustomResourceDefinition, generated from the models of spec.py and status.py."""

from typing import Any

import yaml

from azure_linux_migrator.api.base_model import Model
from azure_linux_migrator.api.cel_rules import CelRule
from azure_linux_migrator.api.names import (
    CATEGORY,
    GROUP,
    KIND,
    PLURAL,
    SHORT_NAME,
    SINGULAR,
    VERSION,
)
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.api.steps import Step

HEADER = "# Generated from the models in azure_linux_migrator/api: make crds\n"
LONGEST_TEXT = 4096
MOST_ITEMS = 64

Schema = dict[str, Any]

STEPS_WITH_TARGET = (
    Step.SCALE_TARGET,
    Step.AWAIT_DRAIN_APPROVAL,
    Step.CORDON_SOURCE,
    Step.DRAIN,
    Step.SOAK,
    Step.AWAIT_RETIRE_APPROVAL,
    Step.RETIRE_SOURCE,
    Step.COMPLETE_TARGET,
    Step.HAND_OVER_AUTOSCALER,
)
"""Steps that begin once the target pool stands: from then on its settings cannot be changed."""

NAME_RULE = CelRule(
    "self.metadata.name.size() <= 63",
    "must be at most 63 characters: the name becomes part of node annotations and pool tags",
    lambda name: len(name) <= 63,
    ".metadata.name",
)

_RULES = (
    NAME_RULE.schema() | {"reason": "FieldValueInvalid"},
    {
        "rule": "!has(oldSelf.status) || !has(oldSelf.status.phase) || "
        "oldSelf.status.phase != 'Succeeded' || self.spec == oldSelf.spec",
        "message": "this migration has finished and its spec is locked; delete it and "
        "create another",
        "fieldPath": ".spec",
        "reason": "FieldValueForbidden",
    },
    {
        "rule": "!has(oldSelf.status) || !has(oldSelf.status.step) || "
        f"!(oldSelf.status.step in {[step.value for step in STEPS_WITH_TARGET]}) || "
        "self.spec.target == oldSelf.spec.target",
        "message": "the target pool stands already, so its settings are locked; change the pool "
        "itself with az aks nodepool, or delete this migration and create another",
        "fieldPath": ".spec.target",
        "reason": "FieldValueForbidden",
    },
)
"""Rules that look at more than the spec. A fieldPath makes the refusal name what to change."""

_COLUMNS = (
    ("Source", "string", ".spec.source.nodePool", 0),
    ("Target", "string", ".status.targetPool", 0),
    ("Phase", "string", ".status.phase", 0),
    ("Nodes", "string", ".status.nodes.progress", 0),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Step", "string", ".status.step", 10),
    ("Pods", "integer", ".status.pods.remaining", 10),
    ("Batch", "integer", ".status.batch.index", 10),
    ("Message", "string", ".status.message", 10),
)


def crd() -> Schema:
    """The whole definition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
                "categories": [CATEGORY],
            },
            "versions": [_version()],
        },
    }


def render() -> str:
    """The definition as YAML, as it is kept under crds/."""
    return HEADER + yaml.safe_dump(crd(), sort_keys=False, width=100)


def _version() -> Schema:
    columns = [
        {"name": name, "type": kind, "jsonPath": path} | ({"priority": rank} if rank else {})
        for name, kind, path, rank in _COLUMNS
    ]
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": _root()},
    }


def _root() -> Schema:
    status = _without_defaults(_schema(MigrationStatus))
    return {
        "type": "object",
        "description": "Moves one AKS node pool to Azure Linux.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
            },
            "spec": _schema(MigrationSpec),
            "status": status | {"default": {"observedGeneration": -1}},
        },
        "x-kubernetes-validations": [dict(rule) for rule in _RULES],
    }


def _without_defaults(node: Schema) -> Schema:
    """Nothing that the apiserver fills in: a status is what was observed."""
    return {
        key: _without_defaults(value) if isinstance(value, dict) else value
        for key, value in node.items()
        if key != "default"
    }


def _schema(model: type[Model]) -> Schema:
    whole = model.model_json_schema(by_alias=True)
    return _structural(whole, whole.get("$defs", {}))


def _structural(node: Schema, definitions: Schema) -> Schema:
    """A structural schema: references inlined, no titles, no anyOf, everything bounded."""
    node = dict(node)
    if "$ref" in node:
        target = definitions[node.pop("$ref").rsplit("/", 1)[-1]]
        own: Schema = {key: node[key] for key in ("description", "default") if key in node}
        if isinstance(own.get("default"), dict):
            # The apiserver fills an empty object from its fields' own defaults: one place each.
            own["default"] = {}
        return _structural(target, definitions) | own
    options = [option for option in node.pop("anyOf", ()) if option.get("type") != "null"]
    values = node.pop("additionalProperties", None)
    for key in ("title", "$defs"):
        node.pop(key, None)
    if isinstance(values, dict):
        # A map. `additionalProperties: false` of a model needs no word: the apiserver refuses
        # unknown fields by itself.
        return node | {"additionalProperties": _structural(values, definitions)}
    if node.get("x-kubernetes-int-or-string"):
        return {
            key: value
            for key, value in node.items()
            if key != "type" and (key, value) != ("default", None)
        }
    if options:
        inner = _structural(options[0], definitions)
        own = {
            key: value for key, value in node.items() if not (key == "default" and value is None)
        }
        return inner | own
    if node.get("default", ...) is None:
        node.pop("default")
    if "const" in node:
        node["enum"] = [node.pop("const")]
    return _bounded(node, definitions)


def _bounded(node: Schema, definitions: Schema) -> Schema:
    match node.get("type"):
        case "object":
            node["properties"] = {
                name: _structural(property_schema, definitions)
                for name, property_schema in node.get("properties", {}).items()
            }
        case "array":
            # A list item that the apiserver fills differs from the one in Git: Argo CD, which
            # compares lists as a whole, would apply it again and again.
            node["items"] = _without_defaults(_structural(node["items"], definitions))
            node.setdefault("maxItems", MOST_ITEMS)
        case "string" if "enum" not in node:
            node.setdefault("maxLength", LONGEST_TEXT)
    return node
