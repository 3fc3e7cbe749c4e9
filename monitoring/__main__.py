"""Writes the generated files, or with --check fails where one differs."""

import json
import sys
from pathlib import Path

import yaml

from monitoring.azure_rules import template
from monitoring.dashboards import grafana, perses
from monitoring.dashboards.fleet import FLEET
from monitoring.dashboards.migration import MIGRATION
from monitoring.dashboards.operator import OPERATOR
from monitoring.pod_monitors import GROUPS, pod_monitor

DIRECTORY = Path(__file__).resolve().parents[1] / "deploy" / "monitoring"
CHART = "../chart/files"
"""Helm reads only what is in the chart, so that the chart has copies."""
DASHBOARDS = (MIGRATION, OPERATOR, FLEET)


def files() -> dict[str, str]:
    """Contents by path under deploy/monitoring."""
    text = (DIRECTORY / "rules.yaml").read_text()
    contents = {f"{CHART}/rules.yaml": text}
    contents["rules-azure.json"] = json.dumps(template(yaml.safe_load(text)), indent=2) + "\n"
    for name, group in GROUPS.items():
        contents[f"{name}.yaml"] = yaml.safe_dump(pod_monitor(group), sort_keys=False)
    for dashboard in DASHBOARDS:
        for place in ("grafana", f"{CHART}/dashboards"):
            contents[f"{place}/{dashboard.name}.json"] = grafana.render(dashboard)
        text = json.dumps(perses.render(dashboard), indent=2) + "\n"
        contents[f"perses/{dashboard.name}.json"] = text
    return contents


def main() -> int:
    """The exit code."""
    differing = []
    for name, content in files().items():
        path = DIRECTORY / name
        if path.exists() and path.read_text() == content:
            continue
        differing.append(name)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    if "--check" not in sys.argv or not differing:
        return 0
    print(f"not generated from the code: {', '.join(differing)}; run: make monitoring")
    return 1


if __name__ == "__main__":
    sys.exit(main())
