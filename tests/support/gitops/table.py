"""The table of docs/gitops.md: what each tool makes of what people do, as asserted by tests."""

from tests.support.gitops.fleet import Fleet
from tests.support.gitops.repository import ROOT

PAGE = ROOT / "docs" / "gitops.md"
TOOLS = ("Flux", "Argo CD", "Argo CD, server-side")
BEGIN, END = "<!-- table: make gitops -->", "<!-- end of the table -->"


class ResultTable:
    """Rows in the order in which they are first recorded."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, str]] = {}

    def record(self, fleet: Fleet, what: str, effect: str) -> None:
        """Note an effect that a test has just asserted."""
        self._rows.setdefault(what, {})[fleet.tool.name] = effect

    @property
    def complete(self) -> bool:
        """Whether every tool has been asked everything."""
        return bool(self._rows) and all(set(row) == set(TOOLS) for row in self._rows.values())

    def write(self) -> None:
        """Replace the table of the page."""
        lines = [f"| | {' | '.join(TOOLS)} |", f"|---|{'---|' * len(TOOLS)}"]
        lines += [
            f"| {what} | {' | '.join(row[tool] for tool in TOOLS)} |"
            for what, row in self._rows.items()
        ]
        head, _, rest = PAGE.read_text().partition(BEGIN)
        tail = rest.partition(END)[2]
        PAGE.write_text("\n".join([f"{head}{BEGIN}", *lines, f"{END}{tail}"]))


TABLE = ResultTable()
