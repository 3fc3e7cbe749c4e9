"""Every preflight rule: a case with its finding, and the clean snapshot without it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from msgspec import structs

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.preflight.identity import as_label
from azure_linux_migrator.core.preflight.rules import RULES, evaluate
from azure_linux_migrator.core.preflight.snapshot import BudgetFacts, PreflightSnapshot
from azure_linux_migrator.kube.node_resource_group import node_resource_group_of
from azure_linux_migrator.model.azure_facts import (
    ClusterFacts,
    Lock,
    SizeFacts,
    SubnetFacts,
    Unread,
    Usage,
)
from azure_linux_migrator.model.cluster import (
    Allocatable,
    Budget,
    NamespacedName,
    Node,
    ScaleOwner,
    Volume,
)
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import (
    HOSTNAME,
    SchedulingConstraints,
    Toleration,
    TopologySpread,
)
from azure_linux_migrator.model.selectors import Selector
from azure_linux_migrator.model.traits import NO_TRAITS, AppArmor, HostPath, PodTraits
from tests.support.preflight_snapshots import SUBNET, snapshot, source, spec, workload
from tests.support.recordings import recorded


def with_workload(traits: PodTraits = NO_TRAITS, **more: Any) -> dict[str, Any]:
    return {"workloads": (workload(traits, **more),)}


def selecting(**labels: str) -> SchedulingConstraints:
    """A node selector."""
    return SchedulingConstraints(tuple(sorted(labels.items())))


def with_blocker(cause: Cause) -> dict[str, Any]:
    kind = "PodDisruptionBudget" if cause is Cause.BUDGET_SYNC_FAILED else "Pod"
    return {
        "blockers": (
            Blocker(cause, kind, NamespacedName("default", "web"), "allows none", "raise it"),
        )
    }


def with_budget(**status: int) -> dict[str, Any]:
    """A budget with that status, of which one pod is not Ready if not all are healthy."""
    key = NamespacedName("default", "web")
    unready = ((NamespacedName("default", "web-1"), 0.0),)
    all_healthy = status["healthy"] == status["expected"]
    budget = structs.replace(Budget(key, Selector()), **status)
    return {"budgets": (BudgetFacts(budget, 3, unready=() if all_healthy else unready),)}


UNMANAGED = Blocker(
    Cause.UNMANAGED,
    "Pod",
    NamespacedName("default", "web-1"),
    "pod default/web-1: no controller would replace it",
    "delete it",
)
CNI = ClusterFacts(network_plugin="azure", kubernetes_version="1.34.2")

SPEAKS: list[tuple[str, Severity, dict[str, Any], str]] = [
    (
        "os.target-k8s",
        Severity.BLOCK,
        {"source": source(settings={"currentOrchestratorVersion": "1.31.9"})},
        "2.0",
    ),
    (
        "os.target-k8s",
        Severity.BLOCK,
        {
            "spec": spec(target={"osSKU": "AzureLinux3"}),
            "source": source(settings={"currentOrchestratorVersion": "1.37.0"}),
        },
        "1.37",
    ),
    ("os.target-k8s", Severity.BLOCK, {"spec": spec(target={"osSKU": "AzureLinux9"})}, "table"),
    ("os.target-k8s", Severity.BLOCK, {"spec": spec(target={"osSKU": "Ubuntu"})}, "no Azure Linux"),
    ("os.target-k8s", Severity.BLOCK, {"spec": spec(target={"osSKU": "CBLMariner"})}, "retires"),
    ("os.windows-or-flavor", Severity.BLOCK, {"source": source(mode="Gateway")}, "egress"),
    ("os.windows-or-flavor", Severity.BLOCK, {"source": source(power="Stopped")}, "Stopped"),
    (
        "vm.image-combo",
        Severity.BLOCK,
        {
            "source": source(
                settings={
                    "enableFIPS": True,
                    "securityProfile": {"enableVTPM": True, "enableSecureBoot": True},
                }
            )
        },
        "fips with trusted",
    ),
    (
        "vm.image-combo",
        Severity.BLOCK,
        {"spec": spec(target={"osSKU": "AzureContainerLinux"})},
        "secure boot and vtpm",
    ),
    (
        "vm.image-combo",
        Severity.BLOCK,
        {"spec": spec(target={"vmSize": "Standard_NV16as_v4"})},
        "AMD GPU",
    ),
    *(
        (
            "cluster.identity",
            Severity.BLOCK,
            {"nodes": (Node("s-0", "src", node_resource_group=node_resource_group),)},
            node_resource_group,
        )
        for node_resource_group in ("sub/mc_g_other_r", "other/mc_g_c_r", "mc_g_other_r")
    ),
    ("cluster.busy", Severity.BLOCK, {"cluster": replace(CNI, state="Upgrading")}, "Upgrading"),
    (
        "cluster.max-pools",
        Severity.BLOCK,
        {"pools": {f"p{n}": Pool(f"p{n}") for n in range(100)}},
        "100",
    ),
    ("pool.name", Severity.BLOCK, {"target": "Not-a-name"}, "Not-a-name"),
    ("pool.system", Severity.WARN, {"source": source(mode="System", count=1)}, "1 node"),
    (
        "pool.system",
        Severity.WARN,
        {"source": source(mode="System"), "spec": spec(target={"vmSize": "Standard_D2s_v5"})},
        "recommends 4 vCPUs",
    ),
    (
        "quota.vcpu",
        Severity.BLOCK,
        {"usages": {"dsv5": Usage(90, 100)}},
        "10 of 100",
    ),
    (
        "quota.vcpu",
        Severity.WARN,
        {
            "source": source(autoscaling=True, settings={"minCount": 1, "maxCount": 50}),
        },
        "maximum",
    ),
    (
        "sku.zone-capacity",
        Severity.WARN,
        {"spec": spec(target={"vmSize": "Standard_D8s_v5"})},
        "NotAvailable",
    ),
    (
        "sku.zone-capacity",
        Severity.WARN,
        {"source": source(settings={"proximityPlacementGroupID": "/x/ppg"})},
        "ppg",
    ),
    (
        "subnet.ip",
        Severity.BLOCK,
        {
            "cluster": CNI,
            "source": source(settings={"vnetSubnetID": SUBNET}),
            "subnets": {SUBNET: SubnetFacts(("10.0.0.0/25",), 10)},
        },
        "310 addresses of 123",
    ),
    (
        "subnet.ip",
        Severity.BLOCK,
        {
            "cluster": ClusterFacts(
                kubernetes_version="1.34.2",
                network_plugin_mode="overlay",
                pod_cidrs=("10.0.0.0/22",),
            )
        },
        "room for 4",
    ),
    (
        "outbound.ports",
        Severity.BLOCK,
        {"cluster": replace(CNI, outbound_ports=16000, outbound_addresses=2)},
        "208000 ports",
    ),
    (
        "rbac.arm",
        Severity.BLOCK,
        {"denied": ("Microsoft.ContainerService/managedClusters/agentPools/write",)},
        "agentPools/write",
    ),
    ("lock.policy", Severity.WARN, {"locks": (Lock("keep", "CanNotDelete", "c"),)}, "keep"),
    ("nap", Severity.BLOCK, {"cluster": replace(CNI, node_provisioning="Auto")}, "imageFamily"),
    (
        "autoscaler.source",
        Severity.FIXED,
        {"source": source(autoscaling=True, settings={"minCount": 2, "maxCount": 6})},
        "2 to 6",
    ),
    (
        "autoscaler.profile",
        Severity.WARN,
        {
            "cluster": replace(CNI, autoscaler_profile={"balance-similar-node-groups": "true"}),
            "pools": {"other": Pool("other", autoscaling=True)},
        },
        "other",
    ),
    ("maintenance", Severity.WARN, {"cluster": replace(CNI, upgrade_channel="patch")}, "patch"),
    ("iac.owner", Severity.WARN, {"source": source(tags=(("by", "terraform"),))}, "terraform"),
    ("iac.owner", Severity.WARN, {"source": source(mode="System")}, "replaces the whole cluster"),
    (
        "pool.size",
        Severity.INFO,
        {"spec": spec(target={"count": "Auto"}), "final": 3},
        "3 nodes",
    ),
    (
        "pool.scale-down",
        Severity.BLOCK,
        {
            "source": source(settings={"scaleDownMode": "Deallocate"}),
            "spec": spec(sourcePool="ScaleToZero"),
        },
        "--scale-down-mode Delete",
    ),
    (
        "pool.scale-down",
        Severity.BLOCK,
        {
            "source": source(settings={"scaleDownMode": "Deallocate"}),
            "spec": spec(strategy={"type": "Rolling"}),
        },
        "strategy Rolling",
    ),
    ("pool.preview", Severity.INFO, {}, "nodeInitializationTaints"),
    ("pdb.zero", Severity.BLOCK, with_blocker(Cause.BUDGET_SYNC_FAILED), "allows none"),
    ("pdb.zero", Severity.BLOCK, with_budget(healthy=3, desired=3, expected=3), "3 of 3 pods"),
    (
        "pdb.unhealthy",
        Severity.WARN,
        with_budget(healthy=1, desired=2, expected=3),
        "pods web-1 are not Ready",
    ),
    (
        "pod.selector-pool",
        Severity.BLOCK,
        with_workload(scheduling=selecting(agentpool="src")),
        "agentpool=src",
    ),
    (
        "node.held",
        Severity.WARN,
        {"nodes": (Node("s-0", "src", upgrade_status="paused"),)},
        "upgrade-status=paused",
    ),
    (
        "pod.tolerates-cordon",
        Severity.WARN,
        with_workload(scheduling=SchedulingConstraints(tolerations=(Toleration("", "Exists"),))),
        "node.kubernetes.io/unschedulable",
    ),
    (
        "pod.daemonset-selector",
        Severity.WARN,
        with_workload(
            scheduling=selecting(**{"kubernetes.azure.com/os-sku": "Ubuntu"}),
            kind="DaemonSet",
            owner="DaemonSet default/agent",
        ),
        "os-sku=Ubuntu",
    ),
    (
        "pod.bare",
        Severity.BLOCK,
        with_workload(owner="", replicas=0, blocker=UNMANAGED),
        "no controller would replace it",
    ),
    ("pod.local-data", Severity.WARN, with_workload(empty_dir=True), "emptyDir"),
    (
        "pod.pv-zone",
        Severity.BLOCK,
        with_workload(volumes=(Volume("pv", NamespacedName("default", "c"), ("westeurope-2",)),)),
        "zone westeurope-2",
    ),
    (
        "pod.fit",
        Severity.BLOCK,
        {"spec": spec(target={"taints": ["a=b:NoSchedule"]})},
        "taint a=b:NoSchedule",
    ),
    (
        "pool.capacity",
        Severity.BLOCK,
        {
            "final": 1,
            "nodes": (Node("s-0", "src", allocatable=Allocatable(1000, 1000, 30)),),
            "workloads": (workload(requests=(600, 10)), workload(requests=(600, 10))),
        },
        "1.2 CPU",
    ),
    (
        "pod.spread",
        Severity.BLOCK,
        {
            "final": 2,
            **with_workload(scheduling=SchedulingConstraints(spread=(TopologySpread(HOSTNAME),))),
        },
        "nodes count as empty",
    ),
    (
        "storage.replicated",
        Severity.BLOCK,
        with_workload(kind="DaemonSet", owner="DaemonSet longhorn-system/longhorn-manager"),
        "Longhorn",
    ),
    ("os.seccomp", Severity.WARN, with_workload(PodTraits(seccomp=True)), "seccomp"),
    (
        "pod.pv-zone",
        Severity.WARN,
        {
            "spec": spec(target={"zones": ["1"]}),
            "source": source(settings={"availabilityZones": ["1", "2"]}),
        },
        "zone 2",
    ),
    ("pod.safe-to-evict", Severity.WARN, with_workload(PodTraits(kept_by=("x/safe",))), "x/safe"),
    ("pod.safe-to-evict", Severity.WARN, with_workload(PodTraits(grace_seconds=900)), "900 s"),
    ("pod.safe-to-evict", Severity.WARN, with_workload(run_once=True), "runs to completion"),
    ("pod.single-replica", Severity.WARN, with_workload(replicas=1), "SurgeFirst"),
    (
        "surge.gitops",
        Severity.FIXED,
        {
            **with_workload(replicas=1, scaled_by=ScaleOwner.ARGO_CD, restarts=True),
            "spec": spec(drain={"singletons": "SurgeFirst"}),
        },
        "Argo CD",
    ),
    (
        "surge.hpa",
        Severity.FIXED,
        {
            **with_workload(replicas=1, scaled_by=ScaleOwner.AUTOSCALER, restarts=True),
            "spec": spec(drain={"singletons": "SurgeFirst"}),
        },
        "an autoscaler",
    ),
    (
        "os.apparmor",
        Severity.WARN,
        with_workload(PodTraits(apparmor=AppArmor.LOCALHOST)),
        "AppArmor",
    ),
    (
        "os.apparmor",
        Severity.BLOCK,
        with_workload(PodTraits(apparmor=AppArmor.LOCALHOST))
        | {"spec": spec(target={"osSKU": "AzureContainerLinux"})},
        "SELinux",
    ),
    (
        "pod.affinity",
        Severity.BLOCK,
        with_workload(beside="Deployment default/cache"),
        "Deployment default/cache",
    ),
    (
        "pod.shared-disk",
        Severity.BLOCK,
        {
            "workloads": tuple(
                workload(
                    volumes=(
                        Volume(
                            "pv",
                            NamespacedName("default", "data"),
                            access_modes=("ReadWriteOnce",),
                        ),
                    )
                )
                for _ in range(2)
            )
        },
        "share disk pv",
    ),
    (
        "pod.owner-scale",
        Severity.UNCHECKED,
        {"unread_scales": {"CloneSet.apps.kruise.io": "may not"}},
        "may not",
    ),
    (
        "os.cert-path",
        Severity.BLOCK,
        with_workload(PodTraits(host_paths=(HostPath("/etc/ssl/certs/ca-certificates.crt"),))),
        "ca-bundle.crt",
    ),
    (
        "os.pkg-manager",
        Severity.WARN,
        with_workload(PodTraits(commands=("apt-get",), privileged=True)),
        "apt-get",
    ),
    (
        "os.kernel-module",
        Severity.WARN,
        with_workload(PodTraits(commands=("modprobe",))),
        "modules",
    ),
    (
        "os.kernel-regression",
        Severity.WARN,
        {"images": ("AKSAzureLinux-V3gen2-202608.01.0",)},
        "soft lockups",
    ),
    (
        "os.io",
        Severity.INFO,
        with_workload(
            owner="StatefulSet default/db",
            volumes=(Volume("pv", NamespacedName("default", "data"), driver="disk.csi.azure.com"),),
        ),
        "StatefulSet default/db",
    ),
    (
        "vm.disks",
        Severity.BLOCK,
        {
            "source": source(settings={"osDiskType": "Ephemeral", "osDiskSizeGB": 128}),
            "spec": spec(target={"vmSize": "Standard_D2s_v5"}),
            "sizes": {"standard_d2s_v5": SizeFacts("dsv5", 2, ephemeral_gib=50)},
        },
        "room for 50 GiB",
    ),
    (
        "pool.max-pods",
        Severity.BLOCK,
        {"extra": 1, "source": source(settings={"maxPods": 10})},
        "30",
    ),
    (
        "pool.in-place",
        Severity.BLOCK,
        {
            "spec": spec(strategy={"type": "InPlace"}),
            "target": "src",
            "source": source(settings={"workloadRuntime": "KataVmIsolation"}),
        },
        "Kata",
    ),
    (
        "vm.attachment",
        Severity.WARN,
        {"attachments": ("application gateway backend pool web",)},
        "application gateway backend pool web",
    ),
    *(
        (
            "pool.in-place",
            Severity.WARN,
            {
                "cluster": replace(CNI, node_disruption=policy),
                "spec": spec(strategy={"type": "InPlace"}),
                "target": "src",
            },
            policy,
        )
        for policy in ("Block", "AllowDuringMaintenanceWindow")
    ),
    ("vm.identity", Severity.WARN, {"identities": ("app",)}, "identity app"),
    (
        "os.source-image",
        Severity.WARN,
        {
            "spec": spec(strategy={"type": "Rolling"}),
            "source": source(settings={"nodeImageVersion": "AKSAzureLinux-V2gen2-202511.11.0"}),
        },
        "BlueGreen",
    ),
    ("os.sysctl-defaults", Severity.INFO, {}, "rmem_max"),
    (
        "os.cgroup-v2",
        Severity.WARN,
        {"source": source(os_sku="CBLMariner", settings={"currentOrchestratorVersion": "1.28.1"})},
        "cgroup v1",
    ),
    ("os.fips", Severity.WARN, {"source": source(settings={"enableFIPS": True})}, "SymCrypt"),
    ("os.ipv6", Severity.BLOCK, {"services": ("default/front",)}, "default/front"),
    ("os.vm-extension", Severity.WARN, {"extensions": ("Antivirus",)}, "Antivirus"),
    (
        "gpu",
        Severity.WARN,
        {"source": source(vm_size="Standard_NC24ads_A100_v4")},
        "device plugin",
    ),
    ("image.arch-os", Severity.INFO, {}, "no change"),
]

ALWAYS = frozenset(("os.sysctl-defaults", "image.arch-os", "pool.preview"))
OWN = {
    "pod.owner-scale",
    "pod.affinity",
    "pod.shared-disk",
    "os.source-image",
    "outbound.ports",
    "pool.in-place",
    "pool.max-pods",
    "vm.disks",
    "vm.identity",
    "vm.attachment",
    "node.held",
    "pod.tolerates-cordon",
    "cluster.identity",
    "os.seccomp",
    "pdb.unhealthy",
    "pod.fit",
    "pod.spread",
    "pool.capacity",
    "pool.preview",
    "pool.scale-down",
    "pool.size",
    "storage.replicated",
    "surge.gitops",
    "surge.hpa",
}
"""Checks beyond the reference's."""


