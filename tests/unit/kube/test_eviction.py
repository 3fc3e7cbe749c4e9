"""What an eviction and a deletion send, and what the API's answers mean."""

from collections.abc import Awaitable, Callable

import pytest

from azure_linux_migrator.core.state.eviction_response import (
    EvictionResponse,
    EvictionResult,
    classify,
)
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.eviction import delete, evict
from azure_linux_migrator.model.cluster import NamespacedName
from tests.support.fake_apiserver import serving
from tests.support.recorded_requests import Recorder, Reply, Sent


def status(cause: str) -> dict[str, object]:
    return {"details": {"causes": [{"reason": cause}]}}


@pytest.mark.parametrize(
    ("code", "message", "body", "expected"),
    [
        (404, "not found", {}, EvictionResult.GONE),
        (409, "conflict", {}, EvictionResult.CONFLICT),
        (429, "Cannot evict pod", status("DisruptionBudget"), EvictionResult.BUDGET),
        (429, "Too many requests", {}, EvictionResult.THROTTLED),
        (403, "is forbidden", {}, EvictionResult.FORBIDDEN),
        (403, "", status("NamespaceTerminating"), EvictionResult.NAMESPACE_TERMINATING),
        (403, "", status("DisruptionBudgetNegativeAllowedDisruptions"), EvictionResult.NEGATIVE),
        (
            500,
            "This pod has more than one PodDisruptionBudget, which is not supported.",
            {},
            EvictionResult.TWO_BUDGETS,
        ),
        (500, "etcd", {}, EvictionResult.SERVER),
        (0, "no answer", {}, EvictionResult.SERVER),
        (400, 'admission webhook "x" denied the request', {}, EvictionResult.WEBHOOK),
        (409, 'admission webhook "x" denied the request', {}, EvictionResult.WEBHOOK),
    ],
)
def test_classify(
    code: int, message: str, body: dict[str, object], expected: EvictionResult
) -> None:
    assert classify(KubernetesError(code, message, body=body)).result is expected


POD = NamespacedName("shop", "a")
PATH = "/api/v1/namespaces/shop/pods/a"
Send = Callable[[Client, NamespacedName, str], Awaitable[EvictionResponse]]


async def _answer(send: Send, *replies: Reply) -> tuple[EvictionResult, list[Sent]]:
    recorder = Recorder(*replies)
    async with serving(recorder.answer) as client:
        response = await send(client, POD, "uid-a")
    return response.result, recorder.requests


async def test_an_eviction_names_the_uid_of_its_pod() -> None:
    result, (request,) = await _answer(evict, Reply(201))
    assert result is EvictionResult.GRANTED
    assert (request.method, request.path) == ("POST", f"{PATH}/eviction")
    assert request.body["deleteOptions"] == {"preconditions": {"uid": "uid-a"}}


async def test_a_deletion_names_the_uid_of_its_pod_and_no_grace() -> None:
    result, (request,) = await _answer(delete)
    assert result is EvictionResult.GRANTED
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "uid-a"}}
    assert request == Sent("DELETE", PATH, "application/json", body)


@pytest.mark.parametrize("send", [evict, delete])
@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (Reply(200, {"metadata": {"uid": "uid-a"}}), EvictionResult.CONFLICT),
        (Reply(200, {"metadata": {"uid": "uid-b"}}), EvictionResult.SUCCESSOR),
        (Reply(404), EvictionResult.GONE),
        (Reply(500), EvictionResult.CONFLICT),
    ],
)
async def test_a_conflict_is_followed_by_a_look(
    send: Send, look: Reply, expected: EvictionResult
) -> None:
    result, requests = await _answer(send, Reply(409), look)
    assert result is expected
    assert [request.method for request in requests][1:] == ["GET"]
