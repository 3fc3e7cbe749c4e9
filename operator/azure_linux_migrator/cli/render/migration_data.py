"""A migration for machines."""

import json
from typing import Any

import yaml

from azure_linux_migrator.cli.view.migration_view import MigrationView


def data(view: MigrationView) -> dict[str, Any]:
    """The status as kubectl names it, the state as `verdict`, and the nodes of the source."""
    return {
        "name": view.name,
        "verdict": view.state.value,
        "reason": view.reason,
        "source": view.migration.old_pool,
        "target": view.migration.new_pool,
        "status": view.body.get("status") or {},
        "nodes": [
            {
                "name": node.node.name,
                "batch": node.batch,
                "ready": node.node.ready,
                "cordoned": node.node.unschedulable,
                "podsLeft": node.pods,
            }
            for node in view.nodes
        ],
    }


def dumped(value: object, output: str) -> str:
    """As JSON or YAML, without the last line feed."""
    if output == "json":
        return json.dumps(value, indent=2)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip("\n")
