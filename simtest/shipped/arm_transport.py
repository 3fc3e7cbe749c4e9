"""The simulated Azure Resource Manager as a transport under the real SDK (azure.core)."""

import json
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.core.rest._http_response_impl_async import AsyncHttpResponseImpl

from azure_linux_migrator.errors import AzureError, KubernetesError
from azure_linux_migrator.simulator.aks.errors import ResponseLost
from azure_linux_migrator.simulator.aks.rest_api import ArmAnswer, ArmRequest, RestApi
from azure_linux_migrator.simulator.cluster.workload import Span
from simtest.faults.fault_hook import InjectedFault
from simtest.shipped.flights import Flight, Flights
from simtest.shipped.network_faults import NetworkFault, NetworkFaults
from simtest.shipped.retry_after import AskedWaits, request_key

ENDPOINT = "http://arm.simulated"
NO_ANSWER = "the connection was closed"


class SimulatedArmResponse(AsyncHttpResponseImpl):
    """An answer that has arrived as a whole."""

    def __init__(self, request: HttpRequest, answer: ArmAnswer) -> None:
        super().__init__(
            request=request,
            internal_response=None,
            status_code=answer.status,
            reason="",
            content_type=answer.headers.get("Content-Type", ""),
            headers=dict(answer.headers),
            stream_download_generator=None,
        )
        self._content = answer.body

    async def close(self) -> None:
        """Nothing is open."""
        self._is_closed = True


class SimulatedTransport(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """The connection of one process. `own` surrounds every call, so that faults of Azure's calls
    know whose it is; `touched` is called after it; until `down_until` every call is refused."""

    def __init__(
        self,
        api: RestApi,
        flights: Flights,
        pace: Span,
        *,
        own: Callable[[Callable[[], ArmAnswer]], ArmAnswer],
        touched: Callable[[], None],
        down_until: Callable[[], float],
        faults: NetworkFaults,
        asked_waits: AskedWaits,
    ) -> None:
        self._faults = faults
        self._waits = asked_waits
        self._api = api
        self._flights = flights
        self._pace = pace
        self._own = own
        self._touched = touched
        self._down_until = down_until

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""

    async def send(self, request: HttpRequest, **options: Any) -> AsyncHttpResponse:
        """A request and its answer; raises azure.core's exceptions."""
        flight = self._flights.begin()
        way = self._pace.draw(self._flights.rng) / 2
        timeout = float(options.get("read_timeout") or 60.0)
        path = urlsplit(request.url).path
        asked = request_key(str(request.method), path, _content(request), flight.action)
        self._waits.sent(asked)
        try:
            answer: ArmAnswer = await self._flights.fly(
                flight, way, lambda: self._arrives(flight, request, way), timeout
            )
        except TimeoutError as error:
            raise ServiceResponseError("Timeout on reading data from socket") from error
        delay = answer.headers.get("Retry-After", "")
        self._waits.answered(asked, float(delay) if answer.status >= 400 and delay else None)
        return SimulatedArmResponse(request, answer)

    def _arrives(self, flight: Flight, request: HttpRequest, way: float) -> None:
        fault = self._flights.fault(flight, writes=request.method != "GET")
        now = self._flights.kernel.now
        if flight.action is None:
            fault = self._faults.strike("azure")
        if flight.action is None and now < self._down_until():
            down = AzureError("ServiceUnavailable", "try again later", status=503)
            fault = InjectedFault(down)
        if fault is not None and fault.lost:
            return
        if fault is not None and fault.late:
            self._flights.kernel.after(fault.late, lambda: self._commit(flight, request, way, None))
            return
        self._commit(flight, request, way, fault)

    def _commit(
        self, flight: Flight, request: HttpRequest, way: float, fault: InjectedFault | None
    ) -> None:
        error = fault.error if fault is not None else None
        delay = way + (fault.delay if fault is not None else 0.0)
        result: ArmAnswer | Exception = ServiceResponseError(NO_ANSWER)
        if fault is None or error is None or fault.committed:
            try:
                result = self._flights.perform(flight, lambda: self._effect(request))
            except ResponseLost as lost:
                delay += min(lost.hang_seconds, 60.0)
        else:
            self._flights.refuse(flight)
        if isinstance(fault, NetworkFault) and fault.ends_process:
            self._faults.end_process(fault.ends_process)
        if isinstance(error, AzureError | KubernetesError) and error.status:
            code = error.code if isinstance(error, AzureError) else "Refused"
            body = {"error": {"code": code, "message": error.message}}
            content = {"Content-Type": "application/json"}
            if error.retry_after is not None:
                content["Retry-After"] = str(round(error.retry_after))
            result = ArmAnswer(error.status, content, json.dumps(body).encode())
        elif error is not None:
            result = ServiceRequestError(NO_ANSWER)
        self._flights.answer(flight, delay, result)

    def _effect(self, request: HttpRequest) -> ArmAnswer:
        url = urlsplit(request.url)
        asked = ArmRequest(
            str(request.method),
            url.path,
            dict(parse_qsl(url.query)),
            dict(request.headers),
            _content(request),
            ENDPOINT,
            self._flights.kernel.now,
        )
        try:
            return self._own(lambda: self._api.answer(asked))
        finally:
            self._touched()


def _content(request: HttpRequest) -> bytes:
    content = request.content
    return content.encode() if isinstance(content, str) else bytes(content or b"")
