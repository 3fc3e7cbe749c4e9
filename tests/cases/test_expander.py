"""The autoscaler's priority expander names pools (case 30)."""

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from azure_linux_migrator.core.preflight.findings import Severity
from azure_linux_migrator.core.reconcile.counts import preflight_of
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.kube.services import expander_priorities
from azure_linux_migrator.model.azure_facts import AzureFacts, ClusterFacts, Priority, Unread
from tests.support.fake_apiserver import serving
from tests.support.preflight_cluster import FACTS, PreflightCluster
from tests.support.worlds import NOW, at, migration, seen, source, target, world

SCALED = {"enableAutoScaling": True, "minCount": 3, "maxCount": 8}
NAMED = (Priority(50, "^.*workers-.*$"), Priority(10, "^.*system-.*$"))


def cluster(
    priorities: Any = NAMED, expander: str = "priority", **properties: Any
) -> PreflightCluster:
    assert isinstance(FACTS.cluster, ClusterFacts)
    profile = replace(FACTS.cluster, autoscaler_profile={"expander": expander})
    facts: AzureFacts = replace(FACTS, cluster=profile, priorities=priorities)
    return PreflightCluster(properties=SCALED | properties, facts=facts)


def test_a_new_name_that_no_pattern_matches_is_reported_with_the_entry_to_extend() -> None:
    [finding] = cluster().findings("autoscaler.profile")
    assert finding.severity is Severity.WARN
    assert "gives workers priority 50 by ^.*workers-.*$" in finding.message
    assert "nothing that matches workersazl" in finding.message
    assert "cluster-autoscaler-priority-expander" in finding.message + finding.remedy


@pytest.mark.parametrize(
    "priorities",
    [
        (Priority(50, "workers"),),
        (Priority(50, ".*"),),
        (Priority(10, ".*"), Priority(50, "aks-workers(azl)?-[0-9]+-vmss")),
        (Priority(50, "other"),),
        (),
    ],
)
def test_nothing_is_reported_where_both_pools_have_the_same_priority(priorities: Any) -> None:
    assert cluster(priorities).findings("autoscaler.profile") == []


@pytest.mark.parametrize(
    ("priorities", "text"),
    [
        ((Priority(50, "workers-"), Priority(10, ".*")), "workersazl priority 10 by .*"),
        ((Priority(80, "azl"), Priority(50, "workers-")), "workersazl priority 80 by azl"),
        ((Priority(80, "azl"),), "nothing that matches workers"),
    ],
)
def test_an_entry_that_is_meant_for_others_is_reported(priorities: Any, text: str) -> None:
    [finding] = cluster(priorities).findings("autoscaler.profile")
    assert text in finding.message


def test_it_matters_where_the_expander_goes_by_priority_and_the_pool_scales() -> None:
    assert cluster(expander="least-waste").findings("autoscaler.profile") == []
    assert cluster(enableAutoScaling=False).findings("autoscaler.profile") == []
    scales = {"autoscaling": {"min": 1, "max": 3}}
    later = cluster(enableAutoScaling=False).findings("autoscaler.profile", target=scales)
    assert len(later) == 1
    in_place = cluster().findings("autoscaler.profile", strategy={"type": "InPlace"})
    assert in_place == [], "the name stays"


def test_a_config_map_that_cannot_be_read_is_reported_where_it_would_matter() -> None:
    unread = Unread("the operator's ServiceAccount may not read it")
    findings = cluster(unread).preflight().findings or ()
    [finding] = [finding for finding in findings if finding.rule == "autoscaler.profile"]
    assert finding.severity is Severity.UNCHECKED
    calm = cluster(unread, expander="random").preflight().findings or ()
    assert [finding for finding in calm if finding.rule == "autoscaler.profile"] == []


def test_a_pattern_that_is_none_does_not_stop_the_preflight() -> None:
    assert cluster((Priority(50, "*workers"),)).findings("autoscaler.profile") == []


async def read(status: int, **body: Any) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        name = "cluster-autoscaler-priority-expander"
        assert request.path == f"/api/v1/namespaces/kube-system/configmaps/{name}"
        return web.json_response(body, status=status)

    async with serving(answer) as client:
        return await expander_priorities(client)


async def test_the_config_map_is_read_as_the_autoscaler_reads_it() -> None:
    """kubernetes/autoscaler, cluster-autoscaler/expander/priority/readme.md"""
    text = "10:\n  - .*t2\\.large.*\n  - .*\n50:\n  - .*workers.*\n"
    assert await read(200, data={"priorities": text}) == (
        Priority(50, ".*workers.*"),
        Priority(10, ".*t2\\.large.*"),
        Priority(10, ".*"),
    )
    assert await read(404, message="not found") == ()
    assert isinstance(await read(403, message="no"), Unread)
    for broken in ("- a\n- b\n", "high: [.*]", "10: .*", "{"):
        assert isinstance(await read(200, data={"priorities": broken}), Unread), broken
    assert await read(200, data={"priorities": ""}) == ()


def test_the_hand_over_mentions_it_since_the_config_map_is_not_changed() -> None:
    [finding] = cluster().findings("autoscaler.profile")
    before = at("RetireSource").model_copy(update={"preflight": preflight_of([finding])})
    observation = seen(world([], nodes=[]), source(), target())
    status = decide(migration(before, sourcePool="Keep"), observation, NOW).status
    assert status.is_true("Succeeded")
    assert status.hand_over.autoscaler == f"{finding.message}; {finding.remedy}"
    plain = decide(migration(at("RetireSource"), sourcePool="Keep"), observation, NOW).status
    assert plain.hand_over.autoscaler == ""
