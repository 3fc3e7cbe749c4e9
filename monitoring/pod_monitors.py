"""PodMonitors for the Prometheus operator and for Azure Monitor managed Prometheus.

They differ in the API group alone
(learn.microsoft.com/azure/azure-monitor/containers/prometheus-metrics-scrape-crd).
"""

from typing import Any

GROUPS = {"podmonitor": "monitoring.coreos.com", "podmonitor-azure": "azmonitoring.coreos.com"}
"""File and API group."""


def pod_monitor(group: str) -> dict[str, Any]:
    """A PodMonitor for the pods of deploy/kustomize/base."""
    labels = {"app.kubernetes.io/name": "azlm"}
    return {
        "apiVersion": f"{group}/v1",
        "kind": "PodMonitor",
        "metadata": {"name": "azlm", "namespace": "azlm-system", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "podMetricsEndpoints": [{"port": "metrics", "interval": "30s"}],
        },
    }
