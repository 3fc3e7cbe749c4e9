"""A real Chromium, where the machine has one."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: apt-get install chromium"
)
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]
PATIENCE_MS = 60_000


@asynccontextmanager
async def opened(
    url: str, *, scheme: str = "light", errors: list[str] | None = None
) -> AsyncIterator[Page]:
    """The page in a browser of its own. What it logs as an error is appended to `errors`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            dark = scheme == "dark"
            page = await browser.new_page(
                viewport={"width": 1280, "height": 900}, color_scheme="dark" if dark else "light"
            )
            page.set_default_timeout(PATIENCE_MS)
            if errors is not None:
                page.on("pageerror", lambda error: errors.append(str(error)))
                page.on(
                    "console",
                    lambda entry: errors.append(entry.text) if entry.type == "error" else None,
                )
            await page.goto(url)
            yield page
        finally:
            await browser.close()
