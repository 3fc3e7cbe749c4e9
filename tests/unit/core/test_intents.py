"""What people ask for by annotation: each value acts once, and its removal undoes nothing."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.api.names import ABORT, APPROVE, PAUSE, RESUME, RETRY, ROLLBACK
from azure_linux_migrator.api.status import MigrationStatus, RollbackStatus, timestamp
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.model.actions import CordonNode, EvictPod, ReleaseNode, UpdatePool
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from tests.support.decisions import ready, stalled
from tests.support.worlds import NOW, at, migration, pod, seen, source, target, world


def draining(**more: Any) -> MigrationStatus:
    """Batch 1 is being drained, for a minute."""
    batch = BatchProgress(index=1, of=1, started_at=timestamp(NOW - 60))
    return at("Drain", batch=batch, phase="Running", **more)


class IntentRun:
    """A migration with a pod to move: annotations and spec change between two decisions."""

    def __init__(self, status: MigrationStatus | None = None, **spec: Any) -> None:
        self.world = world([pod("a")])
        self.wanted = migration(status or draining(), **spec)
        self.pools: tuple[Pool, ...] = (source(), target())

    def __call__(self, now: float = NOW, /, **annotations: str) -> Decision:
        given = {f"azlm.dev/{verb}": value for verb, value in annotations.items()}
        self.wanted = replace(self.wanted, annotations=given)
        decision = decide(self.wanted, seen(self.world, *self.pools), now)
        self.wanted = replace(self.wanted, status=decision.status)
        return decision

    def next(self, **fields: Any) -> None:
        """Another resource, or another version of it."""
        self.wanted = replace(self.wanted, **fields)


def kinds(decision: Decision) -> set[type]:
    return {type(action) for action in decision.actions}


def test_a_pause_holds_after_its_annotation_is_gone_and_ends_by_a_new_word() -> None:
    run = IntentRun()
    assert EvictPod in kinds(run())
    paused = run(pause="1")
    assert (kinds(paused), paused.status.phase, ready(paused)) == (set(), "Paused", "Paused")
    assert "kubectl azlm resume m" in paused.status.message
    assert run().status.phase == "Paused", "a GitOps tool has removed the annotation"
    assert run(pause="1").status.phase == "Paused"
    assert EvictPod in kinds(run(pause="1", resume="1"))
    assert EvictPod in kinds(run(pause="1")), "the same word does not pause again"
    assert run(pause="2").status.phase == "Paused"


def test_a_resume_does_not_overrule_the_spec() -> None:
    run = IntentRun(paused=True)
    decision = run(resume="1")
    assert (decision.status.phase, decision.status.message) == (
        "Paused",
        "paused (spec.paused is true)",
    )


def test_pause_wins_over_a_resume_of_the_same_moment() -> None:
    assert IntentRun()(pause="1", resume="1").status.phase == "Paused"


def begun_with(**in_git: str) -> IntentRun:
    """A migration that was applied with words of Git, and is being drained now."""
    run = IntentRun(MigrationStatus())
    run(**in_git)
    run.next(status=run.wanted.status.model_copy(update={"step": "Drain", "phase": "Running"}))
    run(**in_git)
    return run


def test_a_resume_that_a_tool_restores_from_git_ends_no_pause() -> None:
    run = begun_with(resume="1")
    assert run(resume="2").status.phase == "Running"
    assert run(resume="2", pause="2").status.phase == "Paused"
    restored = run(resume="1")
    assert restored.status.phase == "Paused"
    assert run(resume="1").status == restored.status, "nothing changes any more"
    assert run(resume="3").status.phase == "Running"


def test_a_pause_that_a_tool_restores_from_git_pauses_nothing() -> None:
    run = begun_with(pause="1")
    assert run(pause="2").status.phase == "Paused"
    assert run(pause="2", resume="2").status.phase == "Running"
    assert run(pause="1").status.phase == "Running"


@pytest.mark.parametrize("verb", ["abort", "rollback"])
def test_an_end_that_a_tool_restores_from_git_ends_nothing(verb: str) -> None:
    run = begun_with(**{verb: "1"})
    stopped = run(**{verb: "2"})
    assert stopped.status.aborted_at or stopped.status.rollback
    run.next(status=stopped.status.model_copy(update={"phase": "RolledBack"}))
    begun = run(**{verb: "2", "retry": "2"})
    assert (begun.status.aborted_at, begun.status.rollback) == (None, None)
    again = run(**{verb: "1"})
    assert (again.status.aborted_at, again.status.rollback) == (None, None)


@pytest.mark.parametrize("verb", ["pause", "abort", "rollback", "retry"])
def test_a_value_that_was_acted_on_before_is_reported(verb: str) -> None:
    earlier = {"earlier_tokens": (f"{verb}=1",), f"handled_{verb}": "2"}
    run = IntentRun(draining(**earlier))
    words = f"azlm.dev/{verb}=1 (was acted on before; use another value, or kubectl azlm {verb} m)"
    for _ in range(2):
        assert run(**{verb: "1"}).status.message.endswith(f". Without effect: {words}")
    assert "Without effect" not in run(**{verb: "2"}).status.message, "it may just have acted"


def test_a_retry_that_was_acted_on_before_is_reported_after_the_end_too() -> None:
    run = IntentRun(draining(earlier_tokens=("retry=1",), handled_retry="2"))
    assert run(abort="1").status.aborted_at
    assert "azlm.dev/retry=1 (was acted on before" in run(retry="1").status.message
    assert run(retry="3").status.aborted_at is None


def test_words_that_git_restores_are_not_displaced_by_newer_ones() -> None:
    run = begun_with(pause="git")
    for number in range(60):
        assert run(pause=f"{number}").status.phase == "Paused"
        assert run(pause=f"{number}", resume=f"{number}").status.phase == "Running"
        assert run(pause="git").status.phase == "Running"
    assert len(run.wanted.status.earlier_tokens) == 24


def test_words_that_a_resource_was_created_with_count_as_used() -> None:
    run = IntentRun(MigrationStatus())
    words = {"abort": "1", "retry": "1", "rollback": "1", "approve": "BeforeDrain"}
    decision = run(**words)
    assert decision.status.phase == "Running"
    assert decision.status.handled_rollback == decision.status.handled_abort == "1"


def test_a_drain_that_timed_out_gets_its_time_again() -> None:
    batch = BatchProgress(index=1, of=1, started_at=timestamp(NOW - 7200))
    run = IntentRun(at("Drain", batch=batch, phase="Running"), drain={"timeout": "30m"})
    run.world.put_node(Node("t-0", "srcazl"))
    run(NOW)
    late = run(NOW + 1900)
    assert ready(late) == "DrainTimedOut"
    again = run(NOW + 1901, retry="1")
    assert ready(again) == "Draining"
    assert again.status.batch.counted_from == timestamp(NOW + 1901)
    assert ready(run(NOW + 1902)) == "Draining", "and keeps it"


def test_an_abort_releases_everything_and_is_final_until_a_retry() -> None:
    run = IntentRun(draining(source={"count": 2, "autoscaler": {"min": 1, "max": 5}}))
    run.pools = (source(tags=(("azlm-held-autoscaler", "1-5"),)), target())
    stopped = run(abort="1")
    assert (stopped.status.phase, ready(stopped), stalled(stopped)) == ("Aborted", "Aborted", True)
    released = run()
    assert kinds(released) == {ReleaseNode}
    for name in ("s-0", "s-1"):
        run.world.put_node(Node(name, "src"))
    [given_back] = run().actions
    assert isinstance(given_back, UpdatePool)
    assert ("minCount", 1) in given_back.changes
    run.pools = (source(autoscaling=True, properties={"minCount": 1, "maxCount": 5}), target())
    run.next(generation=2)
    assert run().status.phase == "Aborted", "a change in Git does not begin it again"
    again = run(retry="1")
    assert again.status.phase == "Running"
    assert again.status.handled_retry == "1"
    assert run(retry="1", abort="1").status.phase == "Running", "the old abort is used"


def test_an_abort_while_it_is_moved_back_leaves_both_pools() -> None:
    back = RollbackStatus(reason="Requested", requested_at=timestamp(NOW))
    run = IntentRun(at("DrainTarget", rollback=back, phase="RollingBack"))
    assert run(abort="1").status.phase == "Aborted"
    assert run().status.rollback is None


def test_an_abort_comes_too_late_once_the_source_is_retired() -> None:
    run = IntentRun(at("RetireSource", phase="Running"))
    assert run(abort="1").status.phase != "Aborted"


def test_a_migration_that_is_done_is_not_aborted() -> None:
    run = IntentRun(at("HandOverAutoscaler", phase="Running"))
    run.world = world([], nodes=[Node("t-0", "srcazl")])
    run.pools = (target(),)
    assert run().status.phase == "Succeeded"
    assert run(abort="1").status.phase == "Succeeded", "the source is gone"


def test_an_abort_in_place_stops_until_aks_changes_the_pool() -> None:
    for step, phase in (("AwaitDrainApproval", "Aborted"), ("UpdateInPlace", "Running")):
        run = IntentRun(
            at(step, phase="Running"), strategy={"type": "InPlace"}, approval="BeforeDrain"
        )
        run.pools = (source(),)
        assert run(abort="1").status.phase == phase


def test_a_retry_begins_a_rolled_back_migration_again() -> None:
    back = RollbackStatus(reason="Requested", requested_at=timestamp(NOW))
    run = IntentRun(at("RemoveTarget", rollback=back, phase="RolledBack", observed_generation=1))
    run.pools = (source(),)
    assert run().status.phase == "RolledBack"
    again = run(retry="1")
    assert (again.status.phase, again.status.rollback) == ("Running", None)
    assert again.status.step in {"Preflight", "CreateTarget"}


def released(run: IntentRun) -> Decision:
    """The resource is deleted, and its nodes are released already."""
    for name in ("s-0", "s-1"):
        run.world.put_node(Node(name, "src"))
    run.next(deleting=True)
    return run()


@pytest.mark.parametrize(
    ("words", "status", "mark"),
    [
        ({"pause": "1"}, {}, "m:paused"),
        ({}, {"approved": "BeforeDrain"}, "m:approved=BeforeDrain"),
        ({"pause": "1"}, {"approved": "BeforeDrain"}, "m:paused,approved=BeforeDrain"),
        ({"abort": "1"}, {"approved": "BeforeDrain"}, "m:stopped"),
        ({"rollback": "1"}, {}, "m:stopped"),
    ],
)
def test_what_an_admin_said_outlives_the_resource(
    words: dict[str, str], status: dict[str, Any], mark: str
) -> None:
    run = IntentRun(draining(**status))
    run(**words)
    marking = released(run)
    assert UpdatePool("src", (), "e1", (("azlm-stop", mark),)) in marking.actions
    assert not marking.released
    run.pools = (source(tags=(("azlm-stop", mark),)), target())
    assert run().released


def test_nothing_is_left_to_a_successor_where_nothing_was_said() -> None:
    run = IntentRun()
    run()
    assert released(run).released


def test_a_successor_is_paused_as_its_predecessor_was_and_goes_on_when_it_is_resumed() -> None:
    run = IntentRun(MigrationStatus())
    run.next(uid="another")
    for name in ("s-0", "s-1"):
        run.world.put_node(Node(name, "src"))
    run.pools = (source(tags=(("azlm-stop", "m:paused,approved=BeforeDrain"),)), target())
    decision = run()
    assert (decision.status.phase, decision.status.approved) == ("Paused", "BeforeDrain")
    assert "azlm-stop" in decision.status.message
    assert CordonNode not in kinds(run())
    run(resume="1")
    for _ in range(3):
        decision = run(resume="1")
    assert decision.status.phase == "Running"
    assert CordonNode in kinds(decision)


def test_the_mark_of_another_migration_means_nothing() -> None:
    run = IntentRun(MigrationStatus())
    run.pools = (source(tags=(("azlm-stop", "other:paused"),)),)
    assert run().status.phase == "Running"


def test_every_word_has_an_annotation_of_its_own() -> None:
    assert len({ABORT, APPROVE, PAUSE, RESUME, RETRY, ROLLBACK}) == 6


def test_the_wanted_migration_is_not_changed() -> None:
    wanted: Migration = migration(draining())
    annotated = replace(wanted, annotations={PAUSE: "1"})
    decide(annotated, seen(world([pod("a")]), source(), target()), NOW)
    assert annotated.status.paused_at is None


def test_a_pause_holds_a_resource_that_azlm_has_not_seen_before() -> None:
    run = IntentRun(MigrationStatus())
    paused = run(pause="1")
    assert (paused.status.handled_pause, paused.status.phase) == ("1", "Paused")
    assert IntentRun(MigrationStatus())(pause="1", resume="1").status.paused_at is None, "exported"
