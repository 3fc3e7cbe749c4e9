"""The data of a page that follows nothing: a forecast with the cluster it starts from, or what is
recorded of a migration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from azure_linux_migrator.api.names import KIND
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.cli.page.content import Json, head
from azure_linux_migrator.cli.page.rows import Changes, Rows
from azure_linux_migrator.cli.page.spans import recorded_spans
from azure_linux_migrator.cli.render import plan_data
from azure_linux_migrator.cli.render.plan_text import duration
from azure_linux_migrator.cli.view.migration_view import MigrationState, view_of
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.forecast.forecast import Forecast
from azure_linux_migrator.forecast.pod_summary import world_of
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot


def of_forecast(forecast: Forecast, spec: MigrationSpec, cluster: ClusterSnapshot) -> Json:
    """The cluster as it was read, and what a migration of it would do."""
    body = {
        "metadata": {"name": forecast.name, "uid": "plan"},
        "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    view = view_of(body, forecast.at)
    rows = Rows(world_of(cluster), view.migration).take(Changes())
    blocked = forecast.blocked
    causes = plan_data.blocked_by(forecast)
    shown = head(view, ()) | {
        "mode": "plan",
        "phase": "Blocked" if blocked else "Plan",
        "verdict": (MigrationState.WAITING if blocked else MigrationState.DONE).value,
        "reason": "",
        "message": "; ".join(causes) if blocked else f"would take {duration(forecast.total)}",
        "ended": True,
        "blockers": [
            blocker.model_dump(mode="json", by_alias=True) | {"since": None}
            for blocker in forecast.typical.blockers
        ]
        + [
            {
                "cause": finding.rule,
                "kind": finding.severity,
                "name": finding.subject,
                "message": finding.message,
                "remedy": finding.remedy,
            }
            for finding in forecast.typical.findings
            if finding.severity == "Block" and not finding.acknowledged
        ],
        "missing": "; ".join(forecast.unseen),
        "history": [],
        "spans": {},
    }
    shown["nodes"] = shown["nodes"] | {
        "total": sum(row["side"] == "source" for row in rows["nodes"].values())
    }
    shown["pods"] = shown["pods"] | {"remaining": forecast.pod_summary.move}
    return {
        "now": forecast.at,
        "head": shown,
        "rows": rows,
        "forecast": plan_data.plain(forecast),
    }


def of_record(body: Mapping[str, Any], now: float) -> tuple[str, Json]:
    """Name and data of a migration of which only the resource is left."""
    view = view_of(body, now)
    shown = head(view, ()) | {"mode": "record", "spans": recorded_spans(view)}
    rows: Json = {"reset": True, "nodes": {}, "pods": {}, "budgets": {}}
    return view.name, {"now": now, "head": shown, "rows": rows}


def read_record(file: Path) -> Mapping[str, Any]:
    """What `kubectl get azlm NAME -o yaml` has written. Raises SettingsError for anything else."""
    try:
        body = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error
    named = (
        isinstance(body, dict) and body.get("kind") == KIND and "name" in body.get("metadata", {})
    )
    if not named:
        raise SettingsError(
            f"{file} is no {KIND}; write one with kubectl get azlm NAME -o yaml > {file}"
        )
    return dict(body)


def read_forecast(file: Path) -> Json:
    """What `azlm plan -o json` has written. Raises SettingsError for anything else."""
    try:
        forecast = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error
    if not isinstance(forecast, dict) or "steps" not in (forecast.get("typical") or {}):
        raise SettingsError(f"{file} is no forecast; write one with azlm plan -o json > {file}")
    return dict(forecast)