def findings_of(rule: str, preflight_snapshot: PreflightSnapshot) -> list[Finding]:
    return [finding for finding in evaluate(preflight_snapshot) if finding.rule == rule]


@pytest.mark.parametrize(("rule", "severity", "change", "word"), SPEAKS)
def test_the_rule_reports_its_finding(
    rule: str, severity: Severity, change: dict[str, Any], word: str
) -> None:
    spoken = [
        finding for finding in findings_of(rule, snapshot(**change)) if finding.severity is severity
    ]
    assert spoken, evaluate(snapshot(**change))
    assert any(word in str(finding) for finding in spoken), [str(finding) for finding in spoken]
    for finding in spoken:
        assert finding.remedy or severity in {Severity.INFO, Severity.FIXED}


def test_a_clean_snapshot_passes_every_rule() -> None:
    assert {finding.rule for finding in evaluate(snapshot())} == ALWAYS


def test_the_node_disruption_policy_concerns_a_change_in_place_only() -> None:
    """It is about nodes that exist and are reimaged
    (learn.microsoft.com/azure/aks/node-disruption-policy)."""
    for policy, strategy in (("Allow", "InPlace"), ("Block", "BlueGreen"), ("Block", "Rolling")):
        target = {"target": "src"} if strategy == "InPlace" else {}
        shape = snapshot(
            cluster=replace(CNI, node_disruption=policy),
            spec=spec(strategy={"type": strategy}),
            **target,
        )
        assert findings_of("pool.in-place", shape) == []
    unseen = snapshot(spec=spec(strategy={"type": "InPlace"}), target="src")
    [finding] = findings_of("pool.preview", unseen)
    assert "Node Disruption Policy" in finding.message
    assert "nodeInitializationTaints" not in finding.message, "the pool itself stays"


