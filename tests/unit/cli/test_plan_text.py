"""The text of `azlm plan`: correct words for every number, and no empty statements."""

import json

import pytest
import yaml
from msgspec import structs

from azure_linux_migrator.cli.render.plan_data import as_json, as_yaml
from azure_linux_migrator.cli.render.plan_text import as_table
from azure_linux_migrator.forecast.alternatives import choice_text
from azure_linux_migrator.forecast.durations import brief, span
from azure_linux_migrator.forecast.forecast import Forecast, Range
from azure_linux_migrator.forecast.pod_summary import PodGroup, PodOutcome, PodSummary, Warned
from azure_linux_migrator.forecast.run import BatchTime
from tests.support.forecasts import NOW, blocked, choice, finding, forecast, run_result

HOUR = 3600.0


def _table(forecast: Forecast, *, width: int = 100, now: float = NOW) -> str:
    return as_table(forecast, width, now=now)


def _line(text: str, begin: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(begin))


def _group(kind: str, name: str, disposition: PodOutcome, pods: int, loses: int = 0) -> PodGroup:
    return PodGroup(kind, "default", name, disposition, "its reason", pods, loses)


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [
        (0, "0s", "0"),
        (42, "42s", "42s"),
        (600, "10m 00s", "10m"),
        (630, "10m 30s", "10m 30s"),
        (7200, "2h 00m", "2h"),
        (86_400, "1d 0h", "1d"),
        (129_600, "1d 12h", "1d 12h"),
        (864_000, "10d 0h", "10d"),
    ],
)
def test_times(seconds: float, long: str, short: str) -> None:
    assert (span(seconds), brief(seconds)) == (long, short)


def test_a_range_is_reported_where_its_ends_read_differently() -> None:
    text = _table(forecast(total=Range(8281, 8284, 8290), drain=Range(19, 21, 23)))
    assert _line(text, "takes") == "  takes           2h 18m"
    assert "21s (between 19s and 23s), and 1h 14m between batches" in text


def test_the_bound_names_what_sets_it() -> None:
    assert "12s, set by PodDisruptionBudget default/ledger" in _table(forecast())


@pytest.mark.parametrize(
    ("counted", "text"),
    [
        (PodSummary(move=44, stay=30), "44 move, 30 stay with their node"),
        (PodSummary(move=1, stay=1), "1 moves, 1 stays with its node"),
        (PodSummary(move=2, wait=1), "2 move, 1 of a Job is waited for"),
        (PodSummary(move=2, wait=3), "2 move, 3 of Jobs are waited for"),
        (PodSummary(blocked=1, finished=1), "1 cannot move, 1 has finished"),
        (PodSummary(move=9, lose_data=8), "9 move; 8 of the moving lose the data of an emptyDir"),
        (PodSummary(move=9, lose_data=1), "9 move; 1 of the moving loses the data of an emptyDir"),
        (PodSummary(), "none"),
    ],
)
def test_pods_are_counted_in_words(counted: PodSummary, text: str) -> None:
    assert _line(_table(forecast(pod_summary=counted)), "pods  ") == f"  pods            {text}"


def test_workloads_that_matter_are_named_six_at_the_most() -> None:
    groups = [
        _group("Pod", "bare", PodOutcome.BLOCKED, 1),
        _group("StatefulSet", "db", PodOutcome.BLOCKED, 2),
        _group("Deployment", "search", PodOutcome.MOVE, 8, 8),
        _group("Deployment", "web", PodOutcome.MOVE, 3, 1),
        _group("Job", "report", PodOutcome.WAIT, 1),
        _group("Job", "batch", PodOutcome.WAIT, 4),
        _group("Job", "more", PodOutcome.WAIT, 4),
        _group("Deployment", "plain", PodOutcome.MOVE, 5),
    ]
    text = _table(forecast(pod_summary=PodSummary(workloads=groups)))
    for line in (
        "    - Pod default/bare: cannot move: its reason",
        "    - StatefulSet default/db: 2 pods cannot move: its reason",
        "    - Deployment default/search: 8 pods lose the data of an emptyDir",
        "    - Deployment default/web: 1 of 3 pods loses the data of an emptyDir",
        "    - Job default/report: 1 pod is waited for",
        "    - Job default/batch: 4 pods are waited for",
        "    … and 1 more (-o json lists them all)",
    ):
        assert line in text
    assert "default/more" not in text
    assert "default/plain" not in text


def test_steps_of_no_length_are_left_out_but_for_approvals() -> None:
    text = _table(forecast())
    assert "CreateTarget" in text
    assert "CordonSource" not in text
    assert "AwaitRetireApproval" not in text
    assert "approvals" not in text
    text = _table(forecast(approval="BeforeRetire"))
    assert "  AwaitRetireApproval     2h 17m        0s  waits for an approval" in text
    assert "approvals are given at once" in text.replace("\n           ", " ")


def test_many_batches_are_cut_short() -> None:
    many = [BatchTime(at + 1, 40, 100.0 * at, 100.0 * at + 9) for at in range(40)]
    text = _table(forecast(run_result(batches=many)))
    assert "batch  12 of 40" in text
    assert "batch  13 of 40" not in text
    assert "… and 28 more batches" in text


