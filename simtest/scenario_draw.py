"""The sizes and the spec of a run, drawn from its seed before anything is built."""

import random
from typing import Any

from msgspec import Struct

FORCED_SURGES_SHELVED = True
"""A forced drain during a surge leaves the Deployment surged: not drawn until that is fixed."""


class ScenarioDraw(Struct, frozen=True):
    """The size and the traits of a cluster, and the spec of its migration."""

    seed: str
    nodes: int
    zones: tuple[str, ...]
    autoscaled: bool
    large: bool
    crowded: bool
    """Whether the pods fill their nodes, and the target has one node less than they need."""
    operator_inside: bool
    """Whether the operator's own pod runs on the source."""
    name_taken: bool
    """Whether a pool of somebody else has the name of the target."""
    system: bool
    """Whether the source is a System pool."""
    spec: dict[str, Any]

    @property
    def strategy(self) -> str:
        """The migration's strategy."""
        return str(self.spec["strategy"]["type"])

    @property
    def target(self) -> str:
        """The name of the target pool."""
        return str((self.spec.get("target") or {}).get("nodePool") or "srcazl")


def _canary(rng: random.Random) -> dict[str, Any]:
    return {"nodes": rng.choice((0, 0, 1)), "soak": rng.choice(("0s", "10s"))}


def draw_scenario(seed: str) -> ScenarioDraw:
    """Draw the scenario of a seed."""
    rng = random.Random(f"{seed}/sketch")
    large = rng.random() < 0.06
    nodes = rng.randint(6, 8) if large else rng.randint(2, 5)
    nodes = _unusual_size(random.Random(f"{seed}/size"), nodes)
    zones = ("1", "2", "3") if rng.random() < 0.3 else ()
    kind = rng.choices(("BlueGreen", "Rolling", "InPlace"), (6, 3, 1))[0]
    spec: dict[str, Any] = {
        "source": {"nodePool": "src"},
        "strategy": {
            "type": kind,
            "canary": _canary(random.Random(f"{seed}/canary")),
            "batch": {
                "size": rng.choice((1, 2, "50%", "100%")),
                "soak": rng.choice(("0s", "5s", "30s")),
            },
            "maxSurge": rng.choice((1, 2, "50%")),
            "finalSoak": rng.choice(("0s", "20s", "90s")),
        },
        "drain": _drain(rng),
        "sourcePool": rng.choices(("Delete", "ScaleToZero", "Keep"), (6, 2, 2))[0],
        "approval": rng.choices(("Automatic", "BeforeDrain", "BeforeRetire"), (6, 2, 2))[0],
        "onFailure": rng.choice(("Pause", "Rollback")),
        "mode": rng.choices(("Run", "Plan"), (9, 1))[0],
    }
    system = random.Random(f"{seed}/mode").random() < 0.08
    if system and spec["sourcePool"] == "ScaleToZero":  # what AKS refuses
        spec["sourcePool"] = "Keep"
    if kind == "InPlace":  # what the spec refuses
        spec |= {"sourcePool": "Delete", "onFailure": "Pause"}
        spec["drain"].pop("onTimeout", None)
    if random.Random(f"{seed}/accepts").random() < 0.15:
        spec["preflight"] = {"acknowledge": ["pdb.zero"]}
    target = _target(rng, nodes, zones)
    crowded = kind != "InPlace" and nodes > 1 and random.Random(f"{seed}/crowd").random() < 0.06
    if crowded:
        target["count"] = nodes - 1
    if kind != "InPlace" and target:
        spec["target"] = target
    return ScenarioDraw(
        seed=seed,
        nodes=nodes,
        zones=zones,
        autoscaled=rng.random() < 0.25,
        large=large,
        crowded=crowded,
        operator_inside=rng.random() < 0.1,
        name_taken=kind != "InPlace" and rng.random() < 0.03,
        system=system,
        spec=spec,
    )


def _unusual_size(rng: random.Random, nodes: int) -> int:
    """One node, or more than usual, in some."""
    return rng.choices((nodes, 1, rng.randint(9, 12)), (92, 4, 4))[0]


def _drain(rng: random.Random) -> dict[str, Any]:
    drain: dict[str, Any] = {
        "prefetch": rng.random() < 0.5,
        "emptyDir": "Block" if rng.random() < 0.08 else "Evict",
        "unmanagedPods": "Block" if rng.random() < 0.2 else "Evict",
        "jobs": rng.choice(("Wait", "Evict")),
        "singletons": rng.choice(("Evict", "SurgeFirst")),
    }
    if rng.random() < 0.35:
        drain["timeout"] = rng.choice(("20s", "45s", "2m"))
        drain["onTimeout"] = rng.choice(("Pause", "Force", "Rollback"))
    if drain.get("onTimeout") == "Force" and FORCED_SURGES_SHELVED:
        drain["singletons"] = "Evict"
    if rng.random() < 0.2:
        first, last = rng.sample(("app0", "app1", "agent"), 2)
        drain["order"] = [
            {"selector": {"matchLabels": {"app": first}}, "order": -10},
            {"selector": {"matchLabels": {"app": last}}, "order": 10},
        ]
    return drain


def _target(rng: random.Random, nodes: int, zones: tuple[str, ...]) -> dict[str, Any]:
    """The properties in which the target differs from the source; usually none."""
    target: dict[str, Any] = {}
    if rng.random() < 0.15:
        target["nodePool"] = rng.choice(("linux3", "newpool"))
    if rng.random() < 0.25:
        target["count"] = rng.choice(("Auto", nodes + 1, max(2, nodes - 1)))
    if rng.random() < 0.1:
        target["autoscaling"] = {"min": 1, "max": nodes + 2}
    if rng.random() < 0.1:
        target["zones"] = list(zones or ("1", "2", "3"))
    if rng.random() < 0.1:
        target["labels"] = {"tier": "new"}
    return target
