"""Links between pages lead somewhere, every page is in the navigation, and the check of the built
site finds what is wrong with one."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgen.links import problems
from tests.docs.pages import DOCS, PAGES, ROOT, title

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub(_plain, page.read_text()), re.MULTILINE)
    return {
        re.sub(r"[^a-z0-9 _-]", "", text.lower()).strip().replace(" ", "-") for text in headings
    }


def _plain(code: re.Match[str]) -> str:
    return "" if code[0].startswith("```") else code[0].strip("`")


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    wrong = []
    for target, anchor in LINK.findall(CODE.sub("", page.read_text())):
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor[1:] not in _anchors(path)):
            wrong.append(target + anchor)
    assert wrong == []


def test_links_of_the_site_stay_in_the_site() -> None:
    """The site has docs/ only; what is elsewhere in the repository is named by its path."""
    leaving = [
        f"{title(page)}: {target}"
        for page in sorted(DOCS.rglob("*.md"))
        for target, _ in LINK.findall(CODE.sub("", page.read_text()))
        if target and not (page.parent / target).resolve().is_relative_to(DOCS)
    ]
    assert leaving == []


def _files(navigation: object) -> Iterator[str]:
    if isinstance(navigation, str):
        yield navigation
    elif isinstance(navigation, list):
        for entry in navigation:
            yield from _files(entry)
    elif isinstance(navigation, dict):
        for entry in navigation.values():
            yield from _files(entry)


def test_every_page_is_in_the_navigation_once() -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text())
    shown = sorted(_files(settings["project"]["nav"]))
    assert shown == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_the_check_of_the_site_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<h1 id="top">a</h1><a href="#top">1</a><a href="other.html#here">2</a>'
        '<a href="https://example.com">3</a><a href="gone.html">4</a><a href="other.html#no">5</a>'
        '<script src="https://example.com/x.js"></script><img src="picture.svg">'
    )
    (tmp_path / "other.html").write_text('<p id="here">b</p>')
    assert problems(tmp_path) == [
        "index.html: gone.html leads to no file",
        "index.html: other.html#no leads to no such anchor",
        "index.html: https://example.com/x.js is loaded from another host",
        "index.html: picture.svg leads to no file",
    ]
