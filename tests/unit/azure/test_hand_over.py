"""The code for the new pool: complete, readable by a parser, and destroying nothing."""

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

import hcl2
import pytest
from azure.mgmt.containerservice import models

from azure_linux_migrator.azure import bicep, terraform, terraform_blocks
from azure_linux_migrator.azure.iac_values import bicep as bicep_value
from azure_linux_migrator.azure.iac_values import hcl
from azure_linux_migrator.azure.policies import POLICIES, Policy
from azure_linux_migrator.model.pool import Pool
from tests.support.pool_properties import EVERYTHING
from tests.support.worlds import target


def pool(**more: Any) -> Pool:
    properties = EVERYTHING | {"mode": more.get("mode", "User")}
    return target(properties=properties, tags=(*target().tags, ("owner", "me")), **more)


def parsed(text: str) -> dict[str, Any]:
    return dict(hcl2.load(io.StringIO(text + "\n")))


def only(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    [block] = blocks
    return block


def unquoted(value: object) -> object:
    """The parser keeps the quotes of strings, and adds marks of its own."""
    match value:
        case str():
            return value.strip('"')
        case list():
            return [unquoted(item) for item in value]
        case Mapping():
            return {unquoted(key): unquoted(item) for key, item in value.items() if "__" not in key}
    return value


def resource() -> dict[str, Any]:
    whole: Any = unquoted(parsed(terraform.change(pool(), "src")))
    block = only(whole["resource"])[terraform.RESOURCE]["srcazl"]
    assert isinstance(block, dict)
    return block


def test_a_user_pool_is_imported_and_the_old_one_forgotten_without_being_destroyed() -> None:
    whole: Any = unquoted(parsed(terraform.change(pool(), "src")))
    imported = only(whole["import"])
    assert imported["id"] == "${azurerm_kubernetes_cluster.example.id}/agentPools/srcazl"
    removed = only(whole["removed"])
    assert "node_pool.src" in str(removed["from"])
    assert only(removed["lifecycle"])["destroy"] is False


def test_every_argument_that_would_replace_or_rotate_the_pool_is_there() -> None:
    block = resource()
    assert terraform.ARGUMENTS.keys() <= block.keys()
    assert block["zones"] == ["1", "2"]
    assert block["fips_enabled"] is False, "a value of false is a value"
    assert block["spot_max_price"] == -1
    assert only(block["kubelet_config"])["container_log_max_line"] == 4
    linux = only(block["linux_os_config"])
    sysctls = only(linux["sysctl_config"])
    assert sysctls["net_ipv4_ip_local_port_range_min"] == 32000
    assert sysctls["net_ipv4_tcp_tw_reuse"] is True
    assert only(block["upgrade_settings"])["drain_timeout_in_minutes"] == 30
    assert only(only(block["node_network_profile"])["allowed_host_ports"])["port_end"] == 81
    assert block["gpu_driver"] == "None"
    assert block["tags"] == {"owner": "me"}


def test_the_default_node_pool_is_changed_in_its_block_and_nothing_else() -> None:
    text = terraform.change(pool(mode="System"), "src")
    whole: Any = unquoted(parsed(text))
    assert {key for key in whole if not key.startswith("__")} == {"default_node_pool"}
    block = only(whole["default_node_pool"])
    assert block["name"] == "srcazl"
    assert block["vm_size"] == "Standard_D4s_v5"
    for foreign in ("mode", "node_taints", "priority", "kubernetes_cluster_id", "os_type"):
        assert foreign not in block, "the block has no such argument"
    assert "REPLACEMENT OF THE CLUSTER" in text
    assert "state rm" not in text


def test_a_system_pool_for_add_ons_only_says_so() -> None:
    taints = {"nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"], "mode": "System"}
    text = terraform.change(target(mode="System", properties=taints), "src")
    assert "only_critical_addons_enabled = true" in text


