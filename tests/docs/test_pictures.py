"""The recordings of the terminal, as viewers show them that run no animations."""

import re
from pathlib import Path

import pytest
from rich.text import Text

from testbed.demo.recording import picture

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
RECORDINGS = ("status.svg", "status-blocked.svg")


def frames(svg: str) -> set[str]:
    return set(re.findall(r'<g class="(f\d+)"', svg))


def hidden(svg: str) -> set[str]:
    """Frames that are not shown without an animation."""
    before_keyframes = svg.partition("@keyframes")[0]
    return set(re.findall(r"\.(f\d+)\{visibility:hidden\}", before_keyframes))


def test_only_the_last_frame_is_shown_without_animations() -> None:
    svg = picture([Text("first"), Text("second"), Text("last")], "azlm status -w")
    assert frames(svg) - hidden(svg) == {"f2"}


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_ends_with_its_last_frame(name: str) -> None:
    svg = (PICTURES / name).read_text()
    assert len(frames(svg)) > 5
    assert frames(svg) - hidden(svg) == {f"f{len(frames(svg)) - 1}"}
