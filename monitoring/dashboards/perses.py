"""Dashboards as Perses resources (perses.dev, v1)."""

import re
from typing import Any

from monitoring.dashboards.model import COLUMNS, Dashboard, Panel, PanelRow, Table, Unit, Variable

UNITS: dict[Unit, dict[str, Any]] = {
    Unit.COUNT: {"unit": "decimal", "shortValues": True},
    Unit.SECONDS: {"unit": "seconds", "shortValues": True},
    Unit.FRACTION: {"unit": "percent-decimal", "decimalPlaces": 0},
    Unit.PER_SECOND: {"unit": "requests/sec", "decimalPlaces": 2},
    Unit.BYTES: {"unit": "bytes", "shortValues": True},
}
GOOD = "#2e7d32"
COLOURS = {"warning": "#e08600", "error": "#d0342c"}

_WIDE = {"density": "compact", "defaultColumnWidth": "auto"}
_LABEL = re.compile(r"\{\{(\w+)\}\}")


def render(of: Dashboard) -> dict[str, Any]:
    """The resource, for the project `azlm`."""
    panels: dict[str, Any] = {}
    layouts = [_layout(row, index, panels) for index, row in enumerate(of.rows)]
    return {
        "kind": "Dashboard",
        "metadata": {"name": f"azlm-{of.name}", "project": "azlm"},
        "spec": {
            "display": {"name": of.title, "description": of.text},
            "duration": "6h",
            "refreshInterval": "30s",
            "variables": [_variable(variable) for variable in of.variables],
            "panels": panels,
            "layouts": layouts,
        },
    }


def _variable(of: Variable) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "name": of.name,
        "display": {"name": of.name},
        "allowMultiple": of.multiple,
        "allowAllValue": of.multiple,
        "plugin": {
            "kind": "PrometheusLabelValuesVariable",
            "spec": {"labelName": of.name, "matchers": [of.metric]},
        },
    }
    if of.multiple:
        # A series without the label matches too.
        spec |= {"customAllValue": ".*", "defaultValue": "$__all"}
    return {"kind": "ListVariable", "spec": spec}


def _layout(row: PanelRow, index: int, panels: dict[str, Any]) -> dict[str, Any]:
    items = []
    x = y = 0
    for number, panel in enumerate(row.panels):
        key = f"{index}-{number}"
        panels[key] = _panel(panel)
        height = 10 if isinstance(panel, Table) else 4 if panel.kind == "stat" else 8
        if x + panel.width > COLUMNS:
            x, y = 0, y + height
        content = {"$ref": f"#/spec/panels/{key}"}
        items.append({"x": x, "y": y, "width": panel.width, "height": height, "content": content})
        x += panel.width
    display = {"title": row.title, "collapse": {"open": True}}
    return {"kind": "Grid", "spec": {"display": display, "items": items}}


def _panel(of: Panel | Table) -> dict[str, Any]:
    if isinstance(of, Table):
        plugin, queries = _table(of), [_query(column.expr) for column in of.values]
    else:
        plugin = _values(of) if of.kind == "stat" else _graph(of)
        queries = [_query(query.expr, query.legend) for query in of.queries]
    display = {"name": of.title, "description": of.text}
    return {"kind": "Panel", "spec": {"display": display, "plugin": plugin, "queries": queries}}


def _query(expr: str, legend: str = "") -> dict[str, Any]:
    spec = {"query": expr} | ({"seriesNameFormat": legend} if legend else {})
    plugin = {"kind": "PrometheusTimeSeriesQuery", "spec": spec}
    return {"kind": "TimeSeriesQuery", "spec": {"plugin": plugin}}


def _values(of: Panel) -> dict[str, Any]:
    """A StatChart shows every series of the time range, also those that have ended. A table asks
    for the present ones: it takes the panels whose series come and go."""
    labels = _LABEL.findall(of.queries[0].legend)
    if not labels:
        return _stat(of)
    settings: list[dict[str, Any]] = [{"name": label, "header": label.title()} for label in labels]
    value = {"name": "value", "header": "Value", "hide": of.names, "format": UNITS[of.unit]}
    settings += [value, {"name": "timestamp", "hide": True}]
    return {"kind": "Table", "spec": _WIDE | {"columnSettings": settings}}


def _stat(of: Panel) -> dict[str, Any]:
    steps = [{"value": step.value, "color": COLOURS[step.level]} for step in of.thresholds]
    thresholds = {"defaultColor": GOOD, "steps": steps}
    spec = {"calculation": "last", "format": UNITS[of.unit], "thresholds": thresholds}
    return {"kind": "StatChart", "spec": spec}


def _graph(of: Panel) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "legend": {"position": "right" if of.many else "bottom", "mode": "list"},
        "yAxis": {"format": UNITS[of.unit], "min": 0},
    }
    # Colours by name, the default, are hard to distinguish.
    visual: dict[str, Any] = {"palette": {"mode": "categorical"}}
    if of.kind == "areas":
        visual |= {"areaOpacity": 0.4, "stack": "all"}
    spec["visual"] = visual
    return {"kind": "TimeSeriesChart", "spec": spec}


def _table(of: Table) -> dict[str, Any]:
    numbers = {column.header: number for number, column in enumerate(of.values, 1)}
    settings = []
    for column in of.columns:
        setting: dict[str, Any] = {
            "name": column.label or f"value #{numbers[column.header]}",
            "header": column.header,
        }
        if column.expr:
            setting["format"] = UNITS[column.unit]
        settings.append(setting | ({"hide": True} if column.hidden else {}))
    settings.append({"name": "timestamp", "hide": True})
    # Each query has label columns of its own, such as `cluster #2`.
    labels = [column.label for column in of.columns if column.label]
    transforms: list[dict[str, Any]] = [
        {"kind": "MergeIndexedColumns", "spec": {"column": label}} for label in labels
    ]
    transforms.append({"kind": "JoinByColumnValue", "spec": {"columns": list(of.key)}})
    return {"kind": "Table", "spec": _WIDE | {"columnSettings": settings, "transforms": transforms}}
