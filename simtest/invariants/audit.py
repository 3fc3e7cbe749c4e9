"""Checks the invariants after every event, by the state of the cluster and by what azlm knew."""

from collections.abc import Mapping
from typing import Any, Protocol

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import Action
from azure_linux_migrator.model.cluster import NamespacedName, Node
from simtest.custom_resource import Body, CustomResource
from simtest.invariants.blame import Blame
from simtest.invariants.budgets import BudgetInvariants
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.drain_policy import DrainPolicyInvariants
from simtest.invariants.events import EventInvariants
from simtest.invariants.moves import IntendedPod, MoveInvariants
from simtest.invariants.nodes import NodeInvariants, Openings
from simtest.invariants.operator_view import OperatorView
from simtest.invariants.pool_view import PoolView
from simtest.invariants.pools import PoolInvariants
from simtest.invariants.process import DecisionToJudge, ObservedProcess, Records
from simtest.invariants.rate_limits import RateLimits
from simtest.invariants.registry import Judge
from simtest.invariants.reported import ReportedInvariants
from simtest.invariants.status import StatusInvariants
from simtest.scenario import Scenario

KNOWN: dict[str, str] = {}
"""Invariants that azlm breaks and whose fix is pending: counted and printed, but no failure."""


class OperatorUnderTest(Protocol):
    """A process whose decisions are judged."""

    @property
    def world(self) -> Records:
        """What it has read of the cluster."""

    @property
    def skew(self) -> float:
        """How far its clock is ahead, in seconds."""


class Audit:
    """Watches one run and passes every event to the judges, each of which has one concern."""

    def __init__(self, scenario: Scenario, resource: CustomResource, *, calm: bool = False) -> None:
        self.judge = Judge(KNOWN)
        self.context = context = JudgeContext(scenario, resource, self.judge)
        self.pool_view = PoolView(context)
        blame, openings = Blame(context), Openings(context)
        self._lands = True
        self.stale = False
        """Whether the action that takes effect was sent long ago: it is judged by its effect on
        budgets and other pods, and not by the present state of the migration."""
        self._budgets = BudgetInvariants(context, blame)
        intended_pod = IntendedPod(context)
        self._always = (intended_pod, self._budgets)
        self._moves = MoveInvariants(context, blame, openings)
        self.nodes = NodeInvariants(context, openings)
        self._status = StatusInvariants(context, self.pool_view)
        pools = PoolInvariants(context, self.pool_view)
        self._events = EventInvariants(context)
        self._parts: tuple[Part, ...] = (
            self.pool_view,
            blame,
            openings,
            RateLimits(context),
            intended_pod,
            self._moves,
            self._budgets,
            self.nodes,
            pools,
            OperatorView(context, blame),
            DrainPolicyInvariants(context),
            self._status,
            ReportedInvariants(context, calm=calm),
            self._events,
        )
        self._deciding = tuple(p for p in self._parts if type(p).decided is not Part.decided)
        self._beginning = tuple(p for p in self._parts if type(p).begins is not Part.begins)
        self._ending = tuple(p for p in self._parts if type(p).ends is not Part.ends)
        # The disruption controller counts first; each judge then sees the pod as it is counted.
        context.store.watchers += (blame, openings, self._moves, self.nodes, pools, self._events)
        resource.watchers.append(self._written)

    # Results

    @property
    def succeeded(self) -> bool:
        """Whether the migration has succeeded."""
        return self._status.succeeded

    @property
    def succeeded_at(self) -> float | None:
        """When the resource reported first that it has succeeded."""
        return self._status.succeeded_at

    @property
    def evictions(self) -> int:
        """Evictions granted."""
        return self._budgets.granted

    @property
    def refused(self) -> int:
        """Evictions refused."""
        return self._budgets.refused

    @property
    def outrun(self) -> int:
        """Evictions of these that a forced deletion has outrun."""
        return self._budgets.outrun

    @property
    def moves(self) -> int:
        """How often a replica was moved in one direction, at the most."""
        return self._moves.most

    # Changes that azlm does not make

    def foreign_cordon(self, node: Node) -> None:
        """Somebody cordons a node that azlm has not cordoned."""
        self.nodes.foreign_cordon(node)

    def foreign_uncordon(self, node: Node) -> None:
        """Somebody uncordons a node."""
        self.nodes.foreign_uncordon(node)

    def pools_changed(self) -> None:
        """Somebody changes a pool, which may then end otherwise than azlm asked for."""
        self.context.pools_changed_at = self.context.now

    def scaled_by_others(self, key: NamespacedName) -> None:
        """Somebody scales a Deployment: it is unknown from now on which pod replaces which."""
        self.context.rescaled.add(key)

    # Events

    def decided(
        self, process: ObservedProcess, operator: OperatorUnderTest, decision: DecisionToJudge
    ) -> None:
        """A process has decided on actions and a status."""
        process.world = operator.world
        self.context.decided(process, operator.skew)
        for part in self._deciding:
            part.decided(process, decision)

    def acts(self, process: ObservedProcess, *, lands: bool, answered: bool) -> None:
        """The next action belongs to that process; whether it will take effect, and be answered."""
        self.context.acting, self.context.answered = process, answered
        self._lands = lands

    def begins(self, action: Action) -> None:
        """Check whether the action is permitted."""
        for part in self._always if self.stale else self._beginning:
            part.begins(action)
        self.context.action = action if self._lands and not self.stale else None

    def ends(self, action: Action) -> None:
        """Check the effect of the action."""
        self.context.action = None
        for part in self._always if self.stale else self._ending:
            part.ends(action)

    def event(self, manifest: Mapping[str, Any]) -> None:
        """An event is written."""
        self._events.event(manifest)

    def _written(self, body: Body | None) -> None:
        if body is None:
            self.context.gone()
            self._status.gone()
            self._moves.gone()
            self.nodes.gone()
            return
        old: MigrationStatus = self.context.status
        self.context.written(body)
        for part in self._parts:
            part.written(old, body)
