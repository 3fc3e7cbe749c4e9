"""One seed with the operator that ships: the cluster, faults and invariants are those of
simtest/run.py, and the operator is not the simulated one."""

import random
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.core.state.results import Decision
from simtest.faults.fault import HEALED, Fault
from simtest.faults.faulted_run import FaultedRun
from simtest.faults.injector import FaultInjector
from simtest.faults.schedule import schedule
from simtest.invariants.attribution import Attribution
from simtest.run import Run, SeedResult
from simtest.shipped.api_server import SimulatedApiServer
from simtest.shipped.network_faults import NetworkFaults, draw_network_faults
from simtest.shipped.operator import LeaseTimes, ProcessSetup, ShippedOperator
from simtest.shipped.virtual_time import virtual_time

LEASE_FAULTS = frozenset(("freeze", "twins", "kubernetes-down"))
"""Faults in which it matters for how long a Lease is held."""
PATIENT = LeaseTimes(300.0, 200.0, 40.0)
"""For other runs: most of the requests would be renewals."""
SHORT_PAGES = 3
EVENTS_BASE, EVENTS_EACH = 30, 3
"""More events than that, for each change of the reason, are not about changes."""
FORECASTS = 0.1
"""How many of the runs make the forecasts that they ask for."""
RESTART_SECONDS = (0.5, 5.0)
"""How long a container takes to start again."""


class ShippedRun(Run):
    """A migration under faults, by processes of the real operator."""

    steps = 2_000_000

    def __init__(self, seed: str, faults: Sequence[Fault] | None = None) -> None:
        self._operators: list[ShippedOperator] = []
        self._unexpected: list[str] = []
        self._server: SimulatedApiServer | None = None
        self._network = random.Random(f"{seed}/network")
        self._forecasts = self._network.random() < FORECASTS
        self._network_faults: NetworkFaults | None = None
        super().__init__(seed, faults)

    def _api_server(self) -> SimulatedApiServer:
        """The one server of the run: without streamed lists, or with short pages, in some."""
        if self._server is None:
            server = SimulatedApiServer(self.scenario.simulation, self.resource)
            server.streams_lists = self._network.random() < 0.7
            server.page = SHORT_PAGES if self._network.random() < 0.5 else server.page
            self._server = server
        return self._server

    @classmethod
    def faults_of(cls, seed: str) -> tuple[Fault, ...]:
        """The faults of a seed, those of single requests included."""
        return (*schedule(seed), *draw_network_faults(seed))

    def _action_faults(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if not _of_request(fault))

    def _faults_of_requests(self, run: FaultedRun) -> NetworkFaults:
        if self._network_faults is None:
            own = tuple(fault for fault in self.faults if _of_request(fault))
            self._network_faults = NetworkFaults(own, run)
            run.after(HEALED, self._network_faults.end)
        return self._network_faults

    def _new_operator(self, injector: FaultInjector) -> ShippedOperator:  # type: ignore[override]
        attribution = Attribution(injector, self.audit)
        faulted, processes = injector.run, injector.run.processes
        kernel = self.scenario.simulation.kernel
        exact = self.scenario.own is not None or any(
            fault.kind in LEASE_FAULTS for fault in self.faults
        )

        def decided(decision: Decision) -> None:
            self._observe(attribution.process, operator, decision)

        def restart() -> None:
            delay = self._network.uniform(*RESTART_SECONDS)
            kernel.after(delay, processes.lead_if_none)

        operator = ShippedOperator(
            ProcessSetup(
                cluster=self.scenario.simulation,
                server=self._api_server(),
                resource=self.resource,
                rng=self._network,
                hook=attribution,
                judge=self.audit.judge,
                network_faults=self._faults_of_requests(faulted),
                identity=f"{processes.own_pod or 'azlm'}-{processes.beside}",
                own_pod=processes.own_pod,
                lease=LeaseTimes() if exact else PATIENT,
                status_fails=lambda: processes.status_error,
                kubernetes_down_until=lambda: processes.kubernetes_down_until,
                azure_down_until=lambda: faulted.azure_down_until,
                own_call=injector.own_call,
                compute=self._compute,
                on_decision=decided,
                on_end=restart,
                on_exception=self._failed,
            )
        )
        self._operators.append(operator)
        return operator

    def _compute(
        self, work: Callable[..., dict[str, Any]], content: bytes, *rest: Any
    ) -> dict[str, Any]:
        """A forecast in a process of its own. It costs more than the rest of a run, so only some
        runs make it; the others get an empty one."""
        if self._forecasts:
            return work(content, *rest)
        generation = rest[-1]
        now = timestamp(self.scenario.simulation.kernel.now)
        return {"generation": generation, "at": now}

    def _failed(self, context: dict[str, Any]) -> None:
        """An exception that nobody awaits."""
        error = context.get("exception")
        text = "".join(traceback.format_exception(error)) if error is not None else ""
        self._unexpected.append(f"{context.get('message')}: {text}")

    def _idle(self) -> None:
        """The end of a run, after which its events are counted."""
        super()._idle()
        events = self._api_server().events_written()
        most = EVENTS_BASE + EVENTS_EACH * len(self.trail)
        text = f"{events} events for {len(self.trail)} changes of the reason"
        self.audit.judge.that("events-few", events <= most, text)

    def go(self) -> SeedResult:
        """Run to the end."""
        with virtual_time(self.scenario.simulation.kernel, self.seed) as log:
            try:
                result = super().go()
            finally:
                for operator in self._operators:
                    operator.dispose()
        result.judged["log-clean"] = 1
        if log.unexpected:
            result.broken, result.failure = "log-clean", f"log-clean: {log.unexpected[0]}"
        if self._unexpected:
            result.broken, result.failure = "no-crash", f"no-crash: {self._unexpected[0]}"
        return result


def _of_request(fault: Fault) -> bool:
    return fault.kind.startswith("network-")
