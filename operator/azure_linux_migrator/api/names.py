"""Every name the product writes into a cluster or into AKS, in one place."""

GROUP = "azlm.dev"
VERSION = "v1alpha1"
KIND = "AzureLinuxMigration"
PLURAL = "azurelinuxmigrations"
SINGULAR = "azurelinuxmigration"
SHORT_NAME = "azlm"
CATEGORY = "azure"
API_VERSION = f"{GROUP}/{VERSION}"

FINALIZER = f"{GROUP}/migration"
FIELD_MANAGER = "azlm"

CORDONED_BY = f"{GROUP}/cordoned-by"
"""Node annotation: the migration that cordoned this node. A cordon without it is someone else's."""

BATCH = f"{GROUP}/batch"
"""Node annotation `<migration>.<uid>.<k>`: the batch in which the node is drained. The uid is that
of the migration: a mark that a deleted one has left means nothing to its successor."""

SURGE = f"{GROUP}/surge"
"""Deployment annotation `<migration>/<replicas>`: a replica was added, this many were there."""
RESTARTED = f"{GROUP}/restarted-for"
"""Pod template annotation: uid of the migration that restarted the rollout."""

TAG_MIGRATION = "azlm-migration"
"""Pool tag: name of the migration that created the pool."""
TAG_SOURCE = "azlm-source-pool"
"""Pool tag: name of the pool that the tagged pool replaces."""

TAG_COUNT = "azlm-source-count"
"""Pool tag on the target: how many nodes the source pool had."""
TAG_TARGET_COUNT = "azlm-target-count"
"""Pool tag on the target: how many nodes `target.count: Auto` came to."""
TAG_AUTOSCALER = "azlm-held-autoscaler"
"""Pool tag, `<min>-<max>`: the bounds of the source's cluster autoscaler before it was held; on the
source while it is held, on the target until it has got them."""

TAG_STOP = "azlm-stop"
"""Pool tag on the source: what a migration that was deleted leaves to its successor, such as
`paused` or `approved=BeforeDrain`."""

APPROVE = f"{GROUP}/approve"
"""Annotation of the resource: the gate (spec.approval) that an admin lets pass."""
ROLLBACK = f"{GROUP}/rollback"
"""Annotation of the resource: any new value asks, once, to move everything back."""

PAUSE = f"{GROUP}/pause"
RESUME = f"{GROUP}/resume"
"""Annotations of the resource: any new value pauses the migration, or ends that pause, once."""
ABORT = f"{GROUP}/abort"
"""Annotation of the resource: any new value stops the migration where it is, once and for good."""
RETRY = f"{GROUP}/retry"
"""Annotation of the resource: any new value begins a migration again that was rolled back or
aborted, and gives a drain that timed out its time again."""

AGENTPOOL_LABEL = "kubernetes.azure.com/agentpool"
"""Node label that AKS sets to the pool's name."""
ZONE_LABEL = "topology.kubernetes.io/zone"
OS_SKU_LABEL = "kubernetes.azure.com/os-sku"
UPGRADE_STATUS_LABEL = "kubernetes.azure.com/upgrade-status"
"""A workload (paused) or AKS (Quarantined) marks a node with it: it is not to be upgraded now."""
OS_EFFECTIVE_LABEL = "kubernetes.azure.com/os-sku-effective"

DRAIN_IN_PROGRESS = "DrainInProgress"
DRAINED = "Drained"
"""Conditions of a node that report its drain
(kubernetes/enhancements, keps/sig-node/5683-lifecycle-conditions)."""
DRAIN_REASON = "AzlmMigration"
RELINQUISHED = "yielded"
"""Value of the surge annotation of a Deployment whose scale another writer has changed."""
LOWEST_DELETION_COST = -2_147_483_648
"""The pod-deletion-cost of the pod that its ReplicaSet removes first: the least there is."""
