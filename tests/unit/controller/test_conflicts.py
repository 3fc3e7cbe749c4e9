"""A pool is migrated by one migration at a time, however its cluster is spelled."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from azure_linux_migrator.api.spec import ClusterRef, MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.controller.conflicts import conflict_of
from azure_linux_migrator.core.reconcile.lenient_parsing import readable_spec

ZERO = "00000000-0000-0000-0000-00000000000a"
OWN = ClusterRef(subscription_id=ZERO, resource_group="rg", name="c")
SAME = {"subscriptionID": ZERO.upper(), "resourceGroup": "RG", "name": "C"}
OTHER = {"subscriptionID": ZERO, "resourceGroup": "rg", "name": "d"}


@dataclass
class Contender:
    name: str
    created: str
    spec: MigrationSpec | None
    finished: bool = False
    status: MigrationStatus = field(default_factory=MigrationStatus)
    raw: dict[str, Any] = field(default_factory=dict)

    def claim(self) -> tuple[MigrationSpec, tuple[str, ...]]:
        return readable_spec(self.raw)


def one(name: str, created: str, source: str = "src", **more: Any) -> Contender:
    status = MigrationStatus(step=more.pop("step", ""))
    finished = more.pop("finished", False)
    spec = MigrationSpec.model_validate({"source": {"nodePool": source}} | more)
    return Contender(name, created, spec, finished, status)


def conflict(mine: Contender, *others: Contender) -> str:
    return conflict_of(mine, [mine, *others], own_cluster=OWN)


@pytest.mark.parametrize("cluster", [None, SAME])
def test_the_same_cluster_in_another_spelling_is_the_same(cluster: dict[str, str] | None) -> None:
    old = one("a", "1", cluster=cluster)
    new = one("b", "2", cluster=None if cluster else SAME)
    assert conflict(new, old) == "a (src to srcazl)"
    assert conflict(old, new) == ""


def test_pools_of_the_same_name_in_two_clusters_have_nothing_in_common() -> None:
    assert conflict(one("b", "2"), one("a", "1", cluster=OTHER)) == ""


def test_a_target_that_is_anothers_target_or_source_is_a_common_pool() -> None:
    wanted = {"nodePool": "both"}
    same_target = one("a", "1", "src1", target=wanted)
    assert conflict(one("b", "2", "src2", target=wanted), same_target) == "a (src1 to both)"
    assert conflict(one("b", "2", "workerspool2"), one("a", "1", "workerspool1")) == ""
    assert conflict(one("b", "2", "srcazl"), one("a", "1")) == "a (src to srcazl)"
    onto = one("b", "2", "other", target={"nodePool": "src"})
    in_place = one("a", "1", strategy={"type": "InPlace"})
    assert conflict(onto, in_place) == "a (src in place)"
    assert conflict(one("b", "2", "other"), one("a", "1")) == ""


def test_the_one_that_has_begun_goes_on_else_the_older_one() -> None:
    old, new = one("a", "1"), one("b", "2", step="Drain")
    assert conflict(old, new) == "b (src to srcazl)"
    assert conflict(new, old) == ""
    assert conflict(one("b", "1"), one("a", "1")) == "a (src to srcazl)"


DRAINING = MigrationStatus(step=Step.DRAIN)


@pytest.mark.parametrize(
    ("raw", "lost"),
    [
        ({"source": {"nodePool": "src"}, "drain": {"timeout": "soon"}}, "drain"),
        ({"source": {"nodePool": 7}}, "source"),
        ({"source": {"nodePool": "src"}, "cluster": "mine"}, "cluster"),
    ],
)
def test_one_that_has_begun_is_a_conflict_though_its_spec_cannot_be_read(
    raw: dict[str, Any], lost: str
) -> None:
    broken = Contender("a", "1", None, status=DRAINING, raw=raw)
    assert conflict(one("b", "2"), broken) == f"a (its {lost} cannot be read)"
    assert conflict(one("b", "2"), replace(broken, status=MigrationStatus())) == ""
    assert conflict(one("b", "2"), replace(broken, finished=True)) == ""


def test_a_broken_spec_that_names_other_pools_is_no_conflict() -> None:
    raw = {"source": {"nodePool": "other"}, "drain": {"timeout": "soon"}}
    assert conflict(one("b", "2"), Contender("a", "1", None, status=DRAINING, raw=raw)) == ""


def test_what_is_finished_or_cannot_be_read_and_has_not_begun_is_no_conflict() -> None:
    assert conflict(one("b", "2"), one("a", "1", finished=True)) == ""
    assert conflict(one("b", "2"), Contender("a", "1", None)) == ""
    assert conflict(Contender("b", "2", None), one("a", "1")) == ""
