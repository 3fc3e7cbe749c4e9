"""The status is written to the version that was seen, by the process that leads."""

from typing import Any

import pytest

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.controller.resource_requests import ResourceRequests
from azure_linux_migrator.core.reconcile.messages import StatusWritten, WriteAnswer, WriteStatus
from azure_linux_migrator.errors import NotLeadingError
from azure_linux_migrator.kube.migrations import Migrations
from tests.support.fake_apiserver import serving
from tests.support.recorded_requests import Recorder, Reply

WRITE = WriteStatus(MigrationStatus(step="Drain"), 17)


async def _write(*replies: Reply, leads: bool = True) -> tuple[StatusWritten, Recorder, list[str]]:
    recorder, conflicts = Recorder(*replies), list[str]()
    async with serving(recorder.answer) as client:
        requests = ResourceRequests(
            Migrations(client), "m", lambda: leads, lambda: conflicts.append("m")
        )
        return await requests.write(WRITE), recorder, conflicts


async def test_a_status_is_applied_to_the_version_that_was_seen() -> None:
    stored: dict[str, Any] = {"metadata": {"resourceVersion": "18"}}
    written, recorder, conflicts = await _write(Reply(200, stored))
    assert written == StatusWritten(WriteAnswer.TAKEN, 18)
    (request,) = recorder.requests
    assert request.content_type == "application/apply-patch+yaml"
    assert request.path.endswith("/azurelinuxmigrations/m/status")
    assert request.body["metadata"] == {"name": "m", "resourceVersion": "17"}
    assert request.body["status"]["step"] == "Drain"
    assert conflicts == []


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (409, WriteAnswer.CONFLICT),
        (404, WriteAnswer.GONE),
        (422, WriteAnswer.REFUSED),
        (500, WriteAnswer.REFUSED),
    ],
)
async def test_what_a_failed_write_means(status: int, answer: WriteAnswer) -> None:
    written, _, conflicts = await _write(Reply(status))
    assert written.answer is answer
    assert conflicts == (["m"] if status == 409 else [])


async def test_a_busy_server_says_when_to_write_again() -> None:
    busy = Reply(503, headers={"Retry-After": "7"})
    written, _, _ = await _write(busy)
    assert written == StatusWritten(WriteAnswer.REFUSED, wait=7.0)


async def test_without_the_lease_nothing_is_sent() -> None:
    written, recorder, _ = await _write(leads=False)
    assert (written.answer, recorder.requests) == (WriteAnswer.UNSENT, [])


async def test_a_lease_that_is_lost_in_the_last_moment_leaves_it_unsent() -> None:
    def lost() -> None:
        raise NotLeadingError

    recorder = Recorder()
    async with serving(recorder.answer) as client:
        requests = ResourceRequests(Migrations(client.guarded(lost)), "m", lambda: True)
        assert (await requests.write(WRITE)).answer is WriteAnswer.UNSENT
    assert recorder.requests == []


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_resource_that_cannot_be_read_is_none(status: int) -> None:
    meta = {"name": "m", "uid": "u", "generation": 1, "resourceVersion": "7"}
    body = {"metadata": meta, "spec": {"source": {"nodePool": "src"}}}
    async with serving(Recorder(Reply(status, body)).answer) as client:
        seen = await ResourceRequests(Migrations(client), "m", lambda: True).read()
    assert (seen.version if seen is not None else None) == (7 if status == 200 else None)
