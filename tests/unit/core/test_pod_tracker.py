"""What decides about a pod beside its budget: order, batch, volumes, singletons, time."""

from typing import Any

import pytest

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.names import LOWEST_DELETION_COST
from azure_linux_migrator.core.drain.batches import select_nodes
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import (
    RelinquishScale,
    RestartRollout,
    RestoreScale,
    SetDeletionCost,
    SurgeReplica,
)
from azure_linux_migrator.model.cluster import (
    Attachment,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Pod,
    ScaleOwner,
    Volume,
)
from tests.support.planners import causes, names, planner
from tests.support.worlds import NOW, budget, pod, world


def changed(old: Pod, **more: Any) -> Pod:
    return Pod(**({f: getattr(old, f) for f in old.__struct_fields__} | more))


EARLY = {"selector": {"matchLabels": {"app": "early"}}, "order": -1}


def test_orders_5_and_6_only_the_lower_goes_and_a_terminating_one_still_holds() -> None:
    state = world([pod("a", app="early"), pod("b", app="late")])
    work = planner(state, order=[EARLY])
    assert names(work) == ["a"]
    state.put_pod(pod("a", app="early", terminating=True, deadline=NOW + 30))
    assert names(work) == []
    state.remove_pod(NamespacedName("default", "a"))
    assert names(work) == ["b"]


def test_an_order_rule_needs_both_its_selector_and_its_namespace() -> None:
    rule = EARLY | {"namespaces": ["other"]}
    work = planner(world([pod("a", app="early"), pod("b", app="late")]), order=[rule])
    assert names(work) == ["a", "b"]


def test_the_operators_own_pod_leaves_last() -> None:
    state = world([pod("self", app="azlm"), pod("b")])
    work = planner(state, last=NamespacedName("default", "self"))
    assert names(work) == ["b"]
    state.remove_pod(NamespacedName("default", "b"))
    assert names(work) == ["self"]


def test_pods_outside_the_batch_wait_unless_prefetch_lets_idle_slots_move_them() -> None:
    nodes = [
        Node("s-0", "src", unschedulable=True, batch="m.uid-m.1"),
        Node("s-1", "src", unschedulable=True),
        Node("t-0", "srcazl"),
    ]
    guard = budget(allowed=3, healthy=3, desired=0, expected=3)
    pods = [pod("in"), pod("out-1", node="s-1"), pod("out-2", node="s-1")]
    assert names(planner(world(pods, [guard], nodes))) == ["in"]
    assert len(names(planner(world(pods, [guard], nodes), prefetch=True))) == 3


def test_prefetch_reaches_budgets_that_have_no_pod_in_the_batch() -> None:
    nodes = [
        Node("s-0", "src", unschedulable=True),
        Node("s-1", "src", unschedulable=True),
        Node("t-0", "srcazl"),
    ]
    pdb_index = [
        budget("in", allowed=1, healthy=1, desired=0, expected=1),
        budget("out", allowed=1, healthy=1, desired=0, expected=1),
    ]
    state = world([pod("in", app="in"), pod("out", node="s-1", app="out")], pdb_index, nodes)
    work = planner(state, prefetch=True)
    assert names(work) == [], "no batch, nothing to be ahead of"
    state.put_node(Node("s-0", "src", unschedulable=True, batch="m.uid-m.1"))
    assert sorted(names(work)) == ["in", "out"]
    state.remove_pod(NamespacedName("default", "in"))
    assert names(work) == [], "the batch is over, and with it what went ahead"


def test_a_node_that_joins_the_batch_brings_its_pods() -> None:
    state = world([pod("a")], nodes=[Node("s-0", "src", unschedulable=True), Node("t-0", "srcazl")])
    work = planner(state)
    assert names(work) == []
    state.put_node(Node("s-0", "src", unschedulable=True, batch="m.uid-m.1"))
    assert names(work) == ["a"]
    state.put_node(Node("s-0", "src", unschedulable=True))
    assert (names(work), dict(work.tracker.tiers)) == ([], {})
    state.remove_node("s-0")
    assert (work.pool_progress.remaining, work.tracker.entries) == (0, {})


