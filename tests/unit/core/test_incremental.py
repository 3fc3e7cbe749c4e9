"""A planner that followed every event equals one that is rebuilt from the present state."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.pdb_index import counts_as_healthy
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import (
    Attachment,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Volume,
)
from azure_linux_migrator.model.selectors import Selector
from tests.support.worlds import NOW, budget, planner_of, pod

NODES = [f"n{i}" for i in range(4)]
APPS = "abc"
OWNERS = (
    *(Owner("ReplicaSet", app, f"rs-{app}") for app in APPS),
    None,
    Owner("DaemonSet", "d", "d"),
    Owner("Job", "j", "j"),
)
CLAIMS: tuple[tuple[str, ...], ...] = ((), ("c0",), ("c1",))

node_events = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NODES),
        "pool": st.sampled_from(["src", "src", "src", "srcazl", "other"]),
        "ready": st.sampled_from([True, True, False]),
        "unschedulable": st.booleans(),
        "batch": st.sampled_from(["", "m.uid-m.1", "m.uid-m.1", "m.uid-m.2", "o.1"]),
        "zone": st.sampled_from(["", "1"]),
    }
)
pod_events = st.fixed_dictionaries(
    {
        "name": st.sampled_from([f"p{i}" for i in range(8)]),
        "node": st.sampled_from([*NODES, *NODES, ""]),
        "app": st.sampled_from(APPS),
        "generation": st.integers(0, 1),
        "owner": st.sampled_from(OWNERS),
        "phase": st.sampled_from(["Running", "Running", "Running", "Pending", "Succeeded"]),
        "ready": st.booleans(),
        "terminating": st.sampled_from([False, False, True]),
        "claims": st.sampled_from(CLAIMS),
    }
)
budget_events = st.fixed_dictionaries(
    {
        "app": st.sampled_from(APPS),
        "selects": st.sampled_from(APPS),
        "allowed": st.integers(0, 2),
        "desired": st.integers(0, 3),
    }
)
controller_events = st.fixed_dictionaries(
    {
        "app": st.sampled_from(APPS),
        "replicas": st.integers(1, 3),
        "rolling": st.booleans(),
        "max_unavailable": st.integers(0, 1),
    }
)
events = st.one_of(
    st.tuples(st.just("node"), node_events),
    st.tuples(st.just("pod"), pod_events),
    st.tuples(st.just("pod"), pod_events),
    st.tuples(st.just("budget"), budget_events),
    st.tuples(st.just("controller"), controller_events),
    st.tuples(st.just("node gone"), st.sampled_from(NODES)),
    st.tuples(st.just("pod gone"), st.sampled_from([f"p{i}" for i in range(8)])),
    st.tuples(st.just("budget gone"), st.sampled_from(APPS)),
    st.tuples(st.just("daemons"), st.booleans()),
    st.tuples(
        st.just("volume"), st.tuples(st.sampled_from(["c0", "c1"]), st.sampled_from([(), ("1",)]))
    ),
    st.tuples(st.just("volume gone"), st.sampled_from(["c0", "c1"])),
    st.tuples(
        st.just("attached"), st.tuples(st.sampled_from(["c0", "c1"]), st.sampled_from(NODES))
    ),
    st.tuples(st.just("detached"), st.sampled_from(["c0", "c1"])),
    st.tuples(
        st.just("evict"),
        st.tuples(st.integers(0, 2), st.sampled_from(["", "refused", "needless"])),
    ),
)
"""One event of a cluster, or one answer to an eviction, each with what it needs."""


class FollowedWorld:
    """A world that gets one event after the other, and its planner."""

    def __init__(self, policy: dict[str, Any]) -> None:
        self.world = World()
        self.scope = Scope("m", "src", "srcazl", Drain.model_validate(policy), uid="uid-m")
        self.planner = planner_of(self.world, self.scope)
        self.now = NOW
        self.revision = 100

    def tell(self, kind: str, what: Any) -> None:
        self.now += 0.5
        self.revision += 1
        getattr(self, "_" + kind.replace(" ", "_"))(what)

    def _node(self, what: dict[str, Any]) -> None:
        self.world.put_node(Node(**what))

    def _node_gone(self, name: str) -> None:
        self.world.remove_node(name)

    def _pod(self, what: dict[str, Any]) -> None:
        fields = dict(what)
        uid = f"{fields['name']}.{fields.pop('generation')}"
        self.world.put_pod(
            pod(**fields, uid=uid, revision=self.revision, deadline=self.now + 1_000)
        )

    def _pod_gone(self, name: str) -> None:
        self.world.remove_pod(NamespacedName("default", name), self.revision)

    def _budget(self, what: dict[str, Any]) -> None:
        self.world.put_budget(
            budget(
                what["app"],
                selector=Selector((("app", what["selects"]),)),
                allowed=what["allowed"],
                desired=what["desired"],
                healthy=3,
                expected=3,
                revision=self.revision,
            )
        )

    def _budget_gone(self, app: str) -> None:
        self.world.remove_budget(NamespacedName("default", app))

    def _controller(self, what: dict[str, Any]) -> None:
        fields = dict(what)
        key = NamespacedName("default", fields.pop("app"))
        controller = Controller("Deployment", key, f"dep-{key.name}", max_surge=1, **fields)
        self.world.put_controller(controller)
        self.world.put_controller(
            Controller(
                "ReplicaSet",
                key,
                f"rs-{key.name}",
                owner=controller.uid,
                replicas=controller.replicas,
            )
        )

    def _daemons(self, there: bool) -> None:
        key = NamespacedName("default", "d")
        if there:
            self.world.put_controller(Controller("DaemonSet", key, "d"))
        else:
            self.world.remove_controller("DaemonSet", key)

    def _volume(self, what: tuple[str, tuple[str, ...]]) -> None:
        self.world.put_volume(
            Volume(f"v-{what[0]}", NamespacedName("default", what[0]), zones=what[1])
        )

    def _volume_gone(self, claim: str) -> None:
        self.world.remove_volume(f"v-{claim}")

    def _attached(self, what: tuple[str, str]) -> None:
        self.world.put_attachment(Attachment(f"a-{what[0]}", what[1], f"v-{what[0]}"))

    def _detached(self, claim: str) -> None:
        self.world.remove_attachment(f"a-{claim}")

    def _evict(self, what: tuple[int, str]) -> None:
        count, answer = what
        for eviction in self.planner.plan(self.now).evictions[:count]:
            self.world.evicting(eviction, self.now)
            if answer == "refused":
                self.world.eviction_refused(
                    eviction, reason="budget", message="", until=self.now + 2
                )
            elif answer == "needless":
                self.world.eviction_needless(eviction)


def standing(work: Planner, now: float) -> dict[str, Any]:
    """All that follows from the world alone."""
    plan = work.plan(now)
    pool_progress = work.pool_progress
    tier = min(work.tracker.tiers, default=None)
    queues = {
        f"{queue.ident} {queue.tier}": queue
        for queue in work.tracker.queues.all()
        if not queue.empty
    }
    return {
        "sums": (
            pool_progress.remaining,
            pool_progress.terminating,
            pool_progress.skipped,
            pool_progress.drained,
        ),
        "batches": {
            index: sorted(names) for index, names in pool_progress.batches.items() if names
        },
        "undrained": (
            pool_progress.undrained_admitted,
            [progress.node.name for progress in pool_progress.undrained()],
        ),
        "detaching": sorted(pool_progress.detaching),
        "blocked": (pool_progress.blocked_pods, sorted(pool_progress.blocked)),
        "open": sorted(pool_progress.open),
        "tiers": dict(work.tracker.tiers),
        "eligible": work.tracker.eligible,
        "waiting": plan.waiting,
        "rest": plan.rest,
        "queues": {
            ident: (sorted(queue.now.pods), sorted(queue.later.pods), sorted(queue.unready))
            for ident, queue in queues.items()
        },
        "granted": {
            ident: len(queue.granted)
            for ident, queue in queues.items()
            if queue.granted and queue.tier == tier
        },
    }


def healthy(world: World, key: NamespacedName) -> int:
    return sum(key in world.budgets_of(p) and counts_as_healthy(p) for p in world.pods.values())


POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {
        "singletons": "SurgeFirst",
        "prefetch": True,
        "unmanagedPods": "Evict",
        "jobs": "Evict",
    },
    {"order": [{"selector": {"matchLabels": {"app": "a"}}, "order": 5}]},
)
ON_SOURCE = {"pool": "src", "ready": True, "unschedulable": True, "batch": "m.uid-m.1", "zone": ""}
CLAIMING = {
    "name": "p0",
    "app": "a",
    "generation": 0,
    "owner": OWNERS[0],
    "phase": "Running",
    "ready": True,
    "terminating": False,
    "claims": ("c0",),
}
TWO_NODES = [("node", ON_SOURCE | {"name": name}) for name in ("n0", "n1")]


@pytest.mark.parametrize("policy", POLICIES, ids=["plain", "surge", "order"])
@example(
    history=[
        *TWO_NODES,
        ("attached", ("c0", "n0")),
        ("node", ON_SOURCE | {"name": "n0", "ready": False}),
    ]
)
@example(
    history=[
        *TWO_NODES,
        ("volume", ("c0", ())),
        ("attached", ("c0", "n0")),
        ("pod", CLAIMING | {"node": "n0"}),
        ("pod", CLAIMING | {"node": "n1", "generation": 1}),
    ]
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(history=st.lists(events, min_size=10, max_size=40))
def test_following_events_gives_the_plan_of_a_new_planner(
    policy: dict[str, Any], history: list[tuple[str, Any]]
) -> None:
    world = FollowedWorld(policy)
    for kind, what in history:
        world.tell(kind, what)
        followed = standing(world.planner, world.now)
        assert followed == standing(Planner(world.world, world.scope), world.now)
        for key in world.world.budgets:
            assert world.world.healthy(key) == healthy(world.world, key)
