"""Which AKS cluster a node belongs to: every cluster has a node resource group of its own."""

import re
from sys import intern

CLUSTER_LABEL = "kubernetes.azure.com/cluster"
"""AKS sets it to the node resource group's name, shortened to what a label can hold."""

_PROVIDER_ID = re.compile(
    r"^azure:///subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/",
    re.IGNORECASE,
)
"""As cloud-provider-azure writes spec.providerID."""


def home_of(provider_id: str, label: str) -> str:
    """`subscription/group` by the providerID, else the label's value; both in lower case."""
    match = _PROVIDER_ID.match(provider_id)
    text = f"{match['subscription']}/{match['group']}" if match else label
    return intern(text.lower())
