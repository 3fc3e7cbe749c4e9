"""Dashboards as Grafana JSON, by Grafana's foundation SDK."""

import json
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from monitoring.dashboards.model import Dashboard, Panel, Table, Threshold, Unit, Variable

UNITS = {
    Unit.COUNT: "none",
    Unit.SECONDS: "s",
    Unit.FRACTION: "percentunit",
    Unit.PER_SECOND: "reqps",
    Unit.BYTES: "bytes",
}
COLOURS = {"warning": "orange", "error": "red"}
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")


def render(of: Dashboard) -> str:
    """The file that Grafana imports."""
    builder = (
        dashboard.Dashboard(of.title)
        .uid(f"azlm-{of.name}")
        .description(of.text)
        .tags(["azlm"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").type("prometheus"))
    )
    for variable in of.variables:
        builder = builder.with_variable(_variable(variable))
    for row in of.rows:
        builder = builder.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            builder = builder.with_panel(_panel(panel))
    return json.dumps(builder.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _variable(of: Variable) -> dashboard.QueryVariable:
    builder = (
        dashboard.QueryVariable(of.name)
        .datasource(SOURCE)
        .query(f"label_values({of.metric}, {of.name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )
    # A series without the label matches too.
    return builder.multi(True).include_all(True).all_value(".*") if of.multiple else builder


def _query(expr: str, ref: str, legend: str = "") -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(ref).expr(expr).legend_format(legend).datasource(SOURCE)


def _panel(of: Panel | Table) -> Any:
    if isinstance(of, Table):
        return _table(of)
    builder = _stat(of) if of.kind == "stat" else _graph(of)
    for index, query in enumerate(of.queries):
        target = _query(query.expr, chr(ord("A") + index), query.legend)
        builder = builder.with_target(target.instant() if of.kind == "stat" else target)
    return (
        builder.title(of.title)
        .description(of.text)
        .datasource(SOURCE)
        .unit(UNITS[of.unit])
        .span(of.width)
        .height(4 if of.kind == "stat" else 8)
    )


def _stat(of: Panel) -> Any:
    mode = common_models.BigValueTextMode
    several = len(of.queries) == 1 and bool(of.queries[0].legend)
    text = mode.NAME if of.names else mode.VALUE_AND_NAME if several else mode.VALUE
    return (
        stat.Panel()
        .text_mode(text)
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .thresholds(_thresholds(of.thresholds))
        .no_value("-")
    )


def _graph(of: Panel) -> Any:
    placement = common_models.LegendPlacement.RIGHT if of.many else _BELOW
    builder = (
        timeseries.Panel()
        .min(0)
        .legend(
            common.VizLegendOptions().show_legend(True).placement(placement).display_mode(_LIST)
        )
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    if of.kind == "areas":
        stacked = common.StackingConfig().mode(common_models.StackingMode.NORMAL)
        builder = builder.fill_opacity(40).stacking(stacked)
    return builder


_BELOW = common_models.LegendPlacement.BOTTOM
_LIST = common_models.LegendDisplayMode.LIST


def _thresholds(of: tuple[Threshold, ...]) -> dashboard.ThresholdsConfig:
    steps = [models.Threshold(value=None, color="green")]
    steps += [models.Threshold(value=step.value, color=COLOURS[step.level]) for step in of]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _table(of: Table) -> Any:
    builder = table.Panel().title(of.title).description(of.text).datasource(SOURCE)
    builder = builder.span(of.width).height(10)
    fields: dict[str, str] = {}
    for index, column in enumerate(of.values):
        ref = chr(ord("A") + index)
        query = _query(column.expr, ref).instant().format(prometheus_models.PromQueryFormat.TABLE)
        builder = builder.with_target(query)
        fields[f"Value #{ref}"] = column.header
        unit = models.DynamicConfigValue(id_val="unit", value=UNITS[column.unit])
        builder = builder.override_by_name(column.header, [unit])
    fields |= {column.label: column.header for column in of.columns if column.label}
    order = [column.header for column in of.columns]
    hidden = {name for name, header in fields.items() if header in _hidden(of)} | {"Time"}
    organize = {
        "excludeByName": dict.fromkeys(sorted(hidden), True),
        "indexByName": {name: order.index(header) for name, header in fields.items()},
        "renameByName": fields,
    }
    return builder.with_transformation(
        models.DataTransformerConfig(id_val="merge", options={})
    ).with_transformation(models.DataTransformerConfig(id_val="organize", options=organize))


def _hidden(of: Table) -> set[str]:
    return {column.header for column in of.columns if column.hidden}
