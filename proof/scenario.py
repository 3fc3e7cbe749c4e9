"""A random cluster, a random migration of it, from one seed."""

import random
from typing import Any

from msgspec import Struct

from azure_linux_migrator.core.records import Key, Node, Selector, Volume
from azure_linux_migrator.sim.aks import ManagedCluster
from azure_linux_migrator.sim.aks_limits import Limits, Timings
from azure_linux_migrator.sim.aks_nodes import make_node
from azure_linux_migrator.sim.cluster.shapes import (
    HOSTNAME,
    Placing,
    PodTerm,
    Rule,
    Span,
    Template,
    Toleration,
    Workload,
)
from azure_linux_migrator.sim.scene import Lags, Scene

NOW = 1_800_000_000.0
NAME = "m"
POOL: dict[str, Any] = {
    "vmSize": "Standard_D4s_v5",
    "osSKU": "Ubuntu",
    "mode": "User",
    "type": "VirtualMachineScaleSets",
}
RULES: tuple[dict[str, Any], ...] = (
    {"max_unavailable": 1},
    {"max_unavailable": "25%"},
    {"max_unavailable": "50%"},
    {"max_unavailable": 2},
    {"min_available": 1},
    {"min_available": "50%"},
)


class Scenario(Struct):
    """What one run is about; `replicas` are the scales that the admin wants, `bounds` those of the
    source's autoscaler, if it has one."""

    scene: Scene
    spec: dict[str, Any]
    replicas: dict[Key, int]
    bounds: tuple[int, int] | None = None

    @property
    def strategy(self) -> str:
        """The migration's strategy."""
        return str(self.spec["strategy"]["type"])


def scenario(seed: str) -> Scenario:
    """The cluster and the spec of that seed."""
    rng = random.Random(f"{seed}/scenario")
    zones = ["1", "2", "3"] if rng.random() < 0.3 else []
    nodes = rng.randint(2, 5)
    autoscaled = rng.random() < 0.25
    spec = _spec(rng)
    scene = _scene(seed, rng, nodes, zones, autoscaled=autoscaled)
    source = [node for node in scene.store.nodes.values() if node.pool == "src"]
    replicas = _workloads(scene, rng, source, zoned=bool(zones))
    return Scenario(scene, spec, replicas, (1, nodes + 2) if autoscaled else None)


def _spec(rng: random.Random) -> dict[str, Any]:
    kind = rng.choices(("BlueGreen", "Rolling", "InPlace"), (6, 3, 1))[0]
    drain: dict[str, Any] = {
        "prefetch": rng.random() < 0.5,
        "emptyDir": "Evict",
        "unmanagedPods": "Evict",
        "jobs": rng.choice(("Wait", "Evict")),
        "singletons": rng.choice(("Evict", "SurgeFirst")),
    }
    if rng.random() < 0.2:
        drain |= {"timeout": "2m", "onTimeout": rng.choice(("Pause", "Force", "Rollback"))}
    spec: dict[str, Any] = {
        "source": {"nodePool": "src"},
        "strategy": {
            "type": kind,
            "batch": {
                "size": rng.choice((1, 2, "50%", "100%")),
                "soak": rng.choice(("0s", "5s", "30s")),
            },
            "maxSurge": rng.choice((1, 2, "50%")),
            "finalSoak": rng.choice(("0s", "20s", "90s")),
        },
        "drain": drain,
        "sourcePool": rng.choices(("Delete", "ScaleToZero", "Keep"), (6, 2, 2))[0],
        "approval": rng.choices(("Automatic", "BeforeDrain", "BeforeRetire"), (6, 2, 2))[0],
        "onFailure": rng.choice(("Pause", "Rollback")),
        "mode": rng.choices(("Run", "Plan"), (9, 1))[0],
    }
    return spec


def _scene(
    seed: str, rng: random.Random, nodes: int, zones: list[str], *, autoscaled: bool
) -> Scene:
    world = random.Random(f"{seed}/world")
    aks = ManagedCluster(
        world,
        timings=Timings(boot=rng.uniform(10, 90), delete=rng.uniform(5, 60), drain_timeout=300.0),
        limits=Limits(),
        digits="12345678",
        wait_for_drains=True,
    )
    source: dict[str, Any] = {**POOL, "count": nodes}
    if zones:
        source["availabilityZones"] = zones
    if autoscaled:
        source |= {"enableAutoScaling": True, "minCount": 1, "maxCount": nodes + 2}
    system = {**POOL, "mode": "System", "count": 1, "osSKU": "AzureLinux"}
    for name, wanted in (("system", system), ("src", source)):
        full = {"currentOrchestratorVersion": "1.37.2", "nodeImageVersion": "AKS-1", **wanted}
        made = [make_node(aks.setting, name, full, index) for index in range(wanted["count"])]
        aks.adopt(name, wanted, made)
    slow = rng.choice((1.0, 1.0, 1.0, 10.0))
    lags = Lags(disruption=Span(0.002 * slow, 0.012 * slow))
    scene = Scene(aks, world, now=NOW, lags=lags)
    scene.fleet.adopt()
    if autoscaled:
        scene.kernel.after(10.0, scene.autoscaler.scan)
    return scene


