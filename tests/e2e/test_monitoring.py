"""A migration that is blocked on purpose, seen by a real Prometheus and a real Alertmanager."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.__main__ import DASHBOARDS
from testbed.fill.workloads import budget, deployment
from testbed.monitoring import Monitoring, missing_programs
from tests.support.bed import Bed

pytestmark = pytest.mark.skipif(
    bool(missing_programs()),
    reason=f"not installed: {', '.join(missing_programs())}; apt-get install them",
)
ORPHAN = "azlm.dev/cordoned-by=nobody"


@pytest.fixture
def monitoring(bed: Bed, tmp_path: Path) -> Iterator[Monitoring]:
    bed.fill([deployment("web", 2), budget("web", maxUnavailable=0), deployment("api", 4),
              budget("api", maxUnavailable=1)])  # fmt: skip
    [system] = bed.nodes("system")
    bed.kubectl("cordon", system["metadata"]["name"])
    bed.kubectl("annotate", "node", system["metadata"]["name"], ORPHAN)
    bed.start_aks()
    bed.start_operator()
    with Monitoring(f"127.0.0.1:{bed.metrics_port}", tmp_path) as monitoring:
        yield monitoring


def test_the_right_alerts_fire_and_end(bed: Bed, monitoring: Monitoring) -> None:
    bed.migrate(strategy={"batch": {"size": "100%", "soak": "0s"}, "finalSoak": "2s"})
    # A budget that can never let a pod go also stalls the migration: only an admin can help.
    expected = {
        "AzlmMigrationStalled",
        "AzlmDrainBlocked",
        "AzlmBudgetBlocked",
        "AzlmOrphanedCordons",
    }
    bed.wait("alerts", lambda: monitoring.alerts().keys() >= expected)
    assert monitoring.alerts().keys() == expected
    labels = monitoring.alerts()["AzlmBudgetBlocked"]
    assert (labels["migration"], labels["budget_namespace"], labels["budget"]) == (
        "workers",
        "default",
        "web",
    )
    bed.kubectl("patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"maxUnavailable":1}}')
    bed.wait_done()
    finished = 'azlm_migrations_finished_total{result="Succeeded"} == 1'
    bed.wait("the end to be scraped", lambda: bool(monitoring.query(finished)))
    assert monitoring.query("azlm_migration_phase") == []
    bed.wait("the alerts to end", lambda: monitoring.query('ALERTS{migration="workers"}') == [])
    assert monitoring.query("azlm_pod_move_duration_seconds_count > 0")
    assert monitoring.query("azlm_node_drain_duration_seconds_count > 0")
    assert monitoring.query('azlm_migration_seconds{part="moving"} > 0')
    assert monitoring.history("azlm_migration_extra_node_seconds_total > 0")
    assert {title for title, samples in _evaluated(monitoring) if not samples} == set()


def _evaluated(monitoring: Monitoring) -> Iterator[tuple[str, bool]]:
    """Every query of every dashboard over the whole run: panel, and whether it showed anything."""
    values = {"$cluster": ".*", "$migration": "workers", "$__rate_interval": "10s"}
    for dashboard in DASHBOARDS:
        for title, expression in dashboard.expressions:
            for variable, value in values.items():
                expression = expression.replace(variable, value)  # noqa: PLW2901
            yield f"{dashboard.name}: {title}: {expression}", bool(monitoring.history(expression))
