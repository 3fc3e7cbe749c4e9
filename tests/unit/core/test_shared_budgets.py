"""Budgets over the pods of several workloads, of which one is surged."""

from azure_linux_migrator.core.drain.planner import Plan
from azure_linux_migrator.model.actions import RestoreScale, SurgeReplica
from azure_linux_migrator.model.cluster import BudgetRule, Controller, NamespacedName
from azure_linux_migrator.model.selectors import Selector
from tests.support.planners import planner
from tests.support.worlds import NOW, budget, pod, world

WEB = NamespacedName("default", "web")


class TestSurgeBesideEvictions:
    """`one` is the only replica of web; a budget selects it and the pods of another workload."""

    def setup_method(self) -> None:
        rule = BudgetRule(max_unavailable=1)
        shared = budget(selector=Selector(), rule=rule, allowed=1, healthy=3, desired=2, expected=3)
        others = [pod(name, app="other") for name in ("a", "b")]
        self.state = world([pod("one"), *others], [shared])
        self.state.put_controller(Controller("ReplicaSet", WEB, "rs-web", owner="web"))
        self._scale(1)
        self.work = planner(self.state, singletons="SurgeFirst")

    def _scale(self, replicas: int, surge: str = "") -> None:
        self.state.put_controller(
            Controller(
                "Deployment",
                WEB,
                "web",
                replicas=replicas,
                rolling=True,
                max_unavailable=1,
                surge=surge,
            )
        )

    def _plan(self, seconds: float) -> Plan:
        return self.work.plan(NOW + seconds, "stamp")

    def test_nothing_is_evicted_by_a_count_from_before_the_surge(self) -> None:
        first = self._plan(0.0)
        assert [type(action) for action in first.surges] == [SurgeReplica]
        assert first.evictions == ()
        self._scale(2, "m/1")
        soon = self._plan(0.1)
        assert soon.evictions == ()
        assert soon.wake_at == NOW + 5.0
        assert len(self._plan(5.0).evictions) == 1, "the status had the time to count anew"

    def test_nothing_is_evicted_by_a_count_from_before_the_scale_is_restored(self) -> None:
        self._plan(0.0)
        self._scale(2, "m/1")
        self.state.put_pod(pod("two", node="t-0"))
        self.state.remove_pod(NamespacedName("default", "one"))
        restoring = self._plan(10.0)
        assert [type(action) for action in restoring.surges] == [RestoreScale]
        assert restoring.evictions == ()
        self._scale(1)
        assert self._plan(12.0).evictions == ()
        assert len(self._plan(15.0).evictions) == 1
