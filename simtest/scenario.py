"""A random cluster and a random migration of it, from one seed."""

import random
from typing import Any

from msgspec import Struct

from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.simulator.aks.limits import Limits, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.nodes import make_node
from azure_linux_migrator.simulator.assembly.simulated_cluster import Lags, SimulatedCluster
from azure_linux_migrator.simulator.cluster.workload import Span, Workload
from simtest.scenario_draw import ScenarioDraw, draw_scenario
from simtest.workloads import populate

NOW = 1_800_000_000.0
NAME = "m"
POOL: dict[str, Any] = {
    "vmSize": "Standard_D4s_v5",
    "osSKU": "Ubuntu",
    "mode": "User",
    "type": "VirtualMachineScaleSets",
}
_MARKED = ("system", "src")


class Scenario(Struct):
    """The cluster and the migration of a run. `replicas` are the scales that the admin wants,
    `bounds` those of the source's autoscaler, if any; `own` is the Deployment of the operator,
    if that runs on the source."""

    simulation: SimulatedCluster
    spec: dict[str, Any]
    replicas: dict[NamespacedName, int]
    bounds: tuple[int, int] | None = None
    target: str = "srcazl"
    own: Workload | None = None
    system: bool = False
    deleted: set[str] = set()
    """Pools that somebody else has deleted."""
    others_marks: dict[str, str] = {}
    """Batch marks of other migrations, by node."""

    @property
    def strategy(self) -> str:
        """The migration's strategy."""
        return str(self.spec["strategy"]["type"])


def scenario(seed: str) -> Scenario:
    """The cluster and the spec of a seed."""
    drawn = draw_scenario(seed)
    rng = random.Random(f"{seed}/scenario")
    simulation = _simulated_cluster(seed, rng, drawn)
    source = [node for node in simulation.store.nodes.values() if node.pool == "src"]
    bounds = (1, drawn.nodes + 2) if drawn.autoscaled else None
    drawn_scenario = Scenario(
        simulation, dict(drawn.spec), {}, bounds, drawn.target, system=drawn.system
    )
    populate(drawn_scenario, rng, source, drawn)
    _mark(drawn_scenario, random.Random(f"{seed}/marks"))
    return drawn_scenario


def _mark(scenario: Scenario, rng: random.Random) -> None:
    """In some runs another migration, whose name begins like this one's, is at work on another
    pool, and a predecessor of the same name has left its mark on a node."""
    store = scenario.simulation.store
    names = {pool: [n.name for n in store.nodes.values() if n.pool == pool] for pool in _MARKED}
    if rng.random() < 0.2:
        scenario.others_marks[names["system"][0]] = f"{NAME}2.uid-{NAME}2.1"
        store.change_node(names["system"][0], batch=f"{NAME}2.uid-{NAME}2.1")
    if rng.random() < 0.1:
        store.change_node(rng.choice(names["src"]), batch=f"{NAME}.uid-before.1")


def _simulated_cluster(seed: str, rng: random.Random, drawn: ScenarioDraw) -> SimulatedCluster:
    nodes, zones, autoscaled = drawn.nodes, list(drawn.zones), drawn.autoscaled
    world = random.Random(f"{seed}/world")
    aks = ManagedCluster(
        world,
        timings=Timings(boot=rng.uniform(10, 90), delete=rng.uniform(5, 60), drain_timeout=300.0),
        limits=Limits(),
        digits="12345678",
        wait_for_drains=True,
    )
    source: dict[str, Any] = {**POOL, "count": nodes}
    if drawn.system:
        source["mode"] = "System"
    if zones:
        source["availabilityZones"] = zones
    if autoscaled:
        source |= {"enableAutoScaling": True, "minCount": 1, "maxCount": nodes + 2}
    system = {**POOL, "mode": "System", "count": 1, "osSKU": "AzureLinux"}
    if zones:
        system["availabilityZones"] = zones
    for name, wanted in (("system", system), ("src", source)):
        full = {"currentOrchestratorVersion": "1.37.2", "nodeImageVersion": "AKS-1", **wanted}
        records = [make_node(aks.setting, name, full, index) for index in range(wanted["count"])]
        aks.adopt(name, wanted, records)
    if drawn.name_taken:
        taken = {**POOL, "count": 1}
        full = {"currentOrchestratorVersion": "1.37.2", "nodeImageVersion": "AKS-1", **taken}
        aks.adopt(drawn.target, taken, [make_node(aks.setting, drawn.target, full, 0)])
    slow = rng.choices((1.0, 10.0, 160.0), (14, 5, 1))[0]
    lags = Lags(disruption=Span(0.002 * slow, 0.012 * slow))
    simulation = SimulatedCluster(aks, world, now=NOW, lags=lags)
    simulation.node_lifecycle.adopt()
    if autoscaled:
        simulation.kernel.after(10.0, simulation.autoscaler.scan)
    return simulation