def test_what_the_provider_cannot_express_is_said_and_no_resource_is_printed() -> None:
    text = terraform.change(target(os_sku="AzureContainerLinux"), "src")
    assert "does not know os_sku 'AzureContainerLinux'" in text
    assert parsed(text) == {} or "resource" not in parsed(text)
    many_sizes = terraform.change(target(kind="VirtualMachines"), "src")
    assert "does not know pools of type VirtualMachines" in many_sizes
    notes = terraform.change(pool(), "src").splitlines()[-2]
    assert "messageOfTheDay" in notes
    assert "securityProfile" in notes


def test_a_system_pool_that_the_block_cannot_describe_warns_of_an_apply() -> None:
    for more in ({"os_sku": "AzureContainerLinux"}, {"properties": {"workloadRuntime": "Kata"}}):
        text = terraform.change(target(mode="System", **more), "src")
        assert "REPLACES THE CLUSTER" in text
        assert "default_node_pool {" not in text


def test_an_autoscaler_comes_with_its_bounds_and_no_count() -> None:
    scaled = target(autoscaling=True, properties={"minCount": 2, "maxCount": 9, "count": 4})
    text = terraform.change(scaled, "src")
    assert re.search(r"max_count += 9", text)
    assert "node_count" not in text
    assert "count: 4" not in bicep.resource(scaled, "src")


def rest_names(model: type) -> Iterator[str]:
    """The properties of a model of the SDK, as ARM spells them."""
    model()
    yield from (field._rest_name for field in model._attr_to_rest_field.values())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("model", "names", "left_out"),
    [
        (models.SysctlConfig, terraform_blocks.SYSCTLS, {"netIpv4IpLocalPortRange"}),
        (models.KubeletConfig, terraform_blocks.KUBELET, {"failSwapOn", "seccompDefault"}),
        (models.AgentPoolUpgradeSettings, terraform_blocks.UPGRADE, set()),
    ],
)
def test_the_blocks_know_every_property_of_the_sdks_model(
    model: type, names: Mapping[str, str], left_out: set[str]
) -> None:
    assert set(rest_names(model)) - left_out == set(names.values())


def test_every_property_of_a_pool_is_an_argument_or_said_not_to_be() -> None:
    """POLICIES is held against the SDK's model by test_template."""
    covered = {*terraform.ARGUMENTS.values(), *terraform_blocks.BLOCKS.values()}
    covered |= {*terraform.UNMANAGED, "gpuProfile", "tags", "type", "virtualMachinesProfile"}
    covered |= {"count", "minCount", "maxCount", "enableAutoScaling"}
    unset = {Policy.STRIP, Policy.REFUSE}
    assert {name for name, policy in POLICIES.items() if policy not in unset} == covered


def test_bicep_has_every_property_that_can_be_set() -> None:
    text = bicep.resource(pool(), "src")
    for name in EVERYTHING:
        assert f"\n    {name}: " in text, name
    assert "'team/name': 'a'" in text
    assert "quote: 'say \"hi\" \\${now}'" in text
    assert "spotMaxPrice: -1\n" in text
    assert "      enableVTPM: true" in text
    assert "owner: 'me'" in text
    assert "azlm-" not in text


@pytest.mark.parametrize(
    ("value", "in_hcl", "in_bicep"),
    [
        (True, "true", "true"),
        (3, "3", "3"),
        (0.05, "0.05", "json('0.05')"),
        ("it's", '"it\'s"', "'it\\'s'"),
        ("a\\b", '"a\\\\b"', "'a\\\\b'"),
        ("${x} %{y}", '"$${x} %%{y}"', "'\\${x} %{y}'"),
        ([], "[]", "[]"),
    ],
)
def test_values_are_quoted_as_the_language_does(value: object, in_hcl: str, in_bicep: str) -> None:
    assert hcl(value) == in_hcl
    assert bicep_value(value) == in_bicep
