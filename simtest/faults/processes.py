"""What befalls the operator's own processes: crashes, hangs, two at once, deaf watches, a lost
Lease (kube/lease.py), the eviction of its own pod.
"""

import random
from collections.abc import Callable

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import NamespacedName, Pod
from azure_linux_migrator.simulator.cluster.api_server import refusal
from azure_linux_migrator.simulator.cluster.store import NullWatcher
from azure_linux_migrator.simulator.controller.custom_resource import CustomResource
from azure_linux_migrator.simulator.controller.informer import KINDS as WATCHES
from azure_linux_migrator.simulator.controller.simulated_operator import SimulatedOperator
from simtest.faults.base import FaultBase
from simtest.faults.schedule import SHELVED, Fault
from simtest.invariants.audit import Audit
from simtest.scenario import Scenario

LEASE_SECONDS = 15.0
"""A Lease that was not renewed for so long is taken by another process."""
RENEW_SECONDS = 10.0
"""A process that has not renewed for so long does not lead, by its own judgement."""
RETRY_SECONDS = 2.0
"""How often it renews, and others look."""
RIGHTS = ("patch nodes", "create pods/eviction")


class _OwnPod(NullWatcher):
    """The pods of the operator's own Deployment, if that runs on the source."""

    def __init__(self, uid: str, told: Callable[[Pod | None, Pod | None], None]) -> None:
        self._uid, self._told = uid, told

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """One of the cluster's pods."""
        found = new or old
        if found is not None and found.owner is not None and found.owner.uid.startswith(self._uid):
            self._told(old, new)


