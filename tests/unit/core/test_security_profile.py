"""Secure Boot and vTPM: what the spec asks for, and what Azure Container Linux and Trusted Launch
images allow."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.azure.template import target_body
from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.preflight.rules import evaluate
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.azure_facts import ClusterFacts, SizeFacts
from tests.support.preflight_snapshots import snapshot, source, spec

BOTH = {"enableSecureBoot": True, "enableVTPM": True}
ACL = {"osSKU": "AzureContainerLinux", "securityProfile": BOTH}
GEN2 = SizeFacts("dsv5", 4, zones=("1", "2"))


def findings_of(rule: str, shape: PreflightSnapshot, severity: Severity) -> list[Finding]:
    return [
        finding
        for finding in evaluate(shape)
        if finding.rule == rule and finding.severity is severity
    ]


def blocks(**changes: Any) -> str:
    wanted = changes.pop("target", ACL)
    shape = snapshot(spec=spec(target=wanted), **changes)
    return " ".join(map(str, findings_of("vm.image-combo", shape, Severity.BLOCK)))


def size(name: str, **more: Any) -> dict[str, Any]:
    """A target of this size, as Azure shows it."""
    return {
        "target": ACL | {"vmSize": name},
        "sizes": {name.lower(): replace(GEN2, **more)},
    }


def test_an_ordinary_pool_moves_to_azure_container_linux_with_both_switched_on() -> None:
    assert blocks() == ""
    without = blocks(target={"osSKU": "AzureContainerLinux"})
    assert "needs secure boot and vtpm, which the new pool would not have" in without
    assert "spec.target.securityProfile" in without
    one = blocks(target=ACL | {"securityProfile": {"enableVTPM": True}})
    assert "needs secure boot, which" in one


def test_all_that_is_missing_is_in_the_remedy() -> None:
    old = {"vmSize": "Standard_D4s_v5", "osSKU": "AzureContainerLinux"}
    sizes = {"standard_d4s_v5": replace(GEN2, generations=("V1",))}
    text = blocks(target=old, sizes=sizes)
    assert "set spec.target.vmSize to a size of generation 2 and set enableSecureBoot" in text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (size("Standard_D4s_v5", trusted_launch=False), "does not support Trusted Launch"),
        (size("Standard_D4s_v5", generations=("V1",)), "needs gen2"),
        (size("Standard_D4ps_v5", arch="Arm64"), "arm64 below v6"),
        (size("Standard_ND128isr_GB200_v6", arch="Arm64", gpus=4), "arm64 with gpu"),
    ],
)
def test_azure_container_linux_has_no_image_for(changes: dict[str, Any], text: str) -> None:
    assert text in blocks(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        size("Standard_D4ps_v6", arch="Arm64"),
        size("Standard_NC24ads_A100_v4", gpus=1),
    ],
)
def test_azure_container_linux_has_images_for(changes: dict[str, Any]) -> None:
    assert blocks(**changes) == ""


@pytest.mark.parametrize("setting", ["enableVTPM", "enableSecureBoot"])
def test_one_of_both_is_enough_for_the_trusted_launch_image_that_fips_has_not(setting: str) -> None:
    old = source(settings={"enableFIPS": True, "securityProfile": {setting: True}})
    assert "fips with trusted" in blocks(target={}, source=old)
    off = {"securityProfile": {setting: False}}
    assert blocks(target=off, source=old) == "", "switched off by the spec"


@pytest.mark.parametrize(
    ("channel", "warned"), [("SecurityPatch", 1), ("Unmanaged", 1), ("NodeImage", 0), ("None", 0)]
)
def test_channels_that_do_not_update_azure_container_linux(channel: str, warned: int) -> None:
    shape = snapshot(spec=spec(target=ACL))
    assert isinstance(shape.facts.cluster, ClusterFacts)
    facts = replace(shape.facts.cluster, node_os_channel=channel)
    shape = snapshot(spec=spec(target=ACL), cluster=facts)
    warnings = map(str, findings_of("maintenance", shape, Severity.WARN))
    assert sum("supports" in warning for warning in warnings) == warned
    shape = snapshot(cluster=facts)
    warnings = map(str, findings_of("maintenance", shape, Severity.WARN))
    assert not any("supports" in warning for warning in warnings), (
        "AzureLinux supports all channels"
    )


def test_secure_boot_and_the_gpu_driver_of_aks_do_not_go_together() -> None:
    wanted = {"vmSize": "Standard_NC24ads_A100_v4", "securityProfile": {"enableSecureBoot": True}}
    shape = snapshot(spec=spec(target=wanted))
    assert "gpuProfile" in " ".join(map(str, findings_of("gpu", shape, Severity.WARN)))
    old = source(settings={"gpuProfile": {"driver": "None"}})
    shape = snapshot(spec=spec(target=wanted), source=old)
    assert "gpuProfile" not in " ".join(map(str, findings_of("gpu", shape, Severity.WARN)))


def test_the_body_has_what_the_spec_asks_for_and_keeps_the_rest_of_the_profile() -> None:
    old = {"vmSize": "Standard_D4s_v5", "securityProfile": {"sshAccess": "Disabled"}}
    body = target_body(
        old,
        os_sku="AzureContainerLinux",
        count=1,
        overrides=spec(target=ACL).target.settings,
        tags={},
    )
    assert body["properties"]["securityProfile"] == BOTH | {"sshAccess": "Disabled"}
    plain = target_body(old, os_sku="AzureLinux", count=1, overrides={}, tags={})
    assert plain["properties"]["securityProfile"] == {"sshAccess": "Disabled"}


def test_in_place_trusted_launch_comes_with_the_change_to_azure_container_linux_only() -> None:
    """learn.microsoft.com/azure/azure-linux/tutorial-migrate-azure-container-linux-aks"""
    for wanted, refused in ((ACL, 0), ({"securityProfile": BOTH}, 1)):
        shape = snapshot(spec=spec(target=wanted, strategy={"type": "InPlace"}), target="src")
        assert len(findings_of("pool.in-place", shape, Severity.BLOCK)) == refused
