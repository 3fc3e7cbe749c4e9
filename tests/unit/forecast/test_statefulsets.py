"""Pods that keep their names: when they come back, and with what."""

import pytest
from msgspec import structs

from tests.support.snapshots import add, after, cluster, delete, names, pods_of, ready, staged


@pytest.mark.parametrize(
    ("ordered", "at_once"),
    [(True, ["db-5", "db-6", "db-7"]), (False, ["db-5", "db-6", "db-7", "db-8"])],
    ids=["OrderedReady", "Parallel"],
)
def test_the_policy_decides_whether_a_pod_waits_for_those_before_it(
    ordered: bool, at_once: list[str]
) -> None:
    snapshot = cluster()
    add(snapshot, "StatefulSet", "db", 4, controller={"ordered": ordered, "first_ordinal": 5})
    simulation = staged(snapshot, stop=0.2)
    delete(simulation, "db-6", "db-8")
    after(simulation, 2.0)
    assert names(simulation, "db") == at_once
    after(simulation, 20.0)
    assert names(simulation, "db") == ["db-5", "db-6", "db-7", "db-8"]
    assert ready(simulation, "db") == 4


def test_with_ordered_ready_a_pod_that_is_not_ready_keeps_all_later_ones_away() -> None:
    snapshot = cluster()
    sick = {"ready": False}
    add(snapshot, "StatefulSet", "db", 3, per_pod=[sick, {}, {}], controller={"ordered": True})
    simulation = staged(snapshot)
    delete(simulation, "db-2")
    after(simulation, 3600.0)
    assert names(simulation, "db") == ["db-0", "db-1"]


@pytest.mark.parametrize(
    ("kind", "claims", "kept"),
    [
        ("StrimziPodSet", ("data-{}",), True),
        ("Cluster", ("pg-{}",), True),
        ("StatefulSet", (), True),
        ("CloneSet", (), True),
        ("Workflow", (), False),
    ],
)
def test_pods_of_other_controllers_keep_what_is_theirs(
    kind: str, claims: tuple[str, ...], kept: bool
) -> None:
    snapshot = cluster()
    claims_of_pods = [
        {"claims": tuple(claim.format(index) for claim in claims)} for index in range(3)
    ]
    add(snapshot, kind, "kafka", 3, per_pod=claims_of_pods)
    snapshot.controllers.clear()  # OpenKruise's StatefulSets are not those of apps/v1
    if kind in {"Workflow", "Cluster"}:
        snapshot.pods = [
            structs.replace(pod, key=pod.key._replace(name=f"kafka-{tail}"))
            for pod, tail in zip(snapshot.pods, ("xk2vz", "m4tqp", "zz7wd"), strict=True)
        ]
    before = [(pod.key.name, pod.claims) for pod in sorted(snapshot.pods, key=lambda p: p.key)]
    simulation = staged(snapshot)
    delete(simulation, before[1][0])
    after(simulation, 60.0)
    pod_claims = [(pod.key.name, pod.claims) for pod in pods_of(simulation, "kafka")]
    assert (pod_claims == before) is kept
    assert ready(simulation, "kafka") == 3


def test_a_deployments_new_pod_mounts_the_same_claims() -> None:
    snapshot = cluster()
    add(snapshot, "Deployment", "wiki", 2, claims=("uploads", "cache"))
    simulation = staged(snapshot)
    delete(simulation, "wiki-0")
    after(simulation, 60.0)
    assert [pod.claims for pod in pods_of(simulation, "wiki")] == [("uploads", "cache")] * 2
    assert "wiki-0" not in names(simulation, "wiki")
