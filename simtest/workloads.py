"""The workloads of a run, with their budgets and volumes, and special pods."""

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import structs

from azure_linux_migrator.model.cluster import BudgetRule, NamespacedName, Node, Volume
from azure_linux_migrator.model.scheduling import (
    HOSTNAME,
    PodTerm,
    SchedulingConstraints,
    Toleration,
)
from azure_linux_migrator.model.selectors import Selector
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.workload import Span, Template, Workload
from simtest.scenario_draw import ScenarioDraw
from simtest.workload_traits import add_shared_budgets, add_traits

if TYPE_CHECKING:
    from simtest.scenario import Scenario

SEATS = 3
"""So many of the large pods of a crowded cluster fit on one of its nodes."""
EVERYWHERE = SchedulingConstraints(tolerations=(Toleration(operator="Exists"),))
RULES: tuple[dict[str, Any], ...] = (
    {"max_unavailable": 1},
    {"max_unavailable": "25%"},
    {"max_unavailable": "50%"},
    {"max_unavailable": 2},
    {"min_available": 1},
    {"min_available": "50%"},
)


def populate(
    scenario: "Scenario", rng: random.Random, source: list[Node], drawn: ScenarioDraw
) -> None:
    """Add the workloads, with all pods on the source."""
    simulation = scenario.simulation
    seats = rng.sample(source * SEATS, len(source) * SEATS) if drawn.crowded else None
    for index in range(rng.randint(3, 6) if drawn.large else rng.randint(1, 4)):
        if seats is not None and not seats:
            break
        workload = _app(rng, index, drawn)
        if seats is not None:
            _fills(workload, len(seats))
        if index == 0:
            _suits(rng, workload, drawn)
        if seats is None:
            add_traits(workload, drawn)
        scenario.replicas[workload.key] = workload.replicas
        _settle(simulation, rng, workload, source, seats, zoned=_zonal_disks(drawn, source))
        if rng.random() < 0.7 and (workload.replicas > 1 or rng.random() < 0.5):
            _guard(simulation, rng, workload, drawn)
    add_shared_budgets(drawn.seed, simulation)
    if rng.random() < 0.06:
        key = NamespacedName("default", "huge")
        huge = Workload("Deployment", key, "huge", 1, Template(requests=(9000, 64)))
        scenario.replicas[key] = 1
        simulation.workloads.add(huge)
    if drawn.operator_inside:
        template = Template(labels=(("app", "azlm"),), requests=(50, 64))
        scenario.own = Workload(
            "Deployment", NamespacedName("azlm-system", "azlm"), "azlm", 1, template
        )
        simulation.workloads.add(scenario.own, fresh=False)
        simulation.workloads.place(
            scenario.own, rng.choice(source).name, created=simulation.kernel.now - 900
        )
    _extras(simulation, rng, source)


def _app(rng: random.Random, index: int, drawn: ScenarioDraw) -> Workload:
    key = NamespacedName(rng.choice(("default", "shop")), f"app{index}")
    count = rng.choice((1, 2, 3, 4, 6, 9) if drawn.large else (1, 2, 3, 4, 6))
    kind = rng.choices(("Deployment", "StatefulSet"), (3, 1))[0]
    low = rng.choice((0.5, 1.0, 5.0))
    claims: dict[str, tuple[str, ...]] = {
        f"{key.name}-{n}": (f"data-{key.name}-{n}",) for n in range(count)
    }
    scheduling = _apart(key) if rng.random() < 0.1 and count <= 3 else SchedulingConstraints()
    if kind == "Deployment" and rng.random() < 0.03 and drawn.strategy != "InPlace":
        scheduling = EVERYWHERE
    workload = Workload(
        kind,  # type: ignore[arg-type]
        key,
        f"w{index}",
        count,
        Template(
            labels=(("app", key.name),),
            requests=(rng.choice((20, 50, 100, 200)), 64),
            scheduling=scheduling,
            start=Span(low, low * rng.choice((1.0, 2.0, 3.0))),
            stop=Span(0.2, rng.choice((0.5, 3.0))),
            empty_dir=rng.random() < 0.2,
        ),
        parallel=rng.random() < 0.5,
        max_surge=rng.choice((0, 1)),
        rolling=rng.random() < 0.9,
        claims=claims if kind == "StatefulSet" and rng.random() < 0.7 else {},
    )
    workload.max_unavailable = 1 if workload.max_surge == 0 else rng.choice((0, 1))
    return workload


def _suits(rng: random.Random, workload: Workload, drawn: ScenarioDraw) -> None:
    """Singletons, if the spec configures them."""
    if drawn.spec["drain"]["singletons"] == "SurgeFirst" and rng.random() < 0.5:
        workload.kind, workload.replicas, workload.rolling, workload.claims = (
            "Deployment",
            1,
            True,
            {},
        )


