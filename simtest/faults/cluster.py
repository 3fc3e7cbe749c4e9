"""What befalls the cluster around a migration: nodes, pods, budgets."""

from azure_linux_migrator.model.cluster import BudgetRule, NamespacedName
from azure_linux_migrator.model.selectors import Selector
from simtest.faults import azure_cli
from simtest.faults.base import FaultBase
from simtest.faults.schedule import Fault


class ClusterFaults(FaultBase):
    """Nodes, pods and budgets that change by themselves or by others' hands."""

    def _node_lost(self, fault: Fault) -> bool:
        node = self._pick(fault)
        if node is None:
            return False
        name = node.name
        self._audit.injector(60 + fault.length)
        self._scene.node_lifecycle.lose(name)
        self._scene.kernel.after(fault.length, lambda: self._scene.node_lifecycle.find(name))
        return True

    def _node_gone(self, fault: Fault) -> bool:
        """Somebody deletes a machine; the pool shrinks by it."""
        node = self._pick(fault)
        if node is None or len(self._nodes(node.pool)) < 2:
            return False
        if node.zone and any(pod.claims for pod in self._scene.store.pods_on[node.name].values()):
            return False  # Azure's drain would wait for disks that cannot leave their zone
        if not azure_cli.delete_machine(self._scene, node.pool, node.name):
            return False
        self._audit.injector(120)
        self._audit.pools_changed(120)
        return True

    def _pods_unready(self, fault: Fault) -> bool:
        store = self._scene.store
        chosen = sorted(key for key, pod in store.pods.items() if pod.ready and not pod.mirror)
        self._audit.injector(fault.length + 5)
        for key in chosen[fault.pick % 3 :: 3]:
            store.change_pod(key, ready=False)
            uid = store.pods[key].uid
            self._scene.kernel.after(fault.length, lambda k=key, u=uid: self._well(k, u))  # type: ignore[misc]
        return bool(chosen)

    def _well(self, key: NamespacedName, uid: str) -> None:
        pod = self._scene.store.pods.get(key)
        if pod is None or pod.uid != uid or pod.phase != "Running":
            return
        node = self._scene.store.nodes.get(pod.node)
        if node is not None and node.ready:
            self._scene.store.change_pod(key, ready=True)

    def _pods_stuck(self, fault: Fault) -> bool:
        """A finalizer that nobody removes holds the pods of an app that are to go."""
        app = f"app{fault.pick % 4}"
        store = self._scene.store
        chosen = sorted(key for key, pod in store.pods.items() if ("app", app) in pod.labels)
        for key in chosen:
            store.change_pod(key, finalizers=True)
            self._scene.kernel.after(fault.length, lambda k=key: self._unstick(k))  # type: ignore[misc]
        return bool(chosen)

    def _unstick(self, key: NamespacedName) -> None:
        self._scene.store.change_pod(key, finalizers=False)

    def _budget_tightened(self, fault: Fault) -> bool:
        rules = self._scene.disruption.rules
        keys = sorted(set(rules) & set(self._scene.store.budgets))
        if not keys:
            return False
        key = keys[fault.pick % len(keys)]
        old = rules[key]
        self._audit.injector(2)
        self._scene.disruption.change(key, BudgetRule(max_unavailable=0))
        self._scene.kernel.after(fault.length, lambda: self._scene.disruption.change(key, old))
        return True

    def _budget_added(self, fault: Fault) -> bool:
        keys = sorted(self._stage.replicas)
        app = keys[fault.pick % len(keys)]
        key = NamespacedName(app.namespace, f"late-{app.name}")
        if key in self._scene.store.budgets:
            return False
        self._audit.injector(2)
        rule = BudgetRule(min_available="100%" if fault.pick % 2 else 1)
        self._scene.disruption.add(key, Selector((("app", app.name),)), rule)
        self._scene.kernel.after(fault.length, lambda: self._scene.store.remove_budget(key))
        return True

    def _scaled(self, fault: Fault) -> bool:
        """Somebody scales a Deployment."""
        keys = sorted(self._stage.replicas)
        key = keys[fault.pick % len(keys)]
        now = self._scene.workloads.replicas(key)
        if now is None:
            return False
        self._scale_to(key, max(1, now + (1 if fault.pick // 64 % 2 else -1)))
        return True

    def _scale_to(self, key: NamespacedName, wanted: int) -> None:
        self._stage.replicas[key] = wanted
        self._audit.injector(10)
        self._audit.scaled_by_others(key)
        self._scene.workloads.scale(key, wanted)
