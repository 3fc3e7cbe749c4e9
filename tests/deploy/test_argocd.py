"""Argo CD's scripts, run as Lua on statuses that the operator writes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import LuaRuntime  # type: ignore[import-untyped]

from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.core.reconcile.intents import token
from tests.support.gitops.states import STATES, resource
from tests.support.worlds import at, migration

ARGOCD = Path(__file__).resolve().parents[2] / "deploy" / "gitops" / "argocd"
SCRIPTS = ARGOCD / "azlm.dev" / "AzureLinuxMigration"
VERBS = ("pause", "resume", "approve", "rollback", "abort", "retry")


def run(script: str, body: dict[str, Any]) -> Any:
    """A script's result for a resource, with the libraries that Argo CD opens: neither `string`
    nor `math`, and `os` only by `require`."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.execute("debug.setmetatable('', nil); string, math, io, os, debug = nil")
    lua.globals().obj = lua.table_from(body, recursive=True)
    return lua.execute((SCRIPTS / script).read_text())


def test_every_phase_is_among_the_states() -> None:
    phases = {body["status"]["phase"] for body, _ in STATES.values() if "status" in body}
    assert phases == set(Phase) - {Phase.PENDING}, "Pending is the one without a status"


@pytest.mark.parametrize("state", STATES)
def test_health_follows_the_conditions(state: str) -> None:
    body, expected = STATES[state]
    assert run("health.lua", body)["status"] == expected


def test_a_blocked_drain_says_so_and_never_looks_healthy() -> None:
    health = run("health.lua", STATES["draining and blocked"][0])
    assert health["message"].startswith("blocked: PodDisruptionBudget default/web allows 0")


def test_a_status_of_an_older_generation_is_no_verdict() -> None:
    body, _ = STATES["aborted"]
    stale = body | {"metadata": body["metadata"] | {"generation": 2}}
    assert run("health.lua", stale)["status"] == "Progressing"


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("draining and blocked", {"pause", "rollback", "abort"}),
        ("paused by a word", {"resume", "rollback", "abort"}),
        ("waiting for an approval", {"pause", "approve", "rollback", "abort"}),
        ("aborted", {"retry"}),
        ("moved back", {"pause", "abort"}),
        ("timed out", {"pause", "rollback", "abort", "retry"}),
        ("planned", set()),
    ],
)
def test_actions_are_offered_where_they_have_an_effect(state: str, enabled: set[str]) -> None:
    actions = run("actions/discovery.lua", STATES[state][0])
    assert {verb for verb in VERBS if not actions[verb]["disabled"]} == enabled


@pytest.mark.parametrize("verb", VERBS)
def test_an_action_is_a_new_word_to_the_operator(verb: str) -> None:
    wanted = migration(at("Drain", handled_approval="BeforeDrain"), approval="BeforeDrain")
    changed = run(f"actions/{verb}/action.lua", resource(wanted, wanted.status))
    annotations = dict(changed["metadata"]["annotations"].items())
    value = token(replace(wanted, annotations=annotations), f"azlm.dev/{verb}")
    assert value == annotations[f"azlm.dev/{verb}"]
    assert value.startswith("BeforeDrain." if verb == "approve" else "20")


def test_the_patch_of_the_configmap_holds_these_scripts() -> None:
    data = yaml.safe_load((ARGOCD / "argocd-cm.yaml").read_text())["data"]
    prefix, kind = "resource.customizations", "azlm.dev_AzureLinuxMigration"
    assert data[f"{prefix}.health.{kind}"] == (SCRIPTS / "health.lua").read_text()
    actions = yaml.safe_load(data[f"{prefix}.actions.{kind}"])
    assert actions["discovery.lua"] == (SCRIPTS / "actions" / "discovery.lua").read_text()
    definitions = {item["name"]: item["action.lua"] for item in actions["definitions"]}
    assert definitions == {
        verb: (SCRIPTS / "actions" / verb / "action.lua").read_text() for verb in VERBS
    }
