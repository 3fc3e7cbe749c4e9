"""A migration from `kubectl apply` to its end, measured by the observer and, where the cluster has
one, by the audit log."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.audit import AuditLog
from testbed.control_plane import StartError, say
from testbed.demo.plan import run_plan
from testbed.demo.process import AzlmProcess, AzureCluster
from testbed.kubectl import kubectl, run_kubectl
from testbed.observer import POOL_LABEL, PodObserver, Sighting

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "samples" / "migration.yaml"
"""The migration of the node pool `workers`."""
BAR = 24


@dataclass(frozen=True)
class Setup:
    """The cluster of a measured migration, its Azure, and how long it may take (seconds).

    `operator` is the kubeconfig of the operator's ServiceAccount. `audit` is None where nobody can
    read the audit log. `azure_requests` are those so far, each with its time `at` in seconds since
    the epoch. `speeds` are flags of azlm plan.
    """

    kubeconfig: Path
    operator: Path
    cluster: AzureCluster
    arm: str
    scratch: Path
    patience: float
    azure_requests: Callable[[], list[dict[str, Any]]]
    audit: AuditLog | None = None
    speeds: tuple[str, ...] = ()


def measured_migration(setup: Setup, *, pods: int) -> tuple[bool, str]:
    """Run SAMPLE with the operator as a process: whether all is well, and the figures as text."""
    kubeconfig = setup.kubeconfig
    before = _pools(kubeconfig)
    source = {name for name, pool, _ in _nodes(kubeconfig) if pool == "workers"}
    observer = PodObserver(kubeconfig, source)
    expected = observer.start()
    try:
        with AzlmProcess(setup.operator, setup.arm, setup.scratch, setup.cluster) as operator:
            operator.wait_ready()
            forecast = _forecast(setup)
            say(
                f"{pods} pods run on {len(source)} Ubuntu nodes. $ kubectl apply -f {SAMPLE.name}\n"
            )
            print(SAMPLE.read_text().split("\n", 2)[2])
            began, applied_at = time.monotonic(), time.time()
            kubectl(kubeconfig, "apply", "-f", str(SAMPLE))
            succeeded = _follow(setup, began, operator)
            took = time.monotonic() - began
            waited = run_kubectl(
                kubeconfig, "wait", "--for=condition=Ready", "azlm/workers", "--timeout=5s"
            )
            same = _reapply(kubeconfig)
            calls = (call["at"] for call in setup.azure_requests() if call["at"] >= applied_at)
            first = next(calls) - applied_at
            figures = f"first Azure request {first:.1f} s after kubectl apply; {operator.figures()}"
    finally:
        seen = observer.stop()
    checks = {
        "Succeeded": succeeded,
        "kubectl wait --for=condition=Ready returns": waited.returncode == 0,
        "applied again, nothing changes": same,
        "every pod moved exactly once": seen.moves == expected and seen.second_moves == 0,
    }
    rows = [
        ("pools before", before),
        ("pools after", _pools(kubeconfig)),
        ("pods moved", f"{seen.moves} of {expected}, moved again: {seen.second_moves}"),
        ("budgets broken", "; ".join(seen.violations) or "0 times"),
        ("time", f"{took:.1f} s from kubectl apply to Succeeded; {forecast:.1f} s were forecast"),
        ("operator", figures),
    ]
    if setup.audit is not None:
        rows[3:3] = _evictions(setup.audit, seen, checks)
    checks["no budget broken"] = not seen.violations
    left = _nodes(kubeconfig)
    checks["the old pool is gone"] = not any(pool == "workers" for _, pool, _ in left)
    checks["only Azure Linux nodes left"] = all(sku == "AzureLinux" for _, _, sku in left)
    return all(checks.values()), _report(rows, checks)


def _evictions(audit: AuditLog, seen: Sighting, checks: dict[str, bool]) -> list[tuple[str, str]]:
    """What the audit log adds to the rows and the checks."""
    answers, per_pod = audit.evictions(), audit.evicted()
    granted, refused = answers.get(201, 0), sum(answers.values()) - answers.get(201, 0)
    checks["every pod moved exactly once"] &= set(per_pod.values()) == {1}
    checks["no eviction refused"] = refused == 0
    finished = granted - seen.moves
    return [
        ("evictions", f"{granted} granted ({finished} of finished pods), {refused} refused"),
        ("most evictions of a pod", str(max(per_pod.values(), default=0))),
    ]


def _report(rows: list[tuple[str, str]], checks: dict[str, bool]) -> str:
    lines = ["What an independent observer measured"]
    for name, value in rows:
        for index, part in enumerate(value.split("; ")):
            lines.append(f"  {'' if index else name:<26}{part}")
    lines += [f"  {'✓' if holds else '✗'} {name}" for name, holds in checks.items()]
    return "\n".join(lines)


def _forecast(setup: Setup) -> float:
    """The seconds that azlm plan forecasts before the migration."""
    flags = (*setup.cluster.flags, *setup.speeds, "--output=json")
    began = time.monotonic()
    done = run_plan(SAMPLE, setup.kubeconfig, setup.arm, *flags)
    if done.returncode:
        raise StartError(f"azlm plan: {done.stdout}{done.stderr}")
    forecast = json.loads(done.stdout)
    say(
        f"$ azlm plan -f {SAMPLE.name}: would take {forecast['total']['mid']:.1f} s and move "
        f"{forecast['podSummary']['move']} pods (forecast in {time.monotonic() - began:.1f} s)"
    )
    return float(forecast["total"]["mid"])


def _follow(setup: Setup, began: float, operator: AzlmProcess) -> bool:
    printed = ""
    while time.monotonic() - began < setup.patience:
        status = _migration(setup.kubeconfig).get("status") or {}
        line = _line(status)
        if line != printed:
            printed = line
            if sys.stdout.isatty():
                print(f"\r\033[K{time.monotonic() - began:5.1f} s  {line}", end="", flush=True)
            else:
                print(f"{time.monotonic() - began:5.1f} s  {line}", flush=True)
        if status.get("phase") == "Succeeded":
            print()
            return True
        if not operator.alive or status.get("phase") == "Stalled":
            break
        time.sleep(0.25)
    print()
    say(f"the migration did not succeed; the operator's last lines:\n{operator.log_tail()}")
    return False


def _line(status: dict[str, Any]) -> str:
    nodes, batch = status.get("nodes") or {}, status.get("batch") or {}
    total = nodes.get("total") or 1
    full = round(BAR * (nodes.get("drained") or 0) / total)
    bar = "█" * full + "░" * (BAR - full)
    step = status.get("step") or status.get("phase") or ""
    where = f"batch {batch.get('index', 0)}/{batch.get('of', 0)}  " if step == "Drain" else ""
    return f"{step:<13}{bar} {nodes.get('progress') or '0/?':>5}  {where}{status.get('message')}"


def _migration(kubeconfig: Path) -> dict[str, Any]:
    return dict(json.loads(kubectl(kubeconfig, "get", "azlm", "workers", "-o", "json")))


def _reapply(kubeconfig: Path) -> bool:
    """Apply the same manifest again and check that nothing moves."""
    before = _migration(kubeconfig)
    output = kubectl(kubeconfig, "apply", "-f", str(SAMPLE))
    time.sleep(1.0)
    after = _migration(kubeconfig)
    same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    return "unchanged" in output and same


def _nodes(kubeconfig: Path) -> list[tuple[str, str, str]]:
    """Name, pool and OS SKU of every node."""
    listed = json.loads(kubectl(kubeconfig, "get", "nodes", "-o", "json"))["items"]
    return [
        (
            item["metadata"]["name"],
            item["metadata"]["labels"].get(POOL_LABEL, ""),
            item["metadata"]["labels"].get("kubernetes.azure.com/os-sku", ""),
        )
        for item in listed
    ]


def _pools(kubeconfig: Path) -> str:
    counts: dict[tuple[str, str], int] = {}
    for _, pool, sku in _nodes(kubeconfig):
        counts[pool, sku] = counts.get((pool, sku), 0) + 1
    return ", ".join(f"{pool} ({count} x {sku})" for (pool, sku), count in sorted(counts.items()))
