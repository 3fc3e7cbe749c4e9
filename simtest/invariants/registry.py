"""The invariants by name, and how often each was judged.

An invariant that is never judged proves nothing: `make sim` prints the counts and fails if one of
them is zero.
"""

from collections import Counter
from collections.abc import Mapping

INVARIANTS: dict[str, str] = {
    # Budgets and replicas
    "budget-kept": "no budget goes below its desiredHealthy by our doing",
    "replicas-kept": "nor replicas without a budget below what their controller allows",
    "surge-kept": "giving a surged replica back, or restarting a rollout, leaves none too few",
    "slot-known-free": "nothing is evicted that the operator itself could see no free slot for",
    "calm-unrefused": "where nothing goes wrong no eviction is refused",
    # Moves
    "evicted-once": "an eviction that was granted and answered is not sent again",
    "retry-due": "one that was refused or not answered is sent again only when that is due",
    "right-pod": "it is this very pod that leaves, and not its successor",
    "moved-once": "each replica is moved once in each direction",
    "right-pool": "pods leave only the pool that is being emptied",
    "victim-first": "giving a surged replica back takes the pod of the pool that is emptied",
    # spec.drain
    "daemons-stay": "pods of DaemonSets are never evicted",
    "jobs-wait": "those of Jobs not where spec.drain.jobs is Wait",
    "empty-dir-stays": "those with an emptyDir not where spec.drain.emptyDir is Block",
    "unmanaged-stays": "those without a controller not where spec.drain.unmanagedPods is Block",
    "local-volume-stays": "those with a volume on the node's own disk never",
    "volume-reached": "nor those whose volume no node of the other pool can attach",
    "in-batch": "nodes outside the batch are drained only with spec.drain.prefetch",
    "in-order": "nothing of a higher spec.drain.order before what is lower",
    "only-force-deletes": "pods are deleted only with spec.drain.onTimeout: Force",
    "not-forced-early": "and not before spec.drain.timeout is over",
    "forced-without-slot": "nor while their budget has a free slot",
    "timeout-kept": "after spec.drain.timeout nothing is evicted any more but by Force",
    "pause-stops-the-clock": "time while paused does not count as drain.timeout",
    "reason-told": "a pod that waits for two minutes is explained by the status",
    # Nodes
    "cordoned-first": "pods are moved only while the pool that they leave takes none",
    "foreign-cordon-kept": "cordons of others are neither taken over nor undone",
    "foreign-cordon-raced": "nor one that the operator did not see before its own",
    "no-recordon-in-soak": "a node that somebody uncordons during the soak is not cordoned again",
    "approved-before-drain": "nothing is touched before the approval that the spec asks for",
    "approval-fresh": "an approval of an attempt that was rolled back does not count again",
    "target-first": "nothing is touched before the target has stood with all its nodes Ready",
    "target-as-asked": "and it has as many nodes as were asked for",
    "target-ready": "nothing is evicted while no target node is Ready",
    "placed-first": "nor while replacements of moved pods are Unschedulable",
    "batch-size": "no more nodes join a batch than the spec says",
    "batch-soak": "and the next batch not before the soak of the last",
    # Pools
    "one-target": "one target pool, of one name, is made for a migration",
    "created-in-time": "and only while the migration creates its target",
    "only-own-pools": "no pool but the source and our own is changed or deleted",
    "changed-unseen": "nor one that others have changed since it was read",
    "autoscaler-held": "nothing is evicted while the source's autoscaler is on",
    "bounds-handed-over": "the target gets the bounds of the spec, else the source's",
    "bounds-given-back": "the source gets its own bounds back",
    "source-recorded": "what is recorded of the source is what it was",
    "surge-bounded": "Rolling never has more nodes than the source had and maxSurge",
    "approved-before-retire": "the source is not retired before the approval asked for",
    "final-soak": "nor before its soak is over",
    "retired-there-only": "nor on the way back, nor the target on the way there",
    "retired-empty": "nor with a pod on it",
    "retired-cordoned": "nor with a node that takes new ones",
    "retired-detached": "nor with a volume attached to it",
    "retired-placed": "nor while moved pods are Unschedulable",
    "retired-with-target": "nor without a target pool of ours with a Ready node",
    # Status
    "step-forward": "steps go forward, but from the level-based ones back to the cordon",
    "succeeded-for-good": "a migration that succeeded stays so",
    "generation-forward": "observedGeneration never falls, nor runs ahead",
    "times-fixed": "start and completion are told once",
    "source-fixed": "the record of the source never changes",
    "batch-forward": "batches and their times only go forward",
    "forced-forward": "the count of forced pods never falls",
    "approved-fixed": "an approval that was taken is not forgotten",
    "rollback-fixed": "a rollback's reason and time stay",
    "token-once": "a rollback token acts once",
    "transitions-true": "the time of a condition never goes back while it stays",
    "blockers-bounded": "at most 20 blockers, sorted, each since when it was first told",
    "steady": "no stall begins seven times in ten minutes for the same reason",
    # Rate limits
    "in-measure": "nothing is asked for more than once a second",
    "writes-bounded": "all writes together are few for the pods and nodes there are",
    "paused-means-paused": "nothing but reads while paused or in mode Plan",
    "recorded-first": "a step is recorded before anything of it is done",
    "remedy-told": "what stalls, waits or blocks says what an admin can do about it",
    # The end
    "ends": "once the misfortunes are over, every run ends within four hours",
    "no-livelock": "no run needs more events than any should",
    "no-crash": "nothing breaks",
    "idle-at-the-end": "and then nothing is written any more",
    "marks-gone": "no mark of ours is left",
    "surge-left": "no Deployment is left surged",
    "foreign-cordons-stay": "the cordons of others are still there",
    "released": "after a rollback or a deletion all nodes of the source take pods again",
    "autoscaler-back": "after those the source's autoscaler is as before",
    "autoscaler-back-paused": "also where it was deleted while paused",
    "source-back": "after a rollback the source has its nodes again, and the target is gone",
    "target-right": "after success the target has the OS, zones, tags and bounds asked for",
    "target-count": "and as many nodes",
    "source-retired": "and the source is retired as asked for",
    "workloads-well": "every workload has its replicas",
}


UNREACHED: frozenset[str] = frozenset()
"""Judged only by scenarios that do not exist yet: a run does not fail if they are never judged."""


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
        self.broken: Counter[str] = Counter()
        """How often a tolerated invariant was broken."""

    def that(self, name: str, holds: object, text: str = "") -> None:
        """Judge whether the invariant of that name holds."""
        self.judged[name] += 1
        if not holds:
            if name not in self._tolerated:
                raise ViolationError(name, text)
            self.broken[name] += 1
