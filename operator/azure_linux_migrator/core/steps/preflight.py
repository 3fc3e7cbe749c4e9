"""Preflight: everything that can be known to go wrong, before anything is changed.

What stands here cannot work at all; the rules of core.preflight can be acknowledged.
"""

from dataclasses import replace

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.api.spec_drain import SingletonPolicy, TimeoutPolicy
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rules import evaluate
from azure_linux_migrator.core.preflight.target_os import same_os
from azure_linux_migrator.core.steps.build_snapshot import build_snapshot
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.model.actions import Action, ReadAzureFacts, ReadPools, ReviewAccess
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.provisioning_state import UNFINISHED

FRESH_SECONDS = 30.0
RECHECK_SECONDS = 60.0
AZURE_FACTS_SECONDS = 300.0
"""A refused preflight asks Azure again about quotas and the like after this."""
JUDGE_SECONDS = 2.0
"""The rules look at all pods at most once in this time."""


ON_AZURE_LOCAL = (
    "the cluster is AKS enabled by Azure Arc, as on Azure Local (the providerID of its nodes "
    "begins with moc://), and not AKS in Azure: its Linux nodes run Azure Linux already, and azlm "
    "cannot change its node pools"
)


def preflight(ctx: Context) -> Progress:
    """Refuse what cannot work, with the remedy; look again once a minute.

    While it refuses, it goes on refusing until what it has read again says otherwise: a status that
    went back to work for every look would flap, and publish two events a minute.
    """
    if ctx.seen.conflict:
        return refused(
            Reason.SOURCE_BUSY,
            f"migration {ctx.seen.conflict} works on a node pool of this one and comes first; wait "
            "until it is done, or delete one of the two. Where only the new pools would have the "
            "same name, create this one again with another spec.target.nodePool",
            wake_at=ctx.now + RECHECK_SECONDS,
        )
    if any(node.on_azure_local for node in ctx.seen.world.nodes.values()):
        return refused(Reason.ON_AZURE_LOCAL, ON_AZURE_LOCAL, wake_at=ctx.now + RECHECK_SECONDS)
    stalled = ctx.migration.status.is_true(ConditionType.STALLED)
    fresh = ctx.pools_newer_than(FRESH_SECONDS)
    if ctx.seen.pools is None or not (stalled or fresh):
        return _reading(ctx)
    answer = _checked(ctx)
    if answer.state == "refused":
        return replace(answer, actions=(*answer.actions, *_rereads(ctx)))
    return answer if fresh else _reading(ctx)


def _reading(ctx: Context) -> Progress:
    return ctx.attempt(ReadPools(), Reason.READING_POOLS, "reading the cluster's node pools")


def _checked(ctx: Context) -> Progress:
    """Everything, by what was read last."""
    if ctx.seen.missing_access is None:
        return ctx.attempt(
            _review(ctx), Reason.REVIEWING_ACCESS, "asking what Kubernetes allows us"
        )
    finding = _access(ctx) or _pools(ctx)
    if finding is not None:
        return finding
    if not ctx.seen.world_ready:
        return working(
            Reason.READING_CLUSTER, "waiting for the first lists of nodes, pods and budgets"
        )
    source = ctx.pool(ctx.migration.source)
    if source is not None and ctx.seen.azure_facts is None:
        return ctx.attempt(
            ReadAzureFacts(source), Reason.READING_AZURE, "reading quotas, sizes and subnets"
        )
    return _judged(ctx)


def _rereads(ctx: Context) -> tuple[Action, ...]:
    """What is read again while something is refused: the pools, and old Azure facts."""
    reads: list[Action] = []
    if not ctx.pools_newer_than(RECHECK_SECONDS):
        reads.append(ReadPools())
    azure_facts, source = ctx.seen.azure_facts, ctx.pool(ctx.migration.source)
    old = (
        azure_facts is not None
        and azure_facts.at
        and ctx.now - azure_facts.at >= AZURE_FACTS_SECONDS
    )
    if old and source is not None:
        reads.append(ReadAzureFacts(source))
    attempts = [ctx.attempt(read, "", "") for read in reads]
    return tuple(action for attempt in attempts for action in attempt.actions)


def _findings(ctx: Context) -> tuple[tuple[Finding, ...], float]:
    """What the rules find, and when to look again for events that came meanwhile.

    A walk over all pods: not made for every event of a busy cluster.
    """
    read_at = ctx.seen.pools.at if ctx.seen.pools else 0.0
    facts_at = ctx.seen.azure_facts.at if ctx.seen.azure_facts else 0.0
    window = int(ctx.now / JUDGE_SECONDS)
    acknowledged = ctx.migration.spec.preflight.acknowledge
    key = (ctx.migration.generation, acknowledged, read_at, facts_at, window)
    memory = ctx.seen.memory
    if memory.findings is not None and memory.findings[0] == key:
        return memory.findings[1], (window + 1) * JUDGE_SECONDS
    findings = evaluate(build_snapshot(ctx), acknowledged)
    memory.findings = (key, findings)
    return findings, ctx.now + RECHECK_SECONDS