def _guard(
    simulation: SimulatedCluster, rng: random.Random, workload: Workload, drawn: ScenarioDraw
) -> None:
    """A budget; rarely two of them, which permit no disruption."""
    key, count = workload.key, workload.replicas
    rule = BudgetRule(**rng.choice(RULES[:4] if count == 1 else RULES))
    surges = drawn.spec["drain"].get("singletons") == "SurgeFirst"
    accepts = "preflight" in drawn.spec and not surges
    forces = drawn.spec["drain"].get("onTimeout") == "Force"
    if (forces or accepts) and rng.random() < 0.3:
        rule = BudgetRule(max_unavailable=0)
    if count == 2 and rule.min_available == 1:
        rule = BudgetRule(max_unavailable=1)
    policy = rng.choice(("IfHealthyBudget", "AlwaysAllow"))
    selector = Selector((("app", key.name),))
    simulation.disruption.add(key, selector, rule, unhealthy_policy=policy)
    if rng.random() < 0.03:
        second = NamespacedName(key.namespace, f"{key.name}-too")
        simulation.disruption.add(second, selector, rule, unhealthy_policy=policy)


def _apart(key: NamespacedName) -> SchedulingConstraints:
    """Pods with anti-affinity to each other on a node."""
    return SchedulingConstraints(apart=(PodTerm(HOSTNAME, Selector((("app", key.name),))),))


def _fills(workload: Workload, seats: int) -> None:
    """Pods of which only SEATS fit on a node, as many as there is room for."""
    workload.template = structs.replace(
        workload.template, requests=(1000, 64), scheduling=SchedulingConstraints()
    )
    most = workload.replicas if workload.claims else 2 * workload.replicas
    workload.replicas = min(most, seats)


def _zonal_disks(drawn: ScenarioDraw, source: list[Node]) -> bool:
    """Whether volumes are bound to zones. An upgrade by AKS of a pool with one node in a zone does
    not end: the pods of that zone find no node until it does."""
    nodes = Counter(node.zone for node in source)
    return bool(drawn.zones) and (drawn.strategy != "InPlace" or min(nodes.values()) > 1)


def _settle(
    simulation: SimulatedCluster,
    rng: random.Random,
    workload: Workload,
    source: list[Node],
    seats: list[Node] | None,
    *,
    zoned: bool,
) -> None:
    """Place the pods on the source, on different nodes if they have anti-affinity or are spread; in
    a crowded cluster each takes a seat."""
    simulation.workloads.add(workload, fresh=False)
    spread = rng.sample(source, len(source))
    local = rng.random() < 0.03
    now = simulation.kernel.now
    for ordinal in range(workload.replicas):
        node = (
            spread[ordinal % len(spread)]
            if workload.template.scheduling.apart
            else rng.choice(source)
        )
        if workload.template.scheduling.spread:
            node = _spread_over(source, ordinal)
        if seats:
            node = seats.pop()
        if workload.claims:
            claim = NamespacedName(workload.key.namespace, f"data-{workload.key.name}-{ordinal}")
            bound = (node.zone,) if zoned else ()
            name = f"{claim.namespace}-{claim.name}"
            simulation.store.put_volume(Volume(name, claim, bound, local=local))
        started = float(round(workload.template.start.mean))
        created = now - rng.uniform(100, 9000)
        pod = simulation.workloads.place(workload, node.name, created=created, started_in=started)
        if not local:
            simulation.kubelets.attach_now(pod)


def _spread_over(source: list[Node], ordinal: int) -> Node:
    """The node of that pod if the zones take turns, and the nodes in each of them."""
    zones = sorted({node.zone for node in source})
    turn, zone = divmod(ordinal, len(zones))
    nodes = [node for node in source if node.zone == zones[zone]]
    return nodes[turn % len(nodes)]


def _extras(simulation: SimulatedCluster, rng: random.Random, source: list[Node]) -> None:
    now = simulation.kernel.now
    agent = Template(labels=(("app", "agent"),), scheduling=EVERYWHERE)
    simulation.workloads.add(
        Workload("DaemonSet", NamespacedName("kube-system", "agent"), "ds", 1, agent)
    )
    if rng.random() < 0.3:
        job = Template(labels=(("job", "report"),), run=Span(20, 120))
        workload = Workload("Job", NamespacedName("default", "report"), "job", 1, job)
        simulation.workloads.add(workload, fresh=False)
        pod = simulation.workloads.place(workload, rng.choice(source).name, created=now - 60)
        left = rng.uniform(10, 100)
        simulation.kernel.after(left, lambda: simulation.kubelets.finish(pod.key))
    if rng.random() < 0.2:
        alone = Workload("Other", NamespacedName("default", "bare"), "bare", 1, Template())
        simulation.workloads.place(alone, rng.choice(source).name, created=now - 60)
