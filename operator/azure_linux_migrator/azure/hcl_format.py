"""The layout of `terraform fmt`, as far as generated code needs it: aligned equals signs.

Lines one below the other that set a value on one line have their equals signs in one column
(hashicorp/hcl, hclwrite/format.go).
"""

import re
from collections.abc import Iterator

_ASSIGNMENT = re.compile(r"""^(\s*(?:[\w-]+|"(?:[^"\\]|\\.)*")) = (.*)$""")


def aligned(text: str) -> str:
    """The code with its equals signs aligned; its indentation is right already."""
    return "\n".join(_aligned(text.split("\n")))


def _aligned(lines: list[str]) -> Iterator[str]:
    chain: list[tuple[str, str]] = []
    for line in lines:
        match = _ASSIGNMENT.match(line)
        if match is not None and not match[2].endswith(("{", "[", "(")):
            chain.append((match[1], match[2]))
            continue
        yield from _column(chain)
        chain = []
        yield line
    yield from _column(chain)


def _column(chain: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in chain), default=0)
    for name, value in chain:
        yield f"{name:<{width}} = {value}"
