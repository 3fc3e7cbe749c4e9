"""What the image is made of, as a table of docs/image.md."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_SHOWN = 10
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Contents:
    """Bytes on disk: of the base, and of each Python distribution under /app."""

    base: int
    packages: dict[str, int]

    @property
    def total(self) -> int:
        """All bytes of the root file system."""
        return self.base + sum(self.packages.values())

    def table(self) -> str:
        """The largest parts, in megabytes."""
        largest = sorted(self.packages.items(), key=lambda item: (-item[1], item[0]))
        rest = sum(size for _, size in largest[_SHOWN:])
        rows = [
            ("base: Python and its libraries (the stand-in)", self.base),
            *((f"`{name}`", size) for name, size in largest[:_SHOWN]),
            (f"{len(largest[_SHOWN:])} smaller packages", rest),
            ("together", self.total),
        ]
        lines = [f"| {name} | {size / MEGABYTE:.1f} |" for name, size in rows]
        return "\n".join(["| part | MB on disk |", "|---|---|", *lines])


def measure(root: Path) -> Contents:
    """Read the sizes from a root file system. A file belongs to the distribution whose RECORD
    names it (packaging.python.org/en/latest/specifications/recording-installed-packages); bytecode
    belongs to that of its source."""
    app = root / "app"
    owners: dict[Path, str] = {}
    for record in app.glob("*.dist-info/RECORD"):
        name = record.parent.name.removesuffix(".dist-info").rsplit("-", 1)[0]
        with record.open(newline="") as rows:
            for row in csv.reader(rows):
                owners[Path(row[0])] = name
    packages: Counter[str] = Counter()
    for file in _files(app):
        path = file.relative_to(app)
        if path.parent.name == "__pycache__":
            path = path.parent.parent / f"{path.name.split('.')[0]}.py"
        packages[owners.get(path, "unrecorded")] += file.lstat().st_size
    everything = sum(file.lstat().st_size for file in _files(root))
    return Contents(everything - sum(packages.values()), dict(packages))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
