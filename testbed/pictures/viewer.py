"""Perses's viewer: built from locked npm packages, shown in a real Chromium.

The built page is kept in the cache of the testbed, keyed by the files of `viewer/`.
"""

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from testbed.binaries import BuildError, cache_directory
from testbed.control_plane import StartError, say
from testbed.pictures.browser import new_page, served

SOURCE = Path(__file__).parent / "viewer"
WIDTH, HEIGHT = 1800, 2200
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


def draw(browser: Browser, scenes: list[Scene], prometheus: str, into: Path) -> None:
    """Write the pictures. Raises StartError for a page that logs an error or has an empty panel."""
    with served(ensure_built()) as url:
        for scene in scenes:
            with new_page(browser, width=WIDTH, height=HEIGHT) as page:
                _draw(page, url, scene, prometheus, into / f"{scene.name}.png")


def _draw(page: Page, url: str, scene: Scene, prometheus: str, file: Path) -> None:
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
    empty = [text.splitlines()[0] for text in panels.all_inner_texts() if "No data" in text]
    boxes = [box for panel in panels.all() if (box := panel.bounding_box())]
    bottom = max(box["y"] + box["height"] for box in boxes)
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": bottom + 12}
    page.screenshot(path=file, clip=clip)  # type: ignore[arg-type]
    if empty:
        raise StartError(f"{scene.name}: no data: {', '.join(empty)}")
