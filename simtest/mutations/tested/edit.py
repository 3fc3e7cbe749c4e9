"""A mutation that a unit or contract test finds: another text in a module of azlm.

The text is replaced before the module is imported, so that constants and records change too. This
module imports nothing of azlm.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

PACKAGE = "azure_linux_migrator"


@dataclass(frozen=True, slots=True)
class Edit:
    """In a module, such as `kube.lease`, `old`, which occurs once, becomes `new`."""

    module: str
    old: str
    new: str

    def apply(self, source: str) -> str:
        """The mutated text; raises ValueError if `old` does not occur once."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.module} has {source.count(self.old)} times: {self.old}")
        return source.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class TextMutation:
    """`what` is the defect in words, `test` the id of the test that finds it, and `why` why the
    simulation cannot, or need not."""

    name: str
    what: str
    test: str
    edits: tuple[Edit, ...]
    why: str


class _Loader(SourceFileLoader):
    """Compiles the mutated text, whatever byte code is cached."""

    def __init__(self, name: str, path: str, edits: Sequence[Edit]) -> None:
        super().__init__(name, path)
        self._edits = edits

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text(encoding="utf-8")
        for edit in self._edits:
            source = edit.apply(source)
        return compile(source, self.path, "exec", dont_inherit=True)


class Mutant(MetaPathFinder):
    """Finds the modules that are edited."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The module with its edits; None for one that has none."""
        edits = [edit for edit in self._edits if f"{PACKAGE}.{edit.module}" == fullname]
        spec = PathFinder.find_spec(fullname, path, target) if edits else None
        if spec is None or spec.origin is None:
            return None
        spec.loader = _Loader(fullname, spec.origin, edits)
        return spec


def install(edits: Sequence[Edit]) -> None:
    """Mutate the modules that are imported from now on; raises RuntimeError if one was before."""
    for edit in edits:
        if f"{PACKAGE}.{edit.module}" in sys.modules:
            raise RuntimeError(f"{edit.module} is imported already")
    sys.meta_path.insert(0, Mutant(edits))
