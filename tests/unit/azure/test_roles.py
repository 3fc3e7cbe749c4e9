"""The two Azure roles, and the Bicep and Terraform modules that make them."""

import json
import re
from pathlib import Path
from typing import Any

import hcl2
import pytest

from azure_linux_migrator.azure.failures import classify_failure
from azure_linux_migrator.azure.roles import WRITER_ACTIONS
from azure_linux_migrator.errors import AzureError

ROOT = Path(__file__).resolve().parents[3]
AZURE = ROOT / "deploy" / "azure"
ROLES = ("writer", "surveyor")


def role(name: str) -> dict[str, Any]:
    """A role definition as az reads it."""
    return dict(json.loads((AZURE / f"{name}.json").read_text()))


def test_every_action_of_the_roles_is_explained() -> None:
    page = (ROOT / "docs" / "azure-role.md").read_text()
    for name in ROLES:
        for action in role(name)["Actions"]:
            tail = re.sub(r"^Microsoft\.\w+/(managedClusters/|virtualNetworks/)?", "", action)
            assert tail in page, action


def test_only_the_writer_changes_anything() -> None:
    assert all(action.endswith("/read") for action in role("surveyor")["Actions"])
    changing = [action for action in role("writer")["Actions"] if not action.endswith("/read")]
    assert sorted(action.split("/", 1)[1] for action in changing) == [
        "managedClusters/agentPools/delete",
        "managedClusters/agentPools/deleteMachines/action",
        "managedClusters/agentPools/write",
        "virtualNetworks/subnets/join/action",
    ]


def test_what_the_preflight_reads_is_in_a_role() -> None:
    """Each resource type that azure/facts.py asks for."""
    source = (ROOT / "operator" / "azure_linux_migrator" / "azure" / "facts.py").read_text()
    asked = set(re.findall(r"/providers/(Microsoft\.[^\"]+)\"", source))
    asked |= set(re.findall(r"\{cluster_id\}/(\w+)\"", source))
    assert len(asked) >= 5
    actions = {action.lower() for name in ROLES for action in role(name)["Actions"]}
    for path in asked:
        last = path.rsplit("/", 1)[-1].lower()
        assert any(f"/{last}/read" in action for action in actions), path


def _blocks(text: dict[str, Any], kind: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (type_.strip('"'), name.strip('"')): body
        for block in text[kind]
        for type_, names in block.items()
        for name, body in names.items()
    }


def test_the_terraform_module_makes_what_the_role_page_says() -> None:
    main = hcl2.loads((AZURE / "terraform" / "main.tf").read_text())
    resources = _blocks(main, "resource")
    assert {type_ for type_, _ in resources} == {
        "azurerm_role_definition",
        "azurerm_user_assigned_identity",
        "azurerm_federated_identity_credential",
        "azurerm_role_assignment",
    }
    scopes = {
        name: str(body["scope"]).strip("${}")
        for (type_, name), body in resources.items()
        if type_ == "azurerm_role_assignment"
    }
    assert scopes == {
        "writes": "var.cluster_id",
        "joins": "each.value",
        "surveys": "local.subscription",
    }
    text = (AZURE / "terraform" / "main.tf").read_text()
    variables = hcl2.loads((AZURE / "terraform" / "variables.tf").read_text())["variable"]
    declared = {name.strip('"') for block in variables for name in block}
    assert set(re.findall(r"var\.(\w+)", text)) == declared
    for name in ROLES:
        assert f"{name}.json" in text, "the role has one home"


def test_the_bicep_module_makes_what_the_role_page_says() -> None:
    texts = {path.name: path.read_text() for path in (AZURE / "bicep").iterdir()}
    main = texts["main.bicep"]
    for name in ROLES:
        assert f"loadJsonContent('../{name}.json')" in main, "the role has one home"
    for module in re.findall(r"module \w+ '([\w.]+)'", main):
        params = set(re.findall(r"^param (\w+)", texts[module], re.MULTILINE))
        body = main[main.index(f"'{module}'") :]
        given = re.search(r"params: \{(.*?)\n  \}", body, re.DOTALL)
        assert given is not None
        assert set(re.findall(r"^\s+(\w+):", given.group(1), re.MULTILINE)) == params
    for name, text in texts.items():
        assert text.count("{") == text.count("}"), name
        assert text.count("(") == text.count(")"), name
    joined = "\n".join(texts.values())
    assert joined.count("Microsoft.Authorization/roleAssignments@") == 3
    assert "federatedIdentityCredentials@" in joined


SUBNET = (
    "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/p"
)


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (
            "LinkedAuthorizationFailed",
            (
                "The client has permission to perform action "
                "'Microsoft.ContainerService/managedClusters/agentPools/write' on scope "
                "'/subscriptions/s/resourceGroups/g'; however, it does not have "
                "permission to perform action(s) "
                f"'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) "
                f"'{SUBNET}' (respectively) or the linked scope(s) are invalid."
            ),
            ("subnets/join/action", SUBNET),
        ),
        (
            "AuthorizationFailed",
            (
                "The client does not have authorization to perform action "
                "'Microsoft.ContainerService/managedClusters/agentPools/write' over scope "
                "'/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/"
                "managedClusters/c' or the scope is invalid."
            ),
            ("agentPools/write", "managedClusters/c"),
        ),
        ("AuthorizationFailed", "no.", ("docs/azure-role.md",)),
    ],
)
def test_a_refused_right_quotes_the_action_and_the_scope(
    code: str, message: str, words: tuple[str, ...]
) -> None:
    failure = classify_failure(AzureError(code, message, status=403))
    assert not failure.retryable
    for word in words:
        assert word in failure.remedy
    assert "the writer role" in failure.remedy


def test_a_right_that_no_role_of_azlm_has_is_not_promised_of_one() -> None:
    """A pool may name resources for which the writer role has no right."""
    prefix = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/publicIPPrefixes/p"
    message = (
        "The client does not have permission to perform action(s) "
        f"'Microsoft.Network/publicIPPrefixes/join/action' on the linked scope(s) '{prefix}'"
    )
    error = AzureError("LinkedAuthorizationFailed", message, status=403)
    assert classify_failure(error).remedy == (
        f"give the operator's identity Microsoft.Network/publicIPPrefixes/join/action on {prefix}"
    )


def test_the_role_is_known_by_the_actions_that_it_has() -> None:
    assert set(role("writer")["Actions"]) == WRITER_ACTIONS