def _judged(ctx: Context) -> Progress:
    """The rules' word; what an admin has acknowledged does not block."""
    findings, again = _findings(ctx)
    blocking = [finding for finding in findings if finding.blocks]
    if not blocking:
        return replace(DONE, findings=findings)
    reasons = "; ".join(f"{finding.rule}: {finding}" for finding in blocking[:3])
    more = f" and {len(blocking) - 3} more" if len(blocking) > 3 else ""
    lifted = not any(finding.final for finding in blocking)
    rules = ", ".join(dict.fromkeys(finding.rule for finding in blocking))
    how = f"To go on all the same, set spec.preflight.acknowledge: [{rules}]" if lifted else ""
    text = f"{reasons}{more}. {how}".rstrip(". ")
    of_drain = any(finding.cause is not None for finding in blocking)
    reason = Reason.PODS_BLOCKED if of_drain else Reason.PREFLIGHT_BLOCKED
    return replace(refused(reason, text, wake_at=again), findings=findings)


def _no(ctx: Context, reason: Reason, message: str) -> Progress:
    read_at = ctx.seen.pools.at if ctx.seen.pools else ctx.now
    return refused(reason, message, wake_at=read_at + RECHECK_SECONDS)


def _access(ctx: Context) -> Progress | None:
    missing = ctx.seen.missing_access
    if not missing:
        return None
    refresh = ctx.attempt(_review(ctx), "", "")
    return refused(
        Reason.KUBERNETES_FORBIDDEN,
        f"the operator's ServiceAccount may not: {', '.join(missing)}; apply the ClusterRole "
        "shipped in deploy/kustomize/base, and its components force and surge for "
        "spec.drain.onTimeout: Force and spec.drain.singletons: SurgeFirst",
        *refresh.actions,
        wake_at=refresh.wake_at,
    )


def _review(ctx: Context) -> ReviewAccess:
    policy = ctx.migration.spec.drain
    return ReviewAccess(
        force=policy.on_timeout is TimeoutPolicy.FORCE,
        surge=policy.singletons is SingletonPolicy.SURGE_FIRST,
    )


def _pools(ctx: Context) -> Progress | None:
    migration = ctx.migration
    source = ctx.pool(migration.source)
    if source is None:
        pools = ", ".join(sorted(ctx.seen.pools.pools)) if ctx.seen.pools else ""
        return _no(
            ctx,
            Reason.SOURCE_POOL_NOT_FOUND,
            f"node pool {migration.source} (spec.source.nodePool) does not exist in this cluster; "
            f"its pools are: {pools}",
        )
    return _source(ctx, source) or _already_there(ctx, source) or _target(ctx)


def _source(ctx: Context, source: Pool) -> Progress | None:
    """The first thing about the source pool that forbids its migration."""
    name = source.name
    empties = ctx.migration.spec.source_pool is SourcePool.SCALE_TO_ZERO
    checks = {
        Reason.SOURCE_NOT_LINUX: (
            source.os_type != "Linux",
            (
                f"node pool {name} (spec.source.nodePool) runs {source.os_type}; only Linux pools "
                "can move to Azure Linux"
            ),
        ),
        Reason.SOURCE_TYPE_UNSUPPORTED: (
            source.kind != "VirtualMachineScaleSets",
            (
                f"node pool {name} is of type {source.kind}; only VirtualMachineScaleSets pools "
                "are migrated"
            ),
        ),
        Reason.SOURCE_STOPPED: (
            source.power != "Running",
            f"node pool {name} is {source.power}; start it first",
        ),
        Reason.SOURCE_NOT_HEALTHY: (
            source.state in UNFINISHED,
            (
                f"node pool {name} is in state {source.state}; bring it to Succeeded first: az aks "
                f"nodepool update --name {name} …"
            ),
        ),
        Reason.SYSTEM_POOL_CANNOT_BE_EMPTY: (
            source.mode == "System" and empties,
            (
                f"node pool {name} is a System pool, which AKS does not scale to zero; set "
                "spec.sourcePool to Delete or Keep"
            ),
        ),
    }
    return next((_no(ctx, reason, text) for reason, (wrong, text) in checks.items() if wrong), None)


def _already_there(ctx: Context, source: Pool) -> Progress | None:
    """A pool that runs the OS already is not replaced by a second one like it, unless the spec asks
    for another VM size. InPlace changes nothing of such a pool."""
    migration, target = ctx.migration, ctx.migration.spec.target
    size = (target.vm_size or source.vm_size).lower()
    if migration.in_place or not same_os(source.os_sku, target.os_sku):
        return None
    if size != source.vm_size.lower():
        return None
    return _no(
        ctx,
        Reason.ALREADY_TARGET_OS,
        f"node pool {source.name} (spec.source.nodePool) runs {source.os_sku} already; there is "
        "nothing to migrate. Name the pool that is to move, or set spec.target.vmSize or "
        "spec.target.osSKU to what the new pool is to have in place of it",
    )


def _target(ctx: Context) -> Progress | None:
    migration = ctx.migration
    target = ctx.pool(migration.target)
    if migration.in_place:
        return None
    if migration.target == migration.source:
        return _no(
            ctx,
            Reason.TARGET_IS_SOURCE,
            f"the target pool would be named {migration.target} like the source; set "
            "spec.target.nodePool to another name",
        )
    if target is not None and not migration.owns(target):
        return _no(
            ctx,
            Reason.TARGET_POOL_EXISTS,
            f"node pool {migration.target} exists and was not created by this migration; set "
            "spec.target.nodePool to a free name or delete that pool",
        )
    return None
