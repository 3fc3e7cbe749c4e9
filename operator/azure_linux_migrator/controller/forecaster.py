"""Forecasts inside the operator (spec.mode Plan): in a process of their own, so that a long
calculation holds up neither the watches nor the Lease."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import msgspec

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.azure.port import PoolPort
from azure_linux_migrator.forecast.alternatives import choice_text
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.forecast import Forecast, grave
from azure_linux_migrator.forecast.runs import plan
from azure_linux_migrator.forecast.snapshot import with_azure
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.snapshot import read_cluster
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot

SHOWN = 5
UNSEEN_SHOWN = 10


async def forecast_live(
    client: Client,
    pools: PoolPort,
    azure_facts: AzureFacts | None,
    name: str,
    spec: MigrationSpec,
    generation: int,
) -> ForecastStatus:
    """The forecast for the cluster as it is now."""
    listed = await pools.list_pools()
    snapshot = with_azure(await read_cluster(client, time.time()), listed.values(), azure_facts)
    return await run_forecast(snapshot, name, spec, generation)


async def run_forecast(
    snapshot: ClusterSnapshot, name: str, spec: MigrationSpec, generation: int
) -> ForecastStatus:
    """The forecast as the status reports it."""
    content = msgspec.json.encode(snapshot)
    wanted = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:
        loop = asyncio.get_running_loop()
        fields = await loop.run_in_executor(pool, _work, content, name, wanted, generation)
    finally:
        # A cancelled forecast must not hold up the watches and the Lease.
        for process in (pool._processes or {}).values():  # noqa: SLF001 - there is no other way to end it
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
    return ForecastStatus.model_validate(fields)


def _work(content: bytes, name: str, spec: dict[str, Any], generation: int) -> dict[str, Any]:
    snapshot = msgspec.json.decode(content, type=ClusterSnapshot)
    forecast = plan(
        snapshot, name, MigrationSpec.model_validate(spec), assumed=Assumptions(), jobs=1
    )
    return forecast_status(forecast, generation).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )


def forecast_status(forecast: Forecast, generation: int) -> ForecastStatus:
    """A forecast in few words."""
    trip = forecast.typical
    blocked = (grave(trip) or [f"{trip.ending}: {trip.message}"]) if forecast.blocked else []
    return ForecastStatus(
        generation=generation,
        at=timestamp(forecast.at),
        runs=forecast.runs,
        blocked=forecast.blocked,
        blocked_by=tuple(text[:1024] for text in blocked[:SHOWN]),
        seconds=round(forecast.total.mid),
        seconds_low=round(forecast.total.low),
        seconds_high=round(forecast.total.high),
        moving_seconds=round(forecast.drain.mid),
        ideal_seconds=_whole(trip.ideal_seconds),
        floor_seconds=_whole(trip.floor_seconds),
        limited_by=trip.limited_by[:320],
        batches=len(trip.batches),
        pods_moving=forecast.pod_summary.move,
        pods_losing_data=forecast.pod_summary.lose_data,
        extra_nodes=trip.extra_nodes,
        node_hours=round(trip.node_hours, 1),
        choices=tuple(choice_text(choice)[:320] for choice in forecast.choices[:SHOWN]),
        unseen=tuple(text[:320] for text in forecast.unseen[:UNSEEN_SHOWN]),
    )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
