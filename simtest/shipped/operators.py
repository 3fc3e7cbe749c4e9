"""Starts the processes of one run, and keeps what they share: the API server, the faults of their
connections, and the errors that nothing handles."""

import random
import traceback
from collections.abc import Callable
from typing import Any

from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.simulator.aks.rest_api import RestApi
from simtest.custom_resource import CustomResource
from simtest.faults.fault import HEALED, Fault
from simtest.faults.faulted_run import FaultedRun
from simtest.faults.injector import FaultInjector
from simtest.invariants.audit import Audit
from simtest.invariants.process import ObservedProcess
from simtest.rival import Rival, draw_rival
from simtest.scenario import NOW, Scenario
from simtest.shipped.api_server import SimulatedApiServer
from simtest.shipped.attribution import Attribution
from simtest.shipped.lease import PATIENT, LeaseTimes
from simtest.shipped.network_faults import PREFIX, NetworkFaults
from simtest.shipped.operator import ProcessSetup, ShippedOperator

LEASE_FAULTS = frozenset(("freeze", "twins", "kubernetes-down"))
"""Faults in which it matters for how long a Lease is held."""
SETTLED_SECONDS = 180.0
"""After the last fault: longer than any request waits that a fault has struck."""
SHORT_PAGES = 3
EMPTY_PAGES = 0.3
"""How many of the runs have an empty second page in every list of pools."""
FORECASTS = 0.1
"""How many of the runs make the forecasts that they ask for."""
RESTART_SECONDS = (0.5, 5.0)
"""How long a container takes to start again."""

Decided = Callable[[ObservedProcess, ShippedOperator, Decision], None]


class Operators:
    """The processes of one run. Some runs have an API server without streamed lists or with short
    pages. `decided` is called with every decision."""

    def __init__(
        self,
        seed: str,
        faults: tuple[Fault, ...],
        scenario: Scenario,
        resource: CustomResource,
        audit: Audit,
        decided: Decided,
    ) -> None:
        self._scenario = scenario
        self._resource = resource
        self._audit = audit
        self._decided = decided
        self._own_faults = tuple(fault for fault in faults if fault.kind.startswith(PREFIX))
        exact = scenario.own is not None or any(fault.kind in LEASE_FAULTS for fault in faults)
        self._lease = LeaseTimes() if exact else PATIENT
        self._rng = random.Random(f"{seed}/network")
        self._forecasts = self._rng.random() < FORECASTS
        self._network_faults: NetworkFaults | None = None
        self._operators: list[ShippedOperator] = []
        drawn = draw_rival(seed, scenario.target)
        self._rival = Rival(drawn, scenario, resource, audit.judge) if drawn is not None else None
        others = (self._rival.resource,) if self._rival is not None else ()
        self.server = SimulatedApiServer(scenario.simulation, resource, *others)
        self.server.kept.on_event = audit.event
        self.server.streams_lists = self._rng.random() < 0.7
        self.server.page = SHORT_PAGES if self._rng.random() < 0.5 else self.server.page
        self._arm = RestApi(scenario.simulation.aks)
        self._arm.links_empty_page = self._rng.random() < EMPTY_PAGES
        self.unexpected: list[str] = []
        """Exceptions that nothing handles."""

    def make(self, injector: FaultInjector) -> ShippedOperator:
        """The next process. It does not work before its `start`."""
        attribution = Attribution(injector, self._audit)
        faulted, processes = injector.run, injector.run.processes
        kernel = self._scenario.simulation.kernel

        def decided(decision: Decision) -> None:
            self._decided(attribution.process, operator, decision)

        def restart() -> None:
            delay = self._rng.uniform(*RESTART_SECONDS)
            kernel.after(delay, processes.lead_if_none)

        operator = ShippedOperator(
            ProcessSetup(
                cluster=self._scenario.simulation,
                server=self.server,
                arm=self._arm,
                resource=self._resource,
                rival=self._rival,
                rng=self._rng,
                hook=attribution,
                judge=self._audit.judge,
                network_faults=self._faults_of_requests(faulted),
                identity=f"{processes.own_pod or 'azlm'}-{processes.beside}",
                own_pod=processes.own_pod,
                lease=self._lease,
                settled_at=NOW + HEALED + SETTLED_SECONDS,
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

    def dispose(self) -> None:
        """Free what the processes hold, after the run."""
        for operator in self._operators:
            operator.dispose()

    def _faults_of_requests(self, run: FaultedRun) -> NetworkFaults:
        if self._network_faults is None:
            self._network_faults = NetworkFaults(self._own_faults, run)
            run.after(HEALED, self._network_faults.end)
        return self._network_faults

    def _compute(
        self, work: Callable[..., dict[str, Any]], content: bytes, *rest: Any
    ) -> dict[str, Any]:
        """A forecast in a process of its own. It costs more than the rest of a run, so only some
        runs make it; the others get an empty one."""
        if self._forecasts:
            return work(content, *rest)
        generation = rest[-1]
        now = timestamp(self._scenario.simulation.kernel.now)
        return {"generation": generation, "at": now}

    def _failed(self, context: dict[str, Any]) -> None:
        """An exception that nobody awaits."""
        error = context.get("exception")
        text = "".join(traceback.format_exception(error)) if error is not None else ""
        self.unexpected.append(f"{context.get('message')}: {text}")
