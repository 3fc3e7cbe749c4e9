"""Check the links of a built site: `python -m docgen.links dist/site`.

Every link and picture within the site leads to a file, every anchor to an element of that page, and
nothing is loaded from another host. Needs the standard library only.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADING = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}
LINKS = LOADING | {("a", "href")}


class Page(HTMLParser):
    """The anchors of a page, and what it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str]] = []
        """Tag and target."""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag defines and where it leads."""
        values = dict(attrs)
        for name in ("id", "name"):
            if anchor := values.get(name):
                self.anchors.add(anchor)
        self.links += [
            (tag, target)
            for name, target in attrs
            if target and (tag, name) in LINKS and values.get("rel") != "canonical"
        ]


def problems(site: Path) -> list[str]:
    """What is wrong with the links of a site, one line each."""
    pages = {path.resolve(): Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    return [
        f"{path.relative_to(site.resolve())}: {target} {problem}"
        for path, page in pages.items()
        if path.name != "404.html"
        for tag, target in page.links
        if (problem := _problem(tag, target, path, pages))
    ]


def _problem(tag: str, target: str, origin: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return "" if tag == "a" else "is loaded from another host"
    path = (origin.parent / unquote(parts.path)).resolve() if parts.path else origin
    if path.is_dir():
        path /= "index.html"
    if not path.is_file():
        return "leads to no file"
    anchors = pages[path].anchors if path in pages else set()
    if parts.fragment and unquote(parts.fragment) not in anchors:
        return "leads to no such anchor"
    return ""


def main() -> int:
    """The exit code: 1 if a link is wrong or the site is empty."""
    site = Path(sys.argv[1])
    wrong = problems(site)
    print("\n".join(wrong) or f"{len(list(site.rglob('*.html')))} pages, every link is right")
    return 1 if wrong or not (site / "index.html").is_file() else 0


if __name__ == "__main__":
    raise SystemExit(main())
