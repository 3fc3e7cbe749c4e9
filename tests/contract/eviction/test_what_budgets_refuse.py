"""Points 4 to 7 of the eviction's rules: how a budget refuses, and for how long."""

import base64
import json
import time

import aiohttp
import psutil
import pytest

from azure_linux_migrator.core.state.eviction_response import EvictionResult
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import Budget, NamespacedName
from tests.support.eviction_manifests import Manifest, endless_job
from tests.support.eviction_world import Place, until

pytestmark = pytest.mark.cluster

RETRY_LATER = 10.0
MOST_DISRUPTED = 2000


def only_cause(error: KubernetesError) -> tuple[str, str]:
    """Reason and message of the one cause that the apiserver gave."""
    (cause,) = error.causes
    return str(cause["reason"]), str(cause["message"])


async def test_point_04_two_budgets_are_a_500_named_two_budgets(place: Place) -> None:
    await place.pod("a")
    await place.pod("b")
    await place.budget(minAvailable=0, expect={"healthy": 2, "allowed": 2})
    await place.budget("all", selector={}, minAvailable=0, expect={"allowed": 2})
    response, reading = await place.ask("a")
    assert response.result is EvictionResult.TWO_BUDGETS
    assert response.retry_after is None
    assert reading.pdb_index == (
        NamespacedName(place.namespace, "all"),
        NamespacedName(place.namespace, "web"),
    )
    assert not reading.sends
    error = await place.refusal("a")
    assert (error.status, error.reason, error.causes) == (500, "", ())


