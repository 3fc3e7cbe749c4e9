"""Lets the scheduled faults befall a run, and ends them."""

from collections import Counter, defaultdict
from collections.abc import Callable

from azure_linux_migrator.errors import AzureError, KubernetesError
from azure_linux_migrator.model.actions import (
    READS,
    Action,
    DeletePool,
    EvictPod,
    SetDeletionCost,
    SurgeReplica,
    UpdatePool,
)
from azure_linux_migrator.simulator.cluster.api_server import refusal
from azure_linux_migrator.simulator.controller.custom_resource import Body, CustomResource
from azure_linux_migrator.simulator.controller.fault_hook import InjectedFault
from azure_linux_migrator.simulator.controller.operator_process import AZURE
from azure_linux_migrator.simulator.controller.simulated_operator import SimulatedOperator
from simtest.faults.admins import AdminFaults
from simtest.faults.azure import AzureFaults
from simtest.faults.base import step_of
from simtest.faults.cluster import ClusterFaults
from simtest.faults.processes import ProcessFaults
from simtest.faults.schedule import ACTS, HEALED, Fault
from simtest.invariants.audit import Audit
from simtest.scenario import Scenario

DENIALS = (
    'admission webhook "keep.example" denied the request: not now',
    "Too many requests, please try again later.",
    "pods/eviction is forbidden",
)


