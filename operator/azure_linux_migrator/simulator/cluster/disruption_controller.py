"""The disruption controller: it computes the status of one budget after the other, with a lag.

The rules are those of pkg/controller/disruption/disruption.go: the expected count comes from the
scale of the pods' controllers; healthy pods are Ready and neither terminating nor just evicted.
"""

from collections import defaultdict
from collections.abc import Callable
from math import ceil

from msgspec import structs

from azure_linux_migrator.model.cluster import Budget, BudgetRule, Controller, NamespacedName, Pod
from azure_linux_migrator.model.selectors import Labels, Selector
from azure_linux_migrator.simulator.cluster.store import NullWatcher, Store
from azure_linux_migrator.simulator.kernel import Kernel

DISRUPTED_SECONDS = 120.0
"""An eviction whose pod is not deleted is forgotten after so many seconds."""


class DisruptionController(NullWatcher):
    """A watcher with one worker; `lag` draws the seconds until it processes a budget."""

    def __init__(self, store: Store, kernel: Kernel, lag: Callable[[], float]) -> None:
        self._store = store
        self._kernel = kernel
        self._lag = lag
        self.rules: dict[NamespacedName, BudgetRule] = {}
        self.members: defaultdict[NamespacedName, dict[NamespacedName, None]] = defaultdict(dict)
        self._healthy: defaultdict[NamespacedName, int] = defaultdict(int)
        self._budgets_in: defaultdict[str, dict[NamespacedName, Selector]] = defaultdict(dict)
        self._pods_in: defaultdict[str, dict[NamespacedName, None]] = defaultdict(dict)
        self._guards: dict[tuple[str, Labels], tuple[NamespacedName, ...]] = {}
        self._dirty: dict[NamespacedName, None] = {}
        self._busy = False
        self._evicted: dict[NamespacedName, dict[str, float]] = {}
        store.watchers.append(self)

    # The current state, which a status shows later

    def budgets_of(self, pod: Pod) -> tuple[NamespacedName, ...]:
        """The budgets that select a pod."""
        asked = (pod.key.namespace, pod.labels)
        keys = self._guards.get(asked)
        if keys is None:
            labels = dict(pod.labels)
            selectors = self._budgets_in[pod.key.namespace].items()
            keys = self._guards[asked] = tuple(
                k for k, selector in selectors if selector.matches(labels)
            )
        return keys

    def healthy(self, key: NamespacedName) -> int:
        """The number of pods that are Ready and not terminating."""
        return self._healthy[key]

    def wanted(self, key: NamespacedName) -> tuple[int, int]:
        """The number of expected pods, and of pods that must be healthy, by the rule and the
        current scales."""
        rule = self.rules[key]
        members = self.members[key]
        if isinstance(rule.min_available, int):
            return len(members), rule.min_available
        expected = self._scale(members)
        if rule.max_unavailable is not None:
            return expected, max(0, expected - _part(rule.max_unavailable, expected))
        return expected, _part(rule.min_available or 0, expected)

    def settled(self, key: NamespacedName) -> bool:
        """Whether the status is up to date."""
        return key not in self._dirty

    # Writes

    def add(
        self, key: NamespacedName, selector: Selector, rule: BudgetRule, **more: object
    ) -> None:
        """Create a budget whose status is not computed yet."""
        self.rules[key] = rule
        self._store.put_budget(
            Budget(
                key,
                selector,
                generation=1,
                observed_generation=0,
                uid=f"pdb-{key}",
                **more,  # type: ignore[arg-type]
            )
        )

    def change(self, key: NamespacedName, rule: BudgetRule) -> None:
        """Change the rule of a budget."""
        budget = self._store.budgets.get(key)
        if budget is not None:
            self.rules[key] = rule
            self._store.put_budget(structs.replace(budget, generation=budget.generation + 1))

    def charge(self, key: NamespacedName, pod: NamespacedName) -> None:
        """An eviction takes a slot: the API server records it in the status."""
        budget = self._store.budgets[key]
        self._evicted.setdefault(key, {})[pod.name] = self._kernel.now
        changed = structs.replace(
            budget, allowed=budget.allowed - 1, disrupted=budget.disrupted | {pod.name}
        )
        self._store.put_budget(changed)
        self._kernel.after(DISRUPTED_SECONDS + 1, lambda: self._soon(key))

    # Watching

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod may be a member of a budget and may count as healthy."""
        if old is not None:
            self._count(old, -1, gone=new is None)
        if new is not None:
            self._count(new, 1)

    def budget(self, old: Budget | None, new: Budget | None) -> None:
        """A budget is created, changed or deleted."""
        budget = new or old
        if budget is None:
            return
        key = budget.key
        if new is None:
            self._budgets_in[key.namespace].pop(key, None)
            self.members.pop(key, None)
            self._dirty.pop(key, None)
            self._guards.clear()
        elif old is None:
            if new.selector is not None:
                self._budgets_in[key.namespace][key] = new.selector
            self._guards.clear()
            for pod_key in self._pods_in[key.namespace]:
                pod = self._store.pods[pod_key]
                if key in self.budgets_of(pod):
                    self.members[key][pod_key] = None
                    self._healthy[key] += _counts(pod)
            self._soon(key)
        elif new.generation != old.generation:
            self._soon(key)

    def controller(self, old: Controller | None, new: Controller | None) -> None:
        """A changed scale changes the expected count."""
        if old is not None and new is not None and old.replicas == new.replicas:
            return
        for key, members in self.members.items():
            if members:
                self._soon(key)

    def _count(self, pod: Pod, sign: int, *, gone: bool = False) -> None:
        key = pod.key
        if gone:
            self._pods_in[key.namespace].pop(key, None)
        else:
            self._pods_in[key.namespace][key] = None
        for budget_key in self.budgets_of(pod):
            if gone:
                self.members[budget_key].pop(key, None)
            else:
                self.members[budget_key][key] = None
            self._healthy[budget_key] += sign * _counts(pod)
            self._soon(budget_key)

    # Working

    def _soon(self, key: NamespacedName) -> None:
        if key not in self._store.budgets:
            return
        self._dirty[key] = None
        if not self._busy:
            self._busy = True
            self._kernel.after(self._lag(), self._work)

    def _work(self) -> None:
        key = next(iter(self._dirty), None)
        if key is None:
            self._busy = False
            return
        del self._dirty[key]
        self._sync(key)
        self._kernel.after(self._lag(), self._work)

    def _sync(self, key: NamespacedName) -> None:
        budget = self._store.budgets.get(key)
        if budget is None:
            return
        expected, desired = self.wanted(key)
        evicted = self._evicted.get(key, {})
        still: dict[str, float] = {}
        pending = 0
        for name, at in evicted.items():
            pod = self._store.pods.get(NamespacedName(key.namespace, name))
            if pod is None or pod.terminating or self._kernel.now - at > DISRUPTED_SECONDS:
                continue
            still[name] = at
            pending += _counts(pod)
        self._evicted[key] = still
        healthy = self._healthy[key] - pending
        allowed = max(0, healthy - desired) if expected > 0 else 0
        new = structs.replace(
            budget,
            observed_generation=budget.generation,
            allowed=allowed,
            healthy=healthy,
            desired=desired,
            expected=expected,
            disrupted=frozenset(still),
        )
        if new != budget:
            self._store.put_budget(new)

    def _scale(self, members: dict[NamespacedName, None]) -> int:
        owners = {pod.owner.uid for key in members if (pod := self._store.pods[key]).owner}
        total = 0
        controllers = set()
        for uid in owners:
            controller = self._store.controllers.get(uid)
            if controller is not None and controller.owner:
                controller = self._store.controllers.get(controller.owner, controller)
            if controller is not None and controller.uid not in controllers:
                controllers.add(controller.uid)
                total += controller.replicas
        return total


def _counts(pod: Pod) -> bool:
    return pod.ready and not pod.terminating and not pod.finished


def _part(value: int | str, total: int) -> int:
    if isinstance(value, int):
        return value
    return ceil(float(value.removesuffix("%")) * total / 100)
