"""`azlm preflight`: the checks of a migration that is not applied yet, read-only.

It sees what the operator would see: the same watches, the same reads of Azure, the same rules.
"""

import asyncio
import json
import textwrap
import time
from dataclasses import replace

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.azure.client import open_pools
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.reconcile.decide import context_of
from azure_linux_migrator.core.state.observation import Observation, PoolReading
from azure_linux_migrator.core.steps.preflight import preflight
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.services import dual_stack_services
from azure_linux_migrator.model.migration import Migration

READ_SECONDS = 120.0
CLEAR, BLOCKED = 0, 2

_MARKS = {
    Severity.BLOCK: "BLOCK",
    Severity.WARN: "warn",
    Severity.INFO: "info",
    Severity.FIXED: "fixed",
    Severity.UNCHECKED: "unchecked",
}


async def check(settings: Settings, name: str, spec: MigrationSpec) -> tuple[Finding, ...]:
    """Everything the rules find; what cannot work at all comes as a finding named `migration`."""
    cluster = spec.cluster or settings.cluster
    if cluster is None:
        raise SettingsError(
            "the file has no spec.cluster; set it, or pass --subscription-id, --resource-group "
            "and --cluster-name"
        )
    client = await Client.connect(settings.kubeconfig, settings.context)
    telemetry = Telemetry()
    pools = open_pools(
        cluster,
        endpoint=settings.arm_endpoint,
        cloud=settings.cloud,
        on_request=telemetry.azure_request,
    )
    feed = ClusterWatch(client)
    woken = asyncio.Event()
    await feed.acquire(woken.set)
    try:
        found = await pools.list_pools()
        source = found.get(spec.source.node_pool)
        azure_facts = None
        if source is not None:
            azure_facts = await pools.azure_facts(source)
        await _synced(feed)
        services = await dual_stack_services(client)
        now = time.time()
        seen = Observation(
            world=feed.world,
            pools=PoolReading(found, now),
            missing_access=(),
            azure_facts=azure_facts and replace(azure_facts, services=services),
        )
        migration = Migration(name, "preflight", 0, spec, MigrationStatus())
        progress = preflight(context_of(migration, seen, now))
    finally:
        await feed.release(woken.set)
        await pools.close()
        await client.close()
    if progress.findings is not None:
        return progress.findings
    return (Finding("migration", Severity.BLOCK, name, f"{progress.reason}: {progress.message}"),)


async def _synced(feed: ClusterWatch) -> None:
    deadline = time.monotonic() + READ_SECONDS
    while not feed.synced:
        if time.monotonic() > deadline:
            raise SettingsError(
                "the cluster's pods, nodes and budgets could not be read within "
                f"{READ_SECONDS:.0f} s: {feed.problem() or 'no answer'}"
            )
        await asyncio.sleep(0.05)


def exit_code(findings: tuple[Finding, ...]) -> int:
    """0 where nothing blocks, 2 where something does."""
    return BLOCKED if any(each.blocks for each in findings) else CLEAR


def as_json(findings: tuple[Finding, ...]) -> str:
    """For machines."""
    return json.dumps(
        {
            "blocked": sum(each.blocks for each in findings),
            "findings": [
                {
                    "id": each.rule,
                    "severity": each.severity,
                    "subject": each.subject,
                    "message": each.message,
                    "remedy": each.remedy,
                    "acknowledged": each.acknowledged,
                }
                for each in findings
            ],
        },
        indent=2,
    )


def as_table(findings: tuple[Finding, ...], width: int) -> str:
    """For people: a line for what was found, indented ones for what to do."""
    longest = max((len(each.rule) for each in findings), default=4)
    indent = " " * (11 + longest)
    lines = [f"{'SEVERITY':<10} {'CHECK':<{longest}} FINDING"]
    for each in findings:
        mark = "known" if each.acknowledged else _MARKS[each.severity]
        first = f"{mark:<10} {each.rule:<{longest}} "
        text = f"{each.subject}: {each.message}"
        wrapped = textwrap.wrap(
            text,
            max(width, 60),
            initial_indent=first,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
        lines += wrapped
        if each.remedy and each.severity in {Severity.BLOCK, Severity.WARN}:
            lines += textwrap.wrap(
                f"→ {each.remedy}",
                max(width, 60),
                initial_indent=indent,
                subsequent_indent=f"{indent}  ",
                break_on_hyphens=False,
            )
    counts = {
        severity: sum(e.severity is severity and not e.acknowledged for e in findings)
        for severity in Severity
    }
    blocks = counts[Severity.BLOCK]
    verdict = "blocked" if blocks else "clear to begin"
    told = (
        f"{verdict}: {blocks} block, {counts[Severity.WARN]} warn, "
        f"{counts[Severity.UNCHECKED]} could not be checked, "
        f"{counts[Severity.INFO] + counts[Severity.FIXED]} for information"
    )
    lines += ["", told]
    if blocks and not any(each.final for each in findings):
        lines.append("To go on all the same, name a check in spec.preflight.acknowledge.")
    return "\n".join(lines)
