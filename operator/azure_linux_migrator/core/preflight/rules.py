"""All preflight checks, by id. `azlm preflight` prints them; an admin acknowledges them by id."""

from collections.abc import Iterable

from azure_linux_migrator.core.preflight import (
    cluster_rules,
    identity,
    os_rules,
    pool_rules,
    workload_rules,
)
from azure_linux_migrator.core.preflight.findings import Finding, acknowledge
from azure_linux_migrator.core.preflight.rule import Rule
from azure_linux_migrator.core.preflight.snapshot import Snapshot

RULES: tuple[Rule, ...] = (
    Rule("os.target-k8s", "upgrade-os-version; AKS#4988", pool_rules.target_version),
    Rule("os.windows-or-flavor", "node-images; use-system-pools", pool_rules.flavour),
    Rule("vm.image-combo", "node-images; use-amd-gpus", pool_rules.image_combination),
    Rule("cluster.identity", "AgentBaker pkg/agent/baker.go", identity.one_cluster),
    Rule("cluster.busy", "aks-pending-operation", cluster_rules.busy),
    Rule("cluster.max-pools", "quotas-skus-regions", cluster_rules.pool_count),
    Rule("pool.name", "create-node-pools; use-trusted-launch", pool_rules.name),
    Rule("pool.system", "use-system-pools", pool_rules.system),
    Rule("quota.vcpu", "azure-docs#62378", cluster_rules.quota),
    Rule("sku.zone-capacity", "upgrade-options", cluster_rules.capacity),
    Rule("subnet.ip", "AKS-Construction#701; AKS#3653", cluster_rules.subnet),
    Rule("rbac.arm", "aks-service-permissions", cluster_rules.rights),
    Rule("lock.policy", "AKS#3291", cluster_rules.locks),
    Rule("nap", "node-auto-provisioning-aksnodeclass", cluster_rules.node_provisioning),
    Rule("autoscaler.source", "azurerm#31324", cluster_rules.autoscaler_source),
    Rule("autoscaler.profile", "AKS#5340", cluster_rules.autoscaler_profile),
    Rule("maintenance", "planned-maintenance", cluster_rules.maintenance),
    Rule("iac.owner", "azurerm#30390", pool_rules.infrastructure_as_code),
    Rule("pool.size", "core/drain/node_estimate.py", pool_rules.size),
    Rule("pool.preview", "REST API 2026-08-01", pool_rules.preview),
    Rule("pdb.zero", "AKS#4860, AKS#4839", workload_rules.budgets),
    Rule("pod.selector-pool", "use-labels", workload_rules.selectors),
    Rule("pod.daemonset-selector", "azurelustre CSI", workload_rules.daemon_selectors),
    Rule("pod.bare", "kubectl drain", workload_rules.bare),
    Rule("pod.local-data", "resize-node-pool", workload_rules.local_data),
    Rule("pod.pv-zone", "cluster-autoscaler-overview", workload_rules.volume_zones),
    Rule("pod.safe-to-evict", "AKS#4293", workload_rules.kept),
    Rule("pod.single-replica", "AKS#2090", workload_rules.single),
    Rule("os.apparmor", "azurelinux#13585, #15073", os_rules.apparmor),
    Rule("os.cert-path", "azurelinux#5785", os_rules.certificates),
    Rule("os.pkg-manager", "azure-linux documentation", os_rules.packages),
    Rule("os.kernel-module", "azurelustre CSI", os_rules.kernel),
    Rule("os.kernel-regression", "azurelinux#18443; AKS#5772", os_rules.regressions),
    Rule("os.io", "AKS#5231", os_rules.disk),
    Rule("os.sysctl-defaults", "custom-node-configuration-reference", pool_rules.defaults),
    Rule("os.cgroup-v2", "AKS changelog 2024-03", os_rules.cgroups),
    Rule("os.fips", "enable-fips-nodes", pool_rules.fips),
    Rule("os.ipv6", "azure-cni-overlay", workload_rules.dual_stack),
    Rule("os.vm-extension", "azurelinux#15026", cluster_rules.extensions),
    Rule("gpu", "use-nvidia-gpu", pool_rules.gpu),
    Rule("image.arch-os", "azure-linux documentation", pool_rules.architecture),
)


def evaluate(snapshot: Snapshot, acknowledged: Iterable[str] = ()) -> tuple[Finding, ...]:
    """What all rules find, the gravest first."""
    return acknowledge(
        (finding for rule in RULES for finding in rule.check(snapshot)), acknowledged
    )
