"""`azlm ui` in a real Chromium, on the real control plane: a migration that is blocked, is helped,
and is watched to its end; the apiserver is restarted while the page is open."""

import asyncio
import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from testbed import processes
from testbed.fill.workloads import budget, daemonset, deployment
from tests.support.bed import AZLM, Bed
from tests.support.browser import PATIENCE_MS, needs_chromium, opened

pytestmark = needs_chromium
expect.set_options(timeout=PATIENCE_MS)


@contextlib.contextmanager
def served(*args: str) -> Iterator[str]:
    """The URL of `azlm ui`."""
    command = [*AZLM, "ui", "--no-open", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def restart_apiserver(bed: Bed) -> None:
    """End the process, and start it again as it was."""
    plane = bed.plane.directory
    running = processes.running(plane, "kube-apiserver")
    assert running is not None
    command = running.cmdline()
    processes.stop(plane, "kube-apiserver")
    processes.start(plane, "kube-apiserver", command)


async def picture(page: Page, scratch: Path, name: str) -> None:
    """Keep what a person would see."""
    await page.wait_for_timeout(700)
    await page.screenshot(path=scratch / f"{name}.png", full_page=True)


@pytest.mark.cluster
async def test_a_blocked_migration_is_helped_and_watched_to_its_end(
    bed: Bed, tmp_path: Path
) -> None:
    errors: list[str] = []
    workloads = [deployment("web", 12), budget("web", maxUnavailable=0), deployment("api", 20)]
    await asyncio.to_thread(bed.fill, [*workloads, daemonset("agent")], nodes=6)
    await asyncio.to_thread(bed.start_aks)
    await asyncio.to_thread(bed.start_operator)
    await asyncio.to_thread(bed.migrate, preflight={"acknowledge": ["pdb.zero"]}, paused=True)
    with served("--allow-actions", f"--kubeconfig={bed.plane.kubeconfig}") as url:
        async with opened(url, errors=errors) as page:
            await expect(page.locator("#phase")).to_have_text("Paused")
            await expect(page.locator("#link")).to_have_text("live")
            cells = page.locator("#source .node")
            await expect(cells).to_have_count(6)
            await picture(page, tmp_path, "paused")

            bed.kubectl(
                "patch", "azlm", "workers", "--type=merge", "-p", '{"spec":{"paused":false}}'
            )
            await expect(page.locator("#blockers")).to_contain_text("BudgetDeadlocked")
            await expect(page.locator("#blockers .cure").first).to_contain_text("let the budget")
            await expect(page.locator("#budgets tr.held th")).to_have_text("default/web")
            await expect(page.locator("#source .node.draining").first).to_be_visible()
            await expect(page.locator("#target .node")).to_have_count(6)
            await picture(page, tmp_path, "blocked")

            await page.locator("#source .cells").focus()
            await page.keyboard.press("ArrowRight")
            await page.keyboard.press("ArrowRight")
            chosen = page.locator("#source .node[aria-selected=true]")
            await expect(chosen).to_have_attribute("aria-label", re.compile("vmss000001"))
            await expect(chosen).to_have_count(1)
            label = str(await chosen.get_attribute("aria-label"))
            assert label.endswith("pods")
            await expect(page.locator("#detail")).to_contain_text("kube-system/agent")
            await page.keyboard.press("Escape")
            await expect(page.locator("#detail")).to_be_empty()

            await page.get_by_role("button", name="pause").click()
            await expect(page.locator("#phase")).to_have_text("Paused")
            await page.get_by_role("button", name="resume").click()
            await expect(page.locator("#phase")).not_to_have_text("Paused")

            # It would end by itself: its Lease cannot be renewed meanwhile.
            await asyncio.to_thread(bed.stop_operator)
            await asyncio.to_thread(restart_apiserver, bed)
            await expect(page.locator("#stale")).to_be_visible()
            bed.wait(
                "the apiserver is back", lambda: "ok" in bed.try_kubectl("get", "--raw=/readyz")
            )
            await asyncio.to_thread(bed.start_operator)
            bed.kubectl(
                "patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"maxUnavailable":2}}'
            )
            await expect(page.locator("#blockers")).to_be_hidden()
            await picture(page, tmp_path, "draining")
            await expect(page.locator("#phase")).to_have_text("Succeeded")
            await expect(page.locator("#stale")).to_be_hidden()
            await expect(page.locator("#source .node.gone")).to_have_count(6)
            await expect(page.locator("#timeline tr.done")).to_have_count(9)
            await expect(page.locator("#history")).to_contain_text("Succeeded=True")
            await expect(page.locator("#target .count")).to_contain_text("32 pods")
            await picture(page, tmp_path, "succeeded")
    assert errors == []

    record = tmp_path / "record.yaml"
    record.write_text(bed.kubectl("get", "azlm", "workers", "-o", "yaml"))
    with served(f"--record={record}") as url:
        async with opened(url, scheme="dark", errors=errors) as page:
            await expect(page.locator("#link")).to_have_text("from its record")
            await expect(page.locator("#phase")).to_have_text("Succeeded")
            await expect(page.locator("#source .node.gone")).to_have_count(6)
            await expect(page.locator("#timeline tr.done")).to_have_count(9)
            await picture(page, tmp_path, "record")
    assert errors == []
