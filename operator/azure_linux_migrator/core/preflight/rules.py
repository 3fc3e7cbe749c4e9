"""All preflight checks, by id. `azlm preflight` prints them; an admin acknowledges them by id."""

from collections.abc import Iterable

from azure_linux_migrator.core.preflight import (
    cluster_rules,
    identity,
    os_rules,
    placement_rules,
    pool_rules,
    storage_rules,
    workload_rules,
)
from azure_linux_migrator.core.preflight.findings import Finding, acknowledge
from azure_linux_migrator.core.preflight.rule import PreflightRule
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot

RULES: tuple[PreflightRule, ...] = (
    PreflightRule("os.target-k8s", "upgrade-os-version; AKS#4988", pool_rules.target_version),
    PreflightRule("os.windows-or-flavor", "node-images; use-system-pools", pool_rules.flavour),
    PreflightRule("vm.image-combo", "node-images; use-amd-gpus", pool_rules.image_combination),
    PreflightRule("cluster.identity", "AgentBaker pkg/agent/baker.go", identity.one_cluster),
    PreflightRule("cluster.busy", "aks-pending-operation", cluster_rules.busy),
    PreflightRule("cluster.max-pools", "quotas-skus-regions", cluster_rules.pool_count),
    PreflightRule("pool.name", "create-node-pools; use-trusted-launch", pool_rules.name),
    PreflightRule("pool.system", "use-system-pools", pool_rules.system),
    PreflightRule("quota.vcpu", "azure-docs#62378", cluster_rules.quota),
    PreflightRule("sku.zone-capacity", "upgrade-options", cluster_rules.capacity),
    PreflightRule("subnet.ip", "AKS-Construction#701; AKS#3653", cluster_rules.subnet),
    PreflightRule("rbac.arm", "aks-service-permissions", cluster_rules.rights),
    PreflightRule("lock.policy", "AKS#3291", cluster_rules.locks),
    PreflightRule("nap", "node-auto-provisioning-aksnodeclass", cluster_rules.node_provisioning),
    PreflightRule("autoscaler.source", "azurerm#31324", cluster_rules.autoscaler_source),
    PreflightRule("autoscaler.profile", "AKS#5340", cluster_rules.autoscaler_profile),
    PreflightRule("maintenance", "planned-maintenance", cluster_rules.maintenance),
    PreflightRule("iac.owner", "azurerm#30390", pool_rules.infrastructure_as_code),
    PreflightRule("pool.size", "core/drain/node_estimate.py", pool_rules.size),
    PreflightRule("pool.preview", "REST API 2026-08-01", pool_rules.preview),
    PreflightRule("pdb.zero", "AKS#4860, AKS#4839", workload_rules.budgets),
    PreflightRule("pod.selector-pool", "use-labels", placement_rules.selectors),
    PreflightRule("pod.daemonset-selector", "azurelustre CSI", placement_rules.daemon_selectors),
    PreflightRule("pod.fit", "kube-scheduler plugins/noderesources", placement_rules.fit),
    PreflightRule("pool.capacity", "kube-scheduler", placement_rules.capacity),
    PreflightRule("pod.spread", "kubernetes#106127; kops#18535", placement_rules.spread),
    PreflightRule("pod.bare", "kubectl drain", workload_rules.bare),
    PreflightRule("pod.local-data", "resize-node-pool", workload_rules.local_data),
    PreflightRule("storage.replicated", "longhorn.io node maintenance", storage_rules.replicated),
    PreflightRule("pod.pv-zone", "cluster-autoscaler-overview", workload_rules.volume_zones),
    PreflightRule("pod.safe-to-evict", "AKS#4293", workload_rules.kept),
    PreflightRule("pod.single-replica", "AKS#2090", workload_rules.single),
    PreflightRule("os.apparmor", "azurelinux#13585, #15073", os_rules.apparmor),
    PreflightRule("os.seccomp", "kubernetes.io tutorials/security/seccomp", os_rules.seccomp),
    PreflightRule("os.cert-path", "azurelinux#5785", os_rules.certificates),
    PreflightRule("os.pkg-manager", "azure-linux documentation", os_rules.packages),
    PreflightRule("os.kernel-module", "azurelustre CSI", os_rules.kernel),
    PreflightRule("os.kernel-regression", "azurelinux#18443; AKS#5772", os_rules.regressions),
    PreflightRule("os.io", "AKS#5231", os_rules.disk),
    PreflightRule("os.sysctl-defaults", "custom-node-configuration-reference", pool_rules.defaults),
    PreflightRule("os.cgroup-v2", "AKS changelog 2024-03", os_rules.cgroups),
    PreflightRule("os.fips", "enable-fips-nodes", pool_rules.fips),
    PreflightRule("os.ipv6", "azure-cni-overlay", workload_rules.dual_stack),
    PreflightRule("os.vm-extension", "azurelinux#15026", cluster_rules.extensions),
    PreflightRule("gpu", "use-nvidia-gpu", pool_rules.gpu),
    PreflightRule("image.arch-os", "azure-linux documentation", pool_rules.architecture),
)


def evaluate(snapshot: PreflightSnapshot, acknowledged: Iterable[str] = ()) -> tuple[Finding, ...]:
    """What all rules find, the gravest first."""
    return acknowledge(
        (finding for rule in RULES for finding in rule.check(snapshot)), acknowledged
    )
