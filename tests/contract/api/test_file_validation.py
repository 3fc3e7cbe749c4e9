"""What the API server refuses by the CRD's rules, azlm refuses in a file: both with the same
list."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from azure_linux_migrator.api.crd import NAME_RULE, crd
from azure_linux_migrator.api.file_validation import parse_spec, refusals
from azure_linux_migrator.api.quantities import share
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.spec_drain import PodSelectorTerm
from azure_linux_migrator.api.spec_target import Autoscaling, Target
from tests.support.specs import BAD, BAD_FOR_AZLM, GOOD

SOURCE = {"source": {"nodePool": "workers"}}


def _messages_of(spec: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        parse_spec(SOURCE | spec)
    return refusals(caught.value)


def _messages(node: dict[str, Any]) -> Iterator[str]:
    """Of every rule of the definition."""
    yield from (validation["message"] for validation in node.get("x-kubernetes-validations", ()))
    for child in (*node.get("properties", {}).values(), node.get("items", {})):
        if isinstance(child, dict) and child:
            yield from _messages(child)


WORDED = list(_messages(crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))


@pytest.mark.parametrize(("spec", "field", "words"), BAD)
def test_a_bad_spec_is_refused_in_the_apiservers_words(
    spec: dict[str, Any], field: str, words: str
) -> None:
    messages = "\n".join(_messages_of(spec))
    assert field in messages
    if any(words in message for message in WORDED):
        assert words in messages


@pytest.mark.parametrize(("spec", "words"), BAD_FOR_AZLM)
def test_keys_of_maps_are_refused_by_azlm(spec: dict[str, Any], words: str) -> None:
    assert words in "\n".join(_messages_of(spec))


def test_an_unknown_check_is_reported_with_the_nearest_one() -> None:
    [message] = _messages_of({"preflight": {"acknowledge": ["pdb.zer"]}})
    assert message == (
        "spec.preflight.acknowledge[0]: pdb.zer is the id of no preflight check; is pdb.zero meant?"
    )


@pytest.mark.parametrize("spec", GOOD)
def test_the_edges_of_a_good_spec_are_taken(spec: dict[str, Any]) -> None:
    whole = SOURCE | spec
    assert parse_spec(whole).source.node_pool == whole["source"]["nodePool"]


def test_every_rule_that_is_not_about_a_change_is_known_in_python_too() -> None:
    rules = (
        *MigrationSpec.rules,
        *Target.rules,
        *Autoscaling.rules,
        *PodSelectorTerm.rules,
        NAME_RULE,
    )
    assert rules
    for rule in rules:
        assert (rule.holds is None) == ("oldSelf" in rule.cel), rule.message


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"drain": {"timeOut": "1m"}}, "spec.drain.timeOut is no field; is timeout meant?"),
        ({"surprise": 1}, "spec.surprise is no field"),
        ({"paused": "yes"}, 'spec.paused must be true or false, not "yes"'),
        ({"target": {"maxPods": "30"}}, 'spec.target.maxPods must be a whole number, not "30"'),
        ({"approval": "No"}, "spec.approval must be 'Automatic', 'BeforeDrain' or 'BeforeRetire'"),
        ({"cluster": {"name": "c"}}, "spec.cluster.subscriptionID is missing"),
        ({"target": {"nodePool": "workers"}}, "spec.target.nodePool must differ"),
    ],
)
def test_a_refusal_names_the_field_and_what_it_wants(spec: dict[str, Any], message: str) -> None:
    assert _messages_of(spec)[0].startswith(message)


@pytest.mark.parametrize("size", ["abc", "33 %", "0%", 0, "", "1001"])
def test_what_is_no_size_is_messages_of(size: str | int) -> None:
    with pytest.raises(ValueError, match="is not a size; write a number of nodes"):
        share(size, 10)
