"""The chart as helm renders it, and the kustomize base beside it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.binaries import built
from testbed.kubectl import run_kubectl

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart"
NAMESPACE = "azlm-system"
VALUES: dict[str, Any] = {
    "image": {"repository": "example.azurecr.io/azlm"},
    "identity": {"clientID": "11111111-1111-1111-1111-111111111111"},
    "cluster": {
        "subscriptionID": "00000000-0000-0000-0000-000000000000",
        "resourceGroup": "example-rg",
        "name": "example",
    },
}
Object = dict[str, Any]


def helm(*args: str, values: Object | None = None) -> "subprocess.CompletedProcess[str]":
    binary = built("helm")
    if binary is None:
        pytest.skip("helm is not built here: make chart")
    return subprocess.run(
        [str(binary), *args, "-f", "-"],
        input=yaml.safe_dump(VALUES if values is None else values),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def merged(base: Object, more: Object) -> Object:
    return base | {
        key: merged(old, value)
        if isinstance(old := base.get(key), dict) and isinstance(value, dict)
        else value
        for key, value in more.items()
    }


def rendered(more: Object | None = None) -> dict[str, Object]:
    values = merged(VALUES, more or {})
    done = helm("template", "azlm", str(CHART), "-n", NAMESPACE, values=values)
    assert done.returncode == 0, done.stderr
    return named(yaml.safe_load_all(done.stdout))


def named(objects: Any) -> dict[str, Object]:
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in objects if item}


def kustomized(overlay: str) -> dict[str, Object]:
    restrictor = "--load-restrictor=LoadRestrictionsNone"
    done = run_kubectl("", "kustomize", restrictor, str(ROOT / overlay))
    assert done.returncode == 0, done.stderr
    return named(yaml.safe_load_all(done.stdout))
