"""What the ARM adapter sends: one request each, with the conditions under which it may act."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.azure.client import AksPools, open_pools
from azure_linux_migrator.azure.failures import classify_failure
from azure_linux_migrator.errors import AzureError, NotLeadingError
from tests.support.fake_apiserver import serving
from tests.support.recorded_requests import Recorder, Reply

ZERO = "00000000-0000-0000-0000-000000000000"
CLUSTER = ClusterRef(subscription_id=ZERO, resource_group="demo-rg", name="demo")
SOURCE = {"count": 2, "vmSize": "Standard_D4s_v5", "osSKU": "Ubuntu", "mode": "User"}
READ = Reply(200, {"name": "src", "properties": SOURCE})
TAKEN = Reply(201, {"name": "srcazl", "properties": SOURCE})


@asynccontextmanager
async def _pools(
    recorder: Recorder, before_change: Callable[[], None] = lambda: None
) -> AsyncIterator[AksPools]:
    async with serving(recorder.answer) as client:
        pools = open_pools(
            CLUSTER,
            endpoint=client.credentials.server,
            cloud="public",
            on_request=lambda *_: None,
            before_change=before_change,
        )
        try:
            yield pools
        finally:
            await pools.close()


def _conditions(recorder: Recorder) -> dict[str, str]:
    """The conditions of the last request."""
    headers = {name.lower(): value for name, value in recorder.requests[-1].headers.items()}
    return {name: headers[name] for name in ("if-match", "if-none-match") if name in headers}


async def _create(pools: AksPools) -> None:
    await pools.create_target(
        "src", "srcazl", os_sku="AzureLinux", count=3, overrides={}, tags={"azlm-migration": "m"}
    )


async def test_a_pool_is_created_only_if_there_is_none() -> None:
    recorder = Recorder(READ, TAKEN)
    async with _pools(recorder) as pools:
        await _create(pools)
    assert _conditions(recorder) == {"if-none-match": "*"}
    sent = recorder.requests[-1]
    assert (sent.method, sent.path.rpartition("/")[2]) == ("PUT", "srcazl")
    properties = sent.body["properties"]
    assert (properties["osSKU"], properties["count"]) == ("AzureLinux", 3)
    assert properties["tags"] == {"azlm-migration": "m"}


async def test_a_pool_is_changed_and_deleted_only_as_it_was_read() -> None:
    recorder = Recorder(READ, TAKEN, Reply(202))
    async with _pools(recorder) as pools:
        await pools.update("src", {"count": 1}, tags={}, etag="e1")
        assert _conditions(recorder) == {"if-match": '"e1"'}
        assert recorder.requests[-1].body["properties"]["count"] == 1
        await pools.delete("src", etag="e2")
        assert _conditions(recorder) == {"if-match": '"e2"'}
    assert recorder.requests[-1].method == "DELETE"


async def test_a_plain_http_endpoint_gets_no_token() -> None:
    recorder = Recorder(Reply(200, {"value": []}))
    async with _pools(recorder) as pools:
        assert await pools.list_pools() == {}
    assert "Authorization" not in recorder.requests[0].headers


async def test_every_page_of_the_pools_is_read() -> None:
    recorder = Recorder()
    async with serving(recorder.answer) as client:
        url = client.credentials.server
        second = {"value": [{"name": "b", "properties": SOURCE}]}
        first = {"value": [{"name": "a", "properties": SOURCE}], "nextLink": f"{url}/next"}
        recorder._replies[:] = [Reply(200, first), Reply(200, second)]
        pools = open_pools(CLUSTER, endpoint=url, cloud="public", on_request=lambda *_: None)
        assert set(await pools.list_pools()) == {"a", "b"}
        await pools.close()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_request_is_tried_once_and_says_when_it_may_be_tried_again(status: int) -> None:
    recorder = Recorder(Reply(status, {"code": "Busy", "message": "later"}, {"Retry-After": "42"}))
    async with _pools(recorder) as pools:
        with pytest.raises(AzureError) as raised:
            await pools.list_pools()
    assert len(recorder.requests) == 1
    assert (raised.value.status, raised.value.retry_after) == (status, 42.0)


async def test_the_codes_inside_an_error_are_read() -> None:
    details = [{"code": "QuotaExceeded", "message": "too many"}]
    error = {"code": "InvalidTemplateDeployment", "message": "see details", "details": details}
    recorder = Recorder(Reply(400, {"error": error}))
    async with _pools(recorder) as pools:
        with pytest.raises(AzureError) as raised:
            await pools.list_pools()
    assert raised.value.code == "InvalidTemplateDeployment"
    assert raised.value.more_codes == ("QuotaExceeded",)
    assert classify_failure(raised.value).reason == "QuotaExceeded"


@pytest.mark.parametrize(
    ("reply", "gone"),
    [
        (Reply(204), True),
        (Reply(404, {"code": "NotFound", "message": "no such pool"}), True),
        (Reply(404, {"code": "ResourceNotFound", "message": "no such cluster"}), False),
        (Reply(409, {"code": "EtagMismatch", "message": "changed"}), False),
    ],
)
async def test_a_pool_that_is_gone_is_what_a_deletion_wants(reply: Reply, gone: bool) -> None:
    async with _pools(Recorder(reply)) as pools:
        if gone:
            await pools.delete("src", etag="e")
        else:
            with pytest.raises(AzureError):
                await pools.delete("src", etag="e")


async def test_nothing_is_changed_without_the_lease() -> None:
    def lost() -> None:
        raise NotLeadingError

    recorder = Recorder(READ, READ)
    async with _pools(recorder, lost) as pools:
        changes: list[Callable[[], Awaitable[None]]] = [
            lambda: _create(pools),
            lambda: pools.update("src", {"count": 1}, tags={}, etag=""),
            lambda: pools.delete("src", etag=""),
            lambda: pools.delete_machines("src", ["n"]),
        ]
        for change in changes:
            with pytest.raises(NotLeadingError):
                await change()
    assert {request.method for request in recorder.requests} == {"GET"}
