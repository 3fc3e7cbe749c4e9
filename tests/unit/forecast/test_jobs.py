"""What becomes of a Job's pods that are evicted."""

from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from tests.support.snapshots import add, after, cluster, delete, pods_of, staged


def _active(simulation: SimulatedCluster) -> int:
    return sum(not pod.terminating and not pod.finished for pod in pods_of(simulation, "sums"))


def test_all_pods_of_a_parallel_job_are_replaced_after_its_backoff() -> None:
    snapshot = cluster()
    add(snapshot, "Job", "sums", 4)
    simulation = staged(snapshot, job=7200.0)
    delete(simulation, "sums-0", "sums-1", "sums-2")
    after(simulation, 30.0)
    assert _active(simulation) == 1
    after(simulation, 20.0)
    assert _active(simulation) == 4


def test_what_has_succeeded_is_not_run_again() -> None:
    snapshot = cluster()
    add(snapshot, "Job", "sums", 3)
    simulation = staged(snapshot, job=7200.0)
    simulation.kubelets.finish(pods_of(simulation, "sums")[0].key)
    delete(simulation, "sums-1")
    after(simulation, 60.0)
    assert _active(simulation) == 2
    simulation.store.remove_node(pods_of(simulation, "sums")[0].node)
    after(simulation, 300.0)
    assert _active(simulation) == 2


def test_pods_that_had_ended_before_do_not_count() -> None:
    snapshot = cluster()
    ended = {"phase": "Succeeded", "ready": False}
    add(snapshot, "Job", "sums", 4, per_pod=[ended, ended, {}, {}])
    simulation = staged(snapshot, job=7200.0)
    delete(simulation, "sums-2")
    after(simulation, 60.0)
    assert _active(simulation) == 2
