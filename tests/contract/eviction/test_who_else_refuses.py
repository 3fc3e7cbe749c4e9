"""Points 9 to 11 of the eviction's rules: refusals that are not caused by a budget."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from azure_linux_migrator.core.state.eviction_response import EvictionResponse, EvictionResult
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.eviction import evict
from azure_linux_migrator.model.cluster import NamespacedName
from tests.support.eviction_manifests import ADMISSION, Manifest, admission, named, only_in, rule
from tests.support.eviction_world import Place, until
from tests.support.webhook import Webhook

pytestmark = pytest.mark.cluster

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
RBAC = "rbac.authorization.k8s.io"
FINALIZER = "azlm.test/hold"


def one_at_a_time(namespace: str, user: str) -> tuple[Manifest, Manifest]:
    """A priority level without seats, which still takes one request while it runs no other, and
    the schema that sends a user's evictions there."""
    level = {
        "type": "Limited",
        "limited": {
            "nominalConcurrencyShares": 0,
            "lendablePercent": 0,
            "borrowingLimitPercent": 0,
            "limitResponse": {"type": "Reject"},
        },
    }
    evictions = {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/eviction"]}
    account = {"name": user, "namespace": namespace}
    subject = {"kind": "ServiceAccount", "serviceAccount": account}
    name = f"single-{namespace}"
    schema = {
        "priorityLevelConfiguration": {"name": name},
        "matchingPrecedence": 2,
        "rules": [
            {"subjects": [subject], "resourceRules": [evictions | {"namespaces": [namespace]}]}
        ],
    }
    version = "flowcontrol.apiserver.k8s.io/v1"
    return (
        named("PriorityLevelConfiguration", version, name, level),
        named("FlowSchema", version, name, schema),
    )


@asynccontextmanager
async def another_operator(place: Place, user: str) -> AsyncIterator[Client]:
    """A second ServiceAccount with the shipped rights, in the place's namespace."""
    here = f"namespaces/{place.namespace}"
    await place.create(f"/api/v1/{here}/serviceaccounts", {"metadata": {"name": user}})
    binding = {
        "metadata": {"name": user},
        "roleRef": {"kind": "ClusterRole", "name": "azlm", "apiGroup": RBAC},
        "subjects": [{"kind": "ServiceAccount", "name": user, "namespace": place.namespace}],
    }
    await place.create(f"/apis/{RBAC}/v1/{here}/rolebindings", binding)
    config = place.plane.service_account_kubeconfig(place.namespace, user)
    client = await Client.connect(str(config))
    try:
        yield client
    finally:
        await client.close()


async def occupy(place: Place, client: Client) -> list["asyncio.Task[EvictionResponse]"]:
    """Take the only seat: the apiserver retries the eviction of a Pending pod by a stale uid for
    ten seconds. One such request that came before the priority level took effect takes none."""
    await place.pending("slow")
    held: list[asyncio.Task[EvictionResponse]] = []
    slow, missing = (
        NamespacedName(place.namespace, "slow"),
        NamespacedName(place.namespace, "no-such-pod"),
    )

    async def throttled() -> bool:
        held.append(asyncio.create_task(evict(client, slow, "stale")))
        await asyncio.sleep(0.1)
        return (await evict(client, missing, "u")).result is EvictionResult.THROTTLED

    await until("evictions are throttled", throttled)
    return held


async def test_point_09_throttling_is_a_plain_429_and_blames_no_budget(place: Place) -> None:
    await place.pod("a")
    await place.pod("b", app="full")
    await place.budget(minAvailable=0, expect={"healthy": 1, "allowed": 1})
    await place.budget("full", minAvailable=1, expect={"healthy": 1, "allowed": 0})
    level, schema = one_at_a_time(place.namespace, "throttled")
    async with (
        another_operator(place, "throttled") as client,
        place.having(f"{FLOW}/prioritylevelconfigurations", level),
        place.having(f"{FLOW}/flowschemas", schema),
    ):
        held = await occupy(place, client)
        for name, sends in (("a", True), ("b", False)):
            reading = await place.read(name)
            response = await evict(client, reading.pod.key, reading.pod.uid)
            assert response.result is EvictionResult.THROTTLED
            assert response.message == "Too many requests, please try again later."
            assert response.retry_after is not None
            assert 1 <= response.retry_after <= 32
            assert reading.sends == sends
            assert not (await place.read(name)).pod.terminating
        assert (await place.evict("b")).result is EvictionResult.BUDGET
        assert (await place.evict("a")).result is EvictionResult.GRANTED
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


async def test_point_10_a_policys_denial_is_named_webhook(place: Place) -> None:
    await place.pod("a")
    await place.budget(minAvailable=0, expect={"allowed": 1})
    name = f"deny-{place.namespace}"
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule("pods/eviction", "", "CREATE")]},
        "matchConditions": only_in(place.namespace),
        "validations": [{"expression": "false", "message": "not during the migration"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    kind = "ValidatingAdmissionPolicy"
    async with (
        place.having(f"{ADMISSION}/validatingadmissionpolicies", admission(kind, name, policy)),
        place.having(
            f"{ADMISSION}/validatingadmissionpolicybindings",
            admission(f"{kind}Binding", name, binding),
        ),
    ):
        await place.wait_refused(EvictionResult.WEBHOOK)
        before = await place.now()
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.WEBHOOK
        assert response.message.endswith("denied request: not during the migration")
        assert response.retry_after is None
        assert reading.sends
        error = await place.refusal("a")
        assert (error.status, error.reason) == (422, "Invalid")
        assert await place.now() == before, "no slot is taken"


@pytest.mark.parametrize(("code", "status"), [(0, 400), (403, 403), (409, 409), (429, 429)])
async def test_point_10_a_webhooks_denial_is_named_webhook_whatever_its_code(
    place: Place, code: int, status: int
) -> None:
    await place.pod("a")
    await place.budget(minAvailable=0, expect={"allowed": 1})
    async with Webhook(place, code, "a migration is under way") as webhook:
        await place.wait_refused(EvictionResult.WEBHOOK)
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.WEBHOOK
        assert response.message == (
            f'admission webhook "{webhook.name}" denied the request: a migration is under way'
        )
        assert reading.sends
        assert (await place.refusal("a")).status == status
    assert not (await place.read("a")).pod.terminating


async def test_point_10_a_webhook_that_does_not_answer_is_a_500_that_names_it(
    place: Place,
) -> None:
    await place.pod("a")
    async with Webhook(place, 0, "", answers=False) as webhook:
        await place.wait_refused(EvictionResult.WEBHOOK_FAILED)
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.WEBHOOK_FAILED
        assert f'failed calling webhook "{webhook.name}"' in response.message
        assert reading.sends
        assert (await place.refusal("a")).status == 500


async def test_point_11_a_terminating_namespace_is_a_403_named_so_until_the_pod_is_gone(
    place: Place,
) -> None:
    await place.pod("a", finalizers=[FINALIZER])
    await place.budget(minAvailable=1, expect={"healthy": 1, "allowed": 0})
    with place.paused():
        # The namespace is Terminating at once; its pods only when its controller gets to them.
        await place.remove(f"/api/v1/namespaces/{place.namespace}")
        response, reading = await place.ask("a")
        assert not reading.pod.terminating
        assert response.result is EvictionResult.NAMESPACE_TERMINATING
        assert response.retry_after is None
        assert (await place.refusal("a")).status == 403

    async def leaving() -> bool:
        return (await place.read("a")).pod.terminating

    await until("the namespace's controller deletes the pod", leaving)
    response, reading = await place.ask("a")
    assert response.result is EvictionResult.NAMESPACE_TERMINATING
    assert reading.pod.terminating
    await place.patch(f"{place.pods}/a", {"metadata": {"finalizers": None}})
    await until("the pod is gone", lambda: place.gone("a"))
    after = await place.evict("a", reading.pod.uid)
    assert after.result in {EvictionResult.NAMESPACE_TERMINATING, EvictionResult.GONE}


async def test_point_11_what_is_not_there_is_a_404_named_gone(place: Place) -> None:
    assert (await place.evict("a", "u")).result is EvictionResult.GONE
    nowhere = await evict(place.operator, NamespacedName("no-such-namespace", "a"), "u")
    assert nowhere.result is EvictionResult.GONE