def test_the_batch_takes_the_nodes_that_can_be_empty_first() -> None:
    nodes = [Node(f"s-{i}", "src", unschedulable=True) for i in range(3)]
    busy = [pod(f"b{i}", node="s-0", app="busy") for i in range(6)]
    calm = [pod("c1", node="s-1", app="calm"), pod("c2", node="s-2", app="calm")]
    pdb_index = [
        budget("busy", allowed=1, healthy=6, desired=5, expected=6),
        budget("calm", allowed=2, healthy=2, desired=0, expected=2),
    ]
    assert select_nodes(planner(world(busy + calm, pdb_index, nodes)).tracker, 2) == ["s-1", "s-2"]


def test_a_daemonset_pod_whose_daemonset_is_gone_blocks_like_a_bare_one() -> None:
    orphan = pod("d", owner=Owner("DaemonSet", "gone", "gone"))
    assert causes(planner(world([orphan]))) == [Cause.UNMANAGED]
    assert names(planner(world([orphan]), unmanagedPods="Evict")) == ["d"]


def _with_disk(zone: str) -> World:
    """A pod with a disk of a zone, and a target in zone r-1."""
    state = world(
        [pod("a", claims=("data",))],
        nodes=[
            Node("s-0", "src", unschedulable=True, batch="m.uid-m.1"),
            Node("t-0", "srcazl", zone="r-1"),
        ],
    )
    state.put_volume(Volume("pv", NamespacedName("default", "data"), zones=(zone,)))
    return state


def test_a_volume_that_the_target_cannot_attach_blocks_until_it_can() -> None:
    state = _with_disk("r-2")
    work = planner(state)
    assert causes(work) == [Cause.VOLUME_ZONE]
    state.put_node(Node("t-1", "srcazl", zone="r-2"))
    assert (causes(work, NOW + 2), names(work, NOW + 2)) == ([], ["a"])
    state.put_volume(Volume("pv", NamespacedName("default", "data"), local=True))
    assert causes(work, NOW + 4) == [Cause.LOCAL_VOLUME]


def test_a_disk_outside_any_zone_goes_to_nodes_outside_any_zone_only() -> None:
    state = _with_disk("")
    work = planner(state)
    (blocked,) = work.plan(NOW).blockers
    assert "is in no zone, and the pool it would move to has nodes in zone r-1 only" in str(blocked)
    state.put_node(Node("t-1", "srcazl"))
    assert (causes(work, NOW + 2), names(work, NOW + 2)) == ([], ["a"])


def test_a_node_is_drained_only_when_its_volumes_are_detached() -> None:
    state = world([])
    work = planner(state)
    state.put_attachment(Attachment("va", "s-0", "pv"))
    assert not work.pool_progress.by_node["s-0"].drained
    assert causes(work) == [Cause.VOLUME_ATTACHED]
    state.remove_attachment("va")
    assert work.pool_progress.by_node["s-0"].drained


def test_the_volume_of_a_skipped_pod_is_not_waited_for_nor_one_of_a_dead_node() -> None:
    daemon = pod("d", owner=Owner("DaemonSet", "d", "d"), claims=("data",))
    state = world([daemon])
    state.put_volume(Volume("pv", NamespacedName("default", "data")))
    state.put_attachment(Attachment("va", "s-0", "pv"))
    work = planner(state)
    assert work.pool_progress.by_node["s-0"].drained
    state.put_attachment(Attachment("vb", "s-1", "other"))
    assert not work.pool_progress.by_node["s-1"].drained
    state.put_node(Node("s-1", "src", unschedulable=True, ready=False, batch="m.uid-m.1"))
    state.put_attachment(Attachment("vb", "s-1", "other"))
    assert work.pool_progress.by_node["s-1"].drained


