"""Every reason that a condition or an event of a migration can have.

A reason has one home: here stand its meaning, what an admin can do, and the type of its event.
docs/conditions.md is written from this table (`make docs-tables`). The classes of single blockers
are in causes.py.
"""

from enum import StrEnum
from typing import Literal, Self

EventType = Literal["Normal", "Warning"]
_MESSAGE = "see the message"
_WAIT = "the operator tries again"


class Reason(StrEnum):
    """A reason: `text` is its meaning, `remedy` what an admin can do (empty: nothing to do),
    `event` the type of the Kubernetes event that reports it."""

    text: str
    remedy: str
    event: EventType

    def __new__(cls, value: str, text: str, remedy: str = "", event: EventType = "Normal") -> Self:
        """A member is its value, with the rest beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text, member.remedy, member.event = text, remedy, event
        return member

    # The migration advances.
    READING_POOLS = "ReadingPools", "the node pools are being read from Azure"
    READING_CLUSTER = "ReadingCluster", "the watches have not delivered their first lists"
    REVIEWING_ACCESS = "ReviewingAccess", "the operator's Kubernetes rights are being checked"
    READING_AZURE = "ReadingAzure", "quotas, sizes, subnets and locks are being read from Azure"
    FORECASTING = "Forecasting", "`spec.mode` is Plan: the forecast is being made"
    PLANNED = (
        "Planned",
        "the forecast is complete; nothing was changed",
        "read `status.forecast`; set `spec.mode: Run` to begin ([plan](plan.md))",
    )
    CREATING_TARGET = "CreatingTarget", "AKS creates the target pool"
    GROWING_TARGET = "GrowingTarget", "AKS adds nodes to the target pool"
    SOURCE_CHANGING = "SourceChanging", "Azure works on the source; its retirement follows"
    UPGRADING = "Upgrading", "AKS upgrades a pool; the migration continues after that"
    AWAITING_APPROVAL = (
        "AwaitingApproval",
        "an approval is missing (`spec.approval`)",
        "annotate the migration with `azlm.dev/approve`, as the message says",
    )
    HOLDING_AUTOSCALER = "HoldingAutoscaler", "the autoscaler of the source is being turned off"
    SCALING_TARGET = "ScalingTarget", "the target gets an autoscaler for the time of the drain"
    CORDONING = "Cordoning", "nodes are being cordoned"
    ADMITTING_BATCH = "AdmittingBatch", "nodes join the next batch"
    DRAINING = "Draining", "pods are being moved"
    BATCH_SOAK = "BatchSoak", "a batch is drained; the next one begins after the soak"
    RESTORING_SCALE = "RestoringScale", "the additional replica of a Deployment is being removed"
    SOAKING = "Soaking", "all pods have moved; the source is retired after the soak"
    RETIRING_SOURCE = "RetiringSource", "the source is being deleted or emptied"
    SHRINKING_SOURCE = "ShrinkingSource", "drained machines of the source are being deleted"
    HANDING_OVER_AUTOSCALER = "HandingOverAutoscaler", "the target gets the source's autoscaler"
    UPDATING_IN_PLACE = "UpdatingInPlace", "AKS replaces the OS of the pool"
    ROLLING_BACK = "RollingBack", "everything is being moved back to the source"
    RELEASING_SOURCE = "ReleasingSource", "the nodes of the source are being uncordoned"
    RESTORING_SOURCE = "RestoringSource", "the source gets its nodes back"
    RESTORING_AUTOSCALER = "RestoringAutoscaler", "the source gets its autoscaler back"
    REMOVING_TARGET = "RemovingTarget", "the target is being deleted"
    RELEASING = "Releasing", "the migration is being deleted: its marks are removed"
    DELETING = "Deleting", "the migration is being deleted; both pools stay"
    DELETED = (
        "Deleted",
        "the migration is deleted: the event names the pools that stay",
        "apply it again to resume, or remove the pool that is not needed, as the event says",
    )
    PAUSED = (
        "Paused",
        "`spec.paused` is true, or `azlm.dev/pause` was set",
        "set `spec.paused: false`, or run `kubectl azlm resume`, as the message says",
    )
    SUCCEEDED = "Succeeded", "the migration is complete"
    ALREADY_MIGRATED = "AlreadyMigrated", "the migration was complete before this resource existed"
    REQUESTED = "Requested", "an admin has asked for the rollback"

    # Reasons of the conditions that show progress.
    PASSED = "Passed", "the preflight has passed"
    READY = "Ready", "the target stands and its nodes were Ready"
    NOT_READY = "NotReady", "the target does not stand yet"
    DRAINED = "Drained", "every pod that can move has left the source"
    NOT_DRAINED = "NotDrained", "pods are left on the source"
    NOT_BLOCKED = "NotBlocked", "nothing holds the drain up"
    AS_LEFT = "AsLeft", "nobody else has changed the two pools"
    NOT_RETIRED = "NotRetired", "the source stands"

    # The migration waits for something that may pass by itself.
    DRAIN_BLOCKED = (
        "DrainBlocked",
        "something cannot move",
        "see the message and `status.blockers` ([causes](drain.md#blockers))",
        "Warning",
    )
    TARGET_NODES_NOT_READY = (
        "TargetNodesNotReady",
        "nodes of the target are not Ready; a soak begins again if that lasts five minutes",
        "repair the nodes if they do not become Ready",
        "Warning",
    )
    TARGET_NOT_READY = (
        "TargetNotReady",
        "no node of the target takes pods; nothing is evicted until one does",
        "repair the nodes, uncordon them, or check what removes their taint, as the message says",
        "Warning",
    )
    TARGET_NODES_TAINTED = (
        "TargetNodesTainted",
        "nodes of the target have a startup taint that nobody has removed; nothing is cordoned",
        "check the agent that removes the taint, or put it into `spec.target.taints`",
        "Warning",
    )
    NODE_AGENTS_NOT_READY = (
        "NodeAgentsNotReady",
        "DaemonSets that are Ready on the source are not on the target",
        "see why their pods fail on the new OS, or acknowledge `daemonset.not-ready`",
        "Warning",
    )
    REPLACEMENTS_UNSCHEDULABLE = (
        "ReplacementsUnschedulable",
        "the scheduler finds no node for moved pods; until it does, nothing is moved or deleted",
        "add capacity to the target",
        "Warning",
    )
    REPLACEMENTS_UNHEALTHY = (
        "ReplacementsUnhealthy",
        "moved pods are not recreated or do not become Ready; nothing is moved until they are",
        "see the blocker; `spec.drain.unhealthyReplacements: Ignore` continues anyway",
        "Warning",
    )
    WATCH_STALE = (
        "WatchStale",
        "a watch has delivered nothing for a long time; until it does, nothing is moved or removed",
        "check the operator's log and its rights",
        "Warning",
    )
    SOURCE_NODES_NOT_READY = (
        "SourceNodesNotReady",
        "during a rollback, no node of the source is Ready",
        "repair the nodes",
        "Warning",
    )
    POOL_NOT_DRAINED = (
        "PoolNotDrained",
        "pods or nodes came to the source after the drain; they are moved before it is retired",
    )
    MACHINES_IN_USE = (
        "MachinesInUse",
        "pods run on machines that were about to be deleted; the machines are kept",
        "see the pods that the message names; " + _WAIT,
        "Warning",
    )
    DRAIN_FORCED = (
        "DrainForced",
        "the deadline has passed and `spec.drain.onTimeout` is Force: what remains is deleted",
        "",
        "Warning",
    )
    AZURE_BUSY = "AzureBusy", "another operation runs on the pool", _WAIT
    AZURE_CONFLICT = "AzureConflict", "the pool changed in between", _WAIT
    AZURE_THROTTLED = "AzureThrottled", "Azure limits the rate of requests", _WAIT, "Warning"
    AZURE_UNAVAILABLE = "AzureUnavailable", "Azure does not answer", _WAIT, "Warning"
    AZURE_UNAUTHENTICATED = (
        "AzureUnauthenticated",
        "Azure does not accept the operator's identity",
        "check the workload identity",
        "Warning",
    )
    CAPACITY_SHORT = (
        "CapacityShort",
        "Azure has no capacity for the size or zone",
        _WAIT + "; the message says what would help",
        "Warning",
    )
    DRAIN_FAILED_IN_AZURE = (
        "DrainFailedInAzure",
        "AKS could not drain a node that it deletes or changes",
        _WAIT + "; the message says what would help",
        "Warning",
    )
    KUBERNETES_UNAVAILABLE = (
        "KubernetesUnavailable",
        "the apiserver does not answer, or fails",
        _WAIT,
        "Warning",
    )
    INTERNAL_ERROR = (
        "InternalError",
        "the operator met an unexpected error",
        "see the operator's log, and report it",
        "Warning",
    )

    # Others changed a pool (reasons of PoolsChanged).
    SOURCE_SCALED = (
        "SourceScaled",
        "the source was scaled; added nodes are drained too",
        "",
        "Warning",
    )
    SOURCE_UPGRADING = "SourceUpgrading", "AKS upgrades the source", "", "Warning"
    TARGET_UPGRADING = "TargetUpgrading", "AKS upgrades the target", "", "Warning"
    SOURCE_UPGRADED = "SourceUpgraded", "the OS of the source was changed", _MESSAGE, "Warning"
    SOURCE_STOPPED = "SourceStopped", "the source is stopped", "start the pool", "Warning"
    TARGET_STOPPED = "TargetStopped", "the target is stopped", "start the pool", "Warning"
    AUTOSCALER_TURNED_ON = (
        "AutoscalerTurnedOn",
        "the autoscaler of the source was turned on",
        _MESSAGE,
        "Warning",
    )
    TARGET_TAGS_CHANGED = (
        "TargetTagsChanged",
        "the tags that make the target ours were changed",
        _MESSAGE,
        "Warning",
    )
    SOURCE_POOL_GONE = "SourcePoolGone", "the source was deleted", _MESSAGE, "Warning"
    TARGET_POOL_GONE = "TargetPoolGone", "the target was deleted", _MESSAGE, "Warning"

    # Refused: an admin has to act.
    INVALID_SPEC = (
        "InvalidSpec",
        "the spec cannot be read",
        "apply the CRD that this operator was shipped with, and correct the field",
        "Warning",
    )
    INVALID_STATUS = (
        "InvalidStatus",
        "a part of the status cannot be read and is derived again",
        "",
        "Warning",
    )
    SOURCE_POOL_NOT_FOUND = (
        "SourcePoolNotFound",
        "the source does not exist",
        "correct `spec.source.nodePool`; the message lists the pools",
        "Warning",
    )
    SOURCE_NOT_LINUX = (
        "SourceNotLinux",
        "the source is a Windows pool",
        "such pools cannot move to Azure Linux",
        "Warning",
    )
    SOURCE_TYPE_UNSUPPORTED = (
        "SourceTypeUnsupported",
        "the source is of a type that azlm cannot copy",
        "move that pool by other means",
        "Warning",
    )
    SOURCE_NOT_HEALTHY = (
        "SourceNotHealthy",
        "the source is in a failed state",
        "repair the pool first",
        "Warning",
    )
    ALREADY_TARGET_OS = (
        "AlreadyTargetOS",
        "the source runs the target's OS already",
        "there is nothing to migrate; for another size set `spec.target.vmSize`",
        "Warning",
    )
    PREFLIGHT_BLOCKED = (
        "PreflightBlocked",
        "a [preflight](preflight.md) check blocks",
        "fix the problem, or acknowledge the check by its id",
        "Warning",
    )
    PODS_BLOCKED = (
        "PodsBlocked",
        "pods that the drain does not move are on the source, such as those with a local volume",
        "see `status.preflight` and `spec.drain`",
        "Warning",
    )
    FORECAST_BLOCKED = (
        "ForecastBlocked",
        "the migration would be blocked",
        "fix what `status.forecast.blockedBy` names",
        "Warning",
    )
    SYSTEM_POOL_CANNOT_BE_EMPTY = (
        "SystemPoolCannotBeEmpty",
        "a System pool cannot be scaled to zero",
        "set `spec.sourcePool` to Delete or Keep, or make it a User pool",
        "Warning",
    )
    SOURCE_BUSY = (
        "SourceBusy",
        "another migration uses one of the two pools; the one that began first continues",
        "wait for the other migration, or delete one of the two",
        "Warning",
    )
    TARGET_IS_SOURCE = (
        "TargetIsSource",
        "source and target are the same pool",
        "choose another `spec.target.nodePool`",
        "Warning",
    )
    TARGET_POOL_EXISTS = (
        "TargetPoolExists",
        "a pool of the target's name exists and is not this migration's",
        "choose another `spec.target.nodePool`, or delete that pool",
        "Warning",
    )
    TARGET_FAILED = (
        "TargetFailed",
        "AKS could not create or scale the target",
        "see `az aks nodepool show`; repair it, or delete it and the operator creates it again",
        "Warning",
    )
    UPDATE_FAILED = (
        "UpdateFailed",
        "AKS's in-place update failed",
        "fix what the message names, and start the update again",
        "Warning",
    )
    UPDATE_IGNORED = (
        "UpdateIgnored",
        "AKS accepts the change of an InPlace migration but shows another OS SKU",
        "check the pool",
        "Warning",
    )
    POOL_GONE = (
        "PoolGone",
        "a pool is missing; the operator changes nothing more",
        _MESSAGE,
        "Warning",
    )
    TARGET_MISSING = "TargetMissing", "the target is gone; the source is kept", _MESSAGE, "Warning"
    NODES_HELD = (
        "NodesHeld",
        "a workload or AKS has marked the nodes that are left as not to be upgraded now",
        "remove the label `kubernetes.azure.com/upgrade-status` when the workload is ready",
        "Warning",
    )
    NODE_UNCORDONED = (
        "NodeUncordoned",
        "somebody uncordoned a drained node during the soak",
        "cordon it again to continue, or delete the migration to keep the pool",
        "Warning",
    )
    DRAIN_TIMED_OUT = (
        "DrainTimedOut",
        "a batch was not drained within `spec.drain.timeout`",
        "fix what the message names and run `kubectl azlm retry`, or raise the timeout",
        "Warning",
    )
    ROLLED_BACK = (
        "RolledBack",
        "the source is in use again",
        "run `kubectl azlm retry`, or change the spec, to try again",
        "Warning",
    )
    TARGET_NOT_ELASTIC = (
        "TargetNotElastic",
        "the source had an autoscaler, and the target has none while pods are moved",
        "turn it on, as the message says, if workloads may need more nodes meanwhile",
        "Warning",
    )
    OUTBOUND_PORTS_SHORT = (
        "OutboundPortsShort",
        "the load balancer has too few outbound ports for more nodes",
        "lower `allocatedOutboundPorts`, or add outbound IPs",
        "Warning",
    )
    ABORTED = (
        "Aborted",
        "an admin has stopped the migration for good; both pools stay",
        "`kubectl azlm retry` begins again; delete the migration to forget it",
        "Warning",
    )
    KUBERNETES_FORBIDDEN = (
        "KubernetesForbidden",
        "the operator lacks a right in Kubernetes",
        "apply the shipped ClusterRole",
        "Warning",
    )
    AZURE_FORBIDDEN = (
        "AzureForbidden",
        "the operator's identity, or the cluster's own, lacks a right in Azure",
        "assign what the message names; the operator's roles are in `docs/azure-role.md`",
        "Warning",
    )
    CLUSTER_UNKNOWN = (
        "ClusterUnknown",
        "the operator does not know the AKS cluster",
        "set `spec.cluster`, or the operator's `--cluster-name` and related flags",
        "Warning",
    )
    ON_AZURE_LOCAL = (
        "OnAzureLocal",
        "the cluster is AKS enabled by Azure Arc, not AKS in Azure",
        "nothing: its Linux nodes run Azure Linux already",
        "Warning",
    )
    CLUSTER_NOT_FOUND = (
        "ClusterNotFound",
        "Azure does not find the AKS cluster",
        "correct `spec.cluster`",
        "Warning",
    )
    QUOTA_EXCEEDED = "QuotaExceeded", "the quota of the region is used up", _MESSAGE, "Warning"
    SUBNET_TOO_SMALL = "SubnetTooSmall", "the subnet has too few addresses", _MESSAGE, "Warning"
    POLICY_DENIED = "PolicyDenied", "an Azure Policy denies the request", _MESSAGE, "Warning"
    SCOPE_LOCKED = "ScopeLocked", "an Azure lock forbids the change", _MESSAGE, "Warning"
    LAST_SYSTEM_POOL = "LastSystemPool", "the last System pool cannot go", _MESSAGE, "Warning"
    TAINT_REFUSED = "TaintRefused", "AKS refuses a taint of the target", _MESSAGE, "Warning"
    PARAMETER_REFUSED = "ParameterRefused", "AKS refuses a field of the target", _MESSAGE, "Warning"
    VERSION_REFUSED = "VersionRefused", "AKS refuses the Kubernetes version", _MESSAGE, "Warning"
    CHANGE_REFUSED = "ChangeRefused", "AKS cannot change that in place", _MESSAGE, "Warning"
    BUDGETS_REFUSED = "BudgetsRefused", "AKS refuses because of budgets", _MESSAGE, "Warning"
    NODES_DO_NOT_START = "NodesDoNotStart", "new nodes fail to start", _MESSAGE, "Warning"
    AZURE_REFUSED = "AzureRefused", "Azure refuses the request", _MESSAGE, "Warning"


def table() -> str:
    """The table of docs/conditions.md."""
    rows = ["| reason | meaning | what to do |", "|---|---|---|"]
    rows += [
        f"| `{reason.value}` | {reason.text} | {reason.remedy or 'nothing'} |" for reason in Reason
    ]
    return "\n".join(rows)
