"""Checks of the disruption budgets: those that forbid every eviction, that others open, or that
are used up."""

from collections.abc import Iterator

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.spec_drain import SingletonPolicy, TimeoutPolicy
from azure_linux_migrator.core.drain.blocker import arithmetic
from azure_linux_migrator.core.drain.disruption_budgets import (
    deadlock_remedy,
    is_deadlocked,
    unhealthy_remedy,
)
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult
from azure_linux_migrator.core.preflight.snapshot import BudgetFacts, PreflightSnapshot
from azure_linux_migrator.model.azure_facts import Unread

EVICTION_AUTOSCALER = "EvictionAutoScaler"
"""The AKS add-on that manages budgets (Azure/AKS issue 5130)."""
_BROKEN = frozenset((Cause.BUDGET_SYNC_FAILED, Cause.TWO_BUDGETS))


def budgets(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pdb.zero: a budget that will never let its pods go by its numbers."""
    for blocker in snapshot.blockers:
        if blocker.cause in _BROKEN:
            text = blocker.message.removeprefix(f"{blocker.kind} {blocker.key} ")
            yield RuleResult("pdb.zero", f"{blocker.kind} {blocker.key}").block(
                f"{text} ({blocker.pods} pods)", blocker.remedy
            )
    deadlocked = [facts for facts in snapshot.budgets if is_deadlocked(facts.budget)]
    managed = [facts for facts in deadlocked if facts.budget.managed_by == EVICTION_AUTOSCALER]
    if managed:
        names = ", ".join(str(facts.budget.key) for facts in managed[:3])
        yield RuleResult("pdb.zero", "the cluster").info(
            f"{len(managed)} budgets are managed by AKS ({names}), which adds a replica once nodes "
            "are cordoned"
        )
    for facts in deadlocked:
        if facts not in managed:
            yield _deadlocked(facts, snapshot)


def _deadlocked(facts: BudgetFacts, snapshot: PreflightSnapshot) -> Finding:
    budget, policy = facts.budget, snapshot.spec.drain
    result = RuleResult("pdb.zero", f"PodDisruptionBudget {budget.key}")
    text = f"{arithmetic(budget).removeprefix(f'{result.subject} ')} ({facts.pods} pods)"
    owner = facts.owners[0] if facts.owners else "its owner"
    webhooks = snapshot.facts.webhooks
    if not facts.standard and not isinstance(webhooks, Unread) and webhooks:
        return result.warn(
            f"{text}; its evictions are answered by webhook {', '.join(webhooks)}, which has "
            f"{owner} move the pods itself",
            "see that its operator runs; it is asked with an eviction request",
        )
    if not facts.standard and budget.expected == 1 and facts.peers > 1:
        return result.warn(
            f"{text}; it selects one of {facts.peers} pods by its role, and {owner} moves the role "
            "to another pod when the node is cordoned; all nodes of the source are cordoned at "
            "once, so that the role moves when a pod of it runs on the new nodes",
            "see that its operator runs; a database of one instance needs its budget turned off "
            "(for CloudNativePG enablePDB: false) or a maintenance window",
        )
    surging = policy.singletons is SingletonPolicy.SURGE_FIRST
    if surging and facts.surged:
        return result.fixed(f"{text}; SurgeFirst moves the pods without an eviction")
    if not facts.standard:
        remedy = f"let the budget allow a disruption in the settings of {owner}"
    else:
        remedy = deadlock_remedy(budget, surge_helps=facts.surged and not surging)
    say = result.warn if policy.on_timeout is TimeoutPolicy.FORCE else result.block
    return say(text, remedy)


def unhealthy(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pdb.unhealthy: a budget that is used up now by pods that are not Ready."""
    for facts in snapshot.budgets:
        budget = facts.budget
        if budget.allowed > 0 or not facts.unready or is_deadlocked(budget) or budget.sync_failed:
            continue
        subject = f"PodDisruptionBudget {budget.key}"
        since = min((since for _, since in facts.unready if since), default=0.0)
        names = ", ".join(key.name for key, _ in facts.unready[:3])
        more = f" and {len(facts.unready) - 3} more" if len(facts.unready) > 3 else ""
        lasting = f" for {_span(snapshot.now - since)}" if since else ""
        yield RuleResult("pdb.unhealthy", subject).warn(
            f"{arithmetic(budget).removeprefix(f'{subject} ')}: pods {names}{more} are not Ready"
            f"{lasting}",
            unhealthy_remedy(budget),
        )


def _span(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{max(1, seconds // 60):.0f} min"
