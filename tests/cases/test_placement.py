"""Where pods can land after the move, reported before any change (cases 05, 07, 08, 18)."""

from typing import Any

import pytest

from azure_linux_migrator.core.preflight.findings import Severity
from tests.support.preflight_cluster import PreflightCluster, deployment


def affinity(*terms: str) -> str:
    """A required node affinity of these terms, each a list of expressions."""
    listed = ", ".join(f"{{matchExpressions: [{term}]}}" for term in terms)
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return f"affinity: {{nodeAffinity: {{{required}: {{nodeSelectorTerms: [{listed}]}}}}}}"


SKU = "kubernetes.azure.com/os-sku"
OLD_POOL = "{key: agentpool, operator: In, values: [workers]}"

BY_NAME = affinity(
    "{key: metadata.name, operator: In, values: [aks-workers-28034063-vmss000000]}"
).replace("matchExpressions", "matchFields")
REQUIRED: dict[str, tuple[str, str]] = {
    "another OS": (
        affinity(f"{{key: {SKU}, operator: NotIn, values: [AzureLinux, Mariner]}}"),
        SKU,
    ),
    "the old OS": (f"nodeSelector: {{{SKU}: Ubuntu}}", f"{SKU}=Ubuntu"),
    "the old OS or none": (
        affinity(
            f"{{key: {SKU}, operator: DoesNotExist}}",
            f"{{key: {SKU}, operator: In, values: [Ubuntu]}}",
        ),
        SKU,
    ),
    "either pool": (affinity(OLD_POOL, "{key: team, operator: In, values: [pay]}"), ""),
    "no pool but another": (affinity("{key: agentpool, operator: NotIn, values: [system]}"), ""),
    "a label of the pool": ("nodeSelector: {team: pay}", ""),
    "a label set by hand": ("nodeSelector: {disk: fast}", "by hand"),
    "a number": (affinity("{key: rack, operator: Gt, values: ['3']}"), ""),
    "too great a number": (affinity("{key: rack, operator: Gt, values: ['7']}"), "rack>7"),
    "a node by its name": (BY_NAME, "metadata.name"),
    "no node at all": (affinity(""), ""),
    "what every node has": ("nodeSelector: {kubernetes.io/os: linux}", ""),
}


@pytest.mark.parametrize("name", REQUIRED)
def test_required_node_labels_are_held_against_the_target(name: str) -> None:
    pod, word = REQUIRED[name]
    cluster = PreflightCluster(
        properties={"nodeLabels": {"team": "pay", "rack": "5"}}, labels={"disk": "fast"}
    )
    cluster.apply(deployment("tool", pod))
    findings = cluster.findings("pod.selector-pool")
    if not word:
        assert not findings
        return
    [finding] = findings
    assert finding.blocks
    assert word in finding.message
    assert "Deployment default/tool" in finding.subject


def test_labels_of_the_spec_replace_those_of_the_pool() -> None:
    cluster = PreflightCluster(properties={"nodeLabels": {"team": "pay"}})
    cluster.apply(deployment("tool", "nodeSelector: {team: pay}"))
    assert cluster.findings("pod.selector-pool", target={"labels": {"tier": "x"}})
    assert not cluster.findings("pod.selector-pool", target={"labels": {"team": "pay"}})


@pytest.mark.parametrize(
    ("policy", "strategy", "blocks"),
    [
        ("", {}, True),
        ("nodeTaintsPolicy: Honor, ", {}, False),
        ("", {"type": "Rolling"}, False),
    ],
)
def test_cordoned_nodes_are_domains_of_a_spread(
    policy: str, strategy: dict[str, Any], *, blocks: bool
) -> None:
    spread = (
        "nodeSelector: {kubernetes.azure.com/mode: user}, topologySpreadConstraints: [{maxSkew: 1, "
        f"topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, {policy}"
        "labelSelector: {matchLabels: {app: web}}}]"
    )
    cluster = PreflightCluster()
    cluster.apply(deployment("web", spread, 8))
    findings = cluster.findings("pod.spread", strategy=strategy)
    assert bool(findings) is blocks
    for finding in findings:
        assert finding.blocks
        assert "8 replicas" in finding.message
        assert "4 pods find no node" in finding.message
        assert "nodeTaintsPolicy: Honor" in finding.remedy
    few = PreflightCluster()
    few.apply(deployment("web", spread, 4))
    assert not few.findings("pod.spread", strategy=strategy)


@pytest.mark.parametrize("type_", ["BlueGreen", "Rolling"])
def test_a_spread_that_wants_more_domains_than_there_will_be(type_: str) -> None:
    """Fewer than minDomains: the emptiest counts as empty, whatever is cordoned."""
    spread = (
        "nodeSelector: {kubernetes.azure.com/mode: user}, topologySpreadConstraints: [{maxSkew: 1, "
        "topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, minDomains: 4, "
        "nodeTaintsPolicy: Honor, labelSelector: {matchLabels: {app: web}}}]"
    )
    cluster = PreflightCluster()
    cluster.apply(deployment("web", spread, 8))
    strategy = {"type": type_}
    assert not cluster.findings("pod.spread", strategy=strategy)
    [finding] = cluster.findings("pod.spread", strategy=strategy, target={"count": 3})
    assert "minDomains is 4, and there will be 3, so that 5 pods find no node" in finding.message
    assert "spec.target.count" in finding.remedy


