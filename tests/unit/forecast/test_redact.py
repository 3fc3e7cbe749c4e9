"""A redacted snapshot names nothing of the cluster, and forecasts the same."""

import json
import random
from collections import Counter
from typing import Any

import msgspec
import pytest
from msgspec import structs

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.pod_summary import PodSummary, pod_summary
from azure_linux_migrator.forecast.pseudonyms import KnownNames
from azure_linux_migrator.forecast.redact import redact
from azure_linux_migrator.forecast.run import ForecastRun
from azure_linux_migrator.forecast.snapshot import azure_facts_from, azure_facts_to
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Node, Owner, Pod, Volume
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.scheduling import SchedulingConstraints
from azure_linux_migrator.model.traits import HostPath, PodTraits
from azure_linux_migrator.simulator.aks.nodes import NodeSetting, make_node, parse_node_name
from tests.support.clusters import NOW, SIZE, particular
from tests.support.marked import Marker

RWO = "ReadWriteOnce"
KEPT = {
    *(f"Node.{field}" for field in ("os_sku", "os_effective", "zone", "upgrade_status")),
    "Pod.phase",
    *("Volume.zones", "Volume.access_modes", "HostPath.type"),
    *("Requirement.operator", "Toleration.operator"),
    *("BudgetRule.min_available", "BudgetRule.max_unavailable", "Budget.unhealthy_policy"),
    "Controller.kind",
    *(f"Pool.{field}" for field in ("name", "os_sku", "os_type", "mode", "vm_size", "state")),
    *(f"Pool.{field}" for field in ("power", "kind")),
    *(
        "AzureFacts.usages key",
        "AzureFacts.sizes key",
        "AzureFacts.images",
        "AzureFacts.versions",
        "Lock.level",
    ),
    *(f"SizeFacts.{field}" for field in ("family", "arch", "generations", "zones")),
    *(f"SizeFacts.{field}" for field in ("restricted_zones", "unavailable")),
    *(f"ClusterFacts.{field}" for field in ("state", "location", "kubernetes_version")),
    *(f"ClusterFacts.{field}" for field in ("node_provisioning", "network_plugin")),
    *(f"ClusterFacts.{field}" for field in ("network_plugin_mode", "ip_families")),
    *(
        f"ClusterFacts.{field}"
        for field in ("upgrade_channel", "node_os_channel", "node_disruption")
    ),
    *("ClusterFacts.autoscaler_profile", "ClusterFacts.autoscaler_profile key"),
    "ClusterFacts.node_disruption",
}
"""What stays: words of Kubernetes and Azure, sizes, versions, zones, and the names of AKS pools."""
FREE = "kubernetes.azure.com/cluster"


def _text(snapshot: ClusterSnapshot) -> str:
    return msgspec.json.encode(snapshot).decode()


def test_no_text_of_any_field_stays_but_those_that_name_nothing() -> None:
    marker = Marker()
    snapshot = marker.value(ClusterSnapshot, "")
    snapshot.azure_facts = azure_facts_to(marker.value(AzureFacts, ""))
    hidden = redact(snapshot, random.Random(1))
    assert marker.found_in(_text(hidden)) == KEPT
    assert hidden.redacted
    azure_facts_from(hidden.azure_facts)


def test_no_name_stays_in_texts_that_are_put_together() -> None:
    marker = Marker()

    def word() -> str:
        return marker.word("here")

    snapshot = ClusterSnapshot(NOW)
    name = f"aks-workers-12345678-vmss00000{1}"
    snapshot.nodes = [Node(name, "workers", cordoned_by=word(), batch=f"{word()}.3")]
    snapshot.labels = {name: {FREE: word(), "agentpool": word(), "kubernetes.io/hostname": word()}}
    snapshot.taints = {name: [f"{word()}={word()}:NoSchedule", f"{word()}:NoExecute", word()]}
    traits = PodTraits(
        host_paths=(HostPath(f"/etc/ssl/{word()}"), HostPath(f"/{word()}", "Directory")),
        commands=(word(),),
        sysctls=(word(),),
        kept_by=(word(),),
        gpus=(word(),),
    )
    owner = Owner(word(), word(), word())
    snapshot.pods = [
        Pod(
            NamespacedName(word(), word()),
            word(),
            name,
            "Running",
            False,
            False,
            owner=owner,
            traits=traits,
        )
    ]
    marks: list[dict[str, Any]] = [
        {"surge": f"{word()}/3", "restarted": f"{word()}@17"},
        {"surge": f"{word()}/{word()}", "restarted": word()},
    ]
    snapshot.controllers = [
        Controller("Deployment", NamespacedName(word(), word()), word(), stuck=word(), **mark)
        for mark in marks
    ]
    snapshot.unseen = [f"events: {word()} cannot list", f"{word()}: no"]
    snapshot.azure_facts = {
        "denied": {"is": [f"Microsoft.ContainerService/managedClusters/{word()}/read"]},
        "services": {"is": [f"{word()}/{word()}"]},
        "locks": {"unread": f"reading {word()} failed"},
        "new": {"is": [word()]},
    }
    pool = particular().pools[0]
    settings = dict(pool.properties) | {
        "tags": {word(): word(), "azlm-migration": word(), "azlm-source-pool": word()},
        "vnetSubnetID": f"/subscriptions/{word()}",
        "nodeLabels": {word(): word(), FREE: word()},
        "nodeTaints": [f"{word()}={word()}:NoSchedule"],
        "linuxOSConfig": {"sysctls": word()},
        "gatewayProfile": {word(): word()},
        "securityProfile": {"enableVTPM": True, word(): word()},
        word(): word(),
    }
    snapshot.pools = [structs.replace(pool, properties=settings)]
    hidden = redact(snapshot, random.Random(1))
    assert marker.found_in(_text(hidden)) == set()
    [node], [shown] = hidden.nodes, hidden.pools
    assert node.batch.endswith(".3")
    assert hidden.pods[0].node == node.name
    assert hidden.pods[0].traits.host_paths[0] == HostPath("/etc/ssl")
    assert hidden.controllers[0].surge.endswith("/3")
    assert hidden.azure_facts["denied"]["is"] == [
        "Microsoft.ContainerService/managedClusters/-/read"
    ]
    assert hidden.unseen[0].startswith("events: ")
    assert shown.properties["securityProfile"] == {"enableVTPM": True}
    assert shown.properties["gatewayProfile"]
    assert set(shown.properties["tags"]) == {"azlm-migration", "azlm-source-pool"}


