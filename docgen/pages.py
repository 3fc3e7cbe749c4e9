"""Which part of which page is generated, and from what.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; the prose around it is written
by hand.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from docgen.commands import command_sections
from docgen.fields import ROOT, phases, rules, spec_tables, status_tables, steps

REFERENCE = ROOT / "docs" / "reference"

PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "spec.md": {"fields": spec_tables, "rules": rules},
    "status.md": {"phases": phases, "steps": steps, "fields": status_tables},
    "command-line.md": {"commands": command_sections},
}


def generated() -> dict[Path, str]:
    """The content that each page should have, by its path."""
    return {
        REFERENCE / name: _filled((REFERENCE / name).read_text(), parts)
        for name, parts in PARTS.items()
    }


def _filled(page: str, parts: Mapping[str, Callable[[], str]]) -> str:
    for name, make in parts.items():
        head, begin, rest = page.partition(f"<!-- begin {name} -->\n")
        _, end, tail = rest.partition(f"<!-- end {name} -->\n")
        if not begin or not end:
            raise ValueError(f"the page has no part named {name}")
        page = f"{head}{begin}\n{make().strip()}\n\n{end}{tail}"
    return page
