"""Before machines are deleted, the API server is asked for the pods on them."""

import json
from typing import Any

import pytest
from aiohttp import web

from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import Action, DeleteMachines, DeletePool, UpdatePool
from azure_linux_migrator.model.cluster import Node
from tests.support.fake_apiserver import serving

OWNERS = {
    "web": {"kind": "ReplicaSet", "name": "web", "uid": "r", "controller": True},
    "agent": {"kind": "DaemonSet", "name": "agent", "uid": "d", "controller": True},
}


def pod(name: str, owner: str = "web", phase: str = "Running", **notes: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "default", "uid": name, "resourceVersion": "1"}
    more = {"annotations": notes, "ownerReferences": [OWNERS[owner]]}
    return {"metadata": meta | more, "spec": {"nodeName": "s-0"}, "status": {"phase": phase}}


LEFT_BEHIND = [
    pod("agent-1", "agent"),
    pod("done-1", phase="Succeeded"),
    pod("proxy-1", **{"kubernetes.io/config.mirror": "x"}),
]


class Azure:
    """Records the requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def delete(self, pool: str, **_: Any) -> None:
        self.asked.append(f"delete {pool}")

    async def delete_machines(self, pool: str, names: tuple[str, ...]) -> None:
        self.asked.append(f"delete {len(names)} of {pool}")

    async def update(self, pool: str, changes: dict[str, Any], **_: Any) -> None:
        self.asked.append(f"update {pool} {changes}")


async def perform(action: Action, pods: dict[str, list[dict[str, Any]]]) -> tuple[Azure, Executor]:
    """The world contains only node s-0, and no pods."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert "resourceVersion" not in request.query, "as new as etcd"
        if request.path == "/api/v1/nodes":
            assert request.query["labelSelector"] == "kubernetes.azure.com/agentpool=src"
            return web.json_response({"items": [{"metadata": {"name": "s-1"}}]})
        _, _, node = request.query["fieldSelector"].partition("spec.nodeName=")
        return web.json_response({"items": pods.get(node, [])})

    world = World()
    world.put_node(Node("s-0", "src"))
    azure: Any = Azure()
    async with serving(answer) as client:
        executor = Executor(
            client=client,
            world=world,
            pools=lambda: azure,
            telemetry=Telemetry(),
            may_act=lambda: True,
            on_result=lambda: None,
        )
        executor.submit([action])
        await executor.stop()
    return azure, executor


ENDS = [
    DeletePool("src", "e"),
    DeleteMachines("src", ("s-0", "s-1")),
    UpdatePool("src", (("count", 0),), "e"),
]


@pytest.mark.parametrize("action", ENDS)
@pytest.mark.parametrize("node", ["s-0", "s-1"])
async def test_a_pod_that_nobody_saw_come_keeps_its_machine(action: Action, node: str) -> None:
    azure, executor = await perform(action, {node: [*LEFT_BEHIND, pod("web-1")]})
    assert azure.asked == []
    problem = executor.outcomes.problems[action.key]
    assert (problem.reason, problem.retryable) == ("MachinesInUse", True)
    assert "a pod that would be lost (default/web-1)" in problem.message


@pytest.mark.parametrize("action", ENDS)
async def test_what_a_drain_leaves_behind_keeps_nothing(action: Action) -> None:
    azure, executor = await perform(action, {"s-0": LEFT_BEHIND, "s-1": []})
    assert len(azure.asked) == 1
    assert executor.outcomes.problems == {}


async def test_another_change_asks_nobody() -> None:
    azure, _ = await perform(UpdatePool("src", (("count", 3),), "e"), {"s-0": [pod("web-1")]})
    assert azure.asked == ["update src {'count': 3}"]


async def test_without_an_answer_nothing_is_deleted() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(text=json.dumps({"message": "forbidden"}), status=403)

    azure: Any = Azure()
    async with serving(answer) as client:
        executor = Executor(
            client=client,
            world=World(),
            pools=lambda: azure,
            telemetry=Telemetry(),
            may_act=lambda: True,
            on_result=lambda: None,
        )
        executor.submit([DeletePool("src", "e")])
        await executor.stop()
    assert azure.asked == []
    assert executor.outcomes.problems["DeletePool/src"].reason == "KubernetesForbidden"