class FaultInjector(ProcessFaults, AzureFaults, ClusterFaults, AdminFaults):
    """The faults of one run, and the pilots they befall."""

    def __init__(
        self,
        faults: tuple[Fault, ...],
        stage: Scenario,
        resource: CustomResource,
        audit: Audit,
        new_pilot: Callable[["FaultInjector"], SimulatedOperator],
        seed: str,
    ) -> None:
        super().__init__(stage, resource, audit, lambda: new_pilot(self), seed)
        self._acting = {(each.on, int(each.at)): each for each in faults if each.kind in ACTS}
        self._counts: Counter[str] = Counter()
        self._second: dict[str, Fault] = {}
        self._stepping: defaultdict[str, list[Fault]] = defaultdict(list)
        self._dying: Fault | None = None
        self.count = 0
        """Actions that were sent."""
        self.acts = 0
        """Actions other than reads."""
        self._denied_until = 0.0
        self._denial = refusal(400, DENIALS[0])
        self.over = False
        self._rolls_back = any(each.kind == "rollback" for each in faults)
        self._uid = resource.body.uid if resource.body else ""
        self.operator = new_pilot(self)
        kernel = self._scene.kernel
        for fault in faults:
            if fault.kind in ACTS:
                continue
            if fault.on:
                self._stepping[fault.on].append(fault)
            else:
                kernel.after(fault.at, lambda f=fault: self._strike(f))  # type: ignore[misc]
        resource.watchers.append(self._recorded)
        kernel.after(HEALED, self._heal)

    # When

    def _recorded(self, body: Body | None) -> None:
        """A step that is recorded for the first time sets off what is to strike in it."""
        for fault in self._stepping.pop(step_of(body), ()):
            self._scene.kernel.after(fault.at, lambda f=fault: self._strike(f))  # type: ignore[misc]
        self._written(body)

    def _strike(self, fault: Fault) -> None:
        if self.over:
            return
        name = fault.kind.replace("-", "_")
        own = not hasattr(self, f"_{name}") and name.startswith("azure_")
        strike: Callable[[Fault], bool] = getattr(self, "_azure" if own else f"_{name}")
        where = self.where()
        if strike(fault):
            self.strikes[fault.kind, where] += 1

    # What the hands ask

    def injected_fault(self, action: Action, part: int) -> InjectedFault | None:
        """What befalls a request."""
        kind = type(action).__name__
        fault = self._second.pop(action.key, None) if part else self._due(action, kind)
        if (away := self._away(action)) is not None:
            return away
        if self.over or fault is None:
            return None
        if not part and kind in {"ReleaseNode", "RestoreScale"} and fault.pick % 2:
            self._second[action.key] = fault  # it strikes between the two requests
            return None
        injected_fault = self._befalls(fault, action)
        if injected_fault is not None or fault.kind in {"crash-after", "overtaken", "rescaled"}:
            self.strikes[fault.kind, f"{kind} again" if part else kind] += 1
        return injected_fault

    def _due(self, action: Action, kind: str) -> Fault | None:
        self.count += 1
        self.acts += not isinstance(action, READS)
        self._counts[kind] += 1
        found = self._acting.get((kind, self._counts[kind]))
        return found or self._acting.get(("", self.count))

    def _away(self, action: Action) -> InjectedFault | None:
        """Whoever would answer is not there, or does not let evictions pass."""
        now = self._scene.kernel.now
        if isinstance(action, AZURE):
            if now < self._azure_until:
                return InjectedFault(
                    AzureError("ServiceUnavailable", "try again later", status=503)
                )
        elif now < self._kubernetes_until:
            return InjectedFault(KubernetesError(0, "connection refused"))
        elif isinstance(action, EvictPod) and now < self._denied_until:
            self.strikes["evictions-denied", "EvictPod"] += 1
            return InjectedFault(self._denial)
        return None

    def _befalls(self, fault: Fault, action: Action) -> InjectedFault | None:
        if fault.kind.startswith(("crash-late", "slow")):
            self._late[action.key] = self._scene.kernel.now + fault.length + 1
        match fault.kind:
            case "crash-before":
                self._replace(fault.length, None)
                return InjectedFault(lost=True)
            case "crash-after":
                self._dying = fault
            case kind if kind.startswith("crash-late"):
                self._replace(min(5.0, fault.length * 0.4), None)
                return InjectedFault(late=fault.length)
            case "slow" | "slow-deleted":
                return InjectedFault(late=fault.length)
            case "rescaled" if isinstance(action, SurgeReplica | SetDeletionCost):
                self._scene.kernel.after(0.1 + fault.pick % 3, lambda: self._rescale(action))
            case "overtaken" if isinstance(action, UpdatePool | DeletePool):
                self._overtake(action.pool, fault.pick)
            case "refused" | "unanswered":
                return self._fails(fault, action)
        return None

    def _rescale(self, action: SurgeReplica | SetDeletionCost) -> None:
        """Somebody scales the very Deployment that is surged."""
        if isinstance(action, SurgeReplica):
            key = action.deployment
        else:
            pod = self._scene.store.pods.get(action.pod)
            found = self._scene.workloads.workload(pod) if pod else None
            if found is None:
                return
            key = found.key
        self._scale_to(key, (self._stage.replicas.get(key) or 1) + 2)

    def _fails(self, fault: Fault, action: Action) -> InjectedFault:
        unanswered = fault.kind == "unanswered"
        committed, delay = unanswered and fault.pick // 2 % 4 > 0, fault.length
        if isinstance(action, AZURE):
            lost = AzureError("Unreachable", "the connection was closed")
            return InjectedFault(lost, committed=committed, delay=delay)
        if unanswered:
            timeout = KubernetesError(0, "no answer in time")
            return InjectedFault(timeout, committed=committed, delay=delay)
        return InjectedFault(self._error(fault.pick // 2, action))

    def begins(self, action: Action) -> None:
        """An action is about to take effect."""
        self._calls_azure = isinstance(action, AZURE)
        self._audit.stale = self._scene.kernel.now <= self._late.get(action.key, 0.0)
        self._audit.begins(action)

    def ends(self, action: Action) -> None:
        """It has taken effect."""
        self._calls_azure = False
        fault, self._dying = self._dying, None
        self._audit.ends(action)
        self._audit.stale = False
        if fault is not None:
            self._replace(fault.length, None)

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

    def _evictions_denied(self, fault: Fault) -> bool:
        """An admission webhook refuses evictions, or the apiserver is overloaded, for a while."""
        kind = fault.pick % len(DENIALS)
        self._denial = refusal((400, 429, 403)[kind], DENIALS[kind], retry_after=None)
        self._denied_until = self._scene.kernel.now + fault.length
        return False  # counted by the evictions that it meets

    # The end

    def _heal(self) -> None:
        self.over = True
        self._scene.aks.faults.clear()
        self._status_error = None
        self._access_given()
        self.operator.skew = 0.0
        self._resume()
