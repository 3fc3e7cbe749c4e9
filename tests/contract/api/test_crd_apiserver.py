"""A real API server accepts the definition, fills defaults, and refuses invalid specs by name."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl, run_kubectl
from tests.support.specs import BAD, CLUSTER, GOOD

pytestmark = pytest.mark.cluster

NAME = "checked"


class Applied:
    """A migration on the apiserver; no operator runs, so its status is what a test sets."""

    def __init__(self, plane: ControlPlane) -> None:
        self._config = plane.kubeconfig

    def apply(self, spec: dict[str, Any], *, name: str = NAME) -> tuple[bool, str]:
        """Whether the API server accepted it, and the output of kubectl."""
        body = {
            "apiVersion": "azlm.dev/v1alpha1",
            "kind": "AzureLinuxMigration",
            "metadata": {"name": name},
            "spec": {"source": {"nodePool": "workers"}} | spec,
        }
        done = run_kubectl(self._config, "apply", "-f", "-", stdin=json.dumps(body))
        return done.returncode == 0, done.stdout + done.stderr

    def set_status(self, **status: Any) -> None:
        """Write the status, as the operator would."""
        patch = json.dumps({"status": status})
        command = ("patch", "azlm", NAME, "--subresource=status", "--type=merge", "-p", patch)
        kubectl(self._config, *command)

    def stored(self) -> dict[str, Any]:
        """The stored resource."""
        return dict(json.loads(kubectl(self._config, "get", "azlm", NAME, "-o", "json")))

    def kubectl(self, *args: str) -> str:
        """kubectl as admin."""
        return kubectl(self._config, *args)


@pytest.fixture
def migration(control_plane: ControlPlane) -> Iterator[Applied]:
    yield Applied(control_plane)
    kubectl(control_plane.kubeconfig, "delete", "azlm", "--all", "--ignore-not-found")


@pytest.mark.parametrize(("spec", "field", "words"), BAD)
def test_a_bad_spec_is_refused(
    migration: Applied, spec: dict[str, Any], field: str, words: str
) -> None:
    taken, answer = migration.apply(spec)
    assert not taken
    assert field in answer
    assert words in answer


@pytest.mark.parametrize("spec", GOOD)
def test_the_edges_of_a_good_spec_are_taken(migration: Applied, spec: dict[str, Any]) -> None:
    taken, answer = migration.apply(spec)
    assert taken, answer


def test_a_long_name_is_refused(migration: Applied) -> None:
    assert migration.apply({}, name="a" * 63)[0]
    taken, answer = migration.apply({}, name="a" * 64)
    assert not taken
    assert "metadata.name" in answer
    assert "at most 63 characters" in answer


def test_defaults_are_filled_in_and_nothing_else(migration: Applied) -> None:
    assert migration.apply({})[0]
    assert migration.stored()["spec"] == {
        "mode": "Run",
        "source": {"nodePool": "workers"},
        "target": {"osSKU": "AzureLinux"},
        "strategy": {
            "type": "BlueGreen",
            "canary": {"nodes": 1, "soak": "10m"},
            "batch": {"size": "10%", "soak": "15m"},
            "finalSoak": "60m",
            "maxSurge": "10%",
        },
        "drain": {
            "timeout": "30m",
            "unmanagedPods": "Block",
            "emptyDir": "Evict",
            "jobs": "Wait",
            "onTimeout": "Pause",
            "order": [],
            "prefetch": False,
            "singletons": "Evict",
            "implicitBudgets": "Keep",
            "unhealthyReplacements": "Hold",
        },
        "sourcePool": "Delete",
        "preflight": {"acknowledge": []},
        "approval": "Automatic",
        "onFailure": "Pause",
        "paused": False,
    }


def test_nested_defaults_apply_beside_what_was_given(migration: Applied) -> None:
    assert migration.apply({"strategy": {"batch": {"size": 3}}})[0]
    strategy = migration.stored()["spec"]["strategy"]
    assert strategy["batch"] == {"size": 3, "soak": "15m"}
    assert strategy["finalSoak"] == "60m"


def test_a_new_migration_is_not_taken_for_a_finished_one(migration: Applied) -> None:
    assert migration.apply({})[0]
    assert migration.stored()["status"] == {"observedGeneration": -1}


CHANGES = [
    ({"source": {"nodePool": "others"}}, "spec.source", "immutable"),
    ({"cluster": CLUSTER}, "spec.cluster", "immutable"),
    ({"target": {"nodePool": "late"}}, "spec.target.nodePool", "immutable"),
]


@pytest.mark.parametrize(("spec", "field", "words"), CHANGES)
def test_what_a_migration_is_about_cannot_change(
    migration: Applied, spec: dict[str, Any], field: str, words: str
) -> None:
    assert migration.apply({})[0]
    taken, answer = migration.apply(spec)
    assert not taken
    assert field in answer
    assert words in answer
    assert "create another" in answer


@pytest.mark.parametrize(
    "later", [{}, {"cluster": CLUSTER | {"name": "other"}, "target": {"nodePool": "second"}}]
)
def test_what_was_given_cannot_be_taken_back(migration: Applied, later: dict[str, Any]) -> None:
    assert migration.apply({"cluster": CLUSTER, "target": {"nodePool": "first"}})[0]
    taken, answer = migration.apply(later)
    assert not taken
    assert "spec.cluster is immutable" in answer
    assert "spec.target.nodePool is immutable" in answer


def test_the_rest_can_change_while_it_runs(migration: Applied) -> None:
    assert migration.apply({})[0]
    migration.set_status(phase="Running", step="Drain")
    taken, answer = migration.apply(
        {"drain": {"timeout": "2h"}, "strategy": {"batch": {"size": 5}}, "paused": True}
    )
    assert taken, answer


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("Preflight", True),
        ("CreateTarget", True),
        ("CordonSource", False),
        ("Drain", False),
        ("Soak", False),
        ("RetireSource", False),
    ],
)
def test_the_targets_settings_change_only_until_it_stands(
    migration: Applied, step: str, expected: bool
) -> None:
    assert migration.apply({"target": {"count": 3}})[0]
    migration.set_status(phase="Running", step=step)
    taken, answer = migration.apply({"target": {"count": 4}})
    assert taken is expected, answer
    if not expected:
        assert "spec.target: Forbidden" in answer
        assert "az aks nodepool" in answer


def test_a_finished_migration_is_locked(migration: Applied) -> None:
    assert migration.apply({})[0]
    migration.set_status(phase="Succeeded", observedGeneration=1)
    taken, answer = migration.apply({"drain": {"timeout": "2h"}})
    assert not taken
    assert "spec: Forbidden" in answer
    assert "delete it and create another" in answer
    assert migration.apply({}) == (True, f"azurelinuxmigration.azlm.dev/{NAME} unchanged\n")
    migration.kubectl("label", "azlm", NAME, "team=platform")
    migration.set_status(message="still told")
    assert migration.stored()["status"]["message"] == "still told"


def test_the_table_shows_what_an_admin_asks_first(migration: Applied) -> None:
    assert migration.apply({})[0]
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": "Draining",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    migration.set_status(
        phase="Running",
        targetPool="workersazl",
        step="Drain",
        nodes={"progress": "3/12"},
        pods={"remaining": 41},
        conditions=[ready],
    )
    head, row, *_ = migration.kubectl("get", "azlm").splitlines()
    assert head.split() == ["NAME", "SOURCE", "TARGET", "PHASE", "NODES", "READY", "REASON", "AGE"]
    shown = row.split()
    assert shown[:-1] == [NAME, "workers", "workersazl", "Running", "3/12", "False", "Draining"]
    wide = migration.kubectl("get", "azlm", "-o", "wide")
    assert "PODS" in wide
    assert "41" in wide
    assert NAME in migration.kubectl("get", "azure"), "the category lists it"
