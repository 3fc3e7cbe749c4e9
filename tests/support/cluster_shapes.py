"""Ten shapes that clusters of AKS commonly have.

Azure's answers are decoded by the operator's own code (azure/fact_bodies.py), the objects as the
watches decode them.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from azure_linux_migrator.azure.fact_bodies import decode_cluster, decode_size
from azure_linux_migrator.model.azure_facts import SubnetFacts, Unread, Usage
from tests.support.addons import ADDONS
from tests.support.preflight_cluster import FACTS, PreflightCluster

CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
NETWORK = "/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworks/v/subnets"
NODES, PODS = f"{NETWORK}/nodes", f"{NETWORK}/pods"
OVERLAY = {"networkPlugin": "azure", "networkPluginMode": "overlay", "podCidr": "10.244.0.0/16"}
CNI = {"networkPlugin": "azure"}

WORKLOADS = """
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec:
      tolerations: [{key: kubernetes.azure.com/scalesetpriority, operator: Exists}]
      containers: [{name: c, resources: {requests: {cpu: 100m, memory: 64Mi}}}]
---
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: db}}
    spec:
      tolerations: [{key: kubernetes.azure.com/scalesetpriority, operator: Exists}]
      containers: [{name: c, resources: {requests: {cpu: 100m, memory: 64Mi}}}]
---
kind: DaemonSet
metadata:
  name: kube-proxy
  namespace: kube-system
  labels: {kubernetes.azure.com/managedby: aks, addonmanager.kubernetes.io/mode: Reconcile}
spec:
  template:
    metadata: {labels: {component: kube-proxy}}
    spec:
      containers: [{name: c, securityContext: {privileged: true}}]
      volumes: [{name: m, hostPath: {path: /lib/modules}}]
"""
PROMETHEUS = """
kind: DaemonSet
metadata:
  name: ama-metrics-node
  namespace: kube-system
  labels: {kubernetes.azure.com/managedby: aks}
spec:
  template:
    metadata: {labels: {dsName: ama-metrics-node}}
    spec:
      containers: [{name: c}]
      volumes:
      - {name: a, hostPath: {path: /etc/pki/ca-trust/source/anchors/, type: DirectoryOrCreate}}
      - {name: b, hostPath: {path: /usr/local/share/ca-certificates/, type: DirectoryOrCreate}}
"""


def sku(name: str, family: str, cpus: int, memory: int, **more: str) -> dict[str, Any]:
    """A VM size as Microsoft.Compute/skus lists it."""
    traits = {"vCPUs": str(cpus), "MemoryGB": str(memory), "MaxDataDiskCount": "8"} | more
    listed = [{"name": key, "value": value} for key, value in traits.items()]
    places = [{"zones": ["1", "2", "3"]}]
    return {"name": name, "family": family, "capabilities": listed, "locationInfo": places}


SKUS = (
    sku("Standard_D16s_v5", "standardDSv5Family", 16, 64),
    sku("Standard_B2ms", "standardBSFamily", 2, 8),
    sku("Standard_NC24ads_A100_v4", "StandardNCADSA100v4Family", 24, 220, GPUs="1"),
    sku("Standard_D16ps_v6", "standardDpsv6Family", 16, 64, CpuArchitectureType="Arm64"),
)

SMALL_SUBNET = SubnetFacts(("10.1.0.0/24",), 12)


@dataclass(frozen=True)
class ShapedCluster:
    """What sets a cluster apart. `worth` are the checks whose warnings an admin needs to read."""

    name: str
    workers: dict[str, Any] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=lambda: OVERLAY)
    objects: str = ""
    usages: dict[str, Usage] = field(default_factory=dict)
    subnet: SubnetFacts = SMALL_SUBNET
    worth: frozenset[str] = frozenset()


SHAPES = (
    ShapedCluster("managed Prometheus", objects=PROMETHEUS),
    ShapedCluster("Terraform default pool", worth=frozenset({"iac.owner"})),
    ShapedCluster(
        "Spot",
        workers={
            "scaleSetPriority": "Spot",
            "scaleSetEvictionPolicy": "Delete",
            "spotMaxPrice": -1.0,
            "upgradeSettings": {},
            "nodeLabels": {"kubernetes.azure.com/scalesetpriority": "spot"},
            "nodeTaints": ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"],
        },
        usages={"standarddsv5family": Usage(60, 110), "lowprioritycores": Usage(64, 300)},
    ),
    ShapedCluster(
        "B2ms System pool",
        system={"vmSize": "Standard_B2ms"},
        worth=frozenset({"pool.system"}),
    ),
    ShapedCluster("overlay", workers={"vnetSubnetID": NODES}, system={"vnetSubnetID": NODES}),
    ShapedCluster(
        "pod subnet",
        workers={"vnetSubnetID": NODES, "podSubnetID": PODS},
        system={"vnetSubnetID": NODES, "podSubnetID": PODS},
        network=CNI,
    ),
    ShapedCluster(
        "fixed outbound ports",
        network=OVERLAY
        | {
            "loadBalancerProfile": {
                "allocatedOutboundPorts": 4096,
                "effectiveOutboundIPs": [{"id": "ip"}],
            }
        },
    ),
    ShapedCluster(
        "3 to 100 nodes",
        workers={
            "enableAutoScaling": True,
            "minCount": 3,
            "maxCount": 100,
            "maxPods": 30,
            "vnetSubnetID": NODES,
        },
        system={"vnetSubnetID": NODES, "maxPods": 30},
        network=CNI,
        subnet=SubnetFacts(("10.1.0.0/20",), 240),
        usages={"standarddsv5family": Usage(112, 2000)},
    ),
    ShapedCluster(
        "GPU",
        workers={"vmSize": "Standard_NC24ads_A100_v4"},
        worth=frozenset({"gpu"}),
    ),
    ShapedCluster(
        "FIPS Arm64",
        workers={"vmSize": "Standard_D16ps_v6", "enableFIPS": True},
        worth=frozenset({"os.fips"}),
    ),
)


def cluster_of(shape: ShapedCluster) -> PreflightCluster:
    """The cluster, with what Azure shows of it."""
    properties = {
        "provisioningState": "Succeeded",
        "currentKubernetesVersion": "1.34.2",
        "nodeResourceGroup": "MC_g_c_r",
        "maxAgentPools": 100,
        "networkProfile": shape.network,
        "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage", "upgradeChannel": "none"},
    }
    body = {"location": "westeurope", "properties": properties}
    families = {str(size["family"]).lower(): Usage(80, 400) for size in SKUS}
    facts = replace(
        FACTS,
        cluster=decode_cluster(body, CLUSTER),
        images=Unread("AKS shows a pool's image once the pool exists"),
        sizes={str(size["name"]).lower(): decode_size(size) for size in SKUS},
        usages=families | {"cores": Usage(200, 4000)} | shape.usages,
        subnets={
            NODES: shape.subnet,
            PODS: SubnetFacts(("10.2.0.0/23",), 130),
        },
    )
    cluster = PreflightCluster(
        properties=shape.workers,
        system={"count": 3} | shape.system,
        facts=facts,
        node_resource_group="s/mc_g_c_r",
    )
    cluster.apply(WORKLOADS)
    cluster.apply(ADDONS)
    if shape.objects:
        cluster.apply(shape.objects)
    return cluster
