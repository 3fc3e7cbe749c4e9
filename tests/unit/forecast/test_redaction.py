"""What pods say about each other, in a file and under other names."""

import random
from pathlib import Path

from azure_linux_migrator.forecast.redact import redact
from azure_linux_migrator.forecast.snapshot import load, save
from azure_linux_migrator.model.cluster import NamespacedName, Pod
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.scheduling import (
    NodeTerm,
    PodTerm,
    SchedulingConstraints,
    TopologySpread,
)
from azure_linux_migrator.model.selectors import Requirement, Selector
from tests.support.simulated_clusters import HOSTNAME, NOW

EQUAL = Selector((("app", "shop"),))
LISTED = Selector((), (Requirement("app", "In", ("shop", "cart")),))
CONSTRAINTS = SchedulingConstraints(
    terms=(NodeTerm(fields=(Requirement("metadata.name", "In", ("n",)),)),),
    near=(PodTerm(HOSTNAME, LISTED, ("secret", "kube-system")),),
    apart=(PodTerm(HOSTNAME, EQUAL, None), PodTerm(HOSTNAME)),
    spread=(TopologySpread(HOSTNAME, EQUAL, 2, honor_taints=True),),
)


def test_scheduling_constraints_survive_a_file(tmp_path: Path) -> None:
    save(ClusterSnapshot(NOW, scheduling={"u": CONSTRAINTS}), tmp_path / "s.json")
    assert load(tmp_path / "s.json").scheduling == {"u": CONSTRAINTS}


def test_terms_follow_the_labels() -> None:
    pod = Pod(
        NamespacedName("secret", "shop-1"),
        "u",
        "",
        "Running",
        True,
        False,
        labels=(("app", "shop"),),
    )
    hidden = redact(
        ClusterSnapshot(NOW, pods=[pod], scheduling={"u": CONSTRAINTS}), random.Random(1)
    )
    [constraints], chosen_pod = hidden.scheduling.values(), hidden.pods[0]
    labels = dict(chosen_pod.labels)
    assert "shop" not in str(hidden)
    assert "secret" not in str(hidden)
    assert constraints.near[0].means("elsewhere", chosen_pod.key.namespace, labels)
    assert constraints.near[0].means("elsewhere", "kube-system", labels)
    assert not constraints.near[0].means("elsewhere", "elsewhere", labels)
    assert constraints.apart[0].means("elsewhere", chosen_pod.key.namespace, labels)
    assert constraints.spread[0].selector is not None
    assert constraints.spread[0].selector.matches(labels)
