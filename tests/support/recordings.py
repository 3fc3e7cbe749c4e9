"""Reference data of AKS: exchanges with the real service that others recorded.

They are not part of the project. Tests replay them from a folder `shared/aks` beside the checkout,
and skip where there is none.
"""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = next(
    (
        folder
        for parent in Path(__file__).resolve().parents
        if (folder := parent / "shared" / "aks").is_dir()
    ),
    None,
)


def recorded(name: str) -> Any:
    """The content of a file, by its path in the folder. Skips the test where it is absent."""
    if FOLDER is None or not (FOLDER / name).exists():
        pytest.skip(f"{name} of the reference data is not beside this checkout")
    return json.loads((FOLDER / name).read_text())
