"""Pods that others tie to their node: what would stay Pending is reported before."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from azure_linux_migrator.model.azure_facts import SizeFacts
from azure_linux_migrator.model.cluster import Node
from tests.support.preflight_cluster import FACTS, SIZES, PreflightCluster, deployment

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


def tied(kind: str, app: str, topology: str = HOST, *, preferred: bool = False) -> str:
    """A pod affinity or anti-affinity to the pods of an app."""
    term = f"{{topologyKey: {topology}, labelSelector: {{matchLabels: {{app: {app}}}}}}}"
    if preferred:
        soft = "preferredDuringSchedulingIgnoredDuringExecution"
        return f"affinity: {{{kind}: {{{soft}: [{{weight: 1, podAffinityTerm: {term}}}]}}}}"
    return f"affinity: {{{kind}: {{requiredDuringSchedulingIgnoredDuringExecution: [{term}]}}}}"


def cluster(*objects: str, **more: Any) -> PreflightCluster:
    tied_cluster = PreflightCluster(**more)
    tied_cluster.apply("---\n".join(objects))
    return tied_cluster


def test_pods_beside_others_of_the_source_are_named_with_the_order_that_helps() -> None:
    near = tied("podAffinity", "cache")
    both = cluster(deployment("cache", "hostPID: false", 4), deployment("web", near, 2))
    [finding] = both.findings("pod.affinity")
    assert finding.blocks
    assert "must run on the node of pods of Deployment default/cache" in finding.message
    assert "spec.drain.order" in finding.remedy
    first = {"order": [{"selector": {"matchLabels": {"app": "cache"}}, "order": -1}]}
    assert not both.findings("pod.affinity", drain=first)
    assert not both.findings("pod.affinity", strategy={"type": "InPlace"})


def test_replicas_that_must_be_together_cannot_leave_one_by_one() -> None:
    together = tied("podAffinity", "web")
    [finding] = cluster(deployment("web", together, 2)).findings("pod.affinity")
    assert "on the node of each other" in finding.message
    assert "preferred" in finding.remedy
    assert not cluster(deployment("web", together, 1)).findings("pod.affinity"), "it may be alone"


@pytest.mark.parametrize(
    "pod",
    [
        tied("podAffinity", "cache", ZONE),
        tied("podAffinity", "cache", preferred=True),
        tied("podAffinity", "nothing"),
    ],
)
def test_a_companion_that_a_new_node_may_have_holds_nothing_up(pod: str) -> None:
    both = cluster(deployment("cache", "hostPID: false", 4), deployment("web", pod, 2))
    assert not both.findings("pod.affinity")


def test_a_companion_on_every_node_is_on_the_new_ones_too() -> None:
    agent = deployment("agent", "hostPID: false").replace("kind: Deployment", "kind: DaemonSet")
    both = cluster(agent, deployment("web", tied("podAffinity", "agent"), 2))
    assert not both.findings("pod.affinity")


def test_replicas_apart_need_as_many_nodes() -> None:
    apart = tied("podAntiAffinity", "web")
    six = cluster(deployment("web", apart, 6), workers=6)
    assert not six.findings("pod.affinity")
    [finding] = six.findings("pod.affinity", target={"count": 3})
    assert finding.blocks
    assert "4 nodes for 6 pods, and 2 find no node" in finding.message, "with the System node"
    assert "spec.target.count" in finding.remedy
    grows = {"count": 3, "autoscaling": {"min": 3, "max": 6}}
    assert not six.findings("pod.affinity", target=grows)
    soft = tied("podAntiAffinity", "web", preferred=True)
    assert not cluster(deployment("web", soft, 6), workers=6).findings(
        "pod.affinity", target={"count": 3}
    )


def test_replicas_apart_count_those_on_other_pools() -> None:
    """Those hold nodes there, which the others cannot have."""
    six = cluster(deployment("web", tied("podAntiAffinity", "web"), 6), workers=6)
    for number, pod in enumerate([*six.world.pods.values()]):
        if number >= 3:
            six.world.put_node(Node(f"other-{number}", "other", labels=((HOST, str(number)),)))
            six.world.put_pod(structs.replace(pod, node=f"other-{number}"))
    assert not six.findings("pod.affinity", target={"count": 2}), "one moves to the System node"
    [finding] = six.findings("pod.affinity", target={"count": 1})
    assert "5 nodes for 6 pods, and 1 find no node" in finding.message


@pytest.mark.parametrize(
    ("topology", "remedy"),
    [
        (ZONE, "spec.target.zones"),
        ("failure-domain.beta.kubernetes.io/zone", "spec.target.zones"),
        ("team", "place replicas on other pools"),
    ],
)
def test_a_label_of_which_a_pool_has_one_value_gets_no_more_by_zones(
    topology: str, remedy: str
) -> None:
    spread = (
        f"topologySpreadConstraints: [{{maxSkew: 1, topologyKey: {topology}, minDomains: 3, "
        "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: even}}}]"
    )
    labelled = cluster(
        deployment("web", tied("podAntiAffinity", "web", topology), 4),
        deployment("even", spread, 4),
        properties={"nodeLabels": {"team": "pay"}},
        labels={"failure-domain.beta.kubernetes.io/zone": "0"},
    )
    for rule in ("pod.affinity", "pod.spread"):
        [finding] = labelled.findings(rule)
        assert remedy in finding.remedy
        assert ("zones" in finding.remedy) is ("zone" in topology)


def test_replicas_that_listen_on_a_port_of_the_node_need_as_many_nodes() -> None:
    port = "containers: [{name: a, image: x, ports: [{containerPort: 80, hostPort: 80}]}]"
    six = cluster(deployment("web", port, 6), workers=6)
    assert not six.findings("pod.affinity")
    [finding] = six.findings("pod.affinity", target={"count": 3})
    assert "hostPort 80" in finding.message
    assert finding.remedy == "raise spec.target.count"


def test_replicas_apart_by_zone_need_the_zones() -> None:
    zoned = cluster(
        deployment("web", tied("podAntiAffinity", "web", ZONE), 3),
        properties={"availabilityZones": ["1", "2", "3"]},
    )
    assert not zoned.findings("pod.affinity")
    [finding] = zoned.findings("pod.affinity", target={"zones": ["1"]})
    assert "spec.target.zones" in finding.remedy


def test_nodes_that_stay_keep_their_zones() -> None:
    """With InPlace no node takes the place of another."""
    stays = {"strategy": {"type": "InPlace"}}
    zoned = cluster(
        deployment("web", tied("podAntiAffinity", "web", ZONE), 3),
        deployment("tool", f"nodeSelector: {{{ZONE}: westeurope-2}}", 1),
        properties={"availabilityZones": ["1", "2", "3"]},
    )
    for index, node in enumerate([*zoned.world.nodes.values()]):
        labels = dict(node.labels) | {ZONE: f"westeurope-{index % 3 + 1}"}
        zoned.world.put_node(structs.replace(node, labels=tuple(sorted(labels.items()))))
    assert not zoned.findings("pod.affinity", **stays)
    assert not zoned.findings("pod.selector-pool", **stays)


def test_a_label_for_nodes_that_stay_is_one_of_their_pool() -> None:
    """spec.target.labels is refused with InPlace."""
    other = cluster(deployment("tool", "nodeSelector: {kubernetes.azure.com/os-sku: Ubuntu}", 1))
    [finding] = other.findings("pod.selector-pool", strategy={"type": "InPlace"})
    assert "spec.target" not in finding.remedy


def disk(mode: str, driver: str = "disk.csi.azure.com", name: str = "data") -> str:
    """A volume that is bound to a claim."""
    return f"""