def _workloads(
    scene: Scene, rng: random.Random, source: list[Node], *, zoned: bool
) -> dict[Key, int]:
    replicas: dict[Key, int] = {}
    for index in range(rng.randint(1, 4)):
        key = Key(rng.choice(("default", "shop")), f"app{index}")
        count = rng.choice((1, 2, 3, 4, 6))
        kind = rng.choices(("Deployment", "StatefulSet"), (3, 1))[0]
        low = rng.choice((0.5, 1.0, 5.0))
        claims: dict[str, tuple[str, ...]] = {
            f"{key.name}-{n}": (f"data-{key.name}-{n}",) for n in range(count)
        }
        made = Workload(
            kind,  # type: ignore[arg-type]
            key,
            f"w{index}",
            count,
            Template(
                labels=(("app", key.name),),
                requests=(rng.choice((20, 50, 100, 200)), 64),
                placing=_apart(key) if rng.random() < 0.1 and count <= 3 else Placing(),
                start=Span(low, low * rng.choice((1.0, 2.0, 3.0))),
                stop=Span(0.2, rng.choice((0.5, 3.0))),
                empty_dir=rng.random() < 0.2,
            ),
            parallel=rng.random() < 0.5,
            max_surge=rng.choice((0, 1)),
            rolling=rng.random() < 0.9,
            claims=claims if kind == "StatefulSet" and rng.random() < 0.7 else {},
        )
        made.max_unavailable = 1 if made.max_surge == 0 else rng.choice((0, 1))
        replicas[key] = count
        _settle(scene, rng, made, source, zoned=zoned)
        if rng.random() < 0.7 and (count > 1 or rng.random() < 0.5):
            rule = Rule(**rng.choice(RULES[:4] if count == 1 else RULES))
            if count == 2 and rule.min_available == 1:
                rule = Rule(max_unavailable=1)
            policy = rng.choice(("IfHealthyBudget", "AlwaysAllow"))
            selector = Selector((("app", key.name),))
            scene.disruption.add(key, selector, rule, unhealthy_policy=policy)
    _extras(scene, rng, source)
    return replicas


def _apart(key: Key) -> Placing:
    """Pods that repel each other from their nodes."""
    return Placing(apart=(PodTerm(HOSTNAME, Selector((("app", key.name),))),))


def _settle(
    scene: Scene, rng: random.Random, made: Workload, source: list[Node], *, zoned: bool
) -> None:
    """Its pods run on the source already, apart where they repel each other."""
    scene.workloads.add(made, fresh=False)
    spread = rng.sample(source, len(source))
    for ordinal in range(made.replicas):
        node = spread[ordinal % len(spread)] if made.template.placing.apart else rng.choice(source)
        if made.claims:
            claim = Key(made.key.namespace, f"data-{made.key.name}-{ordinal}")
            bound = (node.zone,) if zoned else ()
            scene.store.put_volume(Volume(f"{claim.namespace}-{claim.name}", claim, bound))
        age = rng.uniform(100, 9000)
        pod = scene.workloads.place(
            made, node.name, created=NOW - age, started_in=float(round(made.template.start.mean))
        )
        scene.kubelets.attach_now(pod)


def _extras(scene: Scene, rng: random.Random, source: list[Node]) -> None:
    everywhere = Placing(tolerations=(Toleration(operator="Exists"),))
    agent = Template(labels=(("app", "agent"),), placing=everywhere)
    scene.workloads.add(Workload("DaemonSet", Key("kube-system", "agent"), "ds", 1, agent))
    if rng.random() < 0.3:
        job = Template(labels=(("job", "report"),), run=Span(20, 120))
        made = Workload("Job", Key("default", "report"), "job", 1, job)
        scene.workloads.add(made, fresh=False)
        pod = scene.workloads.place(made, rng.choice(source).name, created=NOW - 60)
        left = rng.uniform(10, 100)
        scene.kernel.after(left, lambda: scene.kubelets.finish(pod.key))
    if rng.random() < 0.2:
        alone = Workload("Other", Key("default", "bare"), "bare", 1, Template())
        scene.workloads.place(alone, rng.choice(source).name, created=NOW - 60)
