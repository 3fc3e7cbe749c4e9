"""ARM's provisioningState of node pools and clusters, as far as decisions depend on it.

It is a free string: Azure has more values, and adds some
(learn.microsoft.com/azure/azure-resource-manager/management/async-operations#provisioningstate-values).
A record keeps what was read; a member here is equal to its string.
"""

from enum import StrEnum


class ProvisioningState(StrEnum):
    """The states that decisions distinguish."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"
    CANCELING = "Canceling"
    DELETING = "Deleting"
    SCALING = "Scaling"
    UPDATING = "Updating"


UNFINISHED = frozenset((ProvisioningState.FAILED, ProvisioningState.CANCELED))
"""The last operation ended before its work was done."""

SETTLED = UNFINISHED | {ProvisioningState.SUCCEEDED}
"""No operation is under way."""
