"""Names in free text: logs, events, messages, and a resource."""

import random

import pytest

from azure_linux_migrator.forecast.pseudonyms import KnownNames
from azure_linux_migrator.forecast.redact import pseudonyms_of, redact_with
from azure_linux_migrator.forecast.redact_text import TextRedaction
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Node, Owner, Pod
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.selectors import Selector

SECRETS = (
    *("payroll", "ledger", "acme", "10.224.0.7", "0f9e", "prod-rg", "12345678", "alice"),
    "2001:db8",
)


def redaction() -> tuple[TextRedaction, ClusterSnapshot]:
    snapshot = ClusterSnapshot(taken_at=1.0)
    snapshot.nodes = [Node("acme-vm-7", "workers")]
    snapshot.pods = [
        Pod(
            NamespacedName("payroll", "ledger-7d9f-abcde"),
            uid="u",
            node="acme-vm-7",
            phase="Running",
            ready=True,
            terminating=False,
            owner=Owner("ReplicaSet", "ledger-7d9f", "r"),
        )
    ]
    snapshot.budgets = [Budget(NamespacedName("payroll", "ledger"), Selector())]
    names = pseudonyms_of(snapshot, random.Random(1), KnownNames("m", frozenset({"workers"})))
    return TextRedaction(snapshot, names, ["acme-prod"]), redact_with(names, snapshot)


@pytest.mark.parametrize(
    "text",
    [
        "pod payroll/ledger-7d9f-abcde: evicted",
        "PodDisruptionBudget payroll/ledger allows 0",
        "ledger-7d9f-zzzzz is Pending (its pod is in no snapshot)",
        "node acme-vm-7 was uncordoned; acme-prod is its cluster",
        "dial tcp 10.224.0.7:443: https://acme-dns.hcp.westeurope.azmk8s.io refused",
        "/subscriptions/0f9e1111-2222-3333-4444-555566667777/resourceGroups/prod-rg/providers/x",
        'uid "0f9e1111-2222-3333-4444-555566667777"',
        "pull acme.azurecr.io/ledger:1.2",
        "eviction of payroll/acme-batch-9 is granted (its Job is gone)",
        "node aks-workers-12345678-vmss00000a is gone",
        "taint team=acme:NoSchedule; webhook validate.acme-pay.example.com denied",
        "Resource group 'prod-rg' could not be found; see MC_prod-rg_acme-prod_westeurope",
        "proximity group /providers/Microsoft.Compute/proximityPlacementGroups/acme-group",
        "ACME-PROD is busy; ask alice@acme.example, or look at 2001:db8::1 and vault.acme.internal",
    ],
)
def test_no_name_of_the_cluster_stays_in_a_text(text: str) -> None:
    shown = redaction()[0].text(text)
    for secret in SECRETS:
        assert secret not in shown.casefold(), shown


def test_words_of_the_product_stay() -> None:
    text = (
        "12:04:05 DrainBlocked: batch 2 of 3; kubernetes.azure.com/agentpool=workers, 14.5 s; "
        "1.34.2; pod.tolerates-cordon; spec.drain.timeout; status.message; azlm.dev/pause; "
        "2026-11-28T00:10:00Z"
    )
    assert redaction()[0].text(text) == text


def test_a_text_and_the_snapshot_agree() -> None:
    words, snapshot = redaction()
    [pod] = snapshot.pods
    assert words.text("payroll/ledger-7d9f-abcde") == str(pod.key)
    assert words.text("acme-vm-7") == snapshot.nodes[0].name


def test_a_resource_loses_what_tools_noted_and_own_words() -> None:
    body = {
        "metadata": {
            "name": "m",
            "managedFields": [{"manager": "acme"}],
            "annotations": {"acme.example/id": "payroll", "azlm.dev/approve": "BeforeDrain-1"},
        },
        "spec": {
            "source": {"nodePool": "workers"},
            "drain": {"order": [{"selector": {"matchLabels": {"app": "acme-pay"}}}]},
            "target": {
                "tags": {"owner": "acme finance"},
                "taints": ["acme-team=ledger:NoSchedule"],
            },
        },
        "status": {"phase": "Running", "message": "pod payroll/ledger-7d9f-abcde waits"},
    }
    shown = redaction()[0].value(body)
    assert "managedFields" not in shown["metadata"]
    assert shown["status"]["phase"] == "Running"
    assert shown["spec"]["source"] == {"nodePool": "workers"}
    assert shown["metadata"]["annotations"]["azlm.dev/approve"] == "BeforeDrain-1"
    for secret in SECRETS:
        assert secret not in str(shown)
