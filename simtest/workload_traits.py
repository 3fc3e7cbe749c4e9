"""Traits that make workloads harder to move: where their pods may land, how long they take, and
budgets over more than one of them.

They are drawn from a seed of their own, so that a seed's cluster is the same without them.
"""

import random

from msgspec import structs

from azure_linux_migrator.model.cluster import BudgetRule, NamespacedName
from azure_linux_migrator.model.scheduling import (
    HOSTNAME,
    NodeTerm,
    SchedulingConstraints,
    TopologySpread,
)
from azure_linux_migrator.model.selectors import Requirement, Selector
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.workload import Span, Template, Workload
from simtest.scenario_draw import ScenarioDraw

ZONE = "topology.kubernetes.io/zone"
POOL = "agentpool"
PINNED = 0.2
SLOW = 0.12
SHARED_BUDGETS = 0.06


def add_traits(workload: Workload, drawn: ScenarioDraw) -> None:
    """Give a workload its traits, before its pods are placed."""
    rng = random.Random(f"{drawn.seed}/traits/{workload.uid}")
    if workload.template.scheduling == SchedulingConstraints() and rng.random() < PINNED:
        scheduling = _pinned(rng, workload, zoned=bool(drawn.zones))
        workload.template = structs.replace(workload.template, scheduling=scheduling)
    if rng.random() < SLOW:
        workload.template = _slow(rng, workload.template)


def _pinned(rng: random.Random, workload: Workload, *, zoned: bool) -> SchedulingConstraints:
    """Where the pods may land. Each is met by the source and by a target as azlm makes it."""
    own = Selector((("app", workload.key.name),))
    choices = [
        SchedulingConstraints(selector=(("kubernetes.io/os", "linux"),)),
        SchedulingConstraints(terms=(_requires(POOL, "NotIn", "system"),)),
        SchedulingConstraints(
            terms=(_requires("tier", "In", "none"), _requires("kubernetes.io/arch", "Exists"))
        ),
    ]
    # Where pods are made one after the other, a spread by itself can keep the first of them Pending
    # for ever: those that would balance it are not made yet.
    if workload.kind == "Deployment" or workload.parallel:
        choices.append(SchedulingConstraints(spread=(TopologySpread(HOSTNAME, own, max_skew=2),)))
        if zoned:
            choices.append(SchedulingConstraints(spread=(TopologySpread(ZONE, own),)))
    if zoned:
        choices.append(SchedulingConstraints(terms=(_requires(ZONE, "Exists"),)))
    return rng.choice(choices)


def _requires(key: str, operator: str, *values: str) -> NodeTerm:
    return NodeTerm(expressions=(Requirement(key, operator, values),))


def _slow(rng: random.Random, template: Template) -> Template:
    """Starts or ends of minutes."""
    start, stop = Span(60.0, 60.0 * rng.choice((1.5, 3.0))), Span(20.0, 60.0 * rng.choice((1, 3)))
    starts, stops = rng.choice(((True, False), (False, True), (True, True)))
    if starts:
        template = structs.replace(template, start=start)
    if stops:
        template = structs.replace(template, stop=stop)
    return template


def add_shared_budgets(seed: str, simulation: SimulatedCluster) -> None:
    """A budget over all pods of a namespace, in place of those of its workloads: with an empty
    selector, or with an expression."""
    rng = random.Random(f"{seed}/shared-budgets")
    if rng.random() >= SHARED_BUDGETS:
        return
    namespace = rng.choice(("default", "shop"))
    for key in sorted(simulation.store.budgets):
        if key.namespace == namespace:
            simulation.store.remove_budget(key)
    apps = tuple(
        sorted(
            workload.key.name
            for workload in simulation.workloads.by_uid.values()
            if workload.key.namespace == namespace
            and workload.kind in {"Deployment", "StatefulSet"}
        )
    )
    if not apps:
        return
    selector = rng.choice((Selector(), Selector(requirements=(Requirement("app", "In", apps),))))
    rule = BudgetRule(max_unavailable=rng.choice((1, "25%", "50%")))
    simulation.disruption.add(NamespacedName(namespace, "all"), selector, rule)