def test_a_deployment_without_a_budget_keeps_to_its_own_max_unavailable() -> None:
    state = world([pod(f"p{i}") for i in range(8)])
    state.put_controller(
        Controller(
            "ReplicaSet", NamespacedName("default", "web"), "rs-web", owner="web", replicas=8
        )
    )
    state.put_controller(
        Controller(
            "Deployment",
            NamespacedName("default", "web"),
            "web",
            replicas=8,
            rolling=True,
            max_unavailable=3,
        )
    )
    assert len(names(planner(state))) == 3


def test_a_pod_long_past_its_grace_is_stuck_and_not_blocked() -> None:
    state = world([pod("a", terminating=True, deadline=NOW, finalizers=True)])
    work = planner(state)
    assert causes(work, NOW + 59) == []
    [stuck] = work.plan(NOW + 61).blockers
    assert stuck.cause is Cause.STUCK_TERMINATING
    assert "finalizers" in stuck.remedy
    state.remove_pod(NamespacedName("default", "a"))
    assert causes(work, NOW + 62) == []


def test_a_budget_that_gives_nothing_for_a_minute_is_reported() -> None:
    guard = budget(allowed=0, healthy=2, desired=2, expected=3)
    work = planner(world([pod("a")], [guard]))
    assert causes(work) == []
    assert causes(work, NOW + 61) == [Cause.BUDGET_UNHEALTHY]


def test_pods_that_use_a_budget_up_are_named_wherever_they_run() -> None:
    guard = budget(allowed=0, healthy=1, desired=2, expected=3)
    crashing = [pod("bad-1", ready=False), pod("bad-2", node="t-0", ready=False)]
    work = planner(world([pod("a"), *crashing], [guard]))
    assert causes(work) == []
    [blocker] = work.plan(NOW + 61).blockers
    assert "not Ready: bad-1, bad-2" in blocker.message
    assert "unhealthyPodEvictionPolicy: AlwaysAllow" in blocker.remedy


def test_a_refused_eviction_waits_and_is_reported_with_its_class() -> None:
    state = world([pod("a")])
    work = planner(state)
    [eviction] = work.plan(NOW).evictions
    state.evicting(eviction, NOW)
    state.eviction_refused(eviction, reason=Cause.WEBHOOK.value, message="no", until=NOW + 10)
    assert (names(work, NOW + 1), causes(work, NOW + 1)) == ([], [Cause.WEBHOOK])
    assert work.plan(NOW + 2).wake_at == NOW + 10
    assert names(work, NOW + 10) == ["a"]


def test_pods_that_come_back_to_the_source_are_moved_thrice_and_then_reported() -> None:
    state = world([])
    work = planner(state)
    work.tracker.began = NOW
    for turn in range(3):
        state.put_pod(pod(f"back-{turn}", created=NOW + 10))
        assert names(work) == [f"back-{turn}"]
        state.remove_pod(NamespacedName("default", f"back-{turn}"))
    state.put_pod(pod("back-3", created=NOW + 10))
    assert causes(work, NOW + 20) == [Cause.RETURNS]


def test_replacements_that_cannot_be_placed_are_seen() -> None:
    state = world([pod("a"), pod("b")])
    work = planner(state)
    state.remove_pod(NamespacedName("default", "a"))
    state.put_pod(pod("new", node="", phase="Pending", ready=False, unschedulable="no room"))
    assert [replacement.key.name for replacement in work.plan(NOW).unschedulable_replacements] == [
        "new"
    ]
    state.put_pod(pod("new", node="t-0"))
    assert work.plan(NOW).unschedulable_replacements == ()


def _after(work: Planner, seconds: float) -> list[str]:
    """What is evicted so long after NOW, where the first look was at NOW."""
    work.surges.update(NOW, "stamp", afresh=False)
    work.surges.update(NOW + seconds, "stamp", afresh=False)
    return names(work)


