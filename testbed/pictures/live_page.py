"""`azlm ui` as pictures: a forecast, a drain that is blocked, one that goes on, and a record."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from testbed.control_plane import StartError
from testbed.demo.plan import azlm_plan
from testbed.demo.process import AZLM
from testbed.kubectl import kubectl
from testbed.pictures.browser import new_page

WIDTH, HEIGHT = 1280, 900


@contextmanager
def live_page(browser: Browser, *arguments: str, dark: bool = False) -> Iterator[Page]:
    """The page that `azlm ui` with these arguments serves, open in a browser."""
    command = [str(AZLM), "ui", "--no-open", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        with new_page(browser, width=WIDTH, height=HEIGHT, dark=dark) as page:
            page.goto(url)
            yield page
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def keep(page: Page, file: Path) -> None:
    """Write what a person sees when nothing on the page moves any more."""
    page.wait_for_timeout(700)
    page.screenshot(path=file, full_page=True)


def draw_plan(browser: Browser, kubeconfig: Path, arm: str, scratch: Path, file: Path) -> None:
    """The forecast of a migration with default settings. Raises StartError."""
    html = scratch / "plan.html"
    done = azlm_plan(kubeconfig, arm, f"--html={html}")
    if not html.exists():
        raise StartError(f"azlm plan: {done.stderr}")
    with new_page(browser, width=WIDTH, height=HEIGHT) as page:
        page.goto(html.as_uri())
        keep(page, file)


def draw_record(browser: Browser, kubeconfig: Path, name: str, scratch: Path, file: Path) -> None:
    """A migration that is over, from its resource alone, in the dark scheme."""
    record = scratch / f"{name}.yaml"
    record.write_text(kubectl(kubeconfig, "get", "azlm", name, "-o", "yaml"))
    with live_page(browser, f"--record={record}", dark=True) as page:
        page.locator("#timeline tr.done").first.wait_for()
        keep(page, file)
