"""Checks of the source pool, its mode and its name."""

import re
from collections.abc import Iterator

from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_traits import target_traits
from azure_linux_migrator.model.azure_facts import ClusterFacts
from azure_linux_migrator.model.migration import POOL_NAME_LIMIT, TARGET_SUFFIX
from azure_linux_migrator.model.provisioning_state import UNFINISHED

_NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
INVISIBLE = (
    "nodeInitializationTaints",
    "upgradeStrategy",
    "upgradeSettingsBlueGreen",
    "upgradeSettings.maxBlockedNodes",
    "nodeCustomizationProfile",
)
"""Settings of preview APIs that a read by the stable API does not show (REST API 2026-08-01)."""
SYSTEM_NODES = 2
SYSTEM_VCPUS = 4
SYSTEM_LEAST_VCPUS = 2
SYSTEM_LEAST_GB = 4
"""What is recommended for a System pool, and what is refused
(learn.microsoft.com/azure/aks/use-system-pools)."""
SYSTEM_PODS = 30
POOL_PODS = 30
"""learn.microsoft.com/azure/aks/azure-cni-overview: the least pods of a whole pool."""
_CODE = re.compile(
    r"(?i:terraform|opentofu|bicep|pulumi|cluster-api|azure-service-operator|crossplane|argocd|"
    r"fluxcd|gitops)|(?<![A-Za-z])(?i:aso|capz|iac|tofu)(?![A-Za-z])|"
    r"(?<=[a-z])(?:ASO|Aso|CAPZ|Capz|IAC|IaC|Iac|Tofu)(?![a-z])"
)
"""Tools that make node pools from code, in a tag: the short names, which are parts of other words
(season), as a word of their own or of a name such as managedByIaC."""
_TERRAFORM = re.compile(r"terraform|tofu|iac|gitops|argocd|fluxcd", re.IGNORECASE)
"""Terraform, OpenTofu with the same provider, or no name of a tool that makes pools."""


