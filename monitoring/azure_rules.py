"""deploy/monitoring/rules.yaml as an ARM template for Azure Monitor managed Prometheus.

The managed service has no custom resource for rules: they are Azure resources of the type
Microsoft.AlertsManagement/prometheusRuleGroups
(learn.microsoft.com/azure/azure-monitor/metrics/prometheus-rule-groups).
"""

from typing import Any

SEVERITIES = {"critical": 1, "warning": 2, "info": 3}
"""Azure's severities: 0 critical, 1 error, 2 warning, 3 informational."""
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"

_RUNBOOKS = "docs/runbooks.md"
_ACTIONS = (
    "[map(parameters('actionGroupIds'), "
    "lambda('id', createObject('actionGroupId', lambdaVariables('id'))))]"
)


def template(rules: dict[str, Any]) -> dict[str, Any]:
    """The template of a PrometheusRule. Its one parameter without a default is the workspace."""
    return {
        "$schema": _SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {
            "workspaceId": {
                "type": "string",
                "metadata": {"description": "Resource id of the Azure Monitor workspace."},
            },
            "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
            "actionGroupIds": {
                "type": "array",
                "defaultValue": [],
                "metadata": {"description": "Resource ids of the action groups to notify."},
            },
            "runbooks": {
                "type": "string",
                "defaultValue": _RUNBOOKS,
                "metadata": {
                    "description": "URL where you read docs/runbooks.md; each alert links to it."
                },
            },
        },
        "resources": [_group(group) for group in rules["spec"]["groups"]],
    }


def _group(group: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Microsoft.AlertsManagement/prometheusRuleGroups",
        "apiVersion": "2023-03-01",
        "name": group["name"],
        "location": "[parameters('location')]",
        "properties": {
            "enabled": True,
            "interval": "PT1M",
            "scopes": ["[parameters('workspaceId')]"],
            "rules": [_rule(rule) for rule in group["rules"]],
        },
    }


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    if "record" in rule:
        return {"record": rule["record"], "expression": rule["expr"]}
    anchor = rule["annotations"]["runbook"].removeprefix(_RUNBOOKS)
    return {
        "alert": rule["alert"],
        "enabled": True,
        "expression": rule["expr"],
        "for": _iso(rule.get("for", "1m")),
        "severity": SEVERITIES[rule["labels"]["severity"]],
        "labels": rule["labels"],
        "annotations": {
            **rule["annotations"],
            "runbook": f"[concat(parameters('runbooks'), '{anchor}')]",
        },
        "actions": _ACTIONS,
        "resolveConfiguration": {"autoResolved": True, "timeToResolve": "PT10M"},
    }


def _iso(duration: str) -> str:
    """An ISO 8601 duration of a Prometheus one with a single unit, such as 30m or 1d."""
    number, unit = duration[:-1], duration[-1]
    return f"P{number}D" if unit == "d" else f"PT{number}{unit.upper()}"