def test_in_place_the_scale_set_keeps_what_is_on_it() -> None:
    shape = snapshot(
        spec=spec(strategy={"type": "InPlace"}),
        target="src",
        attachments=("data disk 0",),
        identities=("app",),
        extensions=("Antivirus",),
    )
    assert findings_of("vm.attachment", shape) == []
    assert findings_of("vm.identity", shape) == []
    [finding] = findings_of("os.vm-extension", shape)
    assert "not on the new one" not in finding.message
    assert "supports Azure Linux" in finding.remedy


def test_when_the_code_of_a_pool_is_changed_depends_on_what_becomes_of_the_pool() -> None:
    """A default_node_pool with the name of the new pool replaces the cluster while the old one is
    there, and with the old name once it is gone."""
    by_code = source(mode="System", tags=(("by", "terraform"),))

    def remedies(**settings: Any) -> str:
        target = {"target": "src"} if "strategy" in settings else {}
        shape = snapshot(source=by_code, spec=spec(**settings), **target)
        return "; ".join(map(str, findings_of("iac.owner", shape)))

    assert "until pool src is gone and that block is changed" in remedies()
    for stays in ("Keep", "ScaleToZero"):
        kept = remedies(sourcePool=stays)
        assert "change nothing in that block while pool src exists" in kept
        assert "make the old one again" not in kept
    in_place = remedies(strategy={"type": "InPlace"})
    assert "another name" not in in_place
    assert "set the new OS SKU in the code" in in_place


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ManagedByTerraform", "true"),
        ("managedByBicep", "yes"),
        ("created-by", "MyPulumiStack"),
        ("by", "opentofu"),
        ("tool", "tofu"),
        ("managedBy", "ASO"),
        ("managedByIaC", "true"),
        ("ManagedByCAPZ", "true"),
        ("deployedByGitOps", "1"),
        ("iac_tool", "x"),
        ("sigs.k8s.io_cluster-api-provider-azure_cluster_c", "owned"),
    ],
)
def test_a_tag_says_that_code_manages_the_pool(key: str, value: str) -> None:
    [finding] = findings_of("iac.owner", snapshot(source=source(tags=((key, value),))))
    assert f"{key}={value}" in finding.message


