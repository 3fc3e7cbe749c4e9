"""Files and code names on the pages exist: a reader finds a rule where a page says it is."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PACKAGE, PAGES, ROOT, title

PATH = re.compile(r"`([a-z_]+(?:/[a-z_0-9-]+)+(?:\.[A-Za-z_]+)?)/?(?:::[a-z_0-9]+)?`")
BASES = (ROOT, PACKAGE, PACKAGE / "core", PACKAGE.parent, ROOT / "tests", ROOT / "deploy/kustomize")
ELSEWHERE = {
    "pods/eviction",
    "nodes/status",
    "azurelinuxmigrations/status",
    "distroless/python",
    "dist/image",
}
"""Names with a slash that are no files of the checkout: subresources, images, what is built."""
SUFFIXES = {"py", "md", "json", "yaml", "yml", "txt", "toml", "svg"}


def _exists(name: str) -> bool:
    """Whether a path of a page is a file, a folder, or a module, perhaps with one of its names."""
    stem, _, attribute = name.rpartition(".")
    if not stem or attribute in SUFFIXES:
        return any((base / name).exists() or (base / f"{name}.py").exists() for base in BASES)
    modules = [path for base in BASES if (path := base / f"{stem}.py").is_file()]
    return any(re.search(rf"\b{attribute}\b", module.read_text()) for module in modules)


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    names = set(PATH.findall(page.read_text())) - ELSEWHERE
    assert [name for name in names if not _exists(name)] == []


def _owners(cell: str) -> str:
    """The source text of the owners that a row of the glossary names."""
    files: list[Path] = []
    for owner in re.findall(r"`([a-z_/]+)`", cell):
        for base in (PACKAGE, ROOT):
            files += [base / f"{owner}.py"] if (base / f"{owner}.py").exists() else []
            files += sorted((base / owner).rglob("*.py"))
    return "\n".join(file.read_text() for file in files)


def test_the_glossary_names_the_file_that_defines_a_word() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", _glossary(), re.MULTILINE)
    wrong = []
    for word, meaning, owner in rows:
        defined = re.findall(r"`([A-Za-z_]+)`(?:, `([A-Za-z_]+)`)? in code", meaning)
        wrong += [
            f"{word}: {name} is not defined in {owner}"
            for name in {name for names in defined for name in names if name}
            if not re.search(rf"(class|def) {name}\b|^    {name}\b", _owners(owner), re.MULTILINE)
        ]
    assert len(rows) > 90
    assert wrong == []


def _glossary() -> str:
    return (DOCS / "glossary.md").read_text().partition("## Words that had")[0]


def test_each_question_of_the_architecture_page_is_answered_by_a_file() -> None:
    """A rule of the product is found by the name of one file."""
    section = (DOCS / "architecture.md").read_text().partition("## Where a rule is")[2]
    answers = re.findall(r"^\| [^|]+\? \| ([^|]+) \|$", section, re.MULTILINE)
    assert len(answers) >= 10
    assert all(re.search(r"`[a-z_/]+\.py`", answer) for answer in answers)


CODE_PAGES = (DOCS / "architecture.md", *sorted((DOCS / "adr").glob("0*.md")))


@pytest.mark.parametrize("page", CODE_PAGES, ids=title)
def test_every_code_name_on_a_page_about_the_code_exists(page: Path) -> None:
    folders = ("operator", "simtest", "testbed", "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    words = set(re.findall(r"\w+", "\n".join(path.read_text() for path in files)))
    names = re.findall(r"`([A-Za-z_]+(?:\.[A-Za-z_]+)*)(?:\([^`]*\))?`", page.read_text())
    unknown = [name for name in names if not set(name.split(".")) <= words | {"uv"}]
    assert [name for name in unknown if name.rpartition(".")[2] not in SUFFIXES] == []
