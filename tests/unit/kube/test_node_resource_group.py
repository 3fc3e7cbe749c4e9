"""The nodes of the simulated AKS tell the cluster that it says they are in, as real ones do."""

import msgspec

from azure_linux_migrator.core.preflight.identity import one_cluster
from azure_linux_migrator.kube.decode import NodeObject
from azure_linux_migrator.kube.node_resource_group import node_resource_group_of
from azure_linux_migrator.model.azure_facts import ClusterFacts
from azure_linux_migrator.simulator.aks.limits import ClusterShape
from testbed.fill.nodes import pool_nodes
from tests.support.preflight_snapshots import snapshot

SUB = "0b1f6471-1bf0-4dda-aec3-111122223333"


def test_the_provider_id_is_preferred_to_the_label() -> None:
    machine = (
        f"azure:///subscriptions/{SUB.upper()}/resourceGroups/MC_g_c_r/providers/Microsoft.Compute/"
        "virtualMachineScaleSets/aks-a-1-vmss/virtualMachines/0"
    )
    assert node_resource_group_of(machine, "MC_g_c_r") == f"{SUB}/mc_g_c_r"
    assert node_resource_group_of("", "MC_g_c_r") == "mc_g_c_r"
    assert node_resource_group_of("kind://x/y", "") == ""


def test_simulated_nodes_are_of_the_simulated_cluster() -> None:
    shape = ClusterShape()
    group = f"MC_{shape.resource_group}_{shape.name}_{shape.location}"
    facts = ClusterFacts(node_resource_group=group, subscription=shape.subscription)
    decoder = msgspec.json.Decoder(NodeObject)
    nodes = [
        decoder.decode(msgspec.json.encode(pool_node)).record()
        for pool_node in pool_nodes("src", 2)
    ]
    assert {node.node_resource_group for node in nodes} == {f"{shape.subscription}/{group}".lower()}
    assert list(one_cluster(snapshot(cluster=facts, nodes=tuple(nodes)))) == []
