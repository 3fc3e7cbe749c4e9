"""AKS enabled by Azure Arc, as on Azure Local: reported in place of a cluster that is not found."""

from typing import Any

from aiohttp import web

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.steps.preflight import preflight
from azure_linux_migrator.kube.node_resource_group import node_resource_group_of
from azure_linux_migrator.kube.services import on_azure_local
from azure_linux_migrator.model.cluster import AZURE_LOCAL, Node
from tests.support.fake_apiserver import serving
from tests.support.worlds import NOW, migration, seen, world

NODE = Node(
    "moc-lw4ne1o6j8j", "", node_resource_group=node_resource_group_of("moc://moc-lw4ne1o6j8j", "")
)


def test_it_is_reported_before_azure_is_asked_for_pools_that_it_does_not_have() -> None:
    assert NODE.node_resource_group == AZURE_LOCAL
    observation = seen(world([], nodes=[NODE]), pools=None)
    answer = preflight(context_of(migration(), observation, NOW))
    assert (answer.state, answer.reason) == ("refused", Reason.ON_AZURE_LOCAL)
    assert "run Azure Linux already" in answer.message
    assert answer.actions == ()


def test_a_cluster_in_azure_is_asked_for_its_pools() -> None:
    azure = Node("s-0", "src", node_resource_group="sub/mc_g_c_r")
    observation = seen(world([], nodes=[azure]), pools=None)
    answer = preflight(context_of(migration(), observation, NOW))
    assert answer.reason == Reason.READING_POOLS


async def test_the_commands_recognise_it_by_the_first_node() -> None:
    async def first(provider_id: str) -> bool:
        async def answer(request: web.Request) -> web.StreamResponse:
            assert request.query["limit"] == "1"
            items: list[dict[str, Any]] = [{"spec": {"providerID": provider_id}}]
            return web.json_response({"items": items if provider_id else []})

        async with serving(answer) as client:
            return await on_azure_local(client)

    assert await first("moc://moc-lw4ne1o6j8j")
    assert not await first("azure:///subscriptions/s/resourceGroups/mc_g_c_r/providers/x")
    assert not await first("")
