"""The page about the preflight lists every check."""

import re
from pathlib import Path

from azure_linux_migrator.core.preflight.rules import RULES

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_every_check_is_on_the_page() -> None:
    listed = re.findall(
        r"^\| `([a-z0-9.-]+)` \|", (DOCS / "preflight.md").read_text(), re.MULTILINE
    )
    assert listed == [rule.id for rule in RULES]
