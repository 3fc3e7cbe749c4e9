"""What becomes of a Job's pods that are evicted."""

from azure_linux_migrator.simulator.simulated_cluster import Scene
from tests.support.snapshots import add, after, cluster, delete, pods_of, staged


def _active(scene: Scene) -> int:
    return sum(not pod.terminating and not pod.finished for pod in pods_of(scene, "sums"))


def test_all_pods_of_a_parallel_job_are_replaced_after_its_backoff() -> None:
    made = cluster()
    add(made, "Job", "sums", 4)
    scene = staged(made, job=7200.0)
    delete(scene, "sums-0", "sums-1", "sums-2")
    after(scene, 30.0)
    assert _active(scene) == 1
    after(scene, 20.0)
    assert _active(scene) == 4


def test_what_has_succeeded_is_not_run_again() -> None:
    made = cluster()
    add(made, "Job", "sums", 3)
    scene = staged(made, job=7200.0)
    scene.kubelets.finish(pods_of(scene, "sums")[0].key)
    delete(scene, "sums-1")
    after(scene, 60.0)
    assert _active(scene) == 2
    scene.store.remove_node(pods_of(scene, "sums")[0].node)
    after(scene, 300.0)
    assert _active(scene) == 2


def test_pods_that_had_ended_before_do_not_count() -> None:
    made = cluster()
    ended = {"phase": "Succeeded", "ready": False}
    add(made, "Job", "sums", 4, each=[ended, ended, {}, {}])
    scene = staged(made, job=7200.0)
    delete(scene, "sums-2")
    after(scene, 60.0)
    assert _active(scene) == 2
