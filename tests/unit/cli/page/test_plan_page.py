"""The file that `azlm plan --html` writes, opened in a real Chromium without any server."""

import json
import subprocess
import sys
from pathlib import Path

from playwright.async_api import expect

from azure_linux_migrator.forecast.snapshot import save
from azure_linux_migrator.model.cluster import Budget, BudgetRule, NamespacedName
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.selectors import Selector
from tests.support.browser import needs_chromium, opened
from tests.support.snapshots import add, cluster

pytestmark = needs_chromium
CLEAR, BLOCKED = 0, 2


def written(snapshot: ClusterSnapshot, scratch: Path) -> tuple[int, str]:
    """Exit code of the command, and the address of its page."""
    save(snapshot, scratch / "snapshot.json")
    spec = {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": "m"},
        "spec": {"source": {"nodePool": "workers"}},
    }
    (scratch / "m.json").write_text(json.dumps(spec))
    command = [sys.executable, "-m", "azure_linux_migrator", "plan", "--runs=1"]
    files = {"-f": "m.json", "--snapshot": "snapshot.json", "--html": "plan.html"}
    command += [word for flag, name in files.items() for word in (flag, str(scratch / name))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, f"file://{scratch}/plan.html"


def with_budget(desired: int) -> ClusterSnapshot:
    """Three workers with two pods, of which a budget needs so many."""
    snapshot = cluster(workers=3)
    add(snapshot, "Deployment", "web", 2)
    key = NamespacedName("default", "web")
    allowed = 2 - desired
    snapshot.budgets.append(
        Budget(
            key,
            Selector((("app", "web"),)),
            healthy=2,
            expected=2,
            desired=desired,
            allowed=allowed,
        )
    )
    snapshot.rules.append(BudgetRule(min_available=desired))
    return snapshot


async def test_a_forecast_is_shown_from_its_file(tmp_path: Path) -> None:
    errors: list[str] = []
    code, url = written(with_budget(1), tmp_path)
    assert code == CLEAR
    async with opened(url, scheme="dark", errors=errors) as page:
        await expect(page.locator("#phase")).to_have_text("Plan")
        await expect(page.locator("#source .node")).to_have_count(3)
        await expect(page.locator("#budgets tbody tr")).to_have_count(1)
        await expect(page.locator("#budgets tbody")).to_contain_text("1 of 1")
        await expect(page.locator("#timeline .lane .forecast").first).to_be_visible()
        first = await page.evaluate("countedPoints(page.forecast)[0]")
        assert first["remaining"] == 2
        await expect(page.locator("#blockers")).to_be_hidden()
        dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark == "rgb(18, 22, 28)"
        await page.get_by_role("listbox", name="Nodes of workers", exact=True).press("End")
        await expect(page.get_by_role("option", selected=True)).to_have_count(1)
    assert errors == []


async def test_a_forecast_that_is_blocked_says_what_to_do(tmp_path: Path) -> None:
    errors: list[str] = []
    code, url = written(with_budget(2), tmp_path)
    assert code == BLOCKED
    async with opened(url, errors=errors) as page:
        await expect(page.locator("#phase")).to_have_text("Blocked")
        await expect(page.locator("#blockers")).to_contain_text("default/web")
        await expect(page.locator("#blockers .cure").first).to_contain_text("let the budget")
        await expect(page.locator("#budgets tr.held")).to_have_count(1)
    assert errors == []


async def test_times_have_a_date_where_it_is_another_day(tmp_path: Path) -> None:
    """Shortly after midnight, `hour12: false` of English would show 24:05:00."""
    _, url = written(with_budget(1), tmp_path)
    async with opened(url) as page:
        past = "new Date(2026, 0, 2, 0, 5).getTime() / 1000"
        assert await page.evaluate(f"clock({past}, {past} + 3600)") == "00:05:00"
        assert await page.evaluate(f"clock({past}, {past} + 86400)") == "2026-01-02 00:05:00"
