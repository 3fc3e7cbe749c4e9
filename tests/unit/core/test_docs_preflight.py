"""The page about the preflight lists every check, and the one about conditions every reason."""

import re
from pathlib import Path

from azure_linux_migrator.core.preflight.rules import RULES

DOCS = Path(__file__).resolve().parents[3] / "docs"
STEPS = DOCS.parent / "operator" / "azure_linux_migrator" / "core" / "steps"


def test_every_check_is_on_the_page() -> None:
    listed = re.findall(
        r"^\| `([a-z0-9.-]+)` \|", (DOCS / "preflight.md").read_text(), re.MULTILINE
    )
    assert listed == [rule.id for rule in RULES]


def test_every_reason_that_stalls_is_on_the_page_of_conditions() -> None:
    page = (DOCS / "conditions.md").read_text()
    reasons = {
        reason
        for file in STEPS.glob("*.py")
        for reason in re.findall(r'refused\(\s*"([A-Z]\w+)"', file.read_text())
    }
    reasons |= set(
        re.findall(r'Change\(\s*"([A-Z]\w+)"', (STEPS / "external_changes.py").read_text())
    )
    missing = sorted(reason for reason in reasons if f"`{reason}`" not in page)
    assert missing == []