@pytest.mark.parametrize(
    ("pod", "target", "word"),
    [
        ("tolerations: []", {"taints": ["only=db:NoSchedule"]}, "taint only=db:NoSchedule"),
        ("tolerations: [{key: only, operator: Exists}]", {"taints": ["only=db:NoSchedule"]}, ""),
        ("overhead: {cpu: '4'}", {"vmSize": "Standard_D4s_v5"}, "Standard_D4s_v5"),
        ("overhead: {cpu: '3'}", {"vmSize": "Standard_D4s_v5"}, ""),
        ("overhead: {memory: 10Gi}", {"vmSize": "Standard_D2s_v5"}, "10.0 GiB"),
        ("overhead: {nvidia.com/gpu: '1'}", {"vmSize": "Standard_D4s_v5"}, "nvidia.com/gpu"),
    ],
)
def test_a_pod_that_fits_no_node_of_the_target_is_named(
    pod: str, target: dict[str, Any], word: str
) -> None:
    cluster = PreflightCluster()
    cluster.apply(deployment("big", pod, 1))
    findings = cluster.findings("pod.fit", target=target)
    assert [finding.blocks for finding in findings] == [True] * bool(word)
    for finding in findings:
        assert word in finding.message
        assert "default/big-0" in finding.message
        assert "spec.target" in finding.remedy


def test_a_target_that_is_too_small_as_a_whole() -> None:
    cluster = PreflightCluster()
    cluster.apply(deployment("web", "overhead: {cpu: '7'}", 8))
    [finding] = cluster.findings("pool.capacity", target={"count": 2})
    assert finding.blocks
    assert "56.08 CPU" in finding.message
    assert "2 nodes of Standard_D16s_v5" in finding.message
    assert not cluster.findings("pool.capacity", target={"count": 4})
    grows = {"count": 2, "autoscaling": {"min": 2, "max": 6}}
    assert not cluster.findings("pool.capacity", target=grows)


VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {{name: pv-0}}
spec:
  accessModes: [{mode}]
  claimRef: {{namespace: default, name: data-db-0}}
  csi: {{driver: {driver}, volumeHandle: v}}
  nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: [{terms}]}}]}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec: {{containers: [{{name: db, image: registry.example/db:1}}]}}
  volumeClaimTemplates: [{{metadata: {{name: data}}}}]
"""


@pytest.mark.parametrize(
    ("driver", "key", "local"),
    [
        ("topolvm.io", "topology.topolvm.io/node", True),
        ("local.csi.openebs.io", "openebs.io/nodename", True),
        ("localdisk.csi.acstor.io", "topology.localdisk.csi.acstor.io/node", True),
        ("disk.csi.azure.com", "topology.disk.csi.azure.com/zone", False),
        ("blob.csi.azure.com", "topology.kubernetes.io/region", False),
    ],
)
def test_a_volume_that_its_driver_binds_to_a_node(driver: str, key: str, *, local: bool) -> None:
    cluster = PreflightCluster(properties={"availabilityZones": ["1"]})
    terms = f"{{key: {key}, operator: In, values: [westeurope-1]}}"
    cluster.apply(VOLUME.format(mode="ReadWriteOnce", driver=driver, terms=terms))
    progress = cluster.preflight(preflight={"acknowledge": ["pod.local-data"]})
    findings = cluster.findings("pod.local-data")
    assert bool(findings) is local
    if local:
        assert progress.reason == "PodsBlocked"
        assert f"driver {driver}, key {key}" in findings[0].message
        assert findings[0].final


def test_a_disk_in_a_zone_that_the_target_leaves_out() -> None:
    cluster = PreflightCluster(properties={"availabilityZones": ["1", "2"]})
    terms = "{key: topology.disk.csi.azure.com/zone, operator: In, values: [westeurope-2]}"
    cluster.apply(VOLUME.format(mode="ReadWriteOnce", driver="disk.csi.azure.com", terms=terms))
    assert not [finding for finding in cluster.findings("pod.pv-zone") if finding.blocks]
    [finding] = [
        finding
        for finding in cluster.findings("pod.pv-zone", target={"zones": ["1"]})
        if finding.blocks
    ]
    assert "zone westeurope-2" in finding.message


GRAFANA = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-grafana}
spec:
  accessModes: [ReadWriteOnce]
  claimRef: {namespace: default, name: grafana}
  csi: {driver: disk.csi.azure.com, volumeHandle: d}
---
"""


def test_a_single_replica_with_a_disk_cannot_be_surged() -> None:
    cluster = PreflightCluster()
    claim = "volumes: [{name: data, persistentVolumeClaim: {claimName: grafana}}]"
    cluster.apply(
        GRAFANA + deployment("grafana", claim, 1) + deployment("plain", "hostPID: false", 1)
    )
    [finding] = cluster.findings("pod.single-replica", drain={"singletons": "SurgeFirst"})
    assert finding.severity is Severity.WARN
    assert "one node only" in finding.message
    assert finding.subject == "Deployment default/grafana"


def test_a_remedy_for_a_single_replica_is_none_that_fails_too() -> None:
    cluster = PreflightCluster()
    cluster.apply(deployment("old", "nodeSelector: {agentpool: workers}", 1))
    cluster.apply(deployment("free", "hostPID: false", 1))
    alone = deployment("set", "hostPID: false", 1)
    cluster.apply(alone.replace("kind: Deployment", "kind: StatefulSet"))
    remedies = {
        finding.subject: finding.remedy for finding in cluster.findings("pod.single-replica")
    }
    assert "pod.selector-pool" in remedies["Deployment default/old"]
    assert "SurgeFirst" in remedies["Deployment default/free"]
    assert "replica" not in remedies["StatefulSet default/set"]
