"""The exposition: what is shown, and that nothing of a deleted migration stays."""

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from azure_linux_migrator.api.status import Condition, MigrationStatus, timestamp
from azure_linux_migrator.controller.metrics import MetricsSnapshot, MigrationView, Telemetry
from azure_linux_migrator.controller.metrics_server import Server
from azure_linux_migrator.errors import SettingsError

READY = Condition(type="Ready", status="True", reason="x", last_transition_time=timestamp(0))
VIEW = MigrationView("m", "src", "srcazl", "BlueGreen", MigrationStatus(conditions=(READY,)), 7.0)


async def _get(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_a_deleted_migration_leaves_no_series() -> None:
    shown = [VIEW]
    telemetry = Telemetry()
    telemetry.watch(lambda: MetricsSnapshot(True, {"pods": 1.0}, tuple(shown)))
    telemetry.eviction("granted")
    server = Server(telemetry, host="127.0.0.1", port=0, health=lambda: None, ready=lambda: "no")
    await server.start()
    try:
        _, text = await _get(server.port, "/metrics")
        samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
        conditions = {
            s.labels["status"]: s.value for s in samples if s.name == "azlm_migration_condition"
        }
        assert conditions == {"True": 1.0, "False": 0.0, "Unknown": 0.0}
        shown.clear()
        _, text = await _get(server.port, "/metrics")
        assert 'name="m"' not in text
        assert 'azlm_evictions_total{result="granted"} 1.0' in text
        assert await _get(server.port, "/healthz") == (200, "ok")
        assert await _get(server.port, "/readyz") == (500, "no")
        twin = Server(
            telemetry, host="127.0.0.1", port=server.port, health=lambda: None, ready=lambda: None
        )
        with pytest.raises(SettingsError, match="--metrics-port"):
            await twin.start()
    finally:
        await server.stop()
