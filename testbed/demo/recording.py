"""`python -m testbed record`: azlm status -w through a migration, and a blocked one, as pictures.

Shows what the command shows: the same view, rendered by the same code, each time it has changed.
"""

import argparse
import asyncio
import io
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from azure_linux_migrator.cli.render.migration_tree import whole
from azure_linux_migrator.cli.view.migration_view import MigrationView, connected, follow
from azure_linux_migrator.controller.settings import Settings
from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane, StartError, say
from testbed.demo.command import install
from testbed.demo.measured import SAMPLE
from testbed.demo.process import AzlmProcess
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import budget, demo, deployment
from testbed.kubectl import kubectl

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
COLUMNS = 104
PATIENCE = 420.0
MOST_FRAMES = 24
FRAME_SECONDS = 1.0
LAST_SECONDS = 4.0
BLOCKED_SECONDS = 10.0
_INNER = (
    '<svg y="{{y}}"><style>{styles}</style>{backgrounds}'
    '<g class="{unique_id}-matrix">{matrix}</g></svg>'
)
"""Of rich's export: no window, no fonts from elsewhere."""
_CHARACTER, _LINE, _MARGIN, _HEAD = 12.2, 24.4, 16, 44


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("record", help="record azlm status as pictures in docs/")
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="azlm-record-") as directory:
        scratch = Path(directory)
        for name, record in (("status", _record_whole), ("status-blocked", _record_blocked)):
            say(f"recording {name} …")
            plane = ControlPlane.start(scratch / name)
            try:
                frames = record(plane, scratch)
            finally:
                plane.stop()
            file = PICTURES / f"{name}.svg"
            file.write_text(picture(frames, "azlm status -w"), encoding="utf-8")
            say(f"{len(frames)} frames in {file.name}, {file.stat().st_size // 1024} KiB")
    return 0


def _record_whole(plane: ControlPlane, scratch: Path) -> list[Text]:
    install(plane.kubeconfig)
    apply(plane.kubeconfig, pool_nodes("system", 2, os_sku="AzureLinux", mode="System"))
    fill(plane.kubeconfig, demo(), pool="workers", nodes=6)
    return _migrate(plane, scratch, lambda view: view.ended)


def _record_blocked(plane: ControlPlane, scratch: Path) -> list[Text]:
    install(plane.kubeconfig)
    apply(plane.kubeconfig, pool_nodes("system", 2, os_sku="AzureLinux", mode="System"))
    workloads = [deployment("shop", 6), deployment("ledger", 2), budget("ledger", maxUnavailable=0)]
    fill(plane.kubeconfig, workloads, pool="workers", nodes=3)
    acknowledged = '{"spec":{"preflight":{"acknowledge":["pdb.zero"]}}}'
    done = 0.0

    def blocked(view: MigrationView) -> bool:
        """Blocked for a while: what can move in the batch has moved."""
        nonlocal done
        if view.reason != "DrainBlocked" or not done:
            done = time.monotonic() + BLOCKED_SECONDS
        return time.monotonic() > done

    return _migrate(plane, scratch, blocked, acknowledged)


def _migrate(
    plane: ControlPlane, scratch: Path, over: Callable[[MigrationView], bool], patch: str = ""
) -> list[Text]:
    config = plane.service_account_kubeconfig("azlm-system", "azlm")
    with AksServer(plane.kubeconfig) as aks, AzlmProcess(config, aks.url, scratch) as operator:
        operator.wait_ready()
        kubectl(plane.kubeconfig, "apply", "-f", str(SAMPLE))
        if patch:
            kubectl(plane.kubeconfig, "patch", "azlm", "workers", "--type=merge", "-p", patch)
        return asyncio.run(_frames(plane.kubeconfig, over))


async def _frames(kubeconfig: Path, over: Callable[[MigrationView], bool]) -> list[Text]:
    """What the terminal shows, each time that it has changed."""
    frames: list[Text] = []
    async with connected(Settings(kubeconfig=str(kubeconfig))) as client:
        try:
            async with asyncio.timeout(PATIENCE):
                async for view in follow(client, "workers", time.time, FRAME_SECONDS / 4):
                    frame = _screen(view)
                    if not frames or frame.plain != frames[-1].plain:
                        frames.append(frame)
                    if over(view):
                        break
        except TimeoutError as error:
            raise StartError("the migration did not come so far") from error
    return thinned(frames, MOST_FRAMES)


def thinned(frames: list[Text], most: int) -> list[Text]:
    """At most so many frames, evenly; the first and the last are kept."""
    if len(frames) <= most:
        return frames
    step = (len(frames) - 1) / (most - 1)
    return [frames[round(index * step)] for index in range(most)]


def _screen(view: MigrationView) -> Text:
    console = Console(
        width=COLUMNS, force_terminal=True, color_system="standard", file=io.StringIO(), record=True
    )
    console.print(whole(view, time.time()))
    return Text.from_ansi(console.export_text(styles=True).rstrip("\n"))


def picture(frames: list[Text], title: str) -> str:
    """An SVG that shows the frames one after the other, each for a second, the last one longer.
    A viewer without animations shows the last one."""
    lines = max(frame.plain.count("\n") + 1 for frame in frames)
    width = round(COLUMNS * _CHARACTER + 2 * _MARGIN)
    height = round(lines * _LINE + _HEAD + _MARGIN)
    whole_time = FRAME_SECONDS * (len(frames) - 1) + LAST_SECONDS
    shown = []
    for index, frame in enumerate(frames):
        begin = 100 * index * FRAME_SECONDS / whole_time
        end = 100 if frame is frames[-1] else 100 * (index + 1) * FRAME_SECONDS / whole_time
        shown.append(
            f"@keyframes f{index}{{0%,{begin:.3f}%{{visibility:hidden}}"
            f"{begin + 0.001:.3f}%,{end:.3f}%{{visibility:visible}}"
            f"{min(100.0, end + 0.001):.3f}%,100%"
            f"{{visibility:{'visible' if end == 100 else 'hidden'}}}}}"
            f".f{index}{{animation:f{index} {whole_time:.1f}s steps(1) infinite}}"
        )
    still = "".join(f".f{index}{{visibility:hidden}}" for index in range(len(frames) - 1))
    groups = "".join(
        f'<g class="f{index}" transform="translate({_MARGIN} {_HEAD})">{_matrix(frame, index)}</g>'
        for index, frame in enumerate(frames)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{title}"><style>text{{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'
        f"monospace;font-size:20px;white-space:pre}}{still}{''.join(shown)}"
        f"@media (prefers-reduced-motion:reduce){{g{{animation:none!important}}}}</style>"
        f'<rect width="{width}" height="{height}" rx="10" fill="#1d2127"/>'
        f'<text x="{_MARGIN}" y="28" fill="#8b949e">$ {title}</text>{groups}</svg>\n'
    )


def _matrix(frame: Text, index: int) -> str:
    console = Console(
        width=COLUMNS, record=True, force_terminal=True, color_system="standard", file=io.StringIO()
    )
    console.print(frame)
    svg = console.export_svg(title="", code_format=_INNER, unique_id=f"r{index}")
    return re.sub(r' clip-path="[^"]*"', "", svg).replace("{y}", "0")