@pytest.mark.parametrize(
    ("key", "value"),
    [("season", "2026"), ("owner", "Jason"), ("team", "MiniAcme"), ("teamIacono", "x")],
)
def test_a_short_word_inside_another_is_no_tool(key: str, value: str) -> None:
    assert findings_of("iac.owner", snapshot(source=source(tags=((key, value),)))) == []


@pytest.mark.parametrize(
    ("mark", "warned"),
    [("terraform", True), ("OpenTofu", True), ("iac", True), ("gitops", True), ("bicep", False)],
)
def test_a_system_pool_may_be_the_default_node_pool_unless_another_tool_made_it(
    mark: str, *, warned: bool
) -> None:
    """OpenTofu runs the same provider, and iac or gitops name no tool."""
    shape = snapshot(source=source(mode="System", tags=(("managed-by", mark),)))
    texts = [finding.message for finding in findings_of("iac.owner", shape)]
    assert any("default_node_pool" in text for text in texts) is warned


def test_system_pools_out_of_sight_do_for_the_second_node() -> None:
    """AKS Automatic runs a System pool that no list shows."""
    small = source(mode="System", count=1, vm_size="Standard_D4s_v5")
    of_two = findings_of("pool.system", snapshot(source=small))
    assert any("below the 2" in finding.message for finding in of_two)
    hosted = replace(CNI, hosted_system=True)
    assert findings_of("pool.system", snapshot(source=small, cluster=hosted)) == []


