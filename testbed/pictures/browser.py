"""A headless Chromium for pictures, and files served to it on loopback."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from testbed.control_plane import StartError


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, while entered."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def new_page(browser: Browser, *, width: int, height: int, dark: bool = False) -> Iterator[Page]:
    """An empty page. Raises StartError at its end if a script of it has failed."""
    errors: list[str] = []
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
        page.wait_for_timeout(1)  # Errors are delivered while Playwright waits.
        url = page.url
    finally:
        page.close()
    if errors:
        raise StartError(f"{url}: {'; '.join(errors)}")


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The URL of a directory, which ends with a slash."""
    handler = partial(_Quiet, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""
