"""Pages of the built documentation site as pictures."""

from pathlib import Path

from playwright.sync_api import Browser

from testbed.control_plane import StartError
from testbed.pictures.browser import new_page, served

SITE = Path(__file__).resolve().parents[2] / "dist" / "site"
PAGES = {"site-front": "index.html", "site-reference": "reference/spec.html"}
WIDTH, HEIGHT = 1400, 1000


def ensure_site() -> None:
    """Raises StartError if the site is not built."""
    if not (SITE / "index.html").exists():
        raise StartError("the site is not built: run `make docs`")


def draw_site(browser: Browser, into: Path) -> None:
    """Write a picture of the first screen of each page."""
    with served(SITE) as url:
        for name, path in PAGES.items():
            with new_page(browser, width=WIDTH, height=HEIGHT) as page:
                page.goto(url + path)
                page.wait_for_load_state("networkidle")
                page.screenshot(path=into / f"{name}.png")
