"""The client: what a request carries, what its answer means, and what is asked before a write."""

import dataclasses
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from azure_linux_migrator.errors import KubernetesError, NotLeadingError
from azure_linux_migrator.kube.client import MERGE_PATCH, Client
from azure_linux_migrator.kube.credentials import Credentials
from tests.support.fake_apiserver import serving
from tests.support.recorded_requests import Recorder, Reply


def _refuse() -> None:
    raise NotLeadingError


async def test_nothing_is_written_without_the_lease_and_reads_need_none() -> None:
    recorder = Recorder()
    async with serving(recorder.answer) as client:
        guarded = client.guarded(_refuse)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(NotLeadingError):
                await guarded.request(method, "/api/v1/nodes/a", body={})
        await guarded.request("GET", "/api/v1/nodes/a")
        await client.request("PATCH", "/api/v1/nodes/a", body={}, content_type=MERGE_PATCH)
    assert [request.method for request in recorder.requests] == ["GET", "PATCH"]
    assert recorder.requests[1].content_type == MERGE_PATCH


async def test_a_request_carries_the_token_and_who_asks() -> None:
    async def token() -> str:
        return "secret"

    recorder = Recorder()
    async with serving(recorder.answer) as client:
        credentials = dataclasses.replace(client.credentials, token=token)
        await dataclasses.replace(client, credentials=credentials).request("GET", "/version")
    headers = recorder.requests[0].headers
    assert (headers["Authorization"], headers["User-Agent"]) == ("Bearer secret", "azlm")


@pytest.mark.parametrize(
    ("reply", "message", "retry_after"),
    [
        (Reply(429, {"message": "later"}, {"Retry-After": "7"}), "later", 7.0),
        (Reply(429, {"message": "later"}, {"Retry-After": "soon"}), "later", None),
        (Reply(503, {"message": "down"}), "down", None),
        (Reply(400, []), "[]", None),
        (Reply(404, {}), "{}", None),
    ],
)
async def test_a_refusal_is_raised_with_what_it_says(
    reply: Reply, message: str, retry_after: float | None
) -> None:
    async with serving(Recorder(reply).answer) as client:
        with pytest.raises(KubernetesError) as raised:
            await client.request("GET", "/api/v1/nodes/a")
    error = raised.value
    assert (error.status, error.message, error.retry_after) == (reply.status, message, retry_after)


async def test_the_causes_of_a_refusal_are_kept() -> None:
    body = {"message": "no", "details": {"causes": [{"reason": "DisruptionBudget"}]}}
    async with serving(Recorder(Reply(429, body)).answer) as client:
        with pytest.raises(KubernetesError) as raised:
            await client.request("POST", "/x", body={})
    assert [cause["reason"] for cause in raised.value.causes] == ["DisruptionBudget"]


async def test_no_answer_is_an_error_with_status_0() -> None:
    async with aiohttp.ClientSession() as session:
        client = Client(Credentials("http://127.0.0.1:1"), session)
        with pytest.raises(KubernetesError, match="no answer") as raised:
            await client.request("GET", "/version")
        assert raised.value.status == 0
        with pytest.raises(KubernetesError, match="no answer"):
            async with client.stream("/api/v1/pods", {}, silence=1.0):
                pytest.fail("there is nothing to read")


async def test_a_connection_that_ends_in_the_middle_of_an_answer_is_an_error() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(answer) as client:
        with pytest.raises(KubernetesError) as raised:
            await client.request("GET", "/api/v1/nodes")
        assert raised.value.status == 0


async def test_a_watch_that_is_refused_is_raised_before_its_first_byte() -> None:
    async with serving(Recorder(Reply(410, {"message": "too old"})).answer) as client:
        with pytest.raises(KubernetesError) as raised:
            async with client.stream("/api/v1/pods", {"watch": "true"}, silence=1.0):
                pytest.fail("there is nothing to read")
    assert raised.value.status == 410


async def test_each_request_is_observed_by_operation_and_code() -> None:
    seen: list[tuple[str, str]] = []

    def note(operation: str, code: str, seconds: float) -> None:
        assert seconds >= 0
        seen.append((operation, code))

    async with serving(Recorder(Reply(), Reply(409)).answer) as client:
        observed = client.observed(note)
        await observed.request("GET", "/api/v1/nodes")
        with pytest.raises(KubernetesError):
            await observed.request("PATCH", "/api/v1/nodes/a", body={})
    assert seen == [("list nodes", "200"), ("patch nodes", "409")]


@pytest.mark.parametrize("token", ["", "secret"])
async def test_kopf_connects_as_the_same_identity(token: str) -> None:
    async def read() -> str:
        return token

    async with serving(Recorder().answer) as client:
        credentials = dataclasses.replace(client.credentials, token=read)
        connection: dict[str, Any] = await dataclasses.replace(
            client, credentials=credentials
        ).kopf_connection()
    assert connection["server"] == client.credentials.server
    expected = {"scheme": "Bearer", "token": token} if token else {}
    assert {name: connection[name] for name in ("scheme", "token") if name in connection} == (
        expected
    )
