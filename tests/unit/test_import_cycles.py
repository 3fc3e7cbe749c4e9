"""No module of the package imports itself by a detour, and no layer another that imports it."""

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import azure_linux_migrator

PACKAGE = Path(azure_linux_migrator.__file__).parent
NAME = PACKAGE.name
Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    """Dotted name to file."""
    files = {
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts): file
        for file in PACKAGE.rglob("*.py")
    }
    return {name.removesuffix(".__init__"): file for name, file in files.items()}


def imports() -> Graph:
    """Which module imports which at run time: imports for types alone do not count."""
    paths = modules()
    graph: Graph = defaultdict(set)
    for name, file in paths.items():
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(NAME):
                targets = {f"{node.module}.{alias.name}" for alias in node.names}
                graph[name] |= {t if t in paths else str(node.module) for t in targets} - {name}
    return graph


def layer_of(module: str) -> str:
    """The package under azure_linux_migrator; inside the core, the one under that."""
    parts = module.split(".")[1:]
    return ".".join(parts[: 2 if parts[:1] == ["core"] else 1])


def layers() -> Graph:
    """Which layer imports which."""
    graph: Graph = defaultdict(set)
    for module, targets in imports().items():
        graph[layer_of(module)] |= {layer_of(target) for target in targets} - {layer_of(module)}
    return graph


@pytest.mark.parametrize("graph", [imports(), layers()], ids=["modules", "layers"])
def test_nothing_is_imported_in_a_circle(graph: Graph) -> None:
    assert len(graph) > 9
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
