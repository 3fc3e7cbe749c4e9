"""1,000 nodes and 30,000 pods in a real Chromium: how many frames are long while pods move."""

import asyncio
import random
from typing import Any

from playwright.async_api import Page

from tests.support.browser import needs_chromium, opened
from tests.support.fake_apiserver import event
from tests.support.page_api import PageApi, migration, node, page_of, pod

NODES, PODS = 1_000, 30_000
ROUNDS, MOVES = 40, 50
"""Every tenth of a second so many pods move: 500 a second."""
LONG_MS = 50
"""A task that keeps the page from answering, by https://www.w3.org/TR/longtasks-1/."""
MOST_LONG = 0.1
"""The share of long frames, on a machine that does other things too."""

COUNT_FRAMES = """() => {
  const frames = window.frames_ = { times: [], tasks: 0 };
  let before = performance.now();
  const tick = (now) => {
    frames.times.push(now - before);
    before = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  new PerformanceObserver((list) => { frames.tasks += list.getEntries().length; })
    .observe({ entryTypes: ["longtask"] });
}"""


def huge() -> PageApi:
    half = NODES // 2
    nodes = [node(f"old-{at}", "workers", batch=at % 10 + 1, cordoned=True) for at in range(half)]
    nodes += [node(f"new-{at}", "workersazl") for at in range(NODES - half)]
    pods = [
        pod(f"web-{at}", f"{'old' if at % 3 else 'new'}-{at % half}", app=f"app-{at % 300}")
        for at in range(PODS)
    ]
    head = migration(nodes={"total": half, "drained": 0}, pods={"remaining": PODS * 2 // 3})
    return PageApi(azurelinuxmigrations=[head], nodes=nodes, pods=pods)


async def shows(page: Page, nodes: int, pods: int) -> None:
    await page.wait_for_function(
        f"() => cluster.nodes.size === {nodes} && cluster.pods.size === {pods}"
        " && pools.every((pool) => pool.dirty.size === 0 && pool.order.length)"
    )


async def move_pods(api: PageApi) -> None:
    """Pods leave old nodes and appear on new ones."""
    rng = random.Random(1)
    left = [at for at in range(PODS) if at % 3]
    rng.shuffle(left)
    for part in range(ROUNDS):
        events = []
        for at in left[part * MOVES : (part + 1) * MOVES]:
            events.append(event("DELETED", pod(f"web-{at}", f"old-{at % (NODES // 2)}")))
            events.append(event("ADDED", pod(f"moved-{at}", f"new-{rng.randrange(NODES // 2)}")))
        api.send("pods", *events)
        await asyncio.sleep(0.1)


@needs_chromium
async def test_a_thousand_nodes_are_followed_without_long_frames() -> None:
    errors: list[str] = []
    api = huge()
    async with page_of(api) as (url, _), opened(url, errors=errors) as page:
        await shows(page, NODES, PODS)
        await page.evaluate(COUNT_FRAMES)
        await move_pods(api)
        await page.wait_for_function(
            f"() => [...cluster.pods.keys()].filter((key) => key.includes('moved')).length"
            f" === {ROUNDS * MOVES}"
        )
        frames: dict[str, Any] = await page.evaluate("() => window.frames_")
        await shows(page, NODES, PODS)
    times = sorted(frames["times"])
    print(
        f"{len(times)} frames, {frames['tasks']} tasks over {LONG_MS} ms, "
        f"median {times[len(times) // 2]:.0f} ms, "
        f"99th percentile {times[len(times) * 99 // 100]:.0f} ms"
    )
    assert errors == []
    assert len(times) > ROUNDS, "the page has drawn while pods moved"
    assert frames["tasks"] <= MOST_LONG * len(times)
