"""JSON schemas of Kubernetes' objects and of our definition, for kubeconform, without a network.

Kubernetes' own come from the OpenAPI document in the sources that the testbed builds. They are
strict: a field that the schema does not name is refused.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from testbed.binaries import MODULES, module_directory

DEFINITION = Path(__file__).resolve().parents[1] / "crds" / "azurelinuxmigrations.azlm.dev.yaml"
LOCATION = "{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json"
"""kubeconform's template for the name of a schema's file."""
_KINDS = "x-kubernetes-group-version-kind"
_STRING_OR_NUMBER = {"type": ["string", "integer", "number"]}
_LOOSE = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _STRING_OR_NUMBER,
    "io.k8s.apimachinery.pkg.api.resource.Quantity": _STRING_OR_NUMBER,
}
"""OpenAPI 2 cannot say that a value has one of several types."""


def write(into: Path) -> None:
    """Write one file for each kind. Raises BuildError where Go or the sources are missing."""
    [kubernetes] = [module for module in MODULES if module.name == "kubernetes"]
    sources = module_directory(kubernetes, "k8s.io/kubernetes")
    document = json.loads((sources / "api" / "openapi-spec" / "swagger.json").read_text())
    definitions = document["definitions"]
    whole = _strict(definitions) | _LOOSE
    text = json.dumps({"definitions": whole}).replace("#/definitions/", "_all.json#/definitions/")
    (into / "_all.json").write_text(text)
    for name, definition in definitions.items():
        for kind in definition.get(_KINDS, ()):
            _file(into, **kind).write_text(json.dumps({"$ref": f"_all.json#/definitions/{name}"}))
    own = yaml.safe_load(DEFINITION.read_text())["spec"]
    for version in own["versions"]:
        schema = _strict(version["schema"]["openAPIV3Schema"])
        schema["properties"] |= {key: {"type": "string"} for key in ("apiVersion", "kind")}
        schema["properties"]["metadata"] = {"type": "object"}
        file = _file(into, own["group"], own["names"]["kind"], version["name"])
        file.write_text(json.dumps(schema))


def _file(into: Path, group: str, kind: str, version: str) -> Path:
    # kubeconform takes the version for the group of the core kinds.
    return into / f"{group or version}_{version}_{kind.lower()}.json"


def _strict(node: Any) -> Any:
    """The same with every object closed that names its properties and allows no others."""
    if isinstance(node, list):
        return [_strict(child) for child in node]
    if not isinstance(node, dict):
        return node
    copy = {key: _strict(child) for key, child in node.items()}
    open_ended = "additionalProperties" in copy or "x-kubernetes-preserve-unknown-fields" in copy
    if isinstance(copy.get("properties"), dict) and copy.get("type") == "object" and not open_ended:
        copy["additionalProperties"] = False
    return copy