class ProcessFaults(FaultBase):
    """One process works at a time, but for what the faults do."""

    operator: SimulatedOperator

    def __init__(
        self,
        stage: Scenario,
        resource: CustomResource,
        audit: Audit,
        new_pilot: Callable[[], SimulatedOperator],
        seed: str,
    ) -> None:
        super().__init__(stage, resource, audit)
        self._new_pilot = new_pilot
        self._rng = random.Random(f"{seed}/processes")
        self._status_error: KubernetesError | None = None
        self._kubernetes_until = 0.0
        self._generation = 0
        self._homeless = False
        self._late: dict[str, float] = {}
        """Keys of actions that are long on their way, and until when they may arrive."""
        self.own_pod: NamespacedName | None = None
        if stage.own is not None:
            pods = self._scene.workloads.pods_of[stage.own.uid]
            self.own_pod = next(iter(pods))
            self._scene.store.watchers.append(_OwnPod(stage.own.uid, self._own_pod_changed))

    def status_fails(self) -> KubernetesError | None:
        """What befalls a write of the status."""
        return self._status_error

    # Beginning and ending

    def _lead(self) -> None:
        """A process takes the Lease and begins, once it can."""
        if self._resource.body is None:
            return
        now = self._scene.kernel.now
        if now < self._kubernetes_until:
            self._scene.kernel.after(self._kubernetes_until - now + 0.1, self._lead_if_none)
            return
        if self._stage.own is not None and self.own_pod is None:
            self._homeless = True
            return
        self.operator = self._new_pilot()
        self.operator.start()

    def _lead_if_none(self) -> None:
        if not self.operator.alive:
            self._lead()

    def _replace(self, after: float, late: float | None) -> bool:
        if not self.operator.alive:
            return False
        self.operator.kill(late=late)
        self._generation += 1
        mine = self._generation
        self._scene.kernel.after(after, lambda: self._lead_as(mine))
        return True

    def _lead_as(self, mine: int) -> None:
        if mine == self._generation and not self.operator.alive:
            self._lead()

    def _own_pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        """SIGTERM ends the process, and what it has sent lands; another pod goes on when Ready."""
        found = new or old
        if (new is None or new.terminating) and found is not None and found.key == self.own_pod:
            self.own_pod = None
            self.strikes["own-pod-evicted", self.where()] += 1
            if self.operator.alive:
                self.operator.kill(late=0.0)
                self._homeless = True
        if self.own_pod is None and self._stage.own is not None:
            store, owner = self._scene.store, self._stage.own.uid
            pods = [store.pods[key] for key in self._scene.workloads.pods_of[owner]]
            well = sorted(pod.key for pod in pods if pod.ready and not pod.terminating)
            self.own_pod = well[0] if well else None
            if well and self._homeless and not self.operator.alive:
                self._homeless = False
                self._scene.kernel.after(self._rng.uniform(0.1, RETRY_SECONDS), self._lead)

    # Faults

    def _crash(self, fault: Fault) -> bool:
        return self._replace(fault.length, None)

    def _freeze(self, fault: Fault) -> bool:
        """The process hangs, and wakes up: still the leader, or not any more, which it knows as
        soon as it looks. What was on the wire lands, some of it late."""
        operator = self.operator
        if not operator.alive or self._resource.body is None:
            return False
        kernel, age = self._scene.kernel, self._rng.uniform(0, RETRY_SECONDS)
        operator.process.freeze()
        creates = any(key.startswith("CreatePool") for key in operator.runner.running)
        if fault.pick % 3 == 0 and not (creates and "crash-late-create" in SHELVED):
            operator.runner.delay(fault.length)
            self._late |= dict.fromkeys(operator.runner.running, kernel.now + fault.length + 1)
        taken = LEASE_SECONDS - age + self._rng.uniform(0, RETRY_SECONDS)
        if fault.length > taken:
            kernel.after(taken, lambda: self._take_over(operator))
        kernel.after(fault.length, lambda: self._thaw(operator, age + fault.length))
        return True

    def _take_over(self, old: SimulatedOperator) -> None:
        if old.alive and self.operator is old:
            self._generation += 1
            self._lead()

    def _thaw(self, operator: SimulatedOperator, since: float) -> None:
        if not operator.alive:
            return
        operator.leads = since < RENEW_SECONDS
        operator.process.thaw()
        if not operator.leads:
            self._scene.kernel.after(self._rng.uniform(0.01, 2.0), lambda: self._renew(operator))

    def _renew(self, operator: SimulatedOperator) -> None:
        """Its next look at the Lease: nobody has taken it, or it is lost and the process ends."""
        if operator is self.operator:
            operator.leads = True
            operator.wake()
        else:
            operator.kill()

    def _twins(self, fault: Fault) -> bool:
        """Two processes take themselves for the leader: the old one does not know that it slept."""
        old = self.operator
        if not old.alive or self._resource.body is None:
            return False
        self._audit.two_at_once(fault.length)
        self._generation += 1
        self._lead()
        if self.operator is old:
            return False
        self._scene.kernel.after(fault.length, lambda: old.kill(late=0.0))
        return True

    def _clock(self, fault: Fault) -> bool:
        self.operator.skew += fault.length
        self._audit.clock_jumped(fault.length)
        return self.operator.alive

    def _clock_back(self, fault: Fault) -> bool:
        return self._clock(fault)

    def _watch_held(self, fault: Fault) -> bool:
        kind = WATCHES[fault.pick % len(WATCHES)]
        self.operator.informer.hold(kind, self._scene.kernel.now + fault.length)
        return self.operator.alive

    def _watch_lost(self, fault: Fault) -> bool:
        self.operator.informer.lose(WATCHES[fault.pick % len(WATCHES)], fault.length)
        return self.operator.alive

    def _status_refused(self, fault: Fault) -> bool:
        self._status_error = refusal((500, 409, 403, 429)[fault.pick % 4], "not now")
        self._scene.kernel.after(fault.length, self._status_works)
        return True

    def _status_unanswered(self, fault: Fault) -> bool:
        self._status_error = KubernetesError(0, "no answer in time")
        self._scene.kernel.after(fault.length, self._status_works)
        return True

    def _status_works(self) -> None:
        if self._scene.kernel.now >= self._kubernetes_until:
            self._status_error = None

    def _kubernetes_down(self, fault: Fault) -> bool:
        """No request is answered, the watches hear nothing, and a Lease that cannot be renewed
        ends its process."""
        kernel = self._scene.kernel
        self._kubernetes_until = kernel.now + fault.length
        for kind in WATCHES:
            self.operator.informer.hold(kind, self._kubernetes_until, broken=True)
        self._status_error = refusal(503, "the apiserver is shutting down")
        kernel.after(fault.length, self._status_works)
        if fault.length > RENEW_SECONDS:
            rest = fault.length - RENEW_SECONDS + self._rng.uniform(0, 5)
            kernel.after(RENEW_SECONDS, lambda: self._unled(rest))
        return True

    def _unled(self, rest: float) -> None:
        self._replace(rest, None)

    def _access_missing(self, fault: Fault) -> bool:
        """Rights of the operator that somebody took away, and gives back."""
        self._scene.backend.missing = RIGHTS[: 1 + fault.pick % 2]
        self._scene.kernel.after(fault.length, self._access_given)
        return True

    def _access_given(self) -> None:
        self._scene.backend.missing = ()
