"""What the executor records of Azure's answers, in whatever order they arrive."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from azure_linux_migrator.azure.port import PoolPort
from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import AzureError
from azure_linux_migrator.model.actions import CreatePool, ReadPools
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.pool import Pool

CREATE = CreatePool("src", "srcazl", "AzureLinux", 2, {}, ())


class SlowPort(PoolPort):
    """A port whose list answers on demand."""

    def __init__(self, error: AzureError | None = None) -> None:
        self.listing = asyncio.Event()
        self.answer = asyncio.Event()
        self.error = error
        self.lists = 0

    async def list_pools(self) -> dict[str, Pool]:
        self.lists += 1
        self.listing.set()
        await self.answer.wait()
        return {"src": Pool("src")}

    async def create_target(self, source: str, target: str, **_: Any) -> None:
        if self.error is not None:
            raise self.error

    async def update(
        self,
        pool: str,
        changes: Mapping[str, Any],
        *,
        tags: Mapping[str, str | None],
        etag: str,
    ) -> None:
        raise NotImplementedError

    async def delete_machines(self, pool: str, names: Sequence[str]) -> None:
        raise NotImplementedError

    async def delete(self, pool: str, *, etag: str) -> None:
        raise NotImplementedError

    async def azure_facts(self, source: Pool) -> AzureFacts:
        return AzureFacts()

    async def close(self) -> None:
        return


def executor(port: SlowPort) -> Executor:
    nothing: Any = None
    return Executor(
        client=nothing,
        world=World(),
        pools=lambda: port,
        telemetry=Telemetry(),
        may_act=lambda: True,
        on_result=lambda: None,
    )


async def test_a_list_begun_before_a_change_is_not_believed_after_it() -> None:
    for error in (None, AzureError("Unreachable", "timeout")):
        port = SlowPort(error)
        runner = executor(port)
        runner.submit([ReadPools()])
        await port.listing.wait()
        runner.submit([CREATE])
        for _ in range(10):
            await asyncio.sleep(0)
        assert runner.running == {"ReadPools"}
        port.answer.set()
        await runner.stop()
        assert runner.outcomes.pools_read is None, "it does not show the new pool"
        runner.submit([ReadPools()])
        await runner.stop()
        assert runner.outcomes.pools_read is not None


async def test_of_two_actions_with_one_key_one_runs() -> None:
    port = SlowPort()
    runner = executor(port)
    runner.submit([ReadPools(), ReadPools()])
    await port.listing.wait()
    runner.submit([ReadPools()])
    assert runner.running == {"ReadPools"}
    port.answer.set()
    await runner.stop()
    assert runner.running == frozenset()
    assert port.lists == 1