def test_every_rule_has_a_case_and_the_reference_s_id() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert {rule for rule, _, _, _ in SPEAKS} == set(ids)
    assert set(ids) - OWN == {load["id"] for load in recorded("preflight.json")}


UNREAD: dict[str, set[str]] = {
    "cluster": {
        "cluster.identity",
        "cluster.busy",
        "outbound.ports",
        "subnet.ip",
        "nap",
        "autoscaler.profile",
        "maintenance",
    },
    "usages": {"quota.vcpu"},
    "sizes": {"quota.vcpu", "sku.zone-capacity", "vm.image-combo"},
    "denied": {"rbac.arm"},
    "locks": {"lock.policy"},
    "windows": {"maintenance"},
    "extensions": {"os.vm-extension"},
    "services": {"os.ipv6"},
    "versions": {"os.target-k8s"},
    "identities": {"vm.identity"},
    "attachments": {"vm.attachment"},
    "images": set(),
}


@pytest.mark.parametrize("part", sorted(UNREAD))
def test_what_could_not_be_read_is_never_a_silent_pass(part: str) -> None:
    findings = evaluate(snapshot(**{part: Unread("nobody let us")}))
    unchecked = [finding for finding in findings if finding.severity is Severity.UNCHECKED]
    assert {finding.rule for finding in unchecked} == UNREAD[part]
    assert all("not checked, because nobody let us" in finding.message for finding in unchecked)
    assert not any(finding.blocks for finding in findings)


