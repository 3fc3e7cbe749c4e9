"""The page of a migration that is over, from its record, in a real Chromium."""

from pathlib import Path

from playwright.async_api import expect

from azure_linux_migrator.cli.page.document import document
from azure_linux_migrator.cli.page.static_data import of_record
from tests.support.browser import needs_chromium, opened
from tests.support.page_api import migration

pytestmark = needs_chromium
SLOW_FRAMES = (
    "window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 50)"
)


async def test_nodes_are_counted_however_late_the_first_frame_is(tmp_path: Path) -> None:
    nodes = {"total": 3, "drained": 3, "targetReady": 2}
    title, data = of_record(migration(phase="Succeeded", nodes=nodes), 1_800_000_000.0)
    file = tmp_path / "record.html"
    file.write_text(document(title, data))
    async with opened(file.as_uri()) as page:
        await page.add_init_script(SLOW_FRAMES)
        await page.reload()
        await expect(page.locator("#source .node.gone")).to_have_count(3)
        await expect(page.locator("#source .count")).to_have_text("3 nodes: 3 deleted")
        await expect(page.locator("#target .count")).to_have_text("2 nodes: 2 schedulable")