class TestSingletons:
    """SurgeFirst: a single replica is never away."""

    def setup_method(self) -> None:
        self.state = world([pod("one")])
        owner = {"owner": "web", "replicas": 1}
        self.state.put_controller(
            Controller("ReplicaSet", NamespacedName("default", "web"), "rs-web", **owner)  # type: ignore[arg-type]
        )

    def _deployment(self, **more: Any) -> Planner:
        fields = {"replicas": 1, "rolling": True, "max_surge": 1} | more
        self.state.put_controller(
            Controller("Deployment", NamespacedName("default", "web"), "web", **fields)
        )
        return planner(self.state, singletons="SurgeFirst")

    def _actions(self, **more: Any) -> list[type]:
        return [type(surge) for surge in self._deployment(**more).plan(NOW, "stamp").surges]

    def test_a_rollout_that_surges_is_restarted_once(self) -> None:
        assert self._actions() == [RestartRollout]
        assert self._actions(restarted="stamp@0") == []
        assert names(self._deployment()) == []

    def test_another_replica_is_added_marked_and_taken_back(self) -> None:
        plain = {"max_surge": 0, "max_unavailable": 1}
        assert self._actions(**plain) == [SurgeReplica]
        surged = plain | {"surge": "m/1", "replicas": 2}
        assert self._actions(**surged) == []
        self.state.put_pod(pod("two", node="t-0"))
        assert self._actions(**surged) == [SetDeletionCost]
        self.state.put_pod(pod("one", deletion_cost=LOWEST_DELETION_COST))
        assert self._actions(**surged) == [RestoreScale]
        assert self._actions(**plain) == [], "its ReplicaSet removes the marked pod"

    def test_a_foreign_change_of_the_scale_wins(self) -> None:
        plain = {"max_surge": 0, "max_unavailable": 1}
        assert self._actions(**plain, surge="m/1", replicas=5) == [RelinquishScale]
        work = self._deployment(**plain, surge="m/yielded.uid-m", replicas=2)
        self.state.put_pod(pod("two", node="t-0"))
        assert names(work) == ["one"]
        assert causes(work) == []

    def test_a_replica_that_was_taken_back_leads_to_no_eviction(self) -> None:
        plain = {"max_surge": 0, "max_unavailable": 1}
        assert self._actions(**plain, surge="m/1", replicas=1) == [RelinquishScale]
        work = self._deployment(**plain, surge="m/yielded.uid-m", replicas=1)
        assert names(work) == []
        [blocker] = work.plan(NOW).blockers
        assert (blocker.cause, blocker.blocks) == (Cause.SURGE_UNDONE, True)
        assert "another writer sets the replicas" in blocker.message
        work = self._deployment(surge="m/yielded.uid-m", replicas=1)
        assert [type(action) for action in work.plan(NOW).surges] == [RestartRollout]

    def test_an_owned_scale_is_not_touched(self) -> None:
        argo = {"scaled_by": ScaleOwner.ARGO_CD}
        assert self._actions(**argo) == [RestartRollout]
        work = self._deployment(**argo, max_surge=0, max_unavailable=1)
        assert (names(work), causes(work)) == ([], [Cause.SURGE_UNDONE])
        assert work.plan(NOW).surges == ()
        paused = self._deployment(**argo, paused=True)
        assert (names(paused), causes(paused)) == ([], [Cause.SURGE_UNDONE])
        self.state.put_pod(pod("two", node="t-0"))
        assert self._actions(**argo, replicas=1) == [RestartRollout]

    @pytest.mark.parametrize("by", [ScaleOwner.NOBODY, ScaleOwner.ARGO_CD])
    def test_a_single_pod_that_is_not_ready_is_evicted_in_the_end(self, by: ScaleOwner) -> None:
        self.state.put_pod(pod("one", ready=False))
        work = self._deployment(max_surge=0, max_unavailable=1, scaled_by=by)
        assert (_after(work, 599), work.plan(NOW).surges) == ([], ())
        assert _after(work, 600) == ["one"]

    def test_what_cannot_be_surged_is_evicted_and_reported(self) -> None:
        work = self._deployment(rolling=False)
        assert names(work) == ["one"]
        [note] = work.plan(NOW).blockers
        assert (note.cause, note.blocks) == (Cause.SURGE_IMPOSSIBLE, False)
        assert "Recreate" in note.message

    def test_a_paused_deployment_gets_a_replica_instead_of_a_restart(self) -> None:
        assert self._actions(paused=True) == [SurgeReplica]
        assert self._actions(paused=True, restarted="stamp@0") == [SurgeReplica]

    @pytest.mark.parametrize(
        ("driver", "mode", "text"),
        [
            ("disk.csi.azure.com", "ReadWriteOnce", "disk pv-1"),
            ("file.csi.azure.com", "ReadWriteOncePod", "one pod at a time"),
        ],
    )
    def test_a_disk_that_one_node_can_attach_is_not_surged(
        self, driver: str, mode: str, text: str
    ) -> None:
        self.state.put_pod(pod("one", claims=("data",)))
        claim = NamespacedName("default", "data")
        self.state.put_volume(Volume("pv-1", claim, driver=driver, access_modes=(mode,)))
        work = self._deployment()
        assert names(work) == ["one"]
        [note] = work.plan(NOW).blockers
        assert (note.cause, note.blocks) == (Cause.SURGE_IMPOSSIBLE, False)
        assert text in note.message
        share = Volume("pv-1", claim, driver="file.csi.azure.com", access_modes=("ReadWriteOnce",))
        self.state.put_volume(share)
        assert names(work) == [], "nothing attaches a share"
        self.state.put_volume(Volume("pv-1", claim, driver=driver, access_modes=("ReadWriteMany",)))
        assert names(work) == []

    @pytest.mark.parametrize(
        "mark", ["other/1", "other/7", "other/yielded.uid-o", "m/yielded.uid-former"]
    )
    def test_the_leftover_of_another_migration_does_not_stop_it(self, mark: str) -> None:
        plain = {"max_surge": 0, "max_unavailable": 1}
        assert self._actions(**plain, surge=mark) == [SurgeReplica]
        work = self._deployment(**plain, surge=mark, replicas=6)
        assert causes(work) == []

    def _hold(self, **more: Any) -> None:
        """The node of pod `one` becomes held."""
        node = self.state.nodes["s-0"]
        fields = {name: getattr(node, name) for name in Node.__struct_fields__}
        self.state.put_node(Node(**(fields | {"upgrade_status": "paused"} | more)))

    def test_a_node_that_becomes_held_keeps_the_pod_of_a_surge(self) -> None:
        surged = {"max_surge": 0, "max_unavailable": 1, "surge": "m/1", "replicas": 2}
        self.state.put_pod(pod("one", deletion_cost=LOWEST_DELETION_COST))
        self.state.put_pod(pod("two", node="t-0"))
        assert self._actions(**surged) == [RestoreScale]
        self._hold()
        [spared] = self._deployment(**surged).plan(NOW, "stamp").surges
        assert spared == SetDeletionCost(pod("one").key, "uid-one", first=False)
        self.state.put_pod(pod("one", ready=False))
        assert self._actions(**surged) == [], "the ReplicaSet would remove it for not being Ready"
        self.state.put_pod(pod("one"))
        assert self._actions(**surged) == [RestoreScale], "the ReplicaSet removes the newest pod"

    def test_no_rollout_is_restarted_while_a_pod_is_on_a_held_node(self) -> None:
        fields = {"replicas": 2, "scaled_by": ScaleOwner.ARGO_CD}
        guard = budget(expected=2, desired=2, healthy=2)
        self.state.put_budget(guard)
        self.state.put_pod(pod("two", node="s-1"))
        assert self._actions(**fields) == [RestartRollout]
        self._hold()
        assert self._actions(**fields) == []

    def test_a_surge_that_another_migration_does_not_finish_is_given_up(self) -> None:
        work = self._deployment(max_surge=0, max_unavailable=1, surge="other/1", replicas=2)
        self.state.put_pod(pod("two", node="t-0"))
        assert (_after(work, 599), causes(work)) == ([], [])
        assert _after(work, 600) == ["one"]
        [note] = work.plan(NOW).blockers
        assert note.cause is Cause.SURGE_IMPOSSIBLE
        assert "another migration has marked it (other/1)" in note.message

    def test_a_marked_pod_that_its_replicaset_spared_is_surged_again_and_then_evicted(self) -> None:
        self.state.put_pod(pod("one", deletion_cost=LOWEST_DELETION_COST))
        work = self._deployment(max_surge=0, max_unavailable=1)
        assert [type(action) for action in work.plan(NOW).surges] == [SurgeReplica]
        assert _after(work, 599) == []
        assert _after(work, 600) == ["one"]
        assert causes(work) == [Cause.SURGE_IMPOSSIBLE]

    def test_a_new_pod_that_does_not_become_ready_is_reported_and_nothing_evicted(self) -> None:
        work = self._deployment(max_surge=0, max_unavailable=1, surge="m/1", replicas=2)
        self.state.put_pod(pod("two", node="t-0", ready=False))
        assert (_after(work, 599), causes(work)) == ([], [])
        assert (_after(work, 600), causes(work)) == ([], [Cause.SURGE_STUCK])

    def test_a_new_pod_that_finds_no_node_is_reported_at_once(self) -> None:
        work = self._deployment(max_surge=0, max_unavailable=1, surge="m/1", replicas=2)
        words = "0/5 nodes are available: 2 node(s) didn't match pod topology spread constraints"
        pending: dict[str, Any] = {"node": "", "phase": "Pending", "ready": False}
        self.state.put_pod(pod("two", unschedulable=words, **pending))
        [note] = work.plan(NOW).blockers
        assert (note.cause, note.blocks, names(work)) == (Cause.SURGE_STUCK, True, [])
        assert words in note.message
        assert "nodeTaintsPolicy" in note.remedy

    def test_the_time_of_a_hold_does_not_count(self) -> None:
        work = self._deployment(max_surge=0, max_unavailable=1, surge="other/1", replicas=2)
        self.state.put_pod(pod("two", node="t-0"))
        assert _after(work, 0) == []
        work.surges.update(NOW + 700, "stamp", afresh=True)
        assert _after(work, 1299) == []
        assert _after(work, 1300) == ["one"]

    def test_a_rollout_that_is_stuck_is_reported(self) -> None:
        work = self._deployment(restarted="stamp@0", stuck="deadline exceeded")
        assert causes(work) == [Cause.SURGE_STUCK]


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"sync_failed": "no scale", "observed_generation": 0}, Cause.BUDGET_SYNC_FAILED),
        ({"expected": 0, "desired": 0}, Cause.BUDGET_WITHOUT_PODS),
        ({"expected": 1, "desired": 1, "healthy": 1}, Cause.BUDGET_DEADLOCKED),
    ],
)
def test_a_budget_that_can_never_grant_is_reported_at_once(
    more: dict[str, Any], cause: Cause
) -> None:
    work = planner(world([pod("a")], [budget(**more)]))
    assert (names(work), causes(work)) == ([], [cause])


def test_an_ephemeral_volume_of_a_daemonset_pod_does_not_hold_its_node() -> None:
    daemon = pod("d", owner=Owner("DaemonSet", "d", "d"), ephemeral_claims=("d-scratch",))
    state = world([daemon])
    work = planner(state)
    state.put_attachment(Attachment("va", "s-0", "pv"))
    assert causes(work) == [Cause.VOLUME_ATTACHED], "whose volume it is is not known yet"
    state.put_volume(Volume("pv", NamespacedName("default", "d-scratch")))
    assert causes(work) == []
    assert work.pool_progress.by_node["s-0"].drained


def test_an_ephemeral_volume_is_made_again_in_any_zone() -> None:
    state = world(
        [pod("a", ephemeral_claims=("a-scratch",))],
        nodes=[
            Node("s-0", "src", unschedulable=True, batch="m.uid-m.1"),
            Node("t-0", "srcazl", zone="r-1"),
        ],
    )
    state.put_volume(Volume("pv", NamespacedName("default", "a-scratch"), zones=("r-2",)))
    assert names(planner(state)) == ["a"]
