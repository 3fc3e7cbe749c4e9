"""The mutations that tests find, from the TOML files beside this module: a table for each, by name.

`module`, `old` and `new` are an edit; `more` are further ones.
"""

import tomllib
from pathlib import Path
from typing import Any

from simtest.mutations.tested.edit import Edit, TextMutation

FILES = sorted(Path(__file__).parent.glob("*.toml"))


def _mutation(name: str, entry: dict[str, Any]) -> TextMutation:
    parts = (entry, *entry.get("more", ()))
    edits = [Edit(part["module"], part["old"], part["new"]) for part in parts]
    return TextMutation(name, entry["what"], entry["test"], tuple(edits), entry["why"])


TESTED: tuple[TextMutation, ...] = tuple(
    _mutation(name, entry)
    for file in FILES
    for name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items()
)
