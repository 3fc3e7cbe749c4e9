"""The resource definition: generated, in step with crds/, and enforced by a real apiserver."""

import json
from pathlib import Path
from typing import Any

import pytest

from azure_linux_migrator.api.crd import render
from azure_linux_migrator.api.quantities import seconds, share
from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl, run_kubectl

ROOT = Path(__file__).resolve().parents[2]


def test_no_drift() -> None:
    kept = (ROOT / "crds" / "azurelinuxmigrations.azlm.dev.yaml").read_text()
    assert kept == render(), "run: make crds"


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("0s", 0), ("15m", 900), ("1h30m", 5400), ("1h1m1s", 3661)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "15", "m", "1d", "-1m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="15m"):
        seconds(text)


@pytest.mark.parametrize(
    ("size", "total", "expected"),
    [("10%", 25, 3), ("100%", 7, 7), ("1%", 5, 1), (3, 10, 3), (30, 10, 10), ("50%", 0, 1)],
)
def test_shares_round_up(size: str | int, total: int, expected: int) -> None:
    assert share(size, total) == expected


def manifest(name: str = "m", **spec: Any) -> str:
    body = {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": name},
        "spec": {"source": {"nodePool": "workers"}} | spec,
    }
    return json.dumps(body)


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"source": {"nodePool": "Workers"}}, ("spec.source.nodePool", "12 lower-case")),
        ({"target": {"nodePool": "a-b"}}, ("spec.target.nodePool", "12 lower-case")),
        ({"target": {"nodePool": "workers"}}, ("spec.target.nodePool", "must differ")),
        ({"target": {"osSKU": "Azure Linux"}}, ("spec.target.osSKU",)),
        ({"target": {"count": 0}}, ("spec.target.count",)),
        ({"strategy": {"type": "Yolo"}}, ("spec.strategy.type", "BlueGreen")),
        ({"strategy": {"batch": {"size": 0}}}, ("spec.strategy.batch.size", "1% to 100%")),
        ({"strategy": {"batch": {"size": "101%"}}}, ("spec.strategy.batch.size", "1% to 100%")),
        ({"strategy": {"batch": {"soak": "soon"}}}, ("spec.strategy.batch.soak",)),
        ({"strategy": {"finalSoak": "200h"}}, ("spec.strategy.finalSoak", "at most 168h")),
        ({"drain": {"timeout": "-5m"}}, ("spec.drain.timeout",)),
        ({"sourcePool": "Burn"}, ("spec.sourcePool", "Delete")),
        (
            {"cluster": {"subscriptionID": "x", "resourceGroup": "g", "name": "n"}},
            ("spec.cluster.subscriptionID",),
        ),
        ({"surprise": True}, ("surprise",)),
    ],
)
def test_bad_specs_are_refused_by_name(
    control_plane: ControlPlane, spec: dict[str, Any], words: tuple[str, ...]
) -> None:
    done = run_kubectl(
        control_plane.kubeconfig, "apply", "--server-side", "-f", "-", stdin=manifest(**spec)
    )
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr


@pytest.mark.cluster
def test_defaults_identity_and_the_finished_lock(control_plane: ControlPlane) -> None:
    config = control_plane.kubeconfig

    def apply(**spec: Any) -> str:
        done = run_kubectl(config, "apply", "-f", "-", stdin=manifest("locked", **spec))
        return done.stdout + done.stderr

    try:
        assert "created" in apply()
        stored = json.loads(kubectl(config, "get", "azlm", "locked", "-o", "json"))
        assert stored["status"] == {"observedGeneration": -1}
        assert stored["spec"]["strategy"]["batch"] == {"size": "10%", "soak": "15m"}
        assert stored["spec"]["sourcePool"] == "Delete"
        assert "spec.source is immutable" in apply(source={"nodePool": "others"})
        assert "spec.target.nodePool is immutable" in apply(target={"nodePool": "late"})
        assert "configured" in apply(drain={"timeout": "1h"})
        finished = '{"status":{"phase":"Succeeded"}}'
        kubectl(
            config,
            "patch",
            "azlm",
            "locked",
            "--subresource=status",
            "--type=merge",
            "-p",
            finished,
        )
        locked = apply(drain={"timeout": "2h"})
        assert "finished" in locked
        assert "spec" in locked
        assert "unchanged" in apply(drain={"timeout": "1h"})
    finally:
        kubectl(config, "delete", "azlm", "locked", "--ignore-not-found")


def test_the_base_renders() -> None:
    base = ROOT / "deploy" / "kustomize" / "base"
    rendered = run_kubectl("/dev/null", "kustomize", str(base))
    assert rendered.returncode == 0, rendered.stderr
    for kind in ("CustomResourceDefinition", "ClusterRole", "Deployment", "PodDisruptionBudget"):
        assert f"kind: {kind}\n" in rendered.stdout
