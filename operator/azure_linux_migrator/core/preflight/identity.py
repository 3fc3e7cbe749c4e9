"""Whether Kubernetes and Azure are of one cluster: pods are drained in the one that is watched,
pools are deleted in the one that spec.cluster names."""

from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.azure_facts import ClusterFacts, Unread

LABEL_LENGTH = 63


def one_cluster(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """cluster.identity: the nodes are of the cluster whose pools are changed."""
    result = RuleResult("cluster.identity", "the cluster")
    facts = snapshot.facts.cluster
    if isinstance(facts, Unread):
        yield result.unchecked(facts)
        return
    nodes = [node for node in snapshot.nodes if node.node_resource_group]
    of_source = {node.node_resource_group for node in nodes if node.pool == snapshot.source.name}
    groups = of_source or {node.node_resource_group for node in nodes}
    if not groups or not facts.node_resource_group:
        teller = "no node shows its" if not groups else "Azure does not show the cluster's"
        yield result.unchecked(Unread(f"{teller} node resource group"))
        return
    strange = sorted(
        node_resource_group
        for node_resource_group in groups
        if not _is_of(node_resource_group, facts)
    )
    if strange:
        yield result.forbid(
            f"the nodes that this operator watches are in {strange[0]}, and those of the AKS "
            f"cluster it was told are in {facts.subscription}/{facts.node_resource_group} "
            "(subscription/node resource group): pods of one cluster would be drained, and the "
            "pool of another one deleted",
            "set spec.cluster, or the operator's --subscription-id, --resource-group and "
            "--cluster-name, to the AKS cluster that the operator runs in",
        )


def _is_of(node_resource_group: str, facts: ClusterFacts) -> bool:
    subscription, _, group = node_resource_group.rpartition("/")
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