def test_nodes_without_their_clusters_name_are_reported_unchecked() -> None:
    for nodes in ((), (Node("s-0", "src"),)):
        (finding,) = findings_of("cluster.identity", snapshot(nodes=nodes))
        assert finding.severity is Severity.UNCHECKED
    elsewhere = (Node("s-0", "src"), Node("x-0", "system", node_resource_group="sub/mc_g_other_r"))
    (finding,) = findings_of("cluster.identity", snapshot(nodes=elsewhere))
    assert finding.blocks


def test_another_cluster_cannot_be_acknowledged() -> None:
    preflight_snapshot = snapshot(
        nodes=(Node("s-0", "src", node_resource_group="sub/mc_g_other_r"),)
    )
    assert any(finding.blocks for finding in evaluate(preflight_snapshot, ["cluster.identity"]))


def test_a_node_resource_group_as_label() -> None:
    long = "MC_" + "g" * 58 + "_x(y)"
    facts = ClusterFacts(node_resource_group=long, pod_cidrs=(), network_plugin="azure")
    for label in (as_label(long), as_label(long).lower()):
        node = Node("s-0", "src", node_resource_group=node_resource_group_of("", label))
        assert findings_of("cluster.identity", snapshot(cluster=facts, nodes=(node,))) == []
    assert as_label("a" * 62 + "(") == "a" * 62 + "z"
    assert as_label("mc_rg.") == "mc_rg.z"


