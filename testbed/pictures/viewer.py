"""Perses's viewer: built from locked npm packages, shown in a real Chromium.

The built page is kept in the cache of the testbed, keyed by the files of `viewer/`.
"""

import hashlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from testbed.binaries import BuildError, cache_directory
from testbed.control_plane import StartError, say

SOURCE = Path(__file__).parent / "viewer"
WIDTH, HEIGHT = 1400, 2200
PATIENCE_MS = 60_000
_PANELS = '[data-testid="panel"]'
_LOADING = '[data-testid="loading-indicator"], .MuiCircularProgress-root, .MuiSkeleton-root'


@dataclass(frozen=True)
class Scene:
    """A Perses dashboard over a time range, in seconds since the epoch, as `name`.png."""

    name: str
    dashboard: dict[str, Any]
    start: float
    end: float


def ensure_built() -> Path:
    """The directory of the page. Raises BuildError."""
    digest = hashlib.sha256()
    for file in sorted(SOURCE.iterdir()):
        digest.update(file.name.encode() + file.read_bytes())
    site = cache_directory(f"perses-{digest.hexdigest()[:16]}")
    if site.exists():
        return site
    say("building Perses's viewer (once per machine; a few minutes) …")
    scratch = site.with_name(f"{site.name}.build")
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(SOURCE, scratch)
    try:
        for command in (["npm", "ci", "--ignore-scripts"], ["npx", "vite", "build"]):
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BuildError(f"{' '.join(command)}: {done.stderr[-2000:]}")
        (scratch / "dist").rename(site)
    except FileNotFoundError as error:
        raise BuildError("npm is missing; install Node.js 20 or newer") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return site


def draw(scenes: list[Scene], prometheus: str, into: Path) -> None:
    """Write the pictures. Raises StartError for a page that logs an error or has an empty panel."""
    with _served(ensure_built()) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            for scene in scenes:
                _draw(browser, url, scene, prometheus, into / f"{scene.name}.png")
        finally:
            browser.close()


def _draw(browser: Browser, url: str, scene: Scene, prometheus: str, file: Path) -> None:
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    picture = {
        "dashboard": scene.dashboard,
        "prometheus": prometheus,
        "start": scene.start,
        "end": scene.end,
    }
    page.add_init_script(f"window.picture = {json.dumps(picture)}")
    page.goto(url)
    panels = page.locator(_PANELS)
    panels.nth(len(scene.dashboard["spec"]["panels"]) - 1).wait_for(timeout=PATIENCE_MS)
    page.wait_for_load_state("networkidle")
    page.wait_for_function(f"!document.querySelector({json.dumps(_LOADING)})", timeout=PATIENCE_MS)
    page.wait_for_timeout(1500)  # The charts are drawn with an animation.
    errors += [
        f"no data: {text.splitlines()[0]}" for text in panels.all_inner_texts() if "No data" in text
    ]
    boxes = [box for panel in panels.all() if (box := panel.bounding_box())]
    bottom = max(box["y"] + box["height"] for box in boxes)
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": bottom + 12}
    page.screenshot(path=file, clip=clip)  # type: ignore[arg-type]
    page.close()
    if errors:
        raise StartError(f"{scene.name}: {'; '.join(errors)}")


@contextmanager
def _served(site: Path) -> Iterator[str]:
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
