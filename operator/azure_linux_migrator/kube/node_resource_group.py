"""Which AKS cluster a node belongs to: every cluster has a node resource group of its own."""

import re
from sys import intern

from azure_linux_migrator.model.cluster import AZURE_LOCAL

CLUSTER_LABEL = "kubernetes.azure.com/cluster"
"""AKS sets it to the node resource group's name, shortened to what a label can hold."""

_PROVIDER_ID = re.compile(
    r"^azure:///subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/",
    re.IGNORECASE,
)
"""As cloud-provider-azure writes spec.providerID."""
_LOCAL_PREFIX = "moc://"
"""As AKS enabled by Azure Arc writes it (microsoft/cluster-api-provider-azurestackhci)."""


def node_resource_group_of(provider_id: str, label: str) -> str:
    """`subscription/group` by the providerID, else the label's value, both in lower case; or
    AZURE_LOCAL for a machine outside of Azure."""
    if provider_id.startswith(_LOCAL_PREFIX):
        return AZURE_LOCAL
    match = _PROVIDER_ID.match(provider_id)
    text = f"{match['subscription']}/{match['group']}" if match else label
    return intern(text.lower())
