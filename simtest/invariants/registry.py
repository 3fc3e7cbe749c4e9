"""The invariants by name, and how often each was judged, and how often it excused itself.

An invariant that is never judged proves nothing, and neither does one that is excused whenever it
does not hold: `make sim` prints both counts and fails on either, if there were enough seeds.
"""

from collections import Counter
from collections.abc import Mapping

ENOUGH_SEEDS = 2000
"""Of so many seeds, at least one has to judge each invariant."""
MOST_EXCUSED = 0.1
"""The share of its judgements that an invariant may excuse in so many seeds."""

INVARIANTS: dict[str, str] = {
    # Budgets and replicas
    "budget-kept": "azlm brings no budget below its desiredHealthy",
    "replicas-kept": "azlm brings no replicas without a budget below their controller's limit",
    "surge-kept": "restoring a scale, or restarting a rollout, leaves enough replicas",
    "slot-known-free": "a pod is evicted only if the operator can see a free slot",
    "calm-unrefused": "without faults no eviction is refused",
    # Moves
    "evicted-once": "an eviction that was granted and answered is not sent again",
    "retry-due": "an eviction that was refused or not answered is sent again only when it is due",
    "right-pod": "the intended pod leaves, and not its successor",
    "moved-once": "each replica is moved once in each direction",
    "right-pool": "pods leave only the pool that is being emptied",
    "old-pod-first": "restoring a surged scale removes the pod of the pool that is emptied",
    # spec.drain
    "daemons-stay": "pods of DaemonSets are never evicted",
    "jobs-wait": "pods of Jobs are not evicted if spec.drain.jobs is Wait",
    "empty-dir-stays": "pods with an emptyDir are not evicted if spec.drain.emptyDir is Block",
    "unmanaged-stays": "pods without a controller stay if spec.drain.unmanagedPods is Block",
    "local-volume-stays": "pods with a volume on the node's own disk are never evicted",
    "volume-reached": "pods with a volume that the other pool cannot attach are never evicted",
    "in-batch": "nodes outside the batch are drained only with spec.drain.prefetch",
    "in-order": "pods with a higher spec.drain.order leave after those with a lower one",
    "only-force-deletes": "pods are deleted only with spec.drain.onTimeout: Force",
    "not-forced-early": "pods are not deleted before spec.drain.timeout is over",
    "probes-slow": "a budget that can never grant is asked for one pod, once a minute at most",
    "forced-without-slot": "pods are not deleted while their budget has a free slot",
    "timeout-kept": "after spec.drain.timeout pods are evicted only with Force",
    "pause-stops-the-clock": "time while paused does not count as drain.timeout",
    "reason-reported": "a pod that waits for two minutes is explained by the status",
    # Nodes
    "cordoned-first": "pods are moved only while all nodes of their pool are cordoned",
    "foreign-cordon-kept": "cordons of others are neither taken over nor removed",
    "foreign-cordon-raced": "a cordon set in the same moment is not taken over",
    "no-recordon-in-soak": "a node that somebody uncordons during the soak is not cordoned again",
    "approved-before-drain": "nothing is changed before the approval that the spec asks for",
    "approval-fresh": "an approval of an attempt that was rolled back does not count again",
    "target-first": "nothing is changed before all nodes of the target have been Ready",
    "target-as-asked": "the target has as many nodes as the spec asks for when the drain begins",
    "target-ready": "no pod is evicted while no target node is Ready",
    "placed-first": "no pod is evicted while replacements of moved pods are Unschedulable",
    "batch-size": "no more nodes join a batch than the spec says",
    "batch-soak": "the next batch begins after the soak of the last one",
    # Pools
    "one-target": "one target pool, of one name, is created for a migration",
    "created-in-time": "a target pool is created only in its step",
    "only-own-pools": "only the source and the pool of the migration are changed or deleted",
    "changed-unseen": "a pool that others have changed since it was read is not changed",
    "reading-fresh": "a pool is made, changed or deleted only on a reading of this minute",
    "tags-true": "the target's tags name migration, source, size and bounds from the first on",
    "autoscaler-held": "no pod is evicted while the source's autoscaler is on",
    "bounds-handed-over": "the target gets the bounds of the spec, else those of the source",
    "bounds-given-back": "the source gets its own bounds back",
    "source-recorded": "the record of the source is what the source was",
    "surge-bounded": "Rolling never has more nodes than the source had and maxSurge",
    "approved-before-retire": "the source is not retired before the approval of the spec",
    "final-soak": "the source is not retired before its soak is over",
    "retired-there-only": "the source is not retired in a rollback, nor the target otherwise",
    "retired-empty": "a pool is not retired with a pod on it",
    "retired-cordoned": "a pool is not retired with a node that is not cordoned",
    "retired-detached": "a pool is not retired with a volume attached to it",
    "retired-placed": "a pool is not retired while moved pods are Unschedulable",
    "retired-with-target": "the source is not retired without a target with a Ready node",
    # Status
    "step-forward": "steps go forward, except from the level-based ones back to the cordon",
    "counts-true": "the counts of nodes and pods are those of what the process has read",
    "batch-true": "the batch that is reported is the last one that nodes are marked with",
    "drained-true": "Drained is reported only while no pod is left to move",
    "blockers-true": "a blocker names an object that is there",
    "eta-true": "the end of a drain is not reported to be over, and without faults comes about",
    "paused-turns-nothing": "a paused migration turns back only if it is asked to",
    "succeeded-for-good": "a migration that succeeded stays so",
    "generation-forward": "observedGeneration never falls, nor runs ahead",
    "times-fixed": "start and completion times are written once",
    "source-fixed": "the record of the source never changes",
    "batch-forward": "batches and their times only go forward",
    "forced-forward": "the count of forced pods never falls",
    "approved-fixed": "a used approval is not forgotten",
    "rollback-fixed": "the reason and the time of a rollback stay",
    "token-once": "a rollback token acts once",
    "transitions-true": "the time of a condition never goes back while its status stays",
    "blockers-bounded": "at most 20 blockers, sorted, each with the time of its first report",
    "steady": "no stall begins seven times in ten minutes for the same reason",
    # Rate limits
    "in-measure": "no request is repeated more than once a second",
    "retry-after-kept": "no request is repeated before the Retry-After of its answer is over",
    "hourly": "no more than a thousand requests of one kind an hour go to Azure",
    "writes-bounded": "the number of writes is limited by the numbers of pods and nodes",
    "paused-means-paused": "only reads are sent while paused or in mode Plan",
    "recorded-first": "a step is recorded before any of its actions",
    "remedy-reported": "what stalls, waits or blocks says what an admin can do about it",
    # The process
    "one-at-a-time": "of two migrations of one pool, one changes nothing before the other is over",
    "lease-held": "nothing is changed by a process that does not hold the Lease",
    "events-true": "events are about what there is, and say what was decided",
    "events-few": "events follow what changes: a few for each change of the reason or a blocker",
    # The end
    "ends": "after the faults, every run ends within four hours",
    "no-livelock": "no run needs more events than the limit",
    "no-crash": "no run raises an exception",
    "idle-at-the-end": "after the end nothing is written any more",
    "marks-gone": "no mark of azlm is left",
    "surge-left": "no Deployment is left surged",
    "foreign-cordons-stay": "the cordons of others are still there",
    "released": "after a rollback or a deletion all nodes of the source accept pods again",
    "autoscaler-back": "after a rollback or a deletion the source's autoscaler is as before",
    "autoscaler-back-paused": "the same if the resource was deleted while paused",
    "source-back": "after a rollback the source has its nodes again, and the target is gone",
    "originals-back": "after a rollback or a deletion all else of the source is as before",
    "target-right": "after success the target has the OS, zones, tags and bounds of the spec",
    "target-count": "after success the target has as many nodes as the spec asks for",
    "source-retired": "after success the source is retired as the spec asks for",
    "moved-land": "no pod of a workload that was moved is left without a node",
    "others-marks-stay": "the marks of other migrations are still there",
    "log-clean": "no unexpected error is logged",
    "workloads-well": "every workload has its replicas",
}


class ViolationError(AssertionError):
    """An invariant does not hold: its name, and what was seen."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class Judge:
    """Counts judgements and raises ViolationError; violations of `tolerated` invariants are only
    counted."""

    def __init__(self, tolerated: Mapping[str, str]) -> None:
        self._tolerated = tolerated
        self.judged: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        """How often an invariant did not hold and others were to blame."""
        self.broken: Counter[str] = Counter()
        """How often a tolerated invariant was broken."""

    def that(self, name: str, holds: object, text: str = "", *, excuse: object = False) -> None:
        """Judge whether the invariant of that name holds. `excuse` is whether others may have
        caused that it does not; one that holds needs none."""
        if not holds and excuse:
            self.excused[name] += 1
            return
        self.judged[name] += 1
        if not holds:
            if name not in self._tolerated:
                raise ViolationError(name, text)
            self.broken[name] += 1
