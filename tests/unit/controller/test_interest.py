"""Two migrations in one cluster: what happens to one does not wake the other."""

from collections.abc import Callable
from typing import Any

import pytest

from azure_linux_migrator.controller.interest import PoolInterest
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.reflector import Reflector
from azure_linux_migrator.model.cluster import (
    Attachment,
    Budget,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Pod,
    Volume,
)
from azure_linux_migrator.model.selectors import Selector
from tests.support.worlds import pod

Change = Callable[[World], None]


def shop(name: str, node: str, **more: Any) -> Pod:
    """A pod of the namespace whose pods are on the first migration's source."""
    return pod(name, node=node, key=NamespacedName("shop", name), uid=f"uid-{name}", **more)


def bank(name: str, node: str, **more: Any) -> Pod:
    """A pod of the namespace whose pods are on the second one's."""
    return pod(name, node=node, key=NamespacedName("bank", name), uid=f"uid-{name}", **more)


class Woken:
    """Two migrations, a to aazl and b to bazl, and who was woken by the last change."""

    def __init__(self, watch: ClusterWatch) -> None:
        self.watch = watch
        self.who: set[str] = set()

    async def start(self) -> None:
        for name, pools in (("one", {"a", "aazl"}), ("two", {"b", "bazl"})):
            interest = PoolInterest(self.watch.world)
            interest.follow(frozenset(pools))
            await self.watch.acquire(lambda name=name: self.who.add(name), interest)  # type: ignore[misc]
        world = self.watch.world
        for pool in ("a", "aazl", "b", "bazl", "other"):
            world.put_node(Node(f"{pool}-0", pool))
        daemon = Owner("DaemonSet", "log", "ds")
        for node in ("a-0", "b-0"):
            key = NamespacedName("kube-system", f"log-{node}")
            world.put_pod(pod(key.name, node=node, key=key, owner=daemon))
        world.put_pod(shop("web-1", "a-0"))
        world.put_pod(bank("api-1", "b-0"))
        self.watch._delivered()

    def by(self, change: Change) -> set[str]:
        """Who is woken by a change."""
        self.who.clear()
        change(self.watch.world)
        self.watch._delivered()
        return set(self.who)


@pytest.fixture
async def woken(monkeypatch: pytest.MonkeyPatch) -> Woken:
    async def nothing_comes(_: Reflector) -> None:
        return

    monkeypatch.setattr(Reflector, "_run", nothing_comes)
    nobody: Any = None
    concern = Woken(ClusterWatch(nobody))
    await concern.start()
    return concern


OWNER = Controller("Deployment", NamespacedName("shop", "web"), "d-web", replicas=2)
BUDGET = Budget(NamespacedName("shop", "web"), Selector((("app", "web"),)), revision=1)


@pytest.mark.parametrize(
    ("change", "who"),
    [
        (lambda world: world.put_node(Node("a-0", "a", unschedulable=True)), {"one"}),
        (lambda world: world.put_node(Node("bazl-0", "bazl", ready=False)), {"two"}),
        (lambda world: world.put_node(Node("a-1", "a")), {"one"}),
        (lambda world: world.remove_node("b-0"), {"two"}),
        (lambda world: world.put_node(Node("other-0", "other", ready=False)), set()),
        (lambda world: world.put_pod(shop("web-2", "")), {"one"}),
        (lambda world: world.put_pod(shop("web-2", "other-0")), {"one"}),
        (lambda world: world.put_pod(shop("web-1", "a-0", ready=False)), {"one"}),
        (lambda world: world.remove_pod(NamespacedName("bank", "api-1")), {"two"}),
        (lambda world: world.put_pod(shop("web-2", "b-0")), {"one", "two"}),
        (lambda world: world.put_pod(pod("c", node="aazl-0")), {"one"}),
        (lambda world: world.put_pod(pod("c", node="other-0")), set()),
        (lambda world: world.put_pod(pod("c", node="unknown")), {"one", "two"}),
        (lambda world: world.put_budget(BUDGET), {"one"}),
        (lambda world: world.put_controller(OWNER), {"one"}),
        (
            lambda world: world.put_controller(
                Controller("DaemonSet", NamespacedName("kube-system", "log"), "ds")
            ),
            {"one", "two"},
        ),
        (lambda world: world.put_volume(Volume("pv", NamespacedName("bank", "data"))), {"two"}),
        (lambda world: world.put_attachment(Attachment("va", "a-0", "pv")), {"one"}),
        (lambda world: world.put_attachment(Attachment("va", "other-0", "pv")), set()),
    ],
)
async def test_a_change_wakes_the_workers_that_it_concerns(
    woken: Woken, change: Change, who: set[str]
) -> None:
    assert woken.by(change) == who
    assert woken.by(lambda _: None) == set()


async def test_a_pod_on_a_node_that_is_seen_later_concerns_whose_node_it_is(woken: Woken) -> None:
    woken.by(lambda world: world.put_pod(pod("late", node="b-1")))
    assert woken.by(lambda world: world.put_node(Node("b-1", "b"))) == {"two"}
    replacement = pod("late-2", node="other-0")
    assert woken.by(lambda world: world.put_pod(replacement)) == {"two"}


async def test_a_replacement_concerns_the_migration_that_moved_its_pod_away(woken: Woken) -> None:
    woken.by(lambda world: world.remove_pod(NamespacedName("shop", "web-1")))
    woken.by(lambda world: world.remove_node("a-0"))
    assert woken.by(lambda world: world.put_pod(shop("web-9", "other-0"))) == {"one"}


async def test_everything_concerns_a_migration_whose_pools_are_not_known(woken: Woken) -> None:
    interest = PoolInterest(woken.watch.world)
    await woken.watch.acquire(lambda: woken.who.add("three"), interest)
    assert "three" in woken.by(lambda world: world.put_pod(pod("c", node="other-0")))
    assert "three" in woken.by(lambda world: world.put_budget(BUDGET))
    interest.follow(frozenset({"other"}))
    woken.by(lambda _: None)
    assert "three" not in woken.by(lambda world: world.put_pod(shop("web-3", "a-0")))
    assert woken.by(lambda world: world.put_pod(pod("c", node="other-0", ready=False))) == {"three"}


async def test_the_state_of_a_watch_wakes_everybody_and_who_has_left_nobody(woken: Woken) -> None:
    woken.who.clear()
    woken.watch._changed()
    assert woken.who == {"one", "two"}
    for waker in tuple(woken.watch._wakers):
        await woken.watch.release(waker)
    assert woken.watch.world.listeners == []