apiVersion: v1
kind: PersistentVolume
metadata: {{name: pv-{name}}}
spec:
  claimRef: {{namespace: default, name: {name}}}
  accessModes: [{mode}]
  csi: {{driver: {driver}, volumeHandle: {name}}}
"""


USES = "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]"


@pytest.mark.parametrize(
    ("mode", "driver", "replicas", "blocks"),
    [
        ("ReadWriteOnce", "disk.csi.azure.com", 2, True),
        ("ReadWriteOnce", "another.csi.example", 2, True),
        ("ReadWriteOnce", "", 2, True),
        ("ReadWriteOnce", "disk.csi.azure.com", 1, False),
        ("ReadWriteMany", "disk.csi.azure.com", 2, False),
        ("ReadWriteOnce", "file.csi.azure.com", 2, False),
        ("ReadWriteOnce", "blob.csi.azure.com", 2, False),
    ],
)
def test_pods_that_share_a_disk_are_reported(
    mode: str, driver: str, replicas: int, *, blocks: bool
) -> None:
    """One without a driver is an in-tree Azure disk; a share is not attached to any node."""
    volume = disk(mode, driver)
    if not driver:
        volume = volume.replace("csi: {driver: ,", "azureDisk: {").replace(
            "volumeHandle", "diskName"
        )
    findings = cluster(volume, deployment("web", USES, replicas)).findings("pod.shared-disk")
    assert [finding.blocks for finding in findings] == [True] * blocks
    for finding in findings:
        assert "pv-data" in finding.message
        assert "one replica" in finding.remedy


def test_disks_are_counted_for_a_target_of_the_same_size_with_fewer_nodes() -> None:
    objects = [disk("ReadWriteOnce", name=f"d{n}") for n in range(5)]
    apps = [deployment(f"db{n}", USES.replace("data", f"d{n}"), 1) for n in range(5)]
    sizes = SIZES | {"standard_d16s_v5": SizeFacts("dsv5", 16, 64.0, data_disks=2)}
    disks = cluster(*objects, *apps, facts=replace(FACTS, sizes=sizes))
    assert not disks.findings("vm.disks")
    [finding] = disks.findings("vm.disks", target={"count": 2})
    assert "5 disks, and 2 nodes" in finding.message


@pytest.mark.parametrize(
    ("device", "size", "blocks"),
    [
        ("smarter-devices/fuse", "Standard_D4s_v5", False),
        ("sgx.intel.com/epc", "Standard_D4s_v5", True),
        ("kubernetes.azure.com/sgx_epc_mem_in_MiB", "Standard_D4s_v5", True),
        ("sgx.intel.com/epc", "Standard_DC4s_v3", False),
        ("nvidia.com/mig-1g.10gb", "Standard_D4s_v5", True),
        ("nvidia.com/mig-1g.10gb", "Standard_NC24ads_A100_v4", False),
    ],
)
def test_devices_of_a_plugin_are_on_another_size_that_may_have_them(
    device: str, size: str, *, blocks: bool
) -> None:
    """The nodes have them from a DaemonSet; only what the VM size decides about is held against
    it."""
    requests = f"containers: [{{name: a, image: x, resources: {{requests: {{{device}: 1}}}}}}]"
    sizes = SIZES | {
        "standard_dc4s_v3": SizeFacts("dcsv3", 4, 32.0),
        "standard_nc24ads_a100_v4": SizeFacts("nc", 24, 220.0, gpus=1),
    }
    devices = cluster(deployment("web", requests, 1), facts=replace(FACTS, sizes=sizes))
    for node in [*devices.world.nodes.values()]:
        more = node.allocatable._replace(extended_resources=((device, 20),))
        devices.world.put_node(structs.replace(node, allocatable=more))
    assert not devices.findings("pod.fit"), "the size stays"
    findings = devices.findings("pod.fit", target={"vmSize": size})
    assert [finding.blocks for finding in findings] == [True] * blocks
    for finding in findings:
        assert device in finding.message
