"""All preflight checks, by id. `azlm preflight` prints them; an admin acknowledges them by id."""

from collections.abc import Iterable

from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.core.preflight import (
    address_rules,
    autoscaler_rules,
    azure_rights,
    budget_rules,
    capacity_rules,
    cluster_rules,
    companion_rules,
    disk_rules,
    identity,
    image_rules,
    in_place_rules,
    node_rules,
    os_rules,
    placement_rules,
    pool_rules,
    retired_images,
    storage_rules,
    surge_rules,
    workload_rules,
)
from azure_linux_migrator.core.preflight.findings import Finding, acknowledge
from azure_linux_migrator.core.preflight.rule import PreflightRule
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot

RULES: tuple[PreflightRule, ...] = (
    PreflightRule(Check.OS_TARGET_K8S, "upgrade-os-version; AKS#4988", image_rules.target_version),
    PreflightRule(Check.OS_WINDOWS_OR_FLAVOR, "node-images; use-system-pools", pool_rules.flavour),
    PreflightRule(Check.VM_IMAGE_COMBO, "node-images; use-amd-gpus", image_rules.image_combination),
    PreflightRule(Check.VM_DISKS, "virtual-machines/ephemeral-os-disks", disk_rules.disks),
    PreflightRule(Check.CLUSTER_IDENTITY, "AgentBaker pkg/agent/baker.go", identity.one_cluster),
    PreflightRule(Check.CLUSTER_BUSY, "aks-pending-operation", cluster_rules.busy),
    PreflightRule(Check.CLUSTER_MAX_POOLS, "quotas-skus-regions", cluster_rules.pool_count),
    PreflightRule(Check.POOL_NAME, "create-node-pools; use-trusted-launch", pool_rules.name),
    PreflightRule(Check.POOL_SYSTEM, "use-system-pools", pool_rules.system),
    PreflightRule(Check.QUOTA_VCPU, "azure-docs#62378", capacity_rules.quota),
    PreflightRule(Check.SKU_ZONE_CAPACITY, "upgrade-options", capacity_rules.capacity),
    PreflightRule(Check.SUBNET_IP, "AKS-Construction#701; AKS#3653", address_rules.subnet),
    PreflightRule(
        Check.OUTBOUND_PORTS, "load-balancer-standard; azure-cli#22374", address_rules.outbound
    ),
    PreflightRule(Check.RBAC_ARM, "aks-service-permissions", azure_rights.rights),
    PreflightRule(Check.LOCK_POLICY, "AKS#3291", cluster_rules.locks),
    PreflightRule(
        Check.NAP, "node-auto-provisioning-aksnodeclass", cluster_rules.node_provisioning
    ),
    PreflightRule(Check.AUTOSCALER_SOURCE, "azurerm#31324", autoscaler_rules.source),
    PreflightRule(Check.AUTOSCALER_PROFILE, "AKS#5340, AKS#4348", autoscaler_rules.profile),
    PreflightRule(Check.MAINTENANCE, "planned-maintenance", cluster_rules.maintenance),
    PreflightRule(Check.IAC_OWNER, "azurerm#30390", pool_rules.infrastructure_as_code),
    PreflightRule(Check.POOL_SIZE, "core/drain/node_estimate.py", pool_rules.size),
    PreflightRule(Check.POOL_MAX_PODS, "azure-cni-overview", pool_rules.pods_of_pool),
    PreflightRule(Check.POOL_IN_PLACE, "tutorial-migrate-azure-linux-aks", in_place_rules.in_place),
    PreflightRule(Check.POOL_PREVIEW, "REST API 2026-08-01", pool_rules.preview),
    PreflightRule(Check.POOL_SCALE_DOWN, "scale-down-mode", pool_rules.scale_down),
    PreflightRule(Check.PDB_ZERO, "AKS#4860, AKS#4839", budget_rules.budgets),
    PreflightRule(Check.PDB_UNHEALTHY, "kubernetes#72320", budget_rules.unhealthy),
    PreflightRule(Check.POD_SELECTOR_POOL, "use-labels", placement_rules.selectors),
    PreflightRule(
        Check.POD_DAEMONSET_SELECTOR, "azurelustre CSI", placement_rules.daemon_selectors
    ),
    PreflightRule(Check.POD_FIT, "kube-scheduler plugins/noderesources", placement_rules.fit),
    PreflightRule(Check.POOL_CAPACITY, "kube-scheduler", placement_rules.capacity),
    PreflightRule(Check.POD_SPREAD, "kubernetes#106127; kops#18535", placement_rules.spread),
    PreflightRule(
        Check.POD_AFFINITY, "kube-scheduler plugins/interpodaffinity", companion_rules.affinity
    ),
    PreflightRule(
        Check.POD_SHARED_DISK, "kubernetes.io persistent-volumes", companion_rules.shared_disks
    ),
    PreflightRule(Check.NODE_HELD, "AKS#5944; upgrade-aks-node-pools", node_rules.held),
    PreflightRule(
        Check.POD_TOLERATES_CORDON,
        "kube-scheduler plugins/nodeunschedulable",
        node_rules.tolerates_cordon,
    ),
    PreflightRule(Check.POD_BARE, "kubectl drain", workload_rules.bare),
    PreflightRule(Check.POD_LOCAL_DATA, "resize-node-pool", workload_rules.local_data),
    PreflightRule(
        Check.STORAGE_REPLICATED, "longhorn.io node maintenance", storage_rules.replicated
    ),
    PreflightRule(Check.POD_PV_ZONE, "cluster-autoscaler-overview", workload_rules.volume_zones),
    PreflightRule(Check.POD_SAFE_TO_EVICT, "AKS#4293", workload_rules.kept),
    PreflightRule(Check.POD_SINGLE_REPLICA, "AKS#2090", workload_rules.single),
    PreflightRule(
        Check.POD_OWNER_SCALE,
        "kubernetes.io custom-resource-definitions",
        workload_rules.owner_scales,
    ),
    PreflightRule(
        Check.SURGE_GITOPS, "argo-cd.readthedocs.io user-guide/auto_sync", surge_rules.gitops
    ),
    PreflightRule(
        Check.SURGE_HPA, "kubernetes.io horizontal-pod-autoscale", surge_rules.autoscaled
    ),
    PreflightRule(Check.OS_APPARMOR, "azurelinux#13585, #15073", os_rules.apparmor),
    PreflightRule(Check.OS_SECCOMP, "kubernetes.io tutorials/security/seccomp", os_rules.seccomp),
    PreflightRule(Check.OS_CERT_PATH, "azurelinux#5785", os_rules.certificates),
    PreflightRule(Check.OS_PKG_MANAGER, "azure-linux documentation", os_rules.packages),
    PreflightRule(Check.OS_KERNEL_MODULE, "azurelustre CSI", os_rules.kernel),
    PreflightRule(Check.OS_KERNEL_REGRESSION, "azurelinux#18443; AKS#5772", os_rules.regressions),
    PreflightRule(Check.OS_IO, "AKS#5231", os_rules.disk),
    PreflightRule(
        Check.OS_SYSCTL_DEFAULTS, "custom-node-configuration-reference", image_rules.defaults
    ),
    PreflightRule(Check.OS_CGROUP_V2, "AKS changelog 2024-03", os_rules.cgroups),
    PreflightRule(Check.OS_FIPS, "enable-fips-nodes", image_rules.fips),
    PreflightRule(Check.OS_IPV6, "azure-cni-overlay", workload_rules.dual_stack),
    PreflightRule(Check.OS_VM_EXTENSION, "azurelinux#15026", cluster_rules.extensions),
    PreflightRule(Check.VM_IDENTITY, "use-managed-identity", cluster_rules.identities),
    PreflightRule(
        Check.VM_ATTACHMENT, "support-policies: user customization", cluster_rules.attachments
    ),
    PreflightRule(Check.OS_SOURCE_IMAGE, "AKS#4988, AKS#5648", retired_images.source_image),
    PreflightRule(Check.GPU, "use-nvidia-gpu", image_rules.gpu),
    PreflightRule(Check.IMAGE_ARCH_OS, "azure-linux documentation", image_rules.architecture),
)


def evaluate(snapshot: PreflightSnapshot, acknowledged: Iterable[str] = ()) -> tuple[Finding, ...]:
    """What all rules find, the gravest first."""
    return acknowledge(
        (finding for rule in RULES for finding in rule.check(snapshot)), acknowledged
    )
