"""Budgets over the pods of several workloads, of which one is surged."""

import pytest

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.names import LOWEST_DELETION_COST
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.drain.planner import Plan, Planner
from azure_linux_migrator.core.state.results import ActionProblem
from azure_linux_migrator.model.actions import (
    RestartRollout,
    RestoreScale,
    SetDeletionCost,
    SurgeReplica,
)
from azure_linux_migrator.model.cluster import BudgetRule, Controller, NamespacedName
from azure_linux_migrator.model.selectors import Selector
from tests.support.planners import planner
from tests.support.worlds import NOW, budget, memory_of, pod, world

WEB = NamespacedName("default", "web")
ONE_OUT = BudgetRule(max_unavailable=1)
FOUR_IN = BudgetRule(min_available=4)


class TestSurgeBesideEvictions:
    """`one` is the only replica of web; a budget selects it and four pods of another workload."""

    def setup_method(self) -> None:
        others = [pod(name, app="other") for name in ("b0", "b1", "b2", "b3")]
        self.state = world([pod("one"), *others])
        self.state.put_controller(Controller("ReplicaSet", WEB, "rs-web", owner="web"))
        self._scale(1)
        self.work = self._planner()

    def _planner(self) -> Planner:
        return planner(self.state, singletons="SurgeFirst")

    def _restart(self) -> None:
        memory_of(self.state).forget()
        self.work = self._planner()

    def _scale(self, replicas: int, surge: str = "", max_unavailable: int = 1) -> None:
        self.state.put_controller(
            Controller(
                "Deployment",
                WEB,
                "web",
                replicas=replicas,
                rolling=True,
                max_unavailable=max_unavailable,
                max_surge=1,
                surge=surge,
            )
        )

    def _budget(self, rule: BudgetRule, healthy: int, desired: int, expected: int) -> None:
        allowed = max(0, healthy - desired)
        self.state.put_budget(
            budget(
                selector=Selector(),
                rule=rule,
                allowed=allowed,
                healthy=healthy,
                desired=desired,
                expected=expected,
            )
        )

    def _second_pod(self, *, ready: bool = True) -> None:
        self._scale(2, "m/1")
        self.state.put_pod(pod("two", node="t-0", ready=ready))

    def _mark(self) -> None:
        self.state.put_pod(pod("one", deletion_cost=LOWEST_DELETION_COST))

    def _leave(self, *names: str) -> None:
        for name in names:
            app = "web" if name == "one" else "other"
            self.state.put_pod(pod(name, app=app, terminating=True, deadline=NOW + 60))

    def _plan(self, problem: ActionProblem | None = None) -> Plan:
        problems = {"SurgeReplica/default/web": problem} if problem else {}
        return self.work.plan(NOW, "stamp", problems)

    def _surges(self) -> list[type]:
        return [type(action) for action in self._plan().surges]

    def test_nothing_is_evicted_by_a_count_from_before_the_surge(self) -> None:
        self._budget(ONE_OUT, healthy=5, desired=4, expected=5)
        assert (self._surges(), self._plan().evictions) == ([SurgeReplica], ())
        self._scale(2, "m/1")
        assert self._plan().evictions == ()
        self._second_pod(ready=False)
        assert self._plan().evictions == ()
        self._second_pod()
        assert self._plan().evictions == (), "the status may be the one from before"

    @pytest.mark.parametrize("again", [False, True], ids=["planner kept", "planner new"])
    def test_the_added_pod_is_no_room_for_others(self, again: bool) -> None:
        self._budget(FOUR_IN, healthy=6, desired=4, expected=6)
        self._second_pod()
        if again:
            self._restart()
        assert (self._surges(), len(self._plan().evictions)) == ([SetDeletionCost], 1)

    @pytest.mark.parametrize("again", [False, True], ids=["planner kept", "planner new"])
    def test_the_removal_of_the_old_pod_takes_a_slot(self, again: bool) -> None:
        self._budget(FOUR_IN, healthy=5, desired=4, expected=6)
        self._second_pod()
        self._mark()
        self._leave("b0")
        if again:
            self._restart()
        assert (self._surges(), self._plan().evictions) == ([RestoreScale], ())
        self._scale(1)
        assert self._plan().evictions == (), "its ReplicaSet has yet to remove it"
        self._leave("one")
        assert self._plan().evictions == ()

    def test_the_scale_is_not_restored_without_a_slot(self) -> None:
        self._budget(FOUR_IN, healthy=4, desired=4, expected=6)
        self._second_pod()
        self._mark()
        self._leave("b0", "b1")
        assert (self._surges(), self._plan().evictions) == ([], ())
        self.state.put_pod(pod("b4", app="other", node="t-0"))
        self._budget(FOUR_IN, healthy=5, desired=4, expected=6)
        assert self._surges() == [RestoreScale]

    def test_only_as_many_scales_are_restored_as_there_are_slots(self) -> None:
        key = NamespacedName("default", "api")
        self.state.put_controller(Controller("ReplicaSet", key, "rs-api", owner="api"))
        api = {"replicas": 2, "rolling": True, "max_unavailable": 1, "surge": "m/1"}
        self.state.put_controller(Controller("Deployment", key, "api", **api))  # type: ignore[arg-type]
        self.state.put_pod(pod("api-1", app="api", deletion_cost=LOWEST_DELETION_COST))
        self.state.put_pod(pod("api-2", app="api", node="t-0"))
        self._second_pod()
        self._mark()
        self._budget(BudgetRule(min_available=7), healthy=8, desired=7, expected=8)
        assert self._surges() == [RestoreScale]

    def test_a_scale_whose_budget_falls_with_it_is_restored(self) -> None:
        self._budget(ONE_OUT, healthy=5, desired=5, expected=6)
        self._second_pod()
        self._mark()
        self._leave("b0")
        assert self._surges() == [RestoreScale]

    def test_the_new_pod_of_a_restart_is_no_room_for_others(self) -> None:
        self._scale(1, max_unavailable=0)
        self._budget(FOUR_IN, healthy=6, desired=4, expected=6)
        assert self._surges() == [RestartRollout]
        self.state.put_pod(pod("two", node="t-0"))
        assert len(self._plan().evictions) == 1

    def test_a_surge_that_is_refused_withholds_nothing_and_is_reported(self) -> None:
        self._budget(ONE_OUT, healthy=5, desired=4, expected=5)
        text = "admission webhook says no"
        refused = ActionProblem(Reason.KUBERNETES_FORBIDDEN, text, False, NOW + 60)
        plan = self._plan(refused)
        assert (plan.surges, len(plan.evictions)) == ((), 1)
        [blocker] = plan.blockers
        assert (blocker.cause, blocker.blocks) == (Cause.SURGE_STUCK, True)
        assert text in blocker.message
        refused = ActionProblem(Reason.KUBERNETES_FORBIDDEN, text, False, NOW)
        plan = self._plan(refused)
        assert (len(plan.surges), plan.evictions) == (1, ()), "it is tried again"

    def test_a_surge_without_an_answer_may_have_been_carried_out(self) -> None:
        self._budget(ONE_OUT, healthy=5, desired=4, expected=5)
        lost = ActionProblem(Reason.KUBERNETES_UNAVAILABLE, "", True, NOW + 1)
        plan = self._plan(lost)
        assert (plan.surges, plan.evictions) == ((), ())
