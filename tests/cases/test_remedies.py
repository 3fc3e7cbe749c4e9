"""Remedies that are possible where they are read (case 38 and the like)."""

import pytest

from tests.support.preflight_cluster import PreflightCluster, deployment

BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
"""
DISK = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-1}
spec:
  accessModes: [ReadWriteOnce]
  claimRef: {namespace: default, name: data}
  csi: {driver: disk.csi.azure.com, volumeHandle: d}
---
"""
PLAIN = deployment("web", "hostPID: false", 1)
MOUNTED = deployment("web", "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]", 1)
STATEFUL = PLAIN.replace("kind: Deployment", "kind: StatefulSet")
RECREATE = PLAIN.replace("  template:", "  strategy: {type: Recreate}\n  template:")
REPLACES = PLAIN.replace(
    "  template:", "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n  template:"
)
ARGO = "labels: {argocd.argoproj.io/instance: shop}"
OWNED = REPLACES.replace("{name: web}\nspec:", f"{{name: web, {ARGO}}}\nspec:")

MOVES = {
    "a Deployment": (PLAIN, True),
    "one that replaces": (REPLACES, True),
    "a disk of one node": (DISK + MOUNTED, False),
    "a StatefulSet": (STATEFUL, False),
    "the strategy Recreate": (RECREATE, False),
    "a scale that is put back": (OWNED, False),
}


@pytest.mark.parametrize("name", MOVES)
def test_surge_first_is_named_where_it_helps_a_deadlocked_budget(name: str) -> None:
    objects, helps = MOVES[name]
    cluster = PreflightCluster()
    cluster.apply(objects + BUDGET)
    [finding] = cluster.findings("pdb.zero")
    assert ("SurgeFirst" in finding.remedy) is helps
    assert "run at least 2 replicas" in finding.remedy
    [blocker] = cluster.blockers()
    assert blocker.remedy == finding.remedy, "the drain says the same"


def test_a_replica_is_added_where_its_number_is_kept() -> None:
    cluster = PreflightCluster()
    cluster.apply(OWNED)
    [finding] = cluster.findings("pod.single-replica")
    assert "where Argo CD has it from" in finding.remedy
    assert "SurgeFirst" not in finding.remedy


@pytest.mark.parametrize(
    ("grace", "timeout", "words"),
    [
        (900, "30m", "spec.drain.timeout (30m) allows it"),
        (3600, "30m", "set spec.drain.timeout, which is 30m, to more than that"),
        (604800, "168h", "lower its terminationGracePeriodSeconds"),
        (700000, "0s", "allows it"),
    ],
)
def test_no_timeout_beyond_its_maximum_is_advised(grace: int, timeout: str, words: str) -> None:
    cluster = PreflightCluster()
    cluster.apply(deployment("slow", f"terminationGracePeriodSeconds: {grace}"))
    [finding] = cluster.findings("pod.safe-to-evict", drain={"timeout": timeout})
    assert words in finding.remedy