def test_what_an_admin_has_acknowledged_does_not_block() -> None:
    preflight_snapshot = snapshot(**with_workload(owner="", replicas=0, blocker=UNMANAGED))
    assert any(finding.blocks for finding in evaluate(preflight_snapshot))
    findings = evaluate(preflight_snapshot, ["pod.bare"])
    assert not any(finding.blocks for finding in findings)
    assert [finding.rule for finding in findings if finding.acknowledged] == ["pod.bare"]


@pytest.mark.parametrize(
    ("size", "today", "blocks", "source_of"),
    [
        ("Standard_NC24ads_A100_v4", date(2025, 1, 1), True, "started from"),
        ("Standard_NC24ads_A100_v4", date(2026, 11, 24), False, ""),
        ("Standard_NC6s_v3", date(2025, 1, 1), False, ""),
        ("Standard_NC4as_T4_v3", date(2025, 1, 1), False, ""),
        ("Standard_NC80adis_H100_v5", date(2025, 12, 1), True, "started from"),
        ("Standard_NC80adis_H100_v5", date(2026, 4, 1), False, ""),
        ("Standard_ND96isr_MI300X_v5", date(2026, 11, 24), True, "use-amd-gpus"),
    ],
)
def test_gpu_support_goes_by_date_and_names_its_source(
    size: str, today: date, blocks: bool, source_of: str
) -> None:
    findings = findings_of(
        "vm.image-combo", snapshot(spec=spec(target={"vmSize": size}), today=today)
    )
    assert any(finding.blocks for finding in findings) == blocks
    if blocks:
        assert source_of in findings[0].message
        accepted = evaluate(
            snapshot(spec=spec(target={"vmSize": size}), today=today, usages={}),
            ["vm.image-combo"],
        )
        assert not any(finding.blocks for finding in accepted), "an admin may know better"


def test_four_hundred_pods_of_one_deployment_are_one_finding() -> None:
    pods = tuple(
        workload(empty_dir=True, key=NamespacedName("default", f"web-{n:03d}")) for n in range(400)
    )
    findings = findings_of("pod.local-data", snapshot(workloads=pods))
    assert len(findings) == 1
    assert "400 pods" in findings[0].message
    assert "and 397 more" in findings[0].message


