"""/metrics, /healthz and /readyz on one port."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.errors import SettingsError

Probe = Callable[[], str | None]
"""Returns why the answer is no, or None for yes."""


class MetricsServer:
    """Listens once started; `port` is the real one, also where 0 was asked for."""

    def __init__(
        self, telemetry: Telemetry, *, host: str, port: int, health: Probe, ready: Probe
    ) -> None:
        self._telemetry = telemetry
        self._host = host
        self.port = port
        self._probes = {"/healthz": health, "/readyz": ready}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises SettingsError when the port cannot be had."""
        app = web.Application()
        app.router.add_get("/metrics", make_aiohttp_handler(self._telemetry.registry))
        for path in self._probes:
            app.router.add_get(path, self._probe)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self.port).start()
        except OSError as error:
            await self.stop()
            raise SettingsError(
                f"cannot listen on {self._host}:{self.port} ({error.strerror}); choose another "
                "--metrics-port, or 0 for a free one"
            ) from error
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _probe(self, request: web.Request) -> web.Response:
        reason = self._probes[request.path]()
        return web.Response(text=reason or "ok", status=500 if reason else 200)
