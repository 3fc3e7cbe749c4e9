"""Surges: each write is made only while the Deployment is as it was seen."""

from collections.abc import Awaitable, Callable

import pytest

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube import surge
from azure_linux_migrator.kube.client import JSON_PATCH, MERGE_PATCH, Client
from azure_linux_migrator.model.cluster import NamespacedName
from tests.support.fake_apiserver import serving
from tests.support.recorded_requests import Recorder, Reply, Sent

WEB = NamespacedName("shop", "web")
PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
RECORD = "/metadata/annotations/azlm.dev~1surge"


async def _sent(write: Callable[[Client], Awaitable[None]], *replies: Reply) -> list[Sent]:
    recorder = Recorder(*replies)
    async with serving(recorder.answer) as client:
        await write(client)
    return recorder.requests


async def test_a_replica_is_added_to_the_scale_that_was_seen() -> None:
    (request,) = await _sent(lambda client: surge.surge(client, WEB, 3, "m"))
    patch = [
        {"op": "test", "path": "/spec/replicas", "value": 3},
        {"op": "replace", "path": "/spec/replicas", "value": 4},
        {"op": "add", "path": RECORD, "value": "m/3"},
    ]
    assert request == Sent("PATCH", PATH, JSON_PATCH, patch)


async def test_the_scale_is_restored_if_it_is_still_ours() -> None:
    (request,) = await _sent(lambda client: surge.restore(client, WEB, 3))
    patch = [
        {"op": "test", "path": "/spec/replicas", "value": 4},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "remove", "path": RECORD},
    ]
    assert request == Sent("PATCH", PATH, JSON_PATCH, patch)


async def test_the_record_goes_where_somebody_else_has_changed_the_scale() -> None:
    _, forget = await _sent(lambda client: surge.restore(client, WEB, 3), Reply(422))
    patch = {"metadata": {"annotations": {"azlm.dev/surge": None}}}
    assert forget == Sent("PATCH", PATH, MERGE_PATCH, patch)


async def test_the_pod_that_goes_first_is_named_by_its_uid() -> None:
    pod = NamespacedName("shop", "web-1")
    (request,) = await _sent(
        lambda client: surge.set_deletion_cost(client, pod, "uid-1", first=True)
    )
    cost = {"controller.kubernetes.io/pod-deletion-cost": "-2147483648"}
    patch = {"metadata": {"uid": "uid-1", "annotations": cost}}
    assert request == Sent("PATCH", "/api/v1/namespaces/shop/pods/web-1", MERGE_PATCH, patch)


async def test_a_rollout_is_restarted_once_for_each_stamp() -> None:
    (request,) = await _sent(lambda client: surge.restart(client, WEB, "uid-m@7"))
    template = {"metadata": {"annotations": {"azlm.dev/restarted-for": "uid-m@7"}}}
    assert request == Sent("PATCH", PATH, MERGE_PATCH, {"spec": {"template": template}})


async def test_a_scale_is_left_to_the_writer_that_changed_it() -> None:
    (request,) = await _sent(lambda client: surge.relinquish_scale(client, WEB, "m", "uid-m"))
    patch = {"metadata": {"annotations": {"azlm.dev/surge": "m/yielded.uid-m"}}}
    assert request == Sent("PATCH", PATH, MERGE_PATCH, patch)


@pytest.mark.parametrize("status", [404, 409, 422])
async def test_a_deployment_that_has_changed_is_seen_by_the_next_decision(status: int) -> None:
    assert await _sent(lambda client: surge.surge(client, WEB, 3, "m"), Reply(status))


async def test_other_refusals_are_raised() -> None:
    with pytest.raises(KubernetesError):
        await _sent(lambda client: surge.surge(client, WEB, 3, "m"), Reply(403))


async def test_the_denial_of_a_policy_is_a_refusal_whatever_its_status() -> None:
    text = "ValidatingAdmissionPolicy 'scale' with binding 'scale' denied request: no"
    with pytest.raises(KubernetesError) as caught:
        await _sent(lambda client: surge.surge(client, WEB, 3, "m"), Reply(422, {"message": text}))
    assert caught.value.status == 403
