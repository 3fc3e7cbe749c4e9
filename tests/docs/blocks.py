"""Code blocks and commands of the pages."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import PAGES

BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>(?:not run|run by): [^\n]+) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
INLINE = re.compile(r"`((?:kubectl )?azlm [a-z][^`\n]*)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a page; `mark` says why it is not checked here, or which test runs it."""

    page: Path
    language: str
    text: str
    mark: str


def blocks() -> Iterator[Block]:
    """Every fenced block of the pages."""
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text()):
            yield Block(page, match["language"], match["text"], match["mark"] or "")


BLOCKS = list(blocks())
COMMANDS = [block for block in BLOCKS if block.language == "sh" and not block.mark]
MANIFESTS = [block for block in BLOCKS if block.language == "yaml" and not block.mark]


def lines(text: str) -> list[str]:
    """The commands of a block, without comments and with continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line.strip() for line in joined.splitlines() if line.strip() and line.strip()[0] != "#"]


def words_of(line: str) -> list[str]:
    """The words of one command as a page writes it: `[--option]` and `a | b` offer choices."""
    line = re.sub(r"\s+#.*$", "", line).split(" | ")[0]
    words = shlex.split(line.replace("[", "").replace("]", ""))
    return words[1:] if words[:2] == ["kubectl", "azlm"] else words
