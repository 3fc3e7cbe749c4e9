"""Health, actions and notifications as Argo CD itself runs them, by its `admin` commands."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.gitops.argocd_admin import PATCHES, notification, override
from tests.support.gitops.states import STATES

VERBS = ("pause", "resume", "approve", "rollback", "abort", "retry")
TRIGGERED: dict[str, set[str]] = {
    "new": set(),
    "draining and blocked": {"azlm-started", "azlm-blocked"},
    "paused by a word": set(),
    "waiting for an approval": {"azlm-started", "azlm-approval"},
    "aborted": {"azlm-failed"},
    "rolled back": {"azlm-rolled-back"},
    "finished": {"azlm-done"},
}


@pytest.mark.parametrize("state", STATES)
def test_health(tmp_path: Path, state: str) -> None:
    body, health = STATES[state]
    assert f"STATUS: {health}\n" in override(tmp_path, "health", body)


def test_actions_are_listed(tmp_path: Path) -> None:
    body, _ = STATES["draining and blocked"]
    lines = override(tmp_path, "list-actions", body).splitlines()
    assert lines[0].split() == ["NAME", "DISABLED"]
    disabled = dict(line.split() for line in lines[1:])
    assert set(disabled) == set(VERBS)
    enabled = {verb for verb, state in disabled.items() if state == "false"}
    assert enabled == {"pause", "rollback", "abort"}


@pytest.mark.parametrize("verb", VERBS)
def test_an_action_sets_its_annotation(tmp_path: Path, verb: str) -> None:
    body, _ = STATES["waiting for an approval"]
    assert f"azlm.dev/{verb}:" in override(tmp_path, "run-action", body, verb)


@pytest.mark.parametrize("state", TRIGGERED)
def test_notifications_are_triggered(tmp_path: Path, state: str) -> None:
    application = holding(tmp_path, state)
    patch = yaml.safe_load((PATCHES / "notifications.yaml").read_text())["data"]
    names = {key.partition(".")[2] for key in patch if key.startswith("trigger.")}
    triggered = {
        name for name in names if fires(notification(tmp_path, "trigger", "run", name, application))
    }
    assert triggered == TRIGGERED[state]
    for name in triggered:
        text = notification(tmp_path, "template", "notify", name, application)
        assert "azlm-migrations: a migration" in text
        assert f"m: {STATES[state][1]}: " in text


def holding(scratch: Path, state: str) -> dict[str, Any]:
    """An Application as it is with a migration in this state."""
    lines = override(scratch, "health", STATES[state][0]).splitlines()
    health = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}
    kept = {"status": health["status"], "message": health["message"]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "azlm-migrations", "namespace": "argocd"},
        "status": {"resources": [{"kind": "AzureLinuxMigration", "name": "m", "health": kept}]},
    }


def fires(output: str) -> bool:
    """The last column of the table of results."""
    [line] = output.splitlines()[1:]
    return line.split()[-1] == "true"
