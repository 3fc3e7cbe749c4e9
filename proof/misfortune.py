"""Lets the scheduled faults befall a run, and ends them."""

import random
from collections.abc import Callable

from azure_linux_migrator.api.names import ROLLBACK
from azure_linux_migrator.core.actions import READS, Action, EvictPod
from azure_linux_migrator.core.records import Key, Node, Selector
from azure_linux_migrator.errors import AzlmError, AzureError, KubernetesError
from azure_linux_migrator.sim.aks_errors import ArmError, ResponseLost
from azure_linux_migrator.sim.aks_faults import (
    Effect,
    EndOperation,
    Hide,
    LoseResponse,
    Refuse,
    Stall,
)
from azure_linux_migrator.sim.aks_faults import Fault as AzureFault
from azure_linux_migrator.sim.cluster.api import refusal
from azure_linux_migrator.sim.cluster.shapes import Rule
from azure_linux_migrator.sim.pilot.hands import Mishap
from azure_linux_migrator.sim.pilot.informer import KINDS as WATCHES
from azure_linux_migrator.sim.pilot.pilot import AZURE, Pilot
from azure_linux_migrator.sim.pilot.resource import Resource
from proof.audit import Audit
from proof.faults import HEALED, Fault
from proof.scenario import Scenario

LEASE_SECONDS = 15.0
DENIALS = (
    'admission webhook "keep.example" denied the request: not now',
    "Too many requests, please try again later.",
    "pods/eviction is forbidden",
)

EFFECTS: tuple[Effect, ...] = (
    Refuse(429, "Throttled", retry_after=5.0),
    Refuse(500, "InternalServerError"),
    Refuse(503, "ServiceUnavailable"),
    Refuse(409, "OperationNotAllowed"),
    Refuse(409, "EtagMismatch"),
    Refuse(403, "AuthorizationFailed"),
    Refuse(400, "ErrCode_InsufficientVCPUQuota"),
    Refuse(409, "SkuNotAvailable"),
    LoseResponse(committed=True, hang_seconds=2.0),
    LoseResponse(committed=False, hang_seconds=20.0),
    EndOperation(),
    EndOperation(nodes=1),
    EndOperation(status="Canceled", nodes=0),
    Stall(45.0),
    Hide(8.0),
)
_CALLS = ("*", "PutPool", "DeletePool", "ListPools", "GetPool", "DeleteMachines")
_WRITES = (EndOperation, Stall, Hide)