def flavour(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.windows-or-flavor: only running, healthy Linux scale-set pools can move."""
    finding_of, pool = of_pool(snapshot, "os.windows-or-flavor"), snapshot.source
    wrong = {
        f"it runs {pool.os_type}": pool.os_type != "Linux",
        "it is a Gateway pool, whose egress addresses would change": pool.mode == "Gateway",
        "it is of the retired type AvailabilitySet": pool.kind == "AvailabilitySet",
        f"it is {pool.power}": pool.power != "Running",
        f"its last operation ended {pool.state}": pool.state in UNFINISHED,
    }
    for text, is_wrong in wrong.items():
        if is_wrong:
            yield finding_of.block(
                text, f"look at it with az aks nodepool show --name {pool.name} … and fix that"
            )


def name(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.name: a name that AKS accepts and no pool has."""
    result = of_pool(snapshot, "pool.name")
    if not _NAME.match(snapshot.target):
        yield result.block(
            f"{snapshot.target} is no name for a node pool",
            "set spec.target.nodePool to at most 12 lower-case letters and digits",
        )
        return
    full = f"{snapshot.source.name}{TARGET_SUFFIX}"
    generated = snapshot.spec.target.node_pool is None
    if generated and snapshot.target not in (full, snapshot.source.name):
        yield result.info(
            f"the new pool is called {snapshot.target}, because {full} has more than "
            f"{POOL_NAME_LIMIT} characters; set spec.target.nodePool to choose another name"
        )
    if "trusted" in target_traits(snapshot) and len(snapshot.target) > 11:
        yield result.warn(
            f"{snapshot.target} has 12 characters; the pages on Trusted Launch allow 11",
            "set spec.target.nodePool to a shorter name if AKS refuses it",
        )


def system(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.system: a System pool's replacement must do as a System pool."""
    finding_of, pool = of_pool(snapshot, "pool.system"), snapshot.source
    if pool.mode != "System":
        return
    wanted = snapshot.spec.target.count
    count = wanted if isinstance(wanted, int) else pool.count
    cluster = snapshot.facts.cluster
    hosted = isinstance(cluster, ClusterFacts) and cluster.hosted_system
    if count < SYSTEM_NODES and not hosted:
        yield finding_of.warn(
            f"a System pool of {count} node is below the {SYSTEM_NODES} that AKS asks for",
            "set spec.target.count to 2 or more",
        )
    if snapshot.spec.target.max_pods is not None and snapshot.spec.target.max_pods < SYSTEM_PODS:
        yield finding_of.block(
            f"maxPods {snapshot.spec.target.max_pods} is below a System pool's {SYSTEM_PODS}",
            "raise spec.target.maxPods",
        )
    facts = snapshot.size_facts
    vcpus = facts.vcpus if facts is not None else 0
    burstable = re.match(r"^standard_b", snapshot.vm_size.lower())
    memory = facts.memory_gb if facts is not None else 0.0
    if 0 < vcpus < SYSTEM_LEAST_VCPUS or 0 < memory < SYSTEM_LEAST_GB:
        yield finding_of.block(
            f"VM size {snapshot.vm_size} has {vcpus} vCPU and {memory:g} GB; AKS refuses System "
            f"pools below {SYSTEM_LEAST_VCPUS} vCPUs and {SYSTEM_LEAST_GB} GB",
            "set spec.target.vmSize",
        )
    elif burstable or 0 < vcpus < SYSTEM_VCPUS:
        what = "is burstable" if burstable else f"has {vcpus} vCPUs"
        yield finding_of.warn(
            f"VM size {snapshot.vm_size} {what}; AKS takes it, and recommends {SYSTEM_VCPUS} vCPUs "
            "of another series for System pools",
            "consider another spec.target.vmSize",
        )
    for taint in snapshot.spec.target.taints or ():
        if not (taint.startswith("CriticalAddonsOnly") or taint.endswith(":PreferNoSchedule")):
            yield finding_of.block(
                f"taint {taint} is not allowed on a System pool",
                "take it out of spec.target.taints",
            )


def pods_of_pool(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.max-pods: AKS refuses a pool that cannot hold 30 pods as a whole."""
    limit = snapshot.spec.target.max_pods or snapshot.source.settings.max_pods
    nodes = snapshot.extra
    if snapshot.target == snapshot.source.name or not limit or not nodes:
        return
    if limit * nodes < POOL_PODS:
        least = -(-POOL_PODS // limit)
        rolls = snapshot.spec.strategy.type is StrategyType.ROLLING
        yield of_pool(snapshot, "pool.max-pods").block(
            f"the new pool begins with {nodes} nodes of maxPods {limit}, which are "
            f"{limit * nodes} pods, and AKS refuses a pool below {POOL_PODS}",
            f"set {'spec.strategy.maxSurge' if rolls else 'spec.target.count'} to {least} or more, "
            "or raise spec.target.maxPods",
        )


def infrastructure_as_code(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """iac.owner: code that manages the pool has to be changed with it."""
    marks = sorted(
        f"{key}={value}" for key, value in snapshot.source.tags if _CODE.search(f"{key}={value}")
    )
    finding_of = of_pool(snapshot, "iac.owner")
    in_place = snapshot.spec.strategy.type is StrategyType.IN_PLACE
    stays = snapshot.spec.source_pool is not SourcePool.DELETE
    if marks:
        by_code = f"its tags say that code manages it ({', '.join(marks[:3])})"
        if in_place:
            yield finding_of.warn(
                f"{by_code}; the next apply would change its OS SKU back",
                "stop its pipeline meanwhile, and set the new OS SKU in the code afterwards",
            )
        else:
            again = "" if stays else ", and the next apply would make the old one again"
            yield finding_of.warn(
                f"{by_code}; the new pool has another name{again}",
                "stop its pipeline meanwhile; status.handOver holds the change to make afterwards",
            )
    others = marks and not any(_TERRAFORM.search(mark) for mark in marks)
    if snapshot.source.mode == "System" and not in_place and not others:
        yield finding_of.warn(
            "it is a System pool: if Terraform made the cluster, it is probably the "
            "default_node_pool, and an apply that finds another name in default_node_pool.name "
            "than the pool that the provider takes for it replaces the whole cluster",
            f"change nothing in that block while pool {snapshot.source.name} exists"
            if stays
            else "do not apply from the start of the migration on, until pool "
            f"{snapshot.source.name} is gone and that block is changed as azlm handover --format "
            "terraform prints it",
        )


def size(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.size: what count: Auto comes to."""
    if snapshot.spec.target.count == "Auto":
        yield of_pool(snapshot, "pool.size").info(
            f"spec.target.count Auto comes to {snapshot.final} nodes for what its pods request "
            f"now, in place of {snapshot.source.count}"
        )


def preview(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.preview: settings that azlm cannot see, and so does not copy."""
    if snapshot.target == snapshot.source.name:
        yield of_pool(snapshot, "pool.preview").info(
            "the stable API does not show a Node Disruption Policy (preview) of the cluster, by "
            "which AKS may refuse to change nodes that exist"
        )
        return
    yield of_pool(snapshot, "pool.preview").info(
        f"if a preview API set {', '.join(INVISIBLE)} on it, the new pool will not have them: the "
        "stable API does not show them"
    )


def scale_down(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.scale-down: nodes that leave a pool and stay registered."""
    rolls = snapshot.spec.strategy.type is StrategyType.ROLLING
    empties = snapshot.spec.source_pool is SourcePool.SCALE_TO_ZERO
    in_place = snapshot.spec.strategy.type is StrategyType.IN_PLACE
    if snapshot.source.settings.deallocates and (rolls or empties) and not in_place:
        what = "strategy Rolling" if rolls else "sourcePool ScaleToZero"
        yield of_pool(snapshot, "pool.scale-down").block(
            f"its scaleDownMode is Deallocate: with {what}, nodes that leave stay registered, "
            "NotReady, and be waited for without end",
            "set it to Delete (az aks nodepool update --scale-down-mode Delete), or use strategy "
            "BlueGreen with sourcePool Delete",
        )
