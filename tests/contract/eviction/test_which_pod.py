"""Points 8 and 13 of the eviction's rules: a 409 is not "gone", and a name is not a pod."""

import time

import pytest

from azure_linux_migrator.core.state.eviction_response import EvictionResult
from azure_linux_migrator.errors import KubernetesError
from tests.support.eviction_manifests import ADMISSION, admission, only_in, rule
from tests.support.eviction_world import Place, until

pytestmark = pytest.mark.cluster


async def test_point_08_a_contended_budget_is_a_409_and_the_pod_is_not_gone(place: Place) -> None:
    """Each write of the budget's status is made to conflict, until the apiserver gives up."""
    await place.pod("a")
    await place.budget(minAvailable=0, expect={"healthy": 1, "allowed": 1})
    outdate = 'JSONPatch{op: "replace", path: "/metadata/resourceVersion", value: "1"}'
    policy = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {
            "resourceRules": [rule("poddisruptionbudgets/status", "policy", "UPDATE")]
        },
        "matchConditions": only_in(place.namespace),
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{outdate}]"}}],
    }
    name = f"contend-{place.namespace}"
    kind = "MutatingAdmissionPolicy"
    async with (
        place.having(f"{ADMISSION}/mutatingadmissionpolicies", admission(kind, name, policy)),
        place.having(
            f"{ADMISSION}/mutatingadmissionpolicybindings",
            admission(f"{kind}Binding", name, {"policyName": name}),
        ),
    ):
        await until("writes of the status conflict", lambda: conflicts(place))
        response, reading = await place.ask("a")
    assert response.result is EvictionResult.CONFLICT
    assert "the object has been modified" in response.message
    assert response.retry_after is None
    assert reading.sends
    after = await place.read("a")
    assert after.pod.uid == reading.pod.uid
    assert not after.pod.terminating


async def conflicts(place: Place) -> bool:
    status = {"status": {"currentHealthy": 1}}
    try:
        await place.patch(f"{place.budgets}/web/status", status, dryRun="All")
    except KubernetesError as error:
        return error.status == 409
    return False


async def stale_uid(place: Place) -> str:
    """The uid of a pod `a` that is gone, so that another may take its name.

    It never had a node: kwok deletes by name, and under load might take the next pod of that name.
    """
    uid = str((await place.pending("a"))["metadata"]["uid"])
    await place.vanish("a")
    return uid


async def test_point_13_a_successor_of_the_same_name_is_never_touched(place: Place) -> None:
    uid = await stale_uid(place)
    assert (await place.evict("a", uid)).result is EvictionResult.GONE
    await place.pod("a")
    before = await place.read("a")
    response = await place.evict("a", uid)
    assert response.result is EvictionResult.SUCCESSOR
    assert before.pod == (await place.read("a")).pod
    assert (await place.evict("a")).result is EvictionResult.GRANTED


async def test_point_13_a_stale_uid_takes_a_slot_of_the_successors_budget_all_the_same(
    place: Place,
) -> None:
    """The decrement comes before the check of the uid, and it is noted by the pod's name."""
    uid = await stale_uid(place)
    await place.pod("a")
    await place.pod("b")
    before = await place.budget(minAvailable=1, expect={"healthy": 2, "allowed": 1})
    assert before.disrupted == frozenset()
    response = await place.evict("a", uid)
    assert response.result is EvictionResult.SUCCESSOR
    # The controller believes that `a` is leaving, and will for two minutes.
    after = await place.settled(healthy=1, allowed=0)
    assert after.disrupted == {"a"}
    for name in ("a", "b"):
        response, reading = await place.ask(name)
        assert not reading.pod.terminating
        assert (reading.slots, reading.sends) == (0, False)
        assert response.result is EvictionResult.BUDGET


async def test_point_13_a_stale_uid_with_a_free_successor_is_a_429_that_blames_the_budget(
    place: Place,
) -> None:
    """Of an unready pod every conflict is answered with a 429, even that of the uid."""
    uid = await stale_uid(place)
    await place.pod("a", ready=False)
    await place.pod("b")
    before = await place.budget(minAvailable=1, expect={"healthy": 1, "allowed": 0})
    assert (await place.read("a")).free
    response = await place.evict("a", uid)
    assert response.result is EvictionResult.BUDGET
    assert response.retry_after == 10
    assert not (await place.read("a")).pod.terminating
    assert (await place.now()).disrupted == before.disrupted
    assert (await place.evict("a")).result is EvictionResult.GRANTED


async def test_point_13_a_stale_uid_with_a_pending_successor_is_retried_within_the_request(
    place: Place,
) -> None:
    uid = await stale_uid(place)
    await place.pending("a")
    started = time.monotonic()
    response = await place.evict("a", uid)
    assert response.result is EvictionResult.SUCCESSOR
    assert time.monotonic() - started > 5, "20 tries, half a second apart, all in vain"
    assert not (await place.read("a")).pod.terminating
