"""A clean preflight snapshot, without findings."""

from dataclasses import replace
from datetime import date
from typing import Any

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.model.azure_facts import (
    AzureFacts,
    ClusterFacts,
    SizeFacts,
    SubnetFacts,
    Usage,
)
from azure_linux_migrator.model.cluster import NamespacedName, Node
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.traits import NO_TRAITS, PodTraits

SUBNET = "/subscriptions/s/resourcegroups/g/providers/microsoft.network/subnets/nodes"


SIZES = {
    "standard_d4s_v5": SizeFacts("dsv5", 4, zones=("1", "2")),
    "standard_d2s_v5": SizeFacts("dsv5", 2),
    "standard_d8s_v5": SizeFacts("dsv5", 8, unavailable="NotAvailableForSubscription"),
    "standard_nc24ads_a100_v4": SizeFacts("nc", 24, gpus=1),
    "standard_nv16as_v4": SizeFacts("nv", 16, gpus=1),
    "standard_nc80adis_h100_v5": SizeFacts("nc", 80, gpus=2),
    "standard_nd96isr_mi300x_v5": SizeFacts("nd", 96, gpus=8),
}


def spec(**more: Any) -> MigrationSpec:
    return MigrationSpec.model_validate({"source": {"nodePool": "src"}} | more)


def source(*, settings: dict[str, Any] | None = None, **more: Any) -> Pool:
    properties = {"currentOrchestratorVersion": "1.34.2", "maxPods": 30, **(settings or {})}
    fields: dict[str, Any] = {
        "name": "src",
        "os_sku": "Ubuntu",
        "count": 4,
        "vm_size": "Standard_D4s_v5",
        "properties": properties,
    }
    return Pool(**(fields | more))


def snapshot(**changes: Any) -> PreflightSnapshot:
    """A clean snapshot: nothing blocks and nothing warns."""
    old = changes.pop("source", None) or source()
    facts = AzureFacts(
        cluster=ClusterFacts(
            kubernetes_version="1.34.2",
            network_plugin="azure",
            network_plugin_mode="overlay",
            pod_cidrs=("10.244.0.0/16",),
            node_resource_group="MC_g_c_r",
            subscription="Sub",
        ),
        usages={"dsv5": Usage(16, 100), "cores": Usage(16, 100)},
        sizes=SIZES,
        subnets={SUBNET: SubnetFacts(("10.0.0.0/22",), 10)},
        denied=(),
        locks=(),
        windows=(),
        extensions=(),
        services=(),
        versions=("1.33.9", "1.34.2"),
        identities=(),
        attachments=(),
        images=("AKSAzureLinux-V3gen2-202610.01.0",),
    )
    changed = {name: changes.pop(name) for name in tuple(changes) if hasattr(facts, name)}
    base = PreflightSnapshot(
        spec=spec(),
        source=old,
        target="srcazl",
        extra=4,
        pools={"src": old, "system": Pool("system", mode="System", count=2)},
        today=date(2026, 11, 24),
        nodes=(Node("s-0", "src", node_resource_group="sub/mc_g_c_r"),),
        workloads=(workload(),),
        facts=replace(facts, **changed),
    )
    return replace(base, **changes)


def workload(traits: PodTraits = NO_TRAITS, **more: Any) -> WorkloadFacts:
    fields: dict[str, Any] = {
        "kind": "Pod",
        "key": NamespacedName("default", "web-1"),
        "owner": "Deployment default/web",
        "replicas": 3,
        "traits": traits,
    }
    return WorkloadFacts(**(fields | more))