def test_two_snapshots_have_nothing_in_common() -> None:
    snapshot = particular()
    one, other = redact(snapshot, random.Random(1)), redact(snapshot, random.Random(2))
    assert _text(redact(snapshot, random.Random(1))) == _text(one)
    assert not {pod.uid for pod in one.pods} & {pod.uid for pod in other.pods}
    assert not {node.name for node in one.nodes} & {node.name for node in other.nodes}


def test_what_a_machine_is_stays_on_its_labels() -> None:
    setting = NodeSetting("subscription", "acme-rg", "acme", "westeurope", "12345678")
    pool = dict(particular().pools[0].properties) | {
        "nodeImageVersion": "AKSUbuntu",
        "nodeLabels": {},
    }
    node = make_node(setting, "others", pool, 3)
    snapshot = particular()
    snapshot.labels = {snapshot.nodes[0].name: node.labels}
    [hidden] = redact(snapshot, random.Random(1)).labels.values()
    changed = {key for key, value in node.labels.items() if hidden.get(key) != value}
    assert changed == {FREE, "kubernetes.io/hostname"}


def test_names_of_nodes_can_still_be_read_and_sort_as_before() -> None:
    snapshot = particular()
    hidden = redact(snapshot, random.Random(1))
    names = [node.name for node in hidden.nodes]
    assert names == sorted(names)
    for old, new in zip(snapshot.nodes, hidden.nodes, strict=True):
        was, parsed = parse_node_name(old.name), parse_node_name(new.name)
        assert was is not None
        assert parsed is not None
        assert was[1] == parsed[1]
        assert was[0] != parsed[0]
        assert hidden.labels[new.name]["kubernetes.io/hostname"] == new.name


def test_a_share_stays_one_that_nothing_attaches() -> None:
    snapshot = particular()
    snapshot.volumes = [
        Volume(driver, NamespacedName("default", driver), driver=driver, access_modes=(RWO,))
        for driver in ("file.csi.azure.com", "disk.csi.azure.com", "another.csi.example")
    ]
    hidden = redact(snapshot, random.Random(1)).volumes
    assert {volume.driver: volume.one_node for volume in hidden[:2]} == {
        "file.csi.azure.com": False,
        "disk.csi.azure.com": True,
    }
    assert "example" not in hidden[2].driver


def test_a_set_finds_its_pods_and_their_claims() -> None:
    snapshot = particular()
    hidden = redact(snapshot, random.Random(1))
    claims = {volume.claim for volume in hidden.volumes}
    stateful = [pod for pod in hidden.pods if pod.owner and pod.owner.kind == "StatefulSet"]
    assert len(stateful) == 6
    for pod in stateful:
        assert pod.owner is not None
        assert pod.key.name.removeprefix(f"{pod.owner.name}-").isdecimal()
        assert {NamespacedName(pod.key.namespace, claim) for claim in pod.claims} <= claims
    sets = {
        controller.key.name for controller in hidden.controllers if controller.kind == "StatefulSet"
    }
    assert sets == {pod.owner.name for pod in stateful if pod.owner}
    order = sorted(range(len(snapshot.pods)), key=lambda at: snapshot.pods[at].key)
    assert order == sorted(range(len(snapshot.pods)), key=lambda at: hidden.pods[at].key)


