"""What befalls the cluster, Azure and the people around a migration."""

from azure_linux_migrator.api.names import ROLLBACK
from azure_linux_migrator.core.records import Key, Node, Selector
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
from azure_linux_migrator.sim.cluster.shapes import Rule
from azure_linux_migrator.sim.pilot.resource import Resource
from proof.audit import Audit
from proof.faults import Fault
from proof.scenario import Scenario

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


class Weather:
    """Each method is the fault of its name; the audit is told what is not azlm's doing."""

    def __init__(self, stage: Scenario, resource: Resource, audit: Audit) -> None:
        self._stage = stage
        self._scene = stage.scene
        self._resource = resource
        self._audit = audit
        self._azure_until = 0.0

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
