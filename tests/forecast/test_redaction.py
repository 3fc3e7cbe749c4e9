"""Under other names, what pods say about each other still means the same pods."""

import random

from azure_linux_migrator.core.records import Key, Pod, Requirement, Selector
from azure_linux_migrator.sim.cluster.shapes import Placing, PodTerm, Spread
from azure_linux_migrator.sim.forecast.redact import redact
from azure_linux_migrator.sim.forecast.snapshot import Snapshot
from tests.forecast.scenes import HOSTNAME, NOW


def test_terms_follow_the_labels() -> None:
    equal = Selector((("app", "shop"),))
    listed = Selector((), (Requirement("app", "In", ("shop", "cart")),))
    placing = Placing(
        near=(PodTerm(HOSTNAME, listed, ("secret", "kube-system")),),
        apart=(PodTerm(HOSTNAME, equal, None),),
        spread=(Spread(HOSTNAME, equal),),
    )
    pod = Pod(Key("secret", "shop-1"), "u", "", "Running", True, False, labels=(("app", "shop"),))
    hidden = redact(Snapshot(NOW, pods=[pod], placings={"u": placing}), random.Random(1))
    [found], made = hidden.placings.values(), hidden.pods[0]
    labels = dict(made.labels)
    assert "shop" not in str(hidden)
    assert "secret" not in str(hidden)
    assert found.near[0].means("elsewhere", made.key.namespace, labels)
    assert found.near[0].means("elsewhere", "kube-system", labels)
    assert not found.near[0].means("elsewhere", "elsewhere", labels)
    assert found.apart[0].means("elsewhere", made.key.namespace, labels)
    assert found.spread[0].selector is not None
    assert found.spread[0].selector.matches(labels)