async def test_point_04_two_budgets_refuse_even_an_unready_pod_but_no_pending_one(
    place: Place,
) -> None:
    await place.pod("a", ready=False)
    await place.pending("b")
    always: Manifest = {"minAvailable": 0, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    await place.budget(**always)
    await place.budget("all", selector={}, **always)
    response, reading = await place.ask("a")
    assert response.result is EvictionResult.TWO_BUDGETS
    assert not reading.sends
    response, reading = await place.ask("b")
    assert response.result is EvictionResult.GRANTED
    assert reading.sends


async def test_point_05_a_generation_not_yet_observed_is_a_429_with_retry_after_10(
    place: Place,
) -> None:
    await place.pod("a")
    await place.pod("b")
    await place.budget(minAvailable=1, expect={"healthy": 2, "allowed": 1})
    with place.paused():
        await place.patch(f"{place.budgets}/web", {"spec": {"minAvailable": 0}})
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.BUDGET
        assert response.retry_after == RETRY_LATER
        assert (reading.slots, reading.sends) == (0, False)
        reason, message = only_cause(await place.refusal("a"))
        assert reason == "DisruptionBudget"
        assert message == "The disruption budget web is still being processed by the server."
        assert not await place.deadlocked()
    await place.settled(allowed=2)
    response, reading = await place.ask("a")
    assert response.result is EvictionResult.GRANTED
    assert (reading.slots, reading.sends) == (2, True)


async def test_point_06_no_disruption_allowed_is_a_429_without_retry_after(place: Place) -> None:
    await place.pod("a")
    await place.pod("b", ready=False)
    await place.budget(minAvailable=1, expect={"healthy": 1, "allowed": 0})
    response, reading = await place.ask("a")
    assert response.result is EvictionResult.BUDGET
    assert response.retry_after is None
    assert (reading.slots, reading.sends) == (0, False)
    reason, message = only_cause(await place.refusal("a"))
    assert reason == "DisruptionBudget"
    assert message == "The disruption budget web needs 1 healthy pods and has 1 currently"
    assert not await place.deadlocked(), "a pod that becomes Ready frees a slot"


async def start_job(place: Place) -> str:
    """A Job, a controller without /scale; returns the name of its pod."""
    job = endless_job("web", place.namespace)
    await place.create(f"/apis/batch/v1/namespaces/{place.namespace}/jobs", job)
    names: list[str] = []

    async def born() -> bool:
        pods = (await place.get(place.pods))["items"]
        names[:] = [pod["metadata"]["name"] for pod in pods if "ownerReferences" in pod["metadata"]]
        return bool(names)

    await until("the Job has a pod", born)
    await place.running(names[0])
    return names[0]


async def sync_failed(place: Place) -> Budget:
    """Wait until the controller says that it cannot compute the budget."""

    async def failed() -> bool:
        return bool((await place.now()).sync_failed)

    await until("the budget cannot be computed", failed)
    budget = await place.now()
    assert budget.sync_failed == "jobs.batch does not implement the scale subresource"
    return budget


async def test_point_06_sync_failed_is_a_429_whose_cause_says_why(place: Place) -> None:
    await place.pod("bare")
    await place.budget(maxUnavailable=1, expect={"healthy": 1, "expected": 0})
    name = await start_job(place)
    budget = await sync_failed(place)
    assert budget.observed_generation == budget.generation
    response, reading = await place.ask(name)
    assert response.result is EvictionResult.BUDGET
    assert response.retry_after is None
    assert not reading.sends
    assert reading.slots <= 0
    reason, message = only_cause(await place.refusal(name))
    assert reason == "DisruptionBudget"
    assert message.endswith(f"currently because it failed sync: {budget.sync_failed}")


async def test_point_06_a_budget_that_never_synced_answers_as_if_it_were_still_in_the_works(
    place: Place,
) -> None:
    """The controller does not update observedGeneration when it fails: a 429 with Retry-After,
    for ever. Only the condition shows that waiting does not help."""
    name = await start_job(place)
    await place.create(
        place.budgets,
        {
            "metadata": {"name": "web"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "maxUnavailable": 1},
        },
    )
    budget = await sync_failed(place)
    assert budget.observed_generation < budget.generation
    response, reading = await place.ask(name)
    assert response.result is EvictionResult.BUDGET
    assert response.retry_after == RETRY_LATER
    assert (reading.slots, reading.sends) == (0, False)
    _, message = only_cause(await place.refusal(name))
    assert message.endswith("is still being processed by the server.")


async def write_to_etcd(place: Place, key: str, value: object) -> None:
    """Past the apiserver's checks. It reads JSON from etcd as well as its own encoding."""
    flags = psutil.Process(place.plane.pids["etcd"]).cmdline()
    (url,) = (flag.split("=")[1] for flag in flags if flag.startswith("--listen-client-urls="))
    pair = {"key": key, "value": json.dumps(value)}
    body = {name: base64.b64encode(text.encode()).decode() for name, text in pair.items()}
    async with aiohttp.ClientSession() as session, session.post(f"{url}/v3/kv/put", json=body) as r:
        assert r.status == 200, await r.text()


async def test_point_07_a_negative_allowance_is_a_403_named_negative(place: Place) -> None:
    """policy/v1 takes no negative number, so that this can only be old data in etcd."""
    await place.pod("a")
    await place.budget(minAvailable=0, expect={"healthy": 1, "allowed": 1})
    with place.paused():
        with pytest.raises(KubernetesError, match="must be greater than or equal to 0"):
            await place.patch(f"{place.budgets}/web/status", {"status": {"disruptionsAllowed": -1}})
        whole = await place.get(f"{place.budgets}/web")
        whole["status"]["disruptionsAllowed"] = -1
        del whole["metadata"]["resourceVersion"]
        await write_to_etcd(place, f"/registry/poddisruptionbudgets/{place.namespace}/web", whole)
        await until("the apiserver shows it", lambda: shows(place, -1))
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.NEGATIVE
        assert response.retry_after is None
        assert (reading.slots, reading.sends) == (-1, False)
        error = await place.refusal("a")
        assert (error.status, error.reason) == (403, "Forbidden")
        assert only_cause(error)[0] == "DisruptionBudget"
    await place.settled(allowed=1)


async def shows(place: Place, allowed: int) -> bool:
    return (await place.now()).allowed == allowed


async def test_point_07_more_than_2000_unconfirmed_evictions_are_a_403_named_negative(
    place: Place,
) -> None:
    """Our core counts them too, and sends nothing."""
    await place.pod("a")
    await place.budget(minAvailable=0, expect={"healthy": 1, "allowed": 1})
    with place.paused():
        await disrupt(place, MOST_DISRUPTED + 1)
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.NEGATIVE
        assert len((await place.now()).disrupted) == MOST_DISRUPTED + 1
        assert reading.slots == 0
        assert only_cause(await place.refusal("a"))[1].endswith(
            "too many pending evictions not confirmed by PDB controller"
        )
        await disrupt(place, MOST_DISRUPTED)
        assert (await place.evict("a")).result is EvictionResult.GRANTED


async def disrupt(place: Place, count: int) -> None:
    """Let a budget's status name that many pods as evicted just now."""
    whole = await place.get(f"{place.budgets}/web")
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    whole["status"]["disruptedPods"] = {f"pod-{number}": now for number in range(count)}
    await place.admin.request("PUT", f"{place.budgets}/web/status", body=whole)
