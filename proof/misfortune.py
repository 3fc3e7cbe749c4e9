"""Lets the scheduled faults befall a run, and ends them."""

import random
from collections.abc import Callable

from azure_linux_migrator.core.actions import READS, Action, EvictPod
from azure_linux_migrator.errors import AzlmError, AzureError, KubernetesError
from azure_linux_migrator.sim.cluster.api import refusal
from azure_linux_migrator.sim.pilot.fate import Mishap
from azure_linux_migrator.sim.pilot.informer import KINDS as WATCHES
from azure_linux_migrator.sim.pilot.pilot import AZURE, Pilot
from azure_linux_migrator.sim.pilot.resource import Resource
from proof.audit import Audit
from proof.faults import HEALED, Fault
from proof.scenario import Scenario
from proof.weather import Weather

LEASE_SECONDS = 15.0
DENIALS = (
    'admission webhook "keep.example" denied the request: not now',
    "Too many requests, please try again later.",
    "pods/eviction is forbidden",
)


class Misfortune(Weather):
    """The faults of one run, and the pilots they befall."""

    def __init__(
        self,
        faults: tuple[Fault, ...],
        stage: Scenario,
        resource: Resource,
        audit: Audit,
        new_pilot: Callable[["Misfortune"], Pilot],
        seed: str,
    ) -> None:
        super().__init__(stage, resource, audit)
        self._new_pilot = new_pilot
        self._rng = random.Random(f"{seed}/misfortune")
        self._acting = {int(fault.at): fault for fault in faults if fault.at == int(fault.at)}
        self.count = 0
        """Actions that took effect, or failed."""
        self.acts = 0
        """Actions other than reads."""
        self._status_error: KubernetesError | None = None
        self._denied_until = self._kubernetes_until = 0.0
        self._denial = refusal(400, DENIALS[0])
        self._generation = 0
        self.over = False
        self.pilot = new_pilot(self)
        for fault in faults:
            kind = fault.kind.replace("-", "_")
            if hasattr(self, f"_{kind}"):
                strike: Callable[[Fault], None] = getattr(self, f"_{kind}")
                self._scene.kernel.after(fault.at, lambda s=strike, f=fault: s(f))  # type: ignore[misc]
        self._scene.kernel.after(HEALED, self._heal)

    # What the hands ask

    def mishap(self, action: Action, part: int) -> Mishap | None:
        """What befalls the n-th action."""
        if part:
            return None
        self.count += 1
        self.acts += not isinstance(action, READS)
        fault = self._acting.get(self.count)
        now = self._scene.kernel.now
        if isinstance(action, AZURE) and now < self._azure_until:
            return Mishap(AzureError("ServiceUnavailable", "try again later", status=503))
        if not isinstance(action, AZURE) and now < self._kubernetes_until:
            return Mishap(KubernetesError(0, "connection refused"))
        if isinstance(action, EvictPod) and now < self._denied_until:
            return Mishap(self._denial)
        if self.over or fault is None:
            return None
        if isinstance(action, AZURE):
            error: AzlmError = AzureError("Unreachable", "the connection was closed")
            if fault.kind in {"refused", "unanswered"}:
                committed = fault.kind == "unanswered" and fault.pick % 4 > 0
                return Mishap(error, committed=committed, delay=fault.length)
            return None
        match fault.kind:
            case "refused":
                return Mishap(self._error(fault.pick, action))
            case "unanswered":
                error = KubernetesError(0, "no answer in time")
                return Mishap(error, committed=fault.pick % 4 > 0, delay=fault.length)
        return None

    def begins(self, action: Action) -> None:
        """An action is about to take effect."""
        fault = self._acting.get(self.count)
        if fault is not None and fault.kind == "crash-before" and not self.over:
            self._crash(fault)
        self._audit.begins(action)

    def ends(self, action: Action) -> None:
        """It has taken effect."""
        self._audit.ends(action)
        fault = self._acting.get(self.count)
        if fault is not None and fault.kind == "crash-after" and not self.over:
            self._crash(fault)

    def status_fails(self) -> KubernetesError | None:
        """What befalls a write of the status."""
        return self._status_error

    def _error(self, pick: int, action: Action) -> KubernetesError:
        evicts = isinstance(action, EvictPod)
        errors = (
            refusal(500, "etcdserver: request timed out"),
            refusal(429, "Too many requests, please try again later.", retry_after=1.0),
            refusal(503, "the apiserver is shutting down", retry_after=1.0),
            refusal(409, "Operation cannot be fulfilled", "") if not evicts else refusal(500, "x"),
            refusal(403, "forbidden"),
            KubernetesError(0, "connection refused"),
        )
        return errors[pick % len(errors)]

    # The operator

    def _crash(self, fault: Fault) -> None:
        self._replace(fault.length, None)

    def _freeze(self, fault: Fault) -> None:
        """The process hangs; the Lease runs out and another one leads; then late requests land."""
        late = fault.length if fault.length > LEASE_SECONDS else 0.0
        self._replace(max(fault.length, LEASE_SECONDS) if late else fault.length, late)

    def _replace(self, after: float, late: float | None) -> None:
        if not self.pilot.alive:
            return
        self.pilot.kill(late=late)
        self._generation += 1
        mine = self._generation

        def again() -> None:
            if mine == self._generation and self._resource.body is not None:
                self.pilot = self._new_pilot(self)
                self.pilot.start()

        self._scene.kernel.after(min(after, LEASE_SECONDS) if late else after, again)

    def _twins(self, fault: Fault) -> None:
        """Two processes take themselves for the leader: the old one does not know that it slept."""
        old = self.pilot
        if not old.alive or self._resource.body is None:
            return
        self._audit.two_at_once(fault.length)
        self._generation += 1
        self.pilot = self._new_pilot(self)
        self.pilot.start()
        self._scene.kernel.after(fault.length, lambda: old.kill(late=0.0))

    def _clock(self, fault: Fault) -> None:
        self.pilot.skew += fault.length
        self._audit.clock_jumped(fault.length)

    def _watch_held(self, fault: Fault) -> None:
        kind = WATCHES[fault.pick % len(WATCHES)]
        self.pilot.informer.hold(kind, self._scene.kernel.now + fault.length)

    def _watch_lost(self, fault: Fault) -> None:
        self.pilot.informer.lose(WATCHES[fault.pick % len(WATCHES)], fault.length)

    def _status_refused(self, fault: Fault) -> None:
        self._status_error = refusal((500, 409, 403, 429)[fault.pick % 4], "not now")
        self._scene.kernel.after(fault.length, self._status_works)

    def _status_unanswered(self, fault: Fault) -> None:
        self._status_error = KubernetesError(0, "no answer in time")
        self._scene.kernel.after(fault.length, self._status_works)

    def _status_works(self) -> None:
        self._status_error = None

    def _evictions_denied(self, fault: Fault) -> None:
        """An admission webhook refuses evictions, or the apiserver is overloaded, for a while."""
        kind = fault.pick % len(DENIALS)
        self._denial = refusal((400, 429, 403)[kind], DENIALS[kind], retry_after=None)
        self._denied_until = self._scene.kernel.now + fault.length

    def _kubernetes_down(self, fault: Fault) -> None:
        """No request is answered; the watches hear nothing."""
        self._kubernetes_until = self._scene.kernel.now + fault.length
        for kind in WATCHES:
            self.pilot.informer.hold(kind, self._kubernetes_until)
        self._status_error = refusal(503, "the apiserver is shutting down")
        self._scene.kernel.after(fault.length, self._status_works)

    # The end

    def _heal(self) -> None:
        self.over = True
        self._scene.aks.faults.clear()
        self._status_error = None
        self.pilot.skew = 0.0
        self._resume()