class Misfortune:
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
        self._stage = stage
        self._scene = stage.scene
        self._resource = resource
        self._audit = audit
        self._new_pilot = new_pilot
        self._rng = random.Random(f"{seed}/misfortune")
        self._acting = {int(fault.at): fault for fault in faults if fault.at == int(fault.at)}
        self._count = 0
        self.acts = 0
        """Actions other than reads."""
        self._status_error: KubernetesError | None = None
        self._denied_until = self._azure_until = self._kubernetes_until = 0.0
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

    def mishap(self, action: Action) -> Mishap | None:
        """What befalls the n-th action."""
        self._count += 1
        self.acts += not isinstance(action, READS)
        fault = self._acting.get(self._count)
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
        fault = self._acting.get(self._count)
        if fault is not None and fault.kind == "crash-before" and not self.over:
            self._crash(fault)
        self._audit.begins(action)

    def ends(self, action: Action) -> None:
        """It has taken effect."""
        self._audit.ends(action)
        fault = self._acting.get(self._count)
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

    # Azure

    def _azure_down(self, fault: Fault) -> None:
        self._azure_until = self._scene.kernel.now + fault.length

    def _azure(self, fault: Fault) -> None:
        effect = EFFECTS[fault.pick % len(EFFECTS)]
        call = "PutPool" if isinstance(effect, _WRITES) else _CALLS[fault.pick // 16 % len(_CALLS)]
        if isinstance(effect, _WRITES) and fault.pick // 16 % 3 == 0:
            call = "DeletePool"
        times = 1 + fault.pick // 128 % 3
        self._scene.aks.faults.add([AzureFault(effect, call, times=times)])  # type: ignore[arg-type]

    def _azure_busy(self, fault: Fault) -> None:
        self._scene.aks.occupy("Updating", fault.length, self._scene.kernel.now)
        self._scene.fleet.touched()

    # The cluster

    def _nodes(self, pool: str = "") -> list[Node]:
        found = self._scene.store.nodes.values()
        return sorted(
            (n for n in found if (n.pool == pool if pool else n.pool != "system")),
            key=lambda node: node.name,
        )

    def _pick(self, fault: Fault, pool: str = "") -> Node | None:
        found = self._nodes(pool)
        return found[fault.pick % len(found)] if found else None

    def _node_lost(self, fault: Fault) -> None:
        node = self._pick(fault)
        if node is not None:
            name = node.name
            self._audit.misfortune(60 + fault.length)
            self._scene.fleet.lose(name)
            self._scene.kernel.after(fault.length, lambda: self._scene.fleet.find(name))

    def _node_gone(self, fault: Fault) -> None:
        """Somebody deletes a machine; the pool shrinks by it."""
        node = self._pick(fault)
        if node is None:
            return
        left = [each for each in self._nodes(node.pool) if each.name != node.name]
        if not left:
            return
        try:
            now = self._scene.kernel.now
            self._scene.aks.delete_machines(node.pool, [node.name], now)
            self._audit.misfortune(120)
        except (ArmError, ResponseLost):
            return
        self._scene.fleet.touched()

    def _pods_unready(self, fault: Fault) -> None:
        store = self._scene.store
        chosen = sorted(key for key, pod in store.pods.items() if pod.ready and not pod.mirror)
        self._audit.misfortune(fault.length + 5)
        for key in chosen[fault.pick % 3 :: 3]:
            store.change_pod(key, ready=False)
            uid = store.pods[key].uid
            self._scene.kernel.after(fault.length, lambda k=key, u=uid: self._well(k, u))  # type: ignore[misc]

    def _well(self, key: Key, uid: str) -> None:
        pod = self._scene.store.pods.get(key)
        if pod is None or pod.uid != uid or pod.phase != "Running":
            return
        node = self._scene.store.nodes.get(pod.node)
        if node is not None and node.ready:
            self._scene.store.change_pod(key, ready=True)

    def _budget_tightened(self, fault: Fault) -> None:
        rules = self._scene.disruption.rules
        keys = sorted(rules)
        if not keys:
            return
        key = keys[fault.pick % len(keys)]
        old = rules[key]
        self._audit.misfortune(2)
        self._scene.disruption.change(key, Rule(max_unavailable=0))
        self._scene.kernel.after(fault.length, lambda: self._scene.disruption.change(key, old))

    def _budget_added(self, fault: Fault) -> None:
        keys = sorted(self._stage.replicas)
        app = keys[fault.pick % len(keys)]
        key = Key(app.namespace, f"late-{app.name}")
        if key in self._scene.store.budgets:
            return
        self._audit.misfortune(2)
        rule = Rule(min_available="100%" if fault.pick % 2 else 1)
        self._scene.disruption.add(key, Selector((("app", app.name),)), rule)
        self._scene.kernel.after(fault.length, lambda: self._scene.store.remove_budget(key))

    def _scaled(self, fault: Fault) -> None:
        """Somebody scales a Deployment."""
        keys = sorted(self._stage.replicas)
        key = keys[fault.pick % len(keys)]
        now = self._scene.workloads.replicas(key)
        if now is not None:
            wanted = max(1, now + (1 if fault.pick // 64 % 2 else -1))
            self._stage.replicas[key] = wanted
            self._audit.misfortune(10)
            self._audit.scaled_by_others(key)
            self._scene.workloads.scale(key, wanted)

    # People

    def _foreign_cordon(self, fault: Fault) -> None:
        node = self._pick(fault)
        if node is not None:
            self._audit.foreign_cordon(node)
            self._scene.store.change_node(node.name, unschedulable=True)

    def _foreign_uncordon(self, fault: Fault) -> None:
        node = self._pick(fault, "src")
        if node is not None:
            self._audit.foreign_uncordon(node)
            self._scene.store.change_node(node.name, unschedulable=False)

    def _paused(self, fault: Fault) -> None:
        self._resource.edit(paused=True)
        self._scene.kernel.after(fault.length, self._resume)

    def _resume(self) -> None:
        body = self._resource.body
        if body is not None and body.spec.get("paused"):
            self._resource.edit(paused=False)

    def _edited(self, fault: Fault) -> None:
        strategy = dict(self._stage.spec["strategy"])
        strategy["batch"] = {"size": ("10%", 1, "100%")[fault.pick % 3], "soak": "1s"}
        strategy["finalSoak"] = ("0s", "30s")[fault.pick // 8 % 2]
        self._audit.soak_may_be(0.0)
        self._stage.spec["strategy"] = strategy
        self._resource.edit(strategy=strategy)

    def _deleted(self, _fault: Fault) -> None:
        self._resource.delete()

    def _rollback(self, fault: Fault) -> None:
        self._resource.annotate(ROLLBACK, f"r{fault.pick}")

    # The end

    def _heal(self) -> None:
        self.over = True
        self._scene.aks.faults.clear()
        self._status_error = None
        self.pilot.skew = 0.0
        self._resume()
