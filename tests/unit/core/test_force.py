"""After the deadline, or on a node that does not answer: which pods are deleted, and which are
ignored."""

from typing import Any

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.reconcile.lenient_parsing import resource_seen
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.core.state.eviction_response import EvictionResponse, EvictionResult
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import DeletePod
from azure_linux_migrator.model.cluster import Attachment, Controller, NamespacedName, Node, Owner
from azure_linux_migrator.model.selectors import Selector
from tests.support.planners import causes, planner
from tests.support.worlds import NOW, budget, pod, world

SILENT: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}


def deleted(work: Planner, now: float = NOW) -> list[str]:
    work.plan(now)
    return sorted(deletion.pod.name for deletion in work.forced())


def test_force_deletes_what_blocks_and_what_is_waited_for_but_nothing_that_stays() -> None:
    state = world(
        [
            pod("two"),
            pod("job", app="job", owner=Owner("Job", "j", "j")),
            pod("bare", app="bare", owner=None),
            pod("done", app="done", phase="Succeeded", ready=False),
            pod("plain", app="plain"),
            pod("daemon", app="daemon", owner=Owner("DaemonSet", "d", "d")),
            pod("mirror", app="mirror", mirror=True),
            pod("ending", app="ending", terminating=True, deadline=NOW + 30),
            pod("moved", app="moved", node="t-0"),
        ],
        [budget(), budget("other", selector=Selector((("app", "web"),)))],
    )
    state.put_node(Node("s-2", "src", unschedulable=True))
    state.put_pod(pod("outside", node="s-2", app="outside"))
    assert deleted(planner(state)) == ["done", "job", "plain", "two"]
    assert deleted(planner(state, unmanagedPods="Evict")) == ["bare", "done", "job", "plain", "two"]


def test_force_keeps_the_pauses_that_the_apiserver_asked_for() -> None:
    state = world([pod(f"p{i}") for i in range(5)])
    outcomes, work = Outcomes(state, lambda: 1.0), planner(state)
    work.plan(NOW)
    first = work.forced()[0]
    outcomes.began(first, NOW)
    outcomes.eviction_answered(first, EvictionResponse(EvictionResult.THROTTLED, "slow", 7.0), NOW)
    assert deleted(work, NOW + 6) == []
    assert len(deleted(work, NOW + 8)) == 5
    for deletion in work.forced():
        outcomes.began(deletion, NOW + 8)
        outcomes.eviction_answered(
            deletion, EvictionResponse(EvictionResult.FORBIDDEN, "no"), NOW + 8
        )
    assert deleted(work, NOW + 20) == []
    assert len(deleted(work, NOW + 80)) == 1, "nobody may delete: one tries"
    assert causes(work, NOW + 80) == [Cause.FORBIDDEN]


def test_force_leaves_the_operators_own_pod_for_the_end() -> None:
    state = world([pod("self", app="azlm"), pod("other")])
    work = planner(state, last=NamespacedName("default", "self"))
    assert deleted(work) == ["other"]
    state.remove_pod(NamespacedName("default", "other"))
    assert deleted(work) == ["self"]


def test_pods_that_only_come_back_are_left_alone() -> None:
    state = world([])
    work = planner(state)
    work.tracker.began = NOW
    for turn in range(3):
        state.put_pod(pod(f"back-{turn}", created=NOW + 10))
        state.remove_pod(NamespacedName("default", f"back-{turn}"))
    state.put_pod(pod("back-3", created=NOW + 10))
    assert deleted(work, NOW + 600) == []


def test_force_keeps_the_order() -> None:
    state = world([pod("first", app="first"), pod("then", app="then")])
    first = {"selector": {"matchLabels": {"app": "first"}}, "order": -1}
    work = planner(state, order=[first])
    assert deleted(work) == ["first"]
    state.remove_pod(NamespacedName("default", "first"))
    assert deleted(work) == ["then"]


