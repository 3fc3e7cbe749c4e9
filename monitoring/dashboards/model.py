"""The parts of a dashboard, independent of the tool that shows it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

COLUMNS = 24


class Unit(StrEnum):
    """The unit of a value."""

    COUNT = "count"
    SECONDS = "seconds"
    FRACTION = "fraction"
    PER_SECOND = "per second"
    BYTES = "bytes"


@dataclass(frozen=True)
class Query:
    """A PromQL expression. `legend` names its series, `{{label}}` being the value of a label."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Threshold:
    """From `value` on, a stat has the colour of a warning or of an error."""

    value: float
    level: Literal["warning", "error"]


@dataclass(frozen=True)
class Panel:
    """`stat` shows the last value, or with `names` the legend of the last series; `lines` and
    `areas` show values over time. `width` is in COLUMNS. Many series need their legend beside
    the values: `many`."""

    title: str
    kind: Literal["stat", "lines", "areas"]
    queries: tuple[Query, ...]
    text: str
    unit: Unit = Unit.COUNT
    thresholds: tuple[Threshold, ...] = ()
    names: bool = False
    many: bool = False
    width: int = 8


@dataclass(frozen=True)
class Column:
    """A column of a table: a label, or the value of a query. A query may only add labels."""

    header: str
    label: str = ""
    expr: str = ""
    unit: Unit = Unit.COUNT
    hidden: bool = False


@dataclass(frozen=True)
class Table:
    """Rows are joined by `key`, the labels that all queries have; they are columns too."""

    title: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    text: str
    width: int = COLUMNS

    @property
    def values(self) -> tuple[Column, ...]:
        """The columns that are queries, in order."""
        return tuple(column for column in self.columns if column.expr)


@dataclass(frozen=True)
class PanelRow:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel | Table, ...]


@dataclass(frozen=True)
class Variable:
    """A choice among the values of a label of `metric`."""

    name: str
    metric: str
    multiple: bool = False


@dataclass(frozen=True)
class Dashboard:
    """`name` is the name of its file."""

    name: str
    title: str
    text: str
    variables: tuple[Variable, ...]
    rows: tuple[PanelRow, ...]

    @property
    def expressions(self) -> tuple[tuple[str, str], ...]:
        """Every query, with the title of its panel."""
        return tuple(
            (panel.title, query)
            for row in self.rows
            for panel in row.panels
            for query in (
                [column.expr for column in panel.values]
                if isinstance(panel, Table)
                else [query.expr for query in panel.queries]
            )
        )
