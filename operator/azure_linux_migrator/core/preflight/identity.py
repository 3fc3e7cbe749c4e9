"""Whether Kubernetes and Azure speak of one cluster: pods are drained in the one that is watched,
pools are deleted in the one that spec.cluster names."""

from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import Found
from azure_linux_migrator.core.preflight.snapshot import Snapshot
from azure_linux_migrator.model.azure_facts import ClusterFacts, Unread

LABEL_LENGTH = 63


def one_cluster(snapshot: Snapshot) -> Iterator[Finding]:
    """cluster.identity: the nodes are of the cluster whose pools are changed."""
    found = Found("cluster.identity", "the cluster")
    facts = snapshot.cluster
    if isinstance(facts, Unread):
        yield found.unchecked(facts)
        return
    told = [node for node in snapshot.nodes if node.home]
    of_source = {node.home for node in told if node.pool == snapshot.source.name}
    homes = of_source or {node.home for node in told}
    if not homes or not facts.node_resource_group:
        teller = "no node tells its" if not homes else "Azure does not tell the cluster's"
        yield found.unchecked(Unread(f"{teller} node resource group"))
        return
    strange = sorted(home for home in homes if not _is_of(home, facts))
    if strange:
        yield found.forbid(
            f"the nodes that this operator watches are in {strange[0]}, and those of the AKS "
            f"cluster it was told are in {facts.subscription}/{facts.node_resource_group} "
            "(subscription/node resource group): pods of one cluster would be drained, and the "
            "pool of another one deleted",
            "set spec.cluster, or the operator's --subscription-id, --resource-group and "
            "--cluster-name, to the AKS cluster that the operator runs in",
        )


def _is_of(home: str, facts: ClusterFacts) -> bool:
    subscription, _, group = home.rpartition("/")
    if not subscription:
        return group == as_label(facts.node_resource_group).lower()
    same = group == facts.node_resource_group.lower()
    return same and subscription == (facts.subscription.lower() or subscription)


def as_label(group: str) -> str:
    """A resource group's name as AKS makes a label's value of it.

    Source: AgentBaker, pkg/agent/baker.go, normalizeResourceGroupNameForLabel.
    """
    text = group.replace("(", "-").replace(")", "-")[:LABEL_LENGTH]
    return text[: LABEL_LENGTH - 1] + "z" if text.endswith(("-", "_", ".")) else text
