"""The status: which fields only go forward, and which steps may go back."""

from collections import deque

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.names import APPROVE, ROLLBACK, TAG_COUNT
from azure_linux_migrator.api.status import MigrationStatus, Phase, since_epoch
from simtest.custom_resource import Body
from simtest.invariants.asked import length_of
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.pool_view import PoolView
from simtest.invariants.readings import starts_again

_BEFORE = ("Preflight", "HoldAutoscaler", "CreateTarget")
_MOVE = ("AwaitDrainApproval", "CordonSource", "Drain", "Soak", "AwaitRetireApproval")
STEPS = {
    "BlueGreen": (*_BEFORE, "ScaleTarget", *_MOVE, "RetireSource", "HandOverAutoscaler"),
    "Rolling": (*_BEFORE, *_MOVE, "RetireSource", "CompleteTarget", "HandOverAutoscaler"),
    "InPlace": ("Preflight", "AwaitDrainApproval", "UpdateInPlace"),
}
"""The steps of each strategy, in the order in which they are taken."""
LEVEL_BASED = ("CordonSource", "Drain", "Soak", "AwaitRetireApproval")
"""Until the source is retired, pods that appear on it are drained and its nodes are cordoned:
the status may go back from each of these steps to any before it. In a rollback it may do so from
all steps."""
MOST_STALLS = 6
STALL_SECONDS = 600.0
RETURNING = frozenset((Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.DELETING))


