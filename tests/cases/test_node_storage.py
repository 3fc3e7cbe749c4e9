"""Storage that keeps replicas on the nodes is to be evacuated before they are deleted."""

import pytest

from tests.support.preflight_cluster import PreflightCluster

AGENT = """
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, namespace: storage}}
spec:
  selector: {{matchLabels: {{app: a}}}}
  template: {{metadata: {{labels: {{app: a}}}}, spec: {{containers: [{{name: c}}]}}}}
---
"""
VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv}
spec:
  accessModes: [ReadWriteOnce]
  claimRef: {namespace: default, name: data}
  csi: {driver: driver.longhorn.io, volumeHandle: v}
---
apiVersion: v1
kind: Pod
metadata:
  name: db-0
  ownerReferences: [{apiVersion: x/v1, kind: Cluster, name: db, uid: u, controller: true}]
spec: {volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]}
"""


@pytest.mark.parametrize(
    ("kind", "name", "system"),
    [
        ("DaemonSet", "longhorn-manager", "Longhorn"),
        ("Deployment", "rook-ceph-osd-0", "Rook"),
        ("DaemonSet", "openebs-io-engine", "OpenEBS"),
        ("DaemonSet", "portworx", "Portworx"),
        ("DaemonSet", "topolvm-node", "TopoLVM"),
        ("DaemonSet", "csi-local-node", "Azure Container Storage"),
        ("DaemonSet", "linstor-satellite.worker-0", "LINSTOR"),
        ("DaemonSet", "csi-rbdplugin", ""),
        ("Deployment", "longhorn-ui", ""),
    ],
)
def test_what_stores_data_on_the_nodes(kind: str, name: str, system: str) -> None:
    cluster = PreflightCluster()
    cluster.apply(AGENT.format(kind=kind, name=name))
    findings = cluster.findings("storage.replicated")
    assert len(findings) == bool(system)
    for finding in findings:
        assert finding.blocks
        assert finding.message.startswith(system)
        assert f"storage/{name}" in finding.message
        assert finding.remedy.startswith("evacuate it first")


@pytest.mark.parametrize(
    "driver",
    ["driver.longhorn.io", "containerstorage.csi.azure.com", "localdisk.csi.acstor.io"],
)
def test_a_volume_tells_of_the_system_too(driver: str) -> None:
    cluster = PreflightCluster()
    cluster.apply(VOLUME.replace("driver.longhorn.io", driver))
    [finding] = cluster.findings("storage.replicated")
    assert "Pods that move and use it: 1" in finding.message
    assert not cluster.findings("pod.local-data")
