"""Codes whose meaning depends on whose request they answer: the operator's, or one of AKS.

As the own code of a refusal they are about what the operator asked for, and azure.failure_codes has
their meaning. Inside another error, or of a failed operation, a request of AKS or of another
service was answered so.
"""

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.azure.failure_codes import CLUSTER_RIGHT, GONE, FailureClass, waits

OF_URL = frozenset(
    (
        "notfound",
        "resourcenotfound",
        "parentresourcenotfound",
        "resourcegroupnotfound",
        "resourcegroupbeingdeleted",
        "subscriptionnotfound",
    )
)
"""Something is not there. It is what the URL of the request names, the cluster or its pool, only
with one of URL_STATUSES; with status 400 it is something to which the request's body refers."""
URL_STATUSES = frozenset({404, 409})
RIGHTS = frozenset(("authorizationfailed", "linkedauthorizationfailed"))
"""A right is missing."""
NESTED: dict[str, FailureClass | None] = {
    **dict.fromkeys(OF_URL, waits(Reason.PARAMETER_REFUSED, GONE)),
    **dict.fromkeys(RIGHTS, waits(Reason.AZURE_FORBIDDEN, CLUSTER_RIGHT)),
    "notfound": None,
    "invalidsubscriptionid": None,
    "invalidresourcetype": None,
    "invalidapiversionparameter": None,
    "noregisteredproviderfound": None,
}
"""What they mean where another request than the operator's was answered; None for nothing."""
