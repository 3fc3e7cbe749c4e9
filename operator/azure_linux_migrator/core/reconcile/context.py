"""The context of the steps: a migration, what is observed, and the planner of its drain."""

from functools import cache, partial

from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.api.spec_drain import TimeoutPolicy
from azure_linux_migrator.api.status import since_epoch
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.preflight.findings import Severity
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.model.migration import Migration


def context_of(migration: Migration, observation: Observation, now: float) -> Context:
    """What the steps look at, with the planner that the observation's memory keeps."""
    scope = Scope(
        migration.name,
        migration.source,
        migration.target,
        migration.spec.drain,
        observation.own_pod,
        migration.spec.target.os_sku if migration.in_place else "",
        migration.uid,
        _accepted(migration),
    )
    # The pods that are there show which ones came after that: not before all of them are read.
    began = since_epoch(migration.status.batch.started_at) if observation.world_ready else None
    # No pod of the second in which the resource was made replaces one that it moved, whatever the
    # clock said by which the start was recorded.
    start = since_epoch(migration.status.start_time)
    since = 0.0 if start is None else max(start, migration.created + 1.0)
    planner = observation.memory.planner(observation.world, scope, began=began or 0.0, since=since)
    make_plan = cache(partial(planner.plan, now, migration.uid, observation.problems))
    return Context(migration, observation, planner, make_plan, now)


def _accepted(migration: Migration) -> frozenset[str]:
    """The checks whose findings an admin has acknowledged, and pdb.zero where it only warned, about
    budgets that a webhook opens (with Force it only warns about every budget)."""
    warned = {
        finding.rule
        for finding in migration.status.preflight.findings
        if finding.severity == Severity.WARN
        and migration.spec.drain.on_timeout is not TimeoutPolicy.FORCE
    }
    return frozenset(migration.spec.preflight.acknowledge) | (warned & {Check.PDB_ZERO})
