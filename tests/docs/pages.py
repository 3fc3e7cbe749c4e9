"""The pages of the documentation, and what tests read from them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "operator" / "azure_linux_migrator"
DOCS = ROOT / "docs"
PAGES = (
    *sorted(DOCS.rglob("*.md")),
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
)


def title(page: Path) -> str:
    """A page's path in the checkout."""
    return str(page.relative_to(ROOT))
