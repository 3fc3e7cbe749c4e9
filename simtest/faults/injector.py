"""Decides when the scheduled faults of a run strike, and ends them."""

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from azure_linux_migrator.errors import AzureError, KubernetesError
from azure_linux_migrator.model.actions import AZURE, READS, Action, EvictPod
from simtest.custom_resource import Body, CustomResource
from simtest.faults.azure import OwnCallFaults
from simtest.faults.fault import HEALED, Fault
from simtest.faults.fault_hook import InjectedFault
from simtest.faults.faulted_run import Access, FaultedRun, step_of
from simtest.faults.operator_processes import OperatorProcess
from simtest.faults.schedule import FAULTS
from simtest.invariants.audit import Audit
from simtest.scenario import Scenario

T = TypeVar("T")

TWO_REQUESTS = frozenset(("ReleaseNode", "RestoreScale"))
"""Types of actions that need two requests."""


class FaultInjector:
    """The faults of one run, and the FaultHook of the operators in it."""

    def __init__(
        self,
        faults: tuple[Fault, ...],
        scenario: Scenario,
        resource: CustomResource,
        audit: Audit,
        new_operator: Callable[["FaultInjector"], OperatorProcess],
        access: Access,
        seed: str,
    ) -> None:
        self.run = FaultedRun(scenario, resource, audit, partial(new_operator, self), access, seed)
        self.run.rolls_back = any(fault.kind == "rollback" for fault in faults)
        self.strikes = self.run.strikes
        self.sent: Counter[str] = Counter()
        """Actions that were sent, by type."""
        self.writes = 0
        """Actions other than reads."""
        self.over = False
        """All faults have ended."""
        self._calls_azure = False
        self._azure_faults = OwnCallFaults(
            scenario.simulation.aks,
            lambda: self._calls_azure,
            lambda kind, call: self.run.struck(kind, f"{call} in {self.run.where()}"),
        )
        self._by_request: dict[tuple[str, int], Fault] = {}
        self._by_step: defaultdict[str, list[Fault]] = defaultdict(list)
        self._between: dict[str, Fault] = {}
        """By the key of an action: the fault that strikes between its two requests."""
        self._uid = resource.body.uid if resource.body else ""
        self.run.processes.create()
        for fault in faults:
            if fault.kind in FAULTS.requests:
                self._by_request[fault.on, int(fault.at)] = fault
            elif fault.on:
                self._by_step[fault.on].append(fault)
            else:
                self.run.after(fault.at, partial(self._strike, fault))
        resource.watchers.append(self._written)
        self.run.after(HEALED, self._heal)

    def start(self) -> None:
        """The first process starts."""
        self.run.processes.operator.start()

    def _strike(self, fault: Fault) -> None:
        where = self.run.where()
        if not self.over and FAULTS.timed[fault.kind](self.run, fault):
            self.run.struck(fault.kind, where)

    def _written(self, body: Body | None) -> None:
        """The resource or its status was written. A step that is recorded for the first time starts
        the faults in it; a resource that is applied again gets a worker."""
        run = self.run
        for fault in self._by_step.pop(step_of(body), ()):
            run.after(fault.at, partial(self._strike, fault))
        if body is not None and body.uid != self._uid:
            self._uid = body.uid
            run.after(1.0, run.processes.lead_if_none)
        if body is None and run.recreate_seconds is not None:
            run.after(run.recreate_seconds, self._recreate)
            run.recreate_seconds = None

    def _recreate(self) -> None:
        if self.run.resource.body is None:
            self.run.resource.recreate(dict(self.run.scenario.spec))

    # The FaultHook

    def injected_fault(self, action: Action, part: int) -> InjectedFault | None:
        """The fault of a request, if any."""
        name = type(action).__name__
        fault = self._between.pop(action.key, None) if part else self._due(action, name)
        if (outage := self._outage(action)) is not None:
            return outage
        if self.over or fault is None:
            return None
        if not part and name in TWO_REQUESTS and fault.pick % 2:
            self._between[action.key] = fault
            return None
        injected_fault = FAULTS.requests[fault.kind](self.run, fault, action)
        if injected_fault is not None:
            self.run.struck(fault.kind, f"{name} again" if part else name)
        return injected_fault

    def _due(self, action: Action, name: str) -> Fault | None:
        self.writes += not isinstance(action, READS)
        self.sent[name] += 1
        fault = self._by_request.get((name, self.sent[name]))
        return fault or self._by_request.get(("", self.sent.total()))

    def _outage(self, action: Action) -> InjectedFault | None:
        """The answer while a server is down or evictions are denied."""
        run = self.run
        if isinstance(action, AZURE):
            if run.now < run.azure_down_until:
                return InjectedFault(
                    AzureError("ServiceUnavailable", "try again later", status=503)
                )
        elif run.now < run.processes.kubernetes_down_until:
            return InjectedFault(KubernetesError(0, "connection refused"))
        elif isinstance(action, EvictPod) and run.now < run.evictions_denied_until:
            run.struck("evictions-denied", "EvictPod")
            return InjectedFault(run.denial)
        return None

    def own_call(self, call: Callable[[], T]) -> T:
        """Make a call of Azure as azlm's: faults of its calls strike it."""
        calls_azure, self._calls_azure = self._calls_azure, True
        try:
            return call()
        finally:
            self._calls_azure = calls_azure

    def begins(self, action: Action) -> None:
        """An action is about to take effect."""
        run = self.run
        run.audit.stale = run.now <= run.late_until.get(action.key, 0.0)
        run.audit.begins(action)

    def ends(self, action: Action) -> None:
        """An action has taken effect; the answer is not sent yet."""
        run = self.run
        seconds, run.crash_seconds = run.crash_seconds, None
        run.audit.ends(action)
        run.audit.stale = False
        if seconds is not None:
            run.processes.replace(seconds)

    def _heal(self) -> None:
        """All faults end."""
        run = self.run
        self.over = True
        self._azure_faults.clear()
        run.processes.status_error = None
        run.grant_access()
        run.processes.operator.skew = 0.0
        run.resume()
