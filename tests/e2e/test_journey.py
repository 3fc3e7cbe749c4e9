"""A whole migration on the real control plane, with the RBAC that is shipped."""

import time

import pytest

from testbed.fill.workloads import budget, demo, deployment, uniform
from tests.support.bed import OPERATOR_USER, Bed

pytestmark = pytest.mark.cluster


def _assert_moved_once(bed: Bed) -> None:
    """Every pod was evicted at most once, and no eviction was refused."""
    assert bed.audit.evictions().keys() <= {201}
    assert set(bed.audit.evicted().values()) == {1}


def _assert_final(bed: Bed, target: str = "workersazl") -> None:
    assert bed.nodes("workers") == []
    assert len(bed.nodes(target)) == 4
    puts = [r for r in bed.aks.requests() if r["method"] == "PUT" and r["status"] == 201]
    assert len(puts) == 1, "one pool is created, whatever happens"


def test_a_migration_moves_every_pod_once_and_keeps_every_budget(bed: Bed) -> None:
    bed.fill(demo())
    bed.start_aks()
    bed.start_operator()
    bed.migrate()
    bed.wait_done()
    bed.kubectl("wait", "--for=condition=Ready", "azlm/workers", "--timeout=5s")
    _assert_moved_once(bed)
    _assert_final(bed)
    status = bed.status()
    assert status["phase"] == "Succeeded"
    assert status["nodes"]["progress"] == "4/4"
    assert status["pods"]["remaining"] == 0
    assert status["completionTime"]
    # Applied again, nothing changes, and nothing is written.
    time.sleep(1.5)
    bed.audit.mark()
    bed.migrate()
    time.sleep(3)
    writes = bed.audit.writes(OPERATOR_USER)
    assert set(writes) <= {"update leases"}
    assert bed.status() == status


def test_pause_takes_nothing_new_and_resume_goes_on(bed: Bed) -> None:
    bed.fill(uniform(2, 12, 1))
    bed.start_aks()
    bed.start_operator()
    bed.migrate()
    bed.wait("draining", lambda: bool(bed.audit.evictions()))
    bed.kubectl("patch", "azlm", "workers", "--type=merge", "-p", '{"spec":{"paused":true}}')
    bed.wait_reason("Paused")
    time.sleep(1)
    before = bed.audit.evictions()
    time.sleep(2)
    assert bed.audit.evictions() == before
    bed.kubectl("patch", "azlm", "workers", "--type=merge", "-p", '{"spec":{"paused":false}}')
    bed.wait_done()
    _assert_moved_once(bed)
    _assert_final(bed)


def test_deleting_the_resource_mid_drain_undoes_only_our_cordons(bed: Bed) -> None:
    bed.fill(uniform(2, 12, 1))
    foreign = bed.nodes("workers")[0]["metadata"]["name"]
    bed.kubectl("cordon", foreign)
    bed.start_aks()
    bed.start_operator()
    bed.migrate()
    bed.wait("draining", lambda: bool(bed.audit.evictions()))
    bed.kubectl("delete", "azlm", "workers", "--timeout=60s")
    before = bed.audit.evictions()
    cordoned = [
        n["metadata"]["name"] for n in bed.nodes("workers") if n["spec"].get("unschedulable")
    ]
    assert cordoned == [foreign]
    for node in bed.nodes("workers"):
        assert not any("azlm.dev" in key for key in node["metadata"].get("annotations", {}))
    time.sleep(2)
    assert bed.audit.evictions() == before
    assert len(bed.nodes("workersazl")) == 4, "no pool is deleted because a resource vanished"
    assert not any(r["method"] == "DELETE" for r in bed.aks.requests())


@pytest.mark.parametrize("moment", ["creation", "drain", "deletion"])
def test_a_killed_operator_ends_in_the_same_state(bed: Bed, moment: str) -> None:
    bed.fill(uniform(2, 10, 1))
    bed.start_aks("--boot-seconds=3", "--delete-seconds=4")
    bed.start_operator()
    bed.migrate()
    moments = {
        "creation": lambda: any(r["method"] == "PUT" for r in bed.aks.requests()),
        "drain": lambda: sum(bed.audit.evictions().values()) >= 4,
        "deletion": lambda: any(r["method"] == "DELETE" for r in bed.aks.requests()),
    }
    bed.wait(moment, moments[moment])
    bed.kill_operator()
    bed.start_operator()
    bed.wait_done()
    _assert_moved_once(bed)
    _assert_final(bed)


def test_idle_the_operator_writes_nothing_but_its_lease(bed: Bed) -> None:
    bed.fill([deployment("web", 2), budget("web", maxUnavailable=1)])
    bed.start_aks()
    bed.start_operator()
    bed.migrate(source={"nodePool": "missing"})
    bed.wait_reason("SourcePoolNotFound")
    time.sleep(2)
    bed.audit.mark()
    time.sleep(8)
    assert set(bed.audit.writes(OPERATOR_USER)) <= {"update leases"}


def test_a_recreated_resource_finds_its_work_done(bed: Bed) -> None:
    bed.fill([deployment("web", 4)])
    bed.start_aks()
    bed.start_operator()
    bed.migrate()
    bed.wait_done()
    bed.kubectl("delete", "azlm", "workers", "--timeout=60s")
    bed.migrate()
    bed.wait_reason("AlreadyMigrated")
    _assert_final(bed)


@pytest.mark.parametrize(("source_pool", "left"), [("ScaleToZero", 0), ("Keep", 4)])
def test_the_old_pool_can_be_kept(bed: Bed, source_pool: str, left: int) -> None:
    bed.fill([deployment("web", 4), budget("web", maxUnavailable=2)])
    bed.start_aks()
    bed.start_operator()
    bed.migrate(sourcePool=source_pool)
    bed.wait_done()
    _assert_moved_once(bed)
    old = bed.nodes("workers")
    assert len(old) == left
    assert all(node["spec"].get("unschedulable") for node in old)
    assert not any(r["method"] == "DELETE" for r in bed.aks.requests())


def test_a_second_operator_waits_for_the_lease_and_takes_over(bed: Bed) -> None:
    bed.fill(uniform(1, 8, 1))
    bed.start_aks()
    bed.start_operator()
    bed.wait("leading", lambda: "leading as test" in bed.log())
    standby = bed.start_standby()
    bed.migrate()
    bed.wait("draining", lambda: bool(bed.audit.evictions()))
    bed.stop_operator()
    bed.wait_done()
    assert standby.poll() is None
    _assert_moved_once(bed)
    _assert_final(bed)
