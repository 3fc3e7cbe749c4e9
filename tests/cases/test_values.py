"""Values that cannot work are refused by name, with the nearest one that can."""

from typing import Any

import pytest

from azure_linux_migrator.model.migration import Migration
from tests.support.preflight_cluster import PreflightCluster


@pytest.mark.parametrize(
    ("os_sku", "target", "refused"),
    [
        ("AzureLinux", {}, True),
        ("azurelinux", {}, True),
        ("AzureLinux3", {}, True),
        ("AzureLinux", {"vmSize": "standard_d16s_v5"}, True),
        ("AzureLinux", {"vmSize": "Standard_D4s_v5"}, False),
        ("AzureLinux", {"osSKU": "AzureLinux3"}, False),
        ("CBLMariner", {}, False),
        ("Ubuntu", {}, False),
    ],
)
def test_a_pool_that_runs_the_os_already(
    os_sku: str, target: dict[str, Any], *, refused: bool
) -> None:
    cluster = PreflightCluster(properties={"osSKU": os_sku})
    progress = cluster.preflight(target=target)
    assert (progress.reason == "AlreadyTargetOS") is refused
    if refused:
        assert f"workers (spec.source.nodePool) runs {os_sku} already" in progress.message
    in_place = cluster.preflight(target=target if "osSKU" in target else {}, strategy=IN_PLACE)
    assert in_place.reason != "AlreadyTargetOS"


IN_PLACE = {"type": "InPlace"}


@pytest.mark.parametrize(
    ("target", "rule", "words"),
    [
        ({"osSKU": "AzureLinxu"}, "os.target-k8s", "spec.target.osSKU to AzureLinux;"),
        ({"osSKU": "Ubuntu"}, "os.target-k8s", "spec.target.osSKU to AzureLinux"),
        (
            {"vmSize": "Standard_D4s_v9"},
            "sku.zone-capacity",
            "spec.target.vmSize to standard_d4s_v5",
        ),
        ({"zones": ["9"]}, "sku.zone-capacity", "some of 1, 2, 3"),
    ],
)
def test_values_that_azure_does_not_have(target: dict[str, Any], rule: str, words: str) -> None:
    [finding] = PreflightCluster().findings(rule, target=target)
    assert finding.blocks
    assert words in finding.remedy


def test_values_that_azure_has_are_taken() -> None:
    target = {"vmSize": "Standard_D4s_v5", "zones": ["1", "3"], "osSKU": "AzureLinux3"}
    cluster = PreflightCluster()
    assert not cluster.findings("os.target-k8s", target=target)
    assert not cluster.findings("sku.zone-capacity", target=target)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("workers", "workersazl"),
        ("ninechars", "ninecharsazl"),
        ("workersazl", "workersazazl"),
        ("production01", "product01azl"),
        ("production02", "product02azl"),
        ("p12345678901", "p45678901azl"),
        ("twelveletter", "twelveletazl"),
    ],
)
def test_generated_names_are_those_that_a_person_would_choose(source: str, expected: str) -> None:
    migration: Migration = PreflightCluster().migration(source={"nodePool": source})
    assert migration.new_pool == expected