class StatusInvariants(Part):
    """Judges each write of the status by the previous one."""

    def __init__(self, context: JudgeContext, pool_view: PoolView) -> None:
        super().__init__(context)
        self._pool_view = pool_view
        self._tokens: list[str] = []
        self._stalls: dict[str, deque[float]] = {}
        self.succeeded = self._stands = False
        self.succeeded_at: float | None = None

    def gone(self) -> None:
        """The resource is gone. One that is applied again starts from the beginning."""
        self._stands = False
        self._tokens.clear()

    def written(self, old: MigrationStatus, body: Body) -> None:
        """Compare a written status with the previous one."""
        new = body.status
        if new is old:
            return
        that = self.context.that
        self._stands = self._stands or new.is_true("Succeeded")
        self.succeeded = self.succeeded or self._stands
        if self._stands and self.succeeded_at is None:
            self.succeeded_at = self.context.now
        stays = not self._stands or new.is_true("Succeeded") or body.deleting
        that("succeeded-for-good", stays, new.phase)
        seen = old.observed_generation, new.observed_generation
        that("generation-forward", seen[0] <= seen[1] <= body.generation, f"{seen}")
        for name in ("start_time", "completion_time"):
            was, now = getattr(old, name), getattr(new, name)
            that("times-fixed", was is None or was == now, f"{name}: {was}, then {now}")
        forced = old.pods.forced, new.pods.forced
        that("forced-forward", forced[0] <= forced[1], f"{forced[0]}, then {forced[1]}")
        turned = (old.rollback is None) != (new.rollback is None)
        again = starts_again(old, new)
        self._rollback(old, body, again=again)
        if not (turned or again):
            self._steps(old, new)
            self._source(old, new)
            self._batch(old, new)
            self._approved(old, body)
        self._details(old, new)
        self._steady(old, new)
        self._timed_out(old, new)

    # Fields

    def _steps(self, old: MigrationStatus, new: MigrationStatus) -> None:
        if {old.phase, new.phase} & RETURNING or new.rollback or old.step == new.step:
            return
        if new.is_true("Succeeded"):
            return
        steps = ("", *STEPS[str(self.context.strategy["type"])])
        listed = {old.step, new.step} <= set(steps)
        was, now = (steps.index(step) if listed else 0 for step in (old.step, new.step))
        back = old.step in LEVEL_BASED and new.step in LEVEL_BASED
        self.context.that(
            "step-forward", was < now or back, f"the status goes from {old.step} to {new.step}"
        )

    def _source(self, old: MigrationStatus, new: MigrationStatus) -> None:
        """The record of the source is fixed, except for what its own autoscaler does before the
        hold."""
        was, now = old.source, new.source
        if was.count is not None:
            same = (was.os_sku, was.autoscaler) == (now.os_sku, now.autoscaler)
            scales = was.autoscaler is not None and old.step == "HoldAutoscaler"
            held = was.count == now.count or scales
            self.context.that("source-fixed", same and held, f"{was}, then {now}")
        if now.count is not None and now.count != was.count:
            self._recorded(now.count, new)

    def _recorded(self, count: int, new: MigrationStatus) -> None:
        """The record of the source is what was read."""
        self._pool_view.look()
        recent = self._pool_view.recent_counts()
        text = f"the source had {recent} nodes, {count} are recorded"
        tags = self.context.aks.properties(self.context.target).get("tags") or {}
        matches = count in recent or tags.get(TAG_COUNT) == str(count)
        self.context.that("source-recorded", matches, text)
        bounds = new.source.autoscaler
        if bounds is not None:
            matches, held = (bounds.min, bounds.max), self._pool_view.held
            self.context.that(
                "source-recorded", matches == held, f"bounds {held}, recorded {matches}"
            )

    def _batch(self, old: MigrationStatus, new: MigrationStatus) -> None:
        was, now, that = old.batch, new.batch, self.context.that
        that("batch-forward", was.index <= now.index, f"batch {was.index}, then {now.index}")
        slack = self.context.slack(0.0)
        for name in ("started_at", "drained_at"):
            before, after = since_epoch(getattr(was, name)), since_epoch(getattr(now, name))
            ok = before is None or after is None or after >= before - slack
            that("batch-forward", ok, f"{name}: {getattr(was, name)}, then {getattr(now, name)}")
        kept = was.index != now.index or was.started_at is None or now.started_at is not None
        that("batch-forward", kept, "when the batch began is forgotten")

    def _approved(self, old: MigrationStatus, body: Body) -> None:
        new = body.status
        approval = body.annotations.get(APPROVE, "")
        kept = not old.approved or new.approved in {old.approved, approval}
        kept = kept or old.observed_generation != new.observed_generation
        self.context.that("approved-fixed", kept, f"{old.approved}, then {new.approved!r}")

    def _rollback(self, old: MigrationStatus, body: Body, *, again: bool) -> None:
        new, that = body.status, self.context.that
        if old.rollback is not None:
            that("rollback-fixed", new.rollback == old.rollback or again, f"{new.rollback}")
        elif new.rollback is not None and new.rollback.reason == "Requested":
            token = body.annotations.get(ROLLBACK, "")
            that("token-once", token not in self._tokens, f"{token} acts again")
            self._tokens.append(token)
        accounted = new.handled_rollback in {"", old.handled_rollback} or new.rollback is not None
        accounted = accounted or not old.conditions  # a token that the resource was created with
        that("token-once", accounted, f"{new.handled_rollback} is reported without a rollback")

    def _details(self, old: MigrationStatus, new: MigrationStatus) -> None:
        that = self.context.that
        for condition in new.conditions:
            before = old.condition(condition.type)
            if before is not None and before.status == condition.status:
                was = since_epoch(before.last_transition_time) or 0.0
                now = since_epoch(condition.last_transition_time) or 0.0
                text = f"{condition.type} stays {condition.status}, and has been so for longer now"
                that("transitions-true", now >= was - self.context.slack(0.0), text)
        if new.blockers and new.blockers is not old.blockers:
            keys = [(b.cause, b.kind, b.namespace, b.name) for b in new.blockers]
            ranked = sorted(keys, key=lambda key: (not Cause(key[0]).blocks, key))
            since = {key: b.since for key, b in zip(keys, new.blockers, strict=True)}
            kept = all(
                (since_epoch(since.get((b.cause, b.kind, b.namespace, b.name))) or 1e12)
                >= (since_epoch(b.since) or 0.0) - self.context.slack(0.0)
                for b in old.blockers
            )
            that("blockers-bounded", len(keys) <= 20 and keys == ranked and kept, f"{keys}")

    # Over time

    def _steady(self, old: MigrationStatus, new: MigrationStatus) -> None:
        """The status does not flap between Stalled and progress."""
        stalled = new.condition("Stalled")
        if stalled is None or stalled.status != "True" or old.is_true("Stalled"):
            return
        now = self.context.now
        recent = self._stalls.setdefault(stalled.reason, deque())
        recent.append(now)
        while now - recent[0] > STALL_SECONDS:
            recent.popleft()
        text = f"stalled {len(recent)} times in ten minutes: {stalled.reason}"
        self.context.that("steady", len(recent) <= MOST_STALLS, text)

    def _timed_out(self, old: MigrationStatus, new: MigrationStatus) -> None:
        """The timeout of a batch counts the seconds of work."""
        stalled = new.condition("Stalled")
        if stalled is None or stalled.reason != "DrainTimedOut" or old.is_true("Stalled"):
            return
        context = self.context
        started = max(since_epoch(new.batch.started_at) or 0.0, context.batch_at)
        if started:
            limits = [
                length_of(s, "drain", "timeout") for s in context.in_force(context.now - 10.0)
            ]
            worked = context.now - started - context.paused(started)
            text = f"timed out after {worked:.0f} s of work"
            right = worked >= min(limits) - context.slack(started)
            context.that("pause-stops-the-clock", right, text)
