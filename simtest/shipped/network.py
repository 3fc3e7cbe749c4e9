"""The connections of one process to the simulated API server: what aiohttp's session is otherwise.

A request is on its way, takes effect, and is answered; each of the three can fail. What was sent
takes effect though the process has ended or does not wait any more.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from azure_linux_migrator.errors import AzlmError, KubernetesError
from azure_linux_migrator.kube.migrations import COLLECTION as MIGRATIONS
from azure_linux_migrator.model.actions import EvictPod
from azure_linux_migrator.simulator.assembly.simulated_cluster import Pace
from azure_linux_migrator.simulator.cluster.api_server import CONFLICT_SECONDS
from simtest.faults.fault_hook import InjectedFault
from simtest.faults.operator_processes import WatchKind
from simtest.shipped.api_server import SimulatedApiServer
from simtest.shipped.flights import Flight, Flights
from simtest.shipped.network_faults import NetworkFault, NetworkFaults, kind_of
from simtest.shipped.requests import Answer, Request, failure, target_of
from simtest.shipped.retry_after import AskedWaits, request_key
from simtest.shipped.streams import BOOKMARK_SECONDS, WATCHED, SimulatedResponse, WatchStream

SERVER = "http://kubernetes.simulated"


class KubernetesNetwork:
    """The session of one process. Faults of the server are `down` (until when it answers nothing)
    and `status_fails` (the error of a status write)."""

    def __init__(
        self,
        server: SimulatedApiServer,
        flights: Flights,
        pace: Pace,
        down_until: Callable[[], float],
        status_fails: Callable[[], KubernetesError | None],
        faults: NetworkFaults,
        asked_waits: AskedWaits,
    ) -> None:
        self._faults = faults
        self._waits = asked_waits
        self._server = server
        self._flights = flights
        self._pace = pace
        self._kernel = flights.kernel
        self._rng = flights.rng
        self._down_until = down_until
        self._status_fails = status_fails
        self._streams: dict[WatchStream, str] = {}
        self._refused_until: dict[str, float] = {}
        self._held_until: dict[str, float] = {}

    # aiohttp.ClientSession

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        data: bytes | None,
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> AsyncIterator[SimulatedResponse]:
        """A request and its answer."""
        request = Request(
            method,
            urlsplit(url).path,
            dict(params or {}),
            data or b"",
            headers.get("Content-Type", ""),
        )
        flight, way = self._flights.begin(), self._way()
        asked = request_key(method, request.path, request.body, flight.action)
        self._waits.sent(asked)
        answer: Answer = await self._flights.fly(
            flight, way, lambda: self._arrives(flight, request, way), timeout.total
        )
        self._waits.answered(asked, answer.retry_after)
        yield SimulatedResponse(answer)

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,
    ) -> AbstractAsyncContextManager[SimulatedResponse]:
        """A watch."""
        path = urlsplit(url).path
        return self._watch(Request("GET", path, dict(params)), timeout.sock_read or 120.0)

    async def close(self) -> None:
        """Close the connections."""
        for stream in tuple(self._streams):
            self._close(stream)

    # Requests

    def _way(self) -> float:
        return self._pace.request.draw(self._rng) / 2

    def _arrives(self, flight: Flight, request: Request, way: float) -> None:
        """A request reaches the server."""
        flights, action = self._flights, flight.action
        writes = request.method != "GET"
        if writes and isinstance(action, EvictPod) and self._conflicts(action):
            flight.timer = self._kernel.after(
                CONFLICT_SECONDS * self._rng.uniform(1.0, 1.1),
                lambda: self._arrives(flight, request, way),
            )
            return
        fault = flights.fault(flight, writes=writes)
        if flight.action is None:
            if target_of(request.path).subresource == "status":
                flights.judge_lease(flight, "the status")
            fault = self._faults.strike(kind_of(request))
        if fault is None and self._kernel.now < self._down_until():
            flights.answer(flight, way, _refused())
        elif fault is not None and fault.lost:
            return
        elif fault is not None and fault.late:
            self._kernel.after(fault.late, lambda: self._commit(flight, request, way, None))
        else:
            self._commit(flight, request, way, fault)

    def _conflicts(self, action: EvictPod) -> bool:
        return self._server.conflicts(action.pod)

    def _commit(
        self, flight: Flight, request: Request, way: float, fault: InjectedFault | None
    ) -> None:
        error: AzlmError | None = fault.error if fault is not None else None
        lands = fault is None or error is None or fault.committed
        if error is None and flight.action is None:
            error = self._status_error(request)
            lands = error is None or error.status == 0
        answer: Answer | None = None
        if lands:
            answer = self._flights.perform(flight, lambda: self._server.answer(request))
        else:
            self._flights.refuse(flight)
        if isinstance(fault, NetworkFault) and fault.ends_process:
            self._faults.end_process(fault.ends_process)
        delay = way + (fault.delay if fault is not None else 0.0)
        if error is None:
            self._flights.answer(flight, delay, answer)
        elif isinstance(error, KubernetesError) and error.status:
            self._flights.answer(flight, delay, failure(error))
        else:
            self._flights.answer(flight, delay, _disconnected())

    def _status_error(self, request: Request) -> KubernetesError | None:
        """The fault of a write of the status, or of a read of the resource: one that refuses only
        writes does not refuse reads."""
        target = target_of(request.path)
        error = self._status_fails()
        if target.collection != MIGRATIONS or error is None:
            return None
        if target.subresource == "status":
            return error
        named = target.key.name and error.status not in {403, 409}
        return error if named else None

    # Watches

    @asynccontextmanager
    async def _watch(self, request: Request, silence: float) -> AsyncIterator[SimulatedResponse]:
        flight, way = Flight(None, None), self._way()
        stream = WatchStream(self._flights.process, self._rng, self._delay, silence)
        asked = request_key("GET", request.path, b"", None)
        self._waits.sent(asked)
        try:
            answer: Answer = await self._flights.fly(
                flight, way, lambda: self._begin(flight, request, stream, way), 30.0
            )
            self._waits.answered(asked, answer.retry_after)
            yield SimulatedResponse(answer, stream)
        finally:
            self._close(stream)

    def _delay(self) -> float:
        return self._pace.watch.draw(self._rng)

    def _begin(self, flight: Flight, request: Request, stream: WatchStream, way: float) -> None:
        path, now = request.path, self._kernel.now
        refused_until = max(self._down_until(), self._refused_until.get(path, 0.0))
        fault = self._faults.strike("watch")
        if fault is not None and fault.lost:
            return
        if now < refused_until or (fault is not None and fault.error is not None):
            self._refuse_watch(flight, way, fault)
            return
        stream.held_until = self._held_until.get(path, 0.0)
        begun = self._server.watch(request, stream.send)
        if isinstance(begun, Answer):
            self._flights.answer(flight, way, begun)
            return
        self._streams[stream] = path
        self._flights.answer(flight, way, Answer(200))
        if fault is not None and fault.ends_process:
            self._faults.end_process(fault.ends_process)
        for line in begun:
            stream.send(line)
        if begun and begun[-1].startswith(b'{"type":"ERROR"'):
            stream.end()
            return
        seconds = float(request.query.get("timeoutSeconds", "1800"))
        self._kernel.after(seconds, stream.end)
        self._kernel.after(self._bookmark_seconds(), lambda: self._bookmark(stream, path))

    def _refuse_watch(self, flight: Flight, way: float, fault: NetworkFault | None) -> None:
        error = fault.error if fault is not None else None
        delay = way + (fault.delay if fault is not None else 0.0)
        if isinstance(error, KubernetesError) and error.status:
            self._flights.answer(flight, delay, failure(error))
        else:
            self._flights.answer(flight, delay, _refused())

    def _bookmark_seconds(self) -> float:
        return BOOKMARK_SECONDS * self._rng.uniform(0.9, 1.1)

    def _bookmark(self, stream: WatchStream, path: str) -> None:
        if stream.open:
            stream.send(self._server.bookmark(self._server.collections.by_path[path]))
            self._kernel.after(self._bookmark_seconds(), lambda: self._bookmark(stream, path))

    def _close(self, stream: WatchStream, error: Exception | None = None) -> None:
        path = self._streams.pop(stream, None)
        if path is not None:
            sinks = self._server.collections.by_path[path].sinks
            if stream.send in sinks:
                sinks.remove(stream.send)
        stream.end(error)

    # Faults of watches

    def hold(self, kind: WatchKind, until: float, *, broken: bool = False) -> None:
        """Events of a kind do not arrive before that time; the connection stays, or is cut and
        refused."""
        path = WATCHED[kind]
        if broken:
            self._refuse(path, until)
            return
        self._held_until[path] = max(until, self._held_until.get(path, 0.0))
        for stream, watched in self._streams.items():
            if watched == path:
                stream.held_until = self._held_until[path]

    def lose(self, kind: WatchKind, seconds: float) -> None:
        """A watch is cut, its next one is refused for so many seconds, and what changed until then
        is not kept."""
        path = WATCHED[kind]
        self._refuse(path, self._kernel.now + seconds)
        collection = self._server.collections.by_path[path]
        self._kernel.after(seconds, lambda: collection.compact(self._server.store.revision))

    def _refuse(self, path: str, until: float) -> None:
        self._refused_until[path] = max(until, self._refused_until.get(path, 0.0))
        for stream in [stream for stream, watched in self._streams.items() if watched == path]:
            self._close(stream, _disconnected())

    def cut(self) -> None:
        """The process has ended: its connections are closed."""
        for stream in tuple(self._streams):
            self._close(stream)


def _refused() -> Exception:
    return aiohttp.ClientOSError(111, "Connection refused")


def _disconnected() -> Exception:
    return aiohttp.ServerDisconnectedError()