BASE: dict[str, Any] = {
    "source": {"nodePool": "workers"},
    "strategy": {"canary": {"nodes": 0}, "batch": {"size": "34%", "soak": "1m"}, "finalSoak": "0s"},
}
SPECS: dict[str, dict[str, Any]] = {
    "batches": BASE,
    "prefetch": BASE | {"drain": {"prefetch": True}},
    "rolling": BASE
    | {"strategy": {"canary": {"nodes": 0}, "type": "Rolling", "maxSurge": 2, "finalSoak": "0s"}},
    "in place": BASE | {"strategy": {"type": "InPlace", "finalSoak": "0s"}},
    "order": BASE
    | {
        "drain": {
            "order": [
                {
                    "selector": {"matchLabels": {"acme.example/app": "kafka-2"}},
                    "namespaces": ["ledger"],
                    "order": -1,
                }
            ]
        }
    },
    "labels of its own": BASE
    | {
        "target": {
            "labels": {"acme.example/team": "payments", "acme.example/new": "yes"},
            "taints": ["acme.example/dedicated=payments:NoSchedule"],
        }
    },
}


def _landed(migration_run: ForecastRun) -> Counter[str]:
    store = migration_run.simulation.store
    nodes = store.nodes
    return Counter(
        nodes[pod.node].pool if pod.node in nodes else pod.node for pod in store.pods.values()
    )


def _counted(summary: PodSummary) -> tuple[PodSummary, Counter[tuple[str, str, int, int]]]:
    """A pod summary without the names."""
    groups = Counter((g.kind, g.disposition.value, g.pods, g.loses_data) for g in summary.workloads)
    return structs.replace(summary, workloads=[], findings=[]), groups


@pytest.mark.parametrize("case", SPECS)
def test_the_forecast_is_the_same(case: str) -> None:
    snapshot, spec = particular(), SPECS[case]
    hidden = redact(
        snapshot, random.Random(5), KnownNames.from_spec("m", MigrationSpec.model_validate(spec))
    )
    assert "gateway" not in _text(hidden)
    assert _counted(pod_summary(hidden, "m", spec)) == _counted(pod_summary(snapshot, "m", spec))
    for seed in range(3):
        run = ForecastRun(snapshot, "m", spec, Assumptions(), seed)
        unseen = ForecastRun(hidden, "m", spec, Assumptions(), seed)
        plain, other = run.go(), unseen.go()
        assert plain.succeeded, plain.message
        assert (other.succeeded, other.evictions) == (True, plain.evictions)
        assert (other.seconds, other.moving_seconds) == (plain.seconds, plain.moving_seconds)
        assert (other.batches, other.node_hours) == (plain.batches, plain.node_hours)
        assert _landed(unseen) == _landed(run)
    assert plain.evictions >= 0 if case == "in place" else plain.evictions == len(snapshot.pods)


def test_what_blocks_still_blocks() -> None:
    cluster_snapshot = particular()
    target = "workersazl"
    owner = next(
        pod.owner.uid for pod in cluster_snapshot.pods if pod.owner and "gateway" in pod.owner.uid
    )
    cluster_snapshot.scheduling[owner] = SchedulingConstraints(selector=(("agentpool", "workers"),))
    cluster_snapshot.budgets[0] = structs.replace(
        cluster_snapshot.budgets[0], sync_failed="acme cannot be found"
    )
    spec = MigrationSpec.model_validate(BASE)
    hidden = redact(cluster_snapshot, random.Random(1), KnownNames.from_spec("m", spec))
    for snapshot in (cluster_snapshot, hidden):
        run_result = ForecastRun(snapshot, "m", BASE, Assumptions(), 0).go()
        assert not run_result.succeeded
        assert "pdb.zero" in {
            finding.rule for finding in run_result.findings if finding.severity == "Block"
        }
    assert "acme" not in _text(hidden)
    assert target in KnownNames.from_spec("m", spec).pools


def test_azure_facts_keep_what_has_no_name() -> None:
    snapshot = particular()
    subnet = "/subscriptions/1/virtualNetworks/Acme/subnets/nodes"
    facts: dict[str, Any] = {
        "subnets": {"is": {subnet.lower(): {"prefixes": ["10.7.0.0/20"], "used": 9}}},
        "usages": {"is": {"cores": {"current": 1, "limit": 2}}},
        "windows": {"is": ["default", "acme-nights"]},
        "denied": {"is": ["Microsoft.ContainerService/managedClusters/agentPools/write"]},
    }
    snapshot.azure_facts = facts
    pool = snapshot.pools[1]
    snapshot.pools[1] = structs.replace(
        pool, properties=dict(pool.properties) | {"vnetSubnetID": subnet}
    )
    hidden = redact(snapshot, random.Random(1))
    [(subnet_id, kept)] = hidden.azure_facts["subnets"]["is"].items()
    assert subnet_id == hidden.pools[1].properties["vnetSubnetID"].lower()
    assert kept == {"prefixes": ["10.0.0.0/20"], "used": 9}
    assert (hidden.azure_facts["usages"], hidden.azure_facts["denied"]) == (
        facts["usages"],
        facts["denied"],
    )
    assert hidden.azure_facts["windows"]["is"][0] == "default"
    assert "acme-nights" not in json.dumps(hidden.azure_facts)
    assert hidden.pools[1].properties["vmSize"] == SIZE