def test_in_place_pods_may_name_their_pool() -> None:
    in_place = spec(strategy={"type": "InPlace"})
    change = with_workload(scheduling=selecting(agentpool="src"))
    assert not findings_of("pod.selector-pool", snapshot(spec=in_place, target="src", **change))


def test_a_deadlocked_budget_only_warns_where_the_spec_has_a_way() -> None:
    way = spec(drain={"onTimeout": "Force"})
    budget = with_budget(healthy=3, desired=3, expected=3)
    findings = findings_of("pdb.zero", snapshot(spec=way, **budget))
    assert [finding.severity for finding in findings] == [Severity.WARN]


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        (SizeFacts("b", 1, 2.0), Severity.BLOCK),
        (SizeFacts("b", 2, 2.0), Severity.BLOCK),
        (SizeFacts("b", 2, 8.0), Severity.WARN),
        (SizeFacts("b", 4, 16.0), Severity.WARN),
    ],
)
def test_a_burstable_system_pool_is_refused_only_where_aks_refuses_it(
    facts: SizeFacts, severity: Severity
) -> None:
    pool = source(mode="System", vm_size="Standard_B2ms")
    findings = findings_of(
        "pool.system", snapshot(source=pool, sizes={"standard_b2ms": facts}, spec=spec())
    )
    assert [finding.severity for finding in findings] == [severity]


AMA_METRICS = (
    HostPath("/etc/pki/ca-trust/source/anchors/", "DirectoryOrCreate"),
    HostPath("/usr/local/share/ca-certificates/", "DirectoryOrCreate"),
)
"""As managed Prometheus mounts them (Azure/prometheus-collector, addon-chart)."""


def test_what_mounts_the_certificates_of_both_oses_is_made_for_both() -> None:
    both = workload(traits=PodTraits(host_paths=AMA_METRICS))
    assert findings_of("os.cert-path", snapshot(workloads=(both,))) == []
    debian = workload(traits=PodTraits(host_paths=AMA_METRICS[1:]))
    assert findings_of("os.cert-path", snapshot(workloads=(debian,)))


def test_what_aks_installs_is_not_judged_by_its_traits() -> None:
    traits = PodTraits(
        host_paths=(HostPath("/lib/modules"), AMA_METRICS[1]), commands=("modprobe",)
    )
    for kind in ("Pod", "DaemonSet"):
        own = workload(kind=kind, traits=traits)
        assert {finding.rule for finding in evaluate(snapshot(workloads=(own,)))} >= {
            "os.cert-path",
            "os.kernel-module",
        }
        addon = workload(kind=kind, traits=traits, addon=True)
        assert not {finding.rule for finding in evaluate(snapshot(workloads=(addon,)))} & {
            "os.cert-path",
            "os.kernel-module",
        }


def test_a_pool_that_deallocates_may_be_deleted_as_a_whole() -> None:
    pool = source(settings={"scaleDownMode": "Deallocate"})
    assert findings_of("pool.scale-down", snapshot(source=pool)) == []


def test_the_image_is_asked_for_only_while_some_region_has_a_faulty_one() -> None:
    unread = Unread("nobody let us")
    early = snapshot(images=unread, today=date(2026, 10, 1))
    [finding] = findings_of("os.kernel-regression", early)
    assert finding.severity is Severity.UNCHECKED
    assert findings_of("os.kernel-regression", snapshot(images=unread)) == []


@pytest.mark.parametrize(
    "size",
    [
        "Standard_NG8ads_V620_v1",
        "Standard_NV4ads_V710_v5",
        "Standard_NP10s",
        "Standard_NC128ds_xl_RTXPRO6000BSE_v6",
    ],
)
def test_gpus_without_an_image_are_refused_at_any_time(size: str) -> None:
    change = {"spec": spec(target={"vmSize": size}), "sizes": Unread("nobody let us")}
    assert any(finding.blocks for finding in findings_of("vm.image-combo", snapshot(**change)))


def test_placeholders_of_negative_priority_need_no_room() -> None:
    nodes = (Node("s-0", "src", allocatable=Allocatable(1000, 1000, 30)),)
    pods = (workload(requests=(600, 10)), workload(requests=(600, 10), priority=-1))
    assert findings_of("pool.capacity", snapshot(final=1, nodes=nodes, workloads=pods)) == []