def dying(**more: Any) -> tuple[World, Planner]:
    """A pod on a node that does not answer, terminating since long ago; its volume is attached."""
    state = world([pod("a", terminating=True, deadline=NOW - 3600, **more)])
    state.put_attachment(Attachment("at", "s-0", "v"))
    state.put_node(Node("s-0", "src", ready=False, **SILENT))
    return state, planner(state)


def test_a_pod_of_a_dead_node_is_given_up_in_time_and_reported_as_a_note() -> None:
    world, work = dying()
    assert causes(work) == [Cause.STUCK_TERMINATING]
    assert work.plan(NOW).wake_at == NOW + 300
    assert causes(work, NOW + 299) == [Cause.STUCK_TERMINATING]
    [note] = work.plan(NOW + 300).blockers
    assert (note.cause, note.kind, note.pods, note.blocks) == (Cause.NODE_LOST, "Node", 1, False)
    assert work.pool_progress.by_node["s-0"].drained
    world.remove_pod(NamespacedName("default", "a"), 99)
    assert (causes(work, NOW + 302), work.tracker.abandoned) == ([], {})


def test_a_node_that_answers_again_has_its_pods_waited_for_again() -> None:
    world, work = dying()
    work.plan(NOW)
    work.plan(NOW + 300)
    world.put_node(Node("s-0", "src", **SILENT))
    assert causes(work, NOW + 302) == [Cause.STUCK_TERMINATING, Cause.VOLUME_ATTACHED]
    assert not work.pool_progress.by_node["s-0"].drained
    world.put_node(Node("s-0", "src", ready=False, **SILENT))
    assert causes(work, NOW + 400) == [Cause.STUCK_TERMINATING]
    assert causes(work, NOW + 699) == [Cause.STUCK_TERMINATING]
    assert causes(work, NOW + 701) == [Cause.NODE_LOST]


def test_a_node_that_answers_now_and_then_is_waited_for() -> None:
    world, work = dying(finalizers=True)
    for turn in range(10):
        world.put_node(Node("s-0", "src", ready=turn % 2 == 0, **SILENT))
        assert Cause.STUCK_TERMINATING in causes(work, NOW + 200 * turn)


def test_the_successor_of_a_pod_that_was_given_up_is_not() -> None:
    world, work = dying()
    work.plan(NOW)
    work.plan(NOW + 300)
    world.put_pod(pod("a", uid="next"))
    assert work.pool_progress.remaining == 1
    assert work.tracker.abandoned == {}


def test_force_does_not_ask_twice_for_a_pod() -> None:
    state = world([pod("a")])
    state.put_controller(Controller("ReplicaSet", NamespacedName("default", "web"), "rs-web"))
    outcomes, work = Outcomes(state, lambda: 1.0), planner(state)
    work.plan(NOW)
    [first] = work.forced()
    assert first == DeletePod(NamespacedName("default", "a"), "uid-a", None, "rs-web")
    outcomes.began(first, NOW)
    outcomes.eviction_answered(first, EvictionResponse(EvictionResult.GRANTED), NOW)
    assert deleted(work, NOW + 1) == []


class _Runner:
    running = ()

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes


class _Watches:
    synced = True

    def __init__(self, state: World) -> None:
        self.world = state

    def problem(self) -> str:
        return ""


def test_forced_pods_are_counted_not_tries() -> None:
    state = world([pod("a")])
    outcomes = Outcomes(state, lambda: 1.0)
    observer = Observer(_Watches(state), _Runner(outcomes), began=NOW)
    body = {"metadata": {"name": "m", "uid": "u"}, "spec": {"source": {"nodePool": "src"}}}
    resource = resource_seen(body | {"status": {"pods": {"forced": 4}}}, NOW)
    observer.migration(resource, resource.status)
    action = DeletePod(NamespacedName("default", "a"), "uid-a", None, "")
    refused = EvictionResponse(EvictionResult.SERVER, "no answer")
    for answer in (refused, refused, EvictionResponse(EvictionResult.GRANTED)):
        outcomes.began(action, NOW)
        outcomes.eviction_answered(action, answer, NOW)
        observer.migration(resource, resource.status)
    assert observer.observation().forced == 5
