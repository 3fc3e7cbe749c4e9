"""The page on the hand-over to Terraform: the code that is printed, and what a plan says about it.

AZLM_WRITE_DOCS=1 writes the page; otherwise it is compared.
"""

import os
from collections.abc import Iterator
from typing import Any

from azure_linux_migrator.azure import terraform
from azure_linux_migrator.model.pool import Pool
from tests.docs.pages import DOCS
from tests.support.azurerm import ATTRIBUTES, DEFAULT_POOL, RESOURCE, Outcome, outcome, plan

PAGE = DOCS / "azure-handover.md"
NETWORK = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/net/providers/"
    "Microsoft.Network/virtualNetworks/prod/subnets/nodes"
)
COMMON: dict[str, Any] = {
    "vmSize": "Standard_D8s_v5",
    "osSKU": "AzureLinux",
    "osType": "Linux",
    "osDiskType": "Ephemeral",
    "osDiskSizeGB": 128,
    "kubeletDiskType": "OS",
    "maxPods": 60,
    "orchestratorVersion": "1.34.2",
    "availabilityZones": ["1", "2", "3"],
    "vnetSubnetID": NETWORK,
    "scaleDownMode": "Delete",
    "upgradeSettings": {"maxSurge": "33%", "drainTimeoutInMinutes": 45},
}
TAGS = (("azlm-migration", "workers"), ("azlm-source-pool", "workers"), ("owner", "shop"))
USER = Pool(
    "workersazl",
    os_sku="AzureLinux",
    count=12,
    vm_size="Standard_D8s_v5",
    autoscaling=True,
    tags=TAGS,
    properties=COMMON
    | {
        "mode": "User",
        "minCount": 3,
        "maxCount": 20,
        "nodeLabels": {"team": "shop"},
        "nodeTaints": ["dedicated=shop:NoSchedule"],
        "kubeletConfig": {"cpuManagerPolicy": "static", "podMaxPids": 4096},
        "linuxOSConfig": {"sysctls": {"vmMaxMapCount": 262144}},
        "securityProfile": {"enableVTPM": True, "enableSecureBoot": True},
    },
)
SYSTEM = Pool(
    "systemazl",
    os_sku="AzureLinux",
    mode="System",
    count=3,
    vm_size="Standard_D8s_v5",
    tags=TAGS,
    properties=COMMON | {"mode": "System", "nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"]},
)
OTHER_OS = Pool("workersazl", os_sku="AzureContainerLinux", properties=COMMON)

HEAD = """# The hand-over to Terraform

Written by `tests/docs/test_azure_handover.py`. Where a migration ends, the pool has another name.
This page shows what `azlm handover -f migration.yaml --format terraform` prints for a User pool
and for the `default_node_pool` of a cluster, and what `terraform plan` says about each argument
afterwards. The plan is computed from the schema of
[azurerm](https://github.com/hashicorp/terraform-provider-azurerm) 4 and from what its
read functions put into the state, as of 2026-08-21; no Terraform has run against Azure. Version 5
calls `container_log_max_line` and `transparent_huge_page_enabled` otherwise
(`container_log_max_files`, `transparent_huge_page`), and `max_unavailable` needs a version 4 of
2026.

A name in the `default_node_pool` that is not the one of the pool which the provider takes for it
replaces the cluster. The provider takes the pool that its state names, whatever its mode is, and
the first System pool of the cluster if that is gone. So nothing is changed while the old pool is
there, and no other System pool may precede the new one when the state is refreshed.

The only change that a plan shows is that the tags `azlm-*` are removed from the pool. Apply it
after the migration has ended: until then the operator finds its pool by them.
"""
BLOCKS = (
    "kubelet_config",
    "linux_os_config",
    "node_network_profile.allowed_host_ports",
    "node_network_profile.node_public_ip_tags",
    "upgrade_settings.max_surge",
    "upgrade_settings.drain_timeout_in_minutes",
    "upgrade_settings.undrainable_node_behavior",
)
WORDS = {
    "os_sku": (
        "{} between Ubuntu and Azure Linux, otherwise replaces it",
        "{} between Ubuntu and Azure Linux, otherwise replaces every node",
    ),
    "upgrade_settings.drain_timeout_in_minutes": ("{} where it is removed", "{}"),
    "upgrade_settings.undrainable_node_behavior": ("{} where it is removed", "no such argument"),
}


def section(title: str, pool: Pool, old: str) -> Iterator[str]:
    text = terraform.change(pool, old)
    yield from ("", f"## {title}", "", "```hcl", *text.splitlines(), "```", "")
    yield from ("| argument | on the pool | in the code | plan |", "|---|---|---|---|")
    for line in plan(text, pool):
        if line.there in (None, "", False, [], {}) and line.asked is None:
            continue
        there, asked = shown(line.there), shown(line.asked)
        yield f"| `{line.argument}` | {there} | {asked} | {line.outcome or 'no change'} |"


def shown(value: object) -> str:
    """A value as in the code, or that there is none."""
    match value:
        case None:
            return "not set"
        case bool():
            return f"`{str(value).lower()}`"
        case str() if value.startswith("/subscriptions"):
            return f"`…/{value.rpartition('/')[2]}`"
        case dict():
            return f"`{', '.join(f'{key}={value[key]}' for key in sorted(value))}`"
        case list():
            return f"`{', '.join(map(str, value))}`"
    return f"`{value}`"


def differences() -> Iterator[str]:
    yield from ("", "## What a difference means", "")
    yield from (f"| argument | in `{RESOURCE}` | in `{DEFAULT_POOL}` |", "|---|---|---|")
    for name in sorted({*ATTRIBUTES, *BLOCKS, "only_critical_addons_enabled"}):
        own, default = WORDS.get(name, ("{}", "{}"))
        attribute = ATTRIBUTES.get(name)
        if attribute is not None and not attribute.of_default_pool:
            default = "no such argument"
        if name == "only_critical_addons_enabled":
            own = "no such argument"
        in_pool = own.format(outcome(name, default_pool=False))
        in_default = default.format(outcome(name, default_pool=True))
        yield f"| `{name}` | {in_pool} | {in_default} |"


def page() -> str:
    lines = [
        HEAD.rstrip(),
        *section("A User pool", USER, "workers"),
        *section("The default pool of a cluster", SYSTEM, "system"),
        "",
        "With `sourcePool: Keep` or `ScaleToZero`, while the old pool is there:",
        "",
        "```hcl",
        *terraform.change(SYSTEM, "system", stays=True).splitlines(),
        "```",
        *differences(),
        "",
        "## A pool that the provider does not know",
        "",
        "Then no resource is printed:",
        "",
        "```hcl",
        *terraform.change(OTHER_OS, "workers").splitlines(),
        "```",
    ]
    return "\n".join(lines) + "\n"


def test_the_page_shows_the_code_and_what_a_plan_says() -> None:
    text = page()
    if os.environ.get("AZLM_WRITE_DOCS"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "run it with AZLM_WRITE_DOCS=1"


def test_a_plan_of_the_examples_only_removes_the_tags() -> None:
    for pool, old in ((USER, "workers"), (SYSTEM, "system")):
        lines = plan(terraform.change(pool, old), pool)
        changed = {line.argument: line.outcome for line in lines if line.outcome}
        assert changed == {"tags": Outcome.UPDATE}


def test_every_argument_that_is_printed_has_a_row() -> None:
    listed = PAGE.read_text().partition("## What a difference means")[2]
    for name in terraform.ARGUMENTS:
        assert f"\n| `{name}` |" in listed, name
