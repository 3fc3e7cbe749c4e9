"""The errors of the modelled AKS, with recorded texts where there are any.

AKS itself answers with a flat body; the ARM gateway in front of it wraps its own errors in `error`.
"""

from typing import Any

_WRAPPED = frozenset(
    {
        "AuthorizationFailed",
        "InternalServerError",
        "InvalidAuthenticationToken",
        "PreconditionFailed",
        "RequestDisallowedByPolicy",
        "ResourceGroupNotFound",
        "ResourceNotFound",
        "ScopeLocked",
        "ServiceUnavailable",
        "SubscriptionRequestsThrottled",
        "Throttled",
    }
)
"""Codes that the ARM gateway gives; all others are the AKS resource provider's own."""

PORTS_PER_ADDRESS = 64_000
"""SNAT ports of one outbound address (learn.microsoft.com/azure/aks/load-balancer-standard)."""

_PENDING = (
    "is in progress, please wait for it to finish before starting a new operation. "
    "See https://aka.ms/aks-pending-operation for more details"
)


class ArmError(Exception):
    """A refused call.

    `retry_after` is in seconds; `wrapped` says whether the body is ARM's or AKS's own form.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        subcode: str = "",
        target: str = "",
        details: list[dict[str, Any]] | None = None,
        retry_after: float | None = None,
        wrapped: bool | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.subcode = subcode
        self.target = target
        self.details = details
        self.retry_after = retry_after
        self.wrapped = code in _WRAPPED if wrapped is None else wrapped

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        if self.wrapped:
            return {"error": {"code": self.code, "message": self.message}}
        body: dict[str, Any] = {
            "code": self.code,
            "details": self.details,
            "message": self.message,
            "subcode": self.subcode,
        }
        if self.target:
            body["target"] = self.target
        return body


class ResponseLost(Exception):  # noqa: N818 - an outcome, not an error that AKS names
    """The answer does not arrive. `committed` is whether the call took effect. `hang_seconds` is
    how long the caller waits before the connection drops."""

    def __init__(self, *, committed: bool, hang_seconds: float = 0.0) -> None:
        super().__init__("committed" if committed else "not committed")
        self.committed = committed
        self.hang_seconds = hang_seconds


def pool_busy(pool: str, state: str) -> ArmError:
    """Another operation runs on this pool (text recorded)."""
    message = f"Operation is not allowed: Another agentpool operation ({pool} - {state}) {_PENDING}"
    return ArmError(409, "OperationNotAllowed", message)


def cluster_busy(state: str) -> ArmError:
    """An operation runs on the whole cluster (text recorded)."""
    message = f"Operation is not allowed: Another operation ({state}) {_PENDING}"
    return ArmError(409, "OperationNotAllowed", message)


def scope_locked(scope: str, action: str) -> ArmError:
    """A lock on the cluster forbids what the request does (ARM's standard text)."""
    return ArmError(
        409,
        "ScopeLocked",
        f"The scope '{scope}' cannot perform {action} operation because following scope(s) are "
        f"locked: '{scope}'. Please remove the lock and try again.",
    )


def nothing_to_abort(pool: str) -> ArmError:
    """The abort came after the operation's end (status documented, text not)."""
    return ArmError(
        409,
        "OperationNotAllowed",
        f"Abort is not allowed: there is no operation in progress on agent pool {pool}.",
    )


def etag_mismatch(status: int) -> ArmError:
    """The `If-Match` header names an older version (code and details recorded, text not)."""
    if status == 412:
        return ArmError(412, "PreconditionFailed", "The condition 'If-Match' was not satisfied.")
    detail = "rpc error: code = FailedPrecondition desc = Etag mismatched"
    return ArmError(
        409,
        "EtagMismatch",
        "The eTag in the request does not match the agent pool's.",
        details=[{"code": "Unspecified", "message": detail}],
    )


def already_exists(status: int) -> ArmError:
    """`If-None-Match: *` on a pool that exists (412 is what ARM documents; not observed on AKS)."""
    if status == 412:
        return ArmError(
            412, "PreconditionFailed", "The condition 'If-None-Match' was not satisfied."
        )
    return etag_mismatch(409)


def pool_not_found(pool: str) -> ArmError:
    """No such pool (status certain, text not recorded)."""
    return ArmError(404, "NotFound", f"Could not find the agent pool {pool}.", wrapped=False)


def machine_not_found(pool: str, name: str) -> ArmError:
    """No such machine in the pool (text not recorded)."""
    return ArmError(404, "NotFound", f"Could not find the machine {name} in agent pool {pool}.")


def cluster_not_found(group: str, name: str) -> ArmError:
    """No such cluster (recorded, given by the ARM gateway)."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.ContainerService/managedClusters/{name}' under resource group "
        f"'{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
    )


def operation_not_found(op_id: str) -> ArmError:
    """The URL of the operation does not exist (text not recorded)."""
    return ArmError(404, "NotFound", f"The operation {op_id} was not found.")


def invalid(parameter: str, reason: str = "") -> ArmError:
    """A field's value cannot be taken (recorded for `name`, and with a reason for Spot pools)."""
    field = f"agentPoolProfile.{parameter}"
    message = f"The value of parameter {field} is invalid."
    message += f" Error details: {reason}" if reason else ""
    return ArmError(400, "InvalidParameter", message, target=field)


def missing(parameter: str) -> ArmError:
    """A field without a default is missing (text from memory)."""
    field = f"agentPoolProfile.{parameter}"
    return ArmError(
        400, "InvalidParameter", f"Required parameter {field} is missing (null).", target=field
    )


def immutable(field: str) -> ArmError:
    """The field is fixed at creation, or cannot change this way (recorded for OSSKU)."""
    target = f"agentPoolProfile.{field}"
    return ArmError(
        400,
        "PropertyChangeNotAllowed",
        f"Changing property '{target}' is not allowed.",
        target=target,
    )


def version_removed(version: str) -> ArmError:
    """A pool at a patch that AKS no longer offers (recorded in part)."""
    return ArmError(
        400,
        "AgentPoolK8sVersionNotSupported",
        f"Version {version} is not supported in this region. Please use [az aks get-versions] "
        "command to get the supported version list in this region.",
    )


def os_sku_not_for_version(sku: str, version: str) -> ArmError:
    """An OS SKU that ends before this Kubernetes version (the code is AKS's, its use here and the
    text are not recorded)."""
    return ArmError(
        400, "InvalidOSSKU", f"OSSKU {sku} is not supported for Kubernetes version {version}."
    )


def last_system_pool() -> ArmError:
    """The last System pool has to stay (recorded)."""
    return ArmError(400, "OperationNotAllowed", "There has to be at least one system agent pool.")


def too_many_pools(limit: int) -> ArmError:
    """The cluster is full (text not recorded)."""
    return ArmError(
        400, "OperationNotAllowed", f"The maximum number of agent pools, {limit}, is reached."
    )


def reserved_label(key: str) -> ArmError:
    """The label's prefix belongs to AKS (recorded)."""
    prefix = key.partition("/")[0]
    return ArmError(
        400,
        "BadRequest",
        f"Invalid node label key {key}. The '{prefix}' prefix is preserved by aks system labels",
    )


def system_taint() -> ArmError:
    """A System pool takes only some taints (recorded)."""
    return ArmError(
        400,
        "SystemPoolHasRestrictedTaint",
        "Placing custom taints on system pool is not supported(except 'CriticalAddonsOnly' taint "
        "or taint effect is 'PreferNoSchedule'). Please refer to https://aka.ms/aks/system-taints "
        "for detail",
    )


def system_size_too_small(pool: str) -> ArmError:
    """A System pool's machines are below 2 vCPUs or 4 GB (recorded)."""
    return ArmError(
        400,
        "SystemPoolSkuTooLow",
        "System node pool must use VM sku with more than 2 cores and 4GB memory. "
        f"Nodepool name: {pool}.",
    )


def resource_group_locked(group: str) -> ArmError:
    """A lock on the node resource group, or on something in it (recorded)."""
    return ArmError(
        400,
        "ResourceGroupLocked",
        "Preflight validation check for resource(s) for container service failed. "
        f"Resource group '{group}' is locked, please remove lock and retry.",
    )


def insufficient_ports(ports: int, nodes: int, addresses: int) -> ArmError:
    """The load balancer's outbound addresses have too few ports for all nodes (recorded)."""
    needed, available = ports * nodes, PORTS_PER_ADDRESS * addresses
    return ArmError(
        400,
        "InvalidLoadBalancerProfileAllocatedOutboundPorts",
        f"Load balancer profile allocated ports {ports} is not in an allowable range given the "
        f"number of nodes and IPs provisioned. Total node count {nodes} requires {needed} ports "
        f"but only {available} ports are available given {addresses} outbound public IPs. Refer "
        "to https://aka.ms/aks/slb-ports for more details.",
        subcode="InsufficientOutboundPorts",
        target="networkProfile.loadBalancerProfile.allocatedOutboundPorts",
    )


def insufficient_quota(requested: int, remaining: int, family: str, location: str) -> ArmError:
    """The vCPU quota is too small (recorded)."""
    return ArmError(
        400,
        "ErrCode_InsufficientVCPUQuota",
        f"Insufficient vcpu quota requested {requested}, remaining {remaining} for family {family} "
        f"for region {location}. Surge nodes would also consume vcpu quota.",
    )


def insufficient_subnet(needed: int, available: int) -> ArmError:
    """The pods' address range is too small (recorded)."""
    return ArmError(
        400,
        "InsufficientSubnetSize",
        f"Pre-allocated IPs {needed} exceeds IPs available {available} in Subnet Name "
        "networkProfile.podCIDR. If Autoscaler is enabled, the max-count from each nodepool is "
        "counted towards this total (which means that pre-allocated IPs count represents a "
        "theoretical max value, not the actual number of IPs requested). "
        "http://aka.ms/aks/insufficientsubnetsize",
        target="networkProfile.podCIDR",
    )


def size_not_allowed(pool: str, location: str) -> ArmError:
    """The VM size is unknown or not offered here (recorded)."""
    return ArmError(
        400,
        "BadRequest",
        f"The VM size of AgentPoolProfile:{pool} is not allowed in your subscription in location "
        f"'{location}'.  For more details, please visit https://aka.ms/aks/quotas-skus-regions",
    )


def throttled(retry_after: float) -> ArmError:
    """Too many calls (code and header documented, text not)."""
    return ArmError(
        429, "Throttled", "The request is throttled, please retry later.", retry_after=retry_after
    )


def forbidden(action: str, scope: str) -> ArmError:
    """The caller lacks the role (ARM's standard text)."""
    return ArmError(
        403,
        "AuthorizationFailed",
        "The client '00000000-0000-0000-0000-000000000001' with object id "
        "'00000000-0000-0000-0000-000000000001' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials.",
    )