def test_no_rule_crowds_out_another() -> None:
    names = [f"Deployment default/{name}" for name in ("a", "b", "c")]
    warned = [
        Warned("pod.local-data", "Warn", 30, names, "will lose emptyDir data", ""),
        Warned("nap", "Warn", 1, ["the cluster"], "provisions nodes", ""),
        Warned("pdb.zero", "Block", 1, ["it"], "blocks", ""),
    ]
    text = " ".join(_table(forecast(pod_summary=PodSummary(findings=warned))).split())
    assert (
        "- pod.local-data (30): Deployment default/a, Deployment default/b, Deployment default/c "
        "and 27 more; the first: will lose emptyDir data" in text
    )
    assert "- nap: the cluster: provisions nodes" in text
    assert "pdb.zero" not in text


@pytest.mark.parametrize(
    ("seconds", "hours", "words"),
    [
        (-4320, -7.3, "saves 1h 12m and 7.3 node-hours"),
        (-7800, 4.0, "saves 2h 10m and costs 4.0 more node-hours"),
        (-7800, 0.04, "saves 2h 10m with as many node-hours"),
        (778, -11.2, "takes 12m 58s more and saves 11.2 node-hours"),
        (0.4, -2.0, "takes as long and saves 2.0 node-hours"),
    ],
)
def test_another_setting_is_reported_in_words(seconds: float, hours: float, words: str) -> None:
    variation = choice(seconds, hours)
    assert choice_text(variation) == f"batch 50% instead of 10% {words}"
    text = _table(forecast(choices=[variation]))
    assert f"  Other settings (each alone):\n    - {choice_text(variation)}" in text


def test_settings_that_were_not_tried_are_named() -> None:
    text = _table(forecast(untried=["batch 50% instead of 10%", "maxSurge 5"]))
    line = "not tried, for want of time: batch 50% instead of 10%; maxSurge 5"
    assert f"  Other settings (each alone):\n    - {line}" in text


def test_an_old_snapshot_is_reported_to_be_old() -> None:
    assert "old" not in _table(forecast(), now=NOW + HOUR)
    text = _table(forecast(), now=NOW + 76 * HOUR)
    assert "\nthe snapshot is 3d 4h old: the cluster may have changed since\n" in text


def test_numbers_of_one() -> None:
    text = _table(forecast(run_result(extra_nodes=0), runs=1, pod_summary=PodSummary(nodes=1)))
    assert "(1 node)" in text
    assert "from 1 run;" in text
    assert "more nodes      none" in text


def test_blockers_are_reported_with_their_remedy() -> None:
    result = blocked("PodDisruptionBudget default/web allows 0", "pod default/x: stuck", remedy="r")
    text = _table(forecast(result))
    assert "  blocked in RetireSource after 2h 18m:" in text
    assert "    - PodDisruptionBudget default/web allows 0\n      → r\n" in text
    assert "STEP" not in text
    assert "more nodes" not in text


def test_findings_that_block_are_reported_by_rule() -> None:
    findings = tuple(finding("pdb.zero", "Block", remedy="r") for _ in range(20))
    result = blocked(findings=findings)
    warned = Warned("pdb.zero", "Block", 25, ["budget a", "budget b"], "m", "r")
    text = _table(forecast(result, pod_summary=PodSummary(findings=[warned])))
    assert "    - pdb.zero (25): budget a, budget b and 23 more; the first: m\n      → r" in text
    assert "    - pdb.zero: s: m\n      → r" in _table(forecast(result))


def test_many_reasons_are_cut_short() -> None:
    text = _table(forecast(blocked(*(f"reason {at}" for at in range(14)))))
    assert "- reason 9" in text
    assert "… and 4 more" in text


def test_what_blocks_without_a_reason_is_its_ending() -> None:
    assert "    - DrainBlocked: it is blocked" in _table(forecast(blocked()))


def test_lines_keep_to_the_width() -> None:
    long = Warned("rule", "Warn", 1, ["Deployment default/a"], "word " * 60, "")
    result = forecast(pod_summary=PodSummary(findings=[long], lose_data=3), unseen=["word " * 40])
    assert max(map(len, _table(result, width=80).splitlines())) <= 80


def test_machines_read_the_same_in_camel_case() -> None:
    groups = [_group("Deployment", "web", PodOutcome.MOVE, 3, 1)]
    result = forecast(
        pod_summary=structs.replace(PodSummary(move=3, lose_data=1), workloads=groups)
    )
    report = json.loads(as_json(result))
    assert report["blockedBy"] == []
    assert report["typical"]["limitedBy"] == "PodDisruptionBudget default/ledger"
    assert report["podSummary"]["loseData"] == 1
    assert report["podSummary"]["workloads"] == [
        {
            "kind": "Deployment",
            "namespace": "default",
            "name": "web",
            "disposition": "move",
            "reason": "its reason",
            "pods": 3,
            "losesData": 1,
        }
    ]
    assert yaml.safe_load(as_yaml(result)) == report
    assert json.loads(as_json(forecast(blocked("why"))))["blockedBy"] == ["why"]
