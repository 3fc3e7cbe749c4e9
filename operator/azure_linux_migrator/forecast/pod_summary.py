"""The pods of the source pool by what the drain does with them, and by workload; and the
findings of the preflight."""

from collections import defaultdict
from enum import StrEnum
from typing import Any

from msgspec import Struct, structs

from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.drain.pod_filters import PodDisposition
from azure_linux_migrator.core.drain.pod_tracker import TrackedPod
from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.preflight.rules import evaluate
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.reconcile.observer import observed_once
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.build_snapshot import build_snapshot
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.forecast.snapshot import azure_facts_from
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.migration import Migration

MOST_WORKLOADS = 200
MOST_SUBJECTS = 20


class PodOutcome(StrEnum):
    """The dispositions, the most serious first."""

    BLOCKED = "blocked"
    WAIT = "wait"
    MOVE = "move"
    STAY = "stay"
    FINISHED = "finished"


class PodGroup(Struct):
    """Pods of one workload with one disposition, and the reason. `loses_data` counts those whose
    emptyDir is lost. The workload is what a user has written: a Deployment, not its ReplicaSets;
    a pod without an owner is its own workload."""

    kind: str
    namespace: str
    name: str
    disposition: PodOutcome
    reason: str
    pods: int = 0
    loses_data: int = 0


class Warned(Struct):
    """A finding of a preflight rule: `message` and `remedy` are those of the first of its
    `subjects`, of which there are `count`."""

    rule: str
    severity: str
    count: int
    subjects: list[str]
    message: str
    remedy: str


class PodSummary(Struct):
    """Counts of pods on the source: `move` are evicted, `stay` remain on their node, `wait` are
    waited for, `blocked` cannot move, `finished` ran to completion; `lose_data` are moving pods
    with an emptyDir. `workloads` are their workloads, those that lose most data first, and
    `more_workloads` how many are left out. `findings` block or warn."""

    nodes: int = 0
    move: int = 0
    stay: int = 0
    wait: int = 0
    blocked: int = 0
    lose_data: int = 0
    finished: int = 0
    workloads: list[PodGroup] = []
    more_workloads: int = 0
    findings: list[Warned] = []


def world_of(snapshot: ClusterSnapshot) -> World:
    """The core's world, built from the snapshot."""
    world = World()
    for node in snapshot.labelled_nodes():
        world.put_node(node)
    for controller in snapshot.controllers:
        world.put_controller(controller)
    for volume in snapshot.volumes:
        world.put_volume(volume)
    for attachment in snapshot.attachments:
        world.put_attachment(attachment)
    for budget, rule in zip(snapshot.budgets, snapshot.rules, strict=True):
        world.put_budget(structs.replace(budget, rule=rule))
    for pod in snapshot.placed_pods():
        world.put_pod(pod)
    return world


def pod_summary(snapshot: ClusterSnapshot, name: str, spec: dict[str, Any]) -> PodSummary:
    """The summary, by the filters of the drain and the rules of the preflight."""
    context = context_of(*situation(snapshot, name, spec))
    counted = PodSummary(nodes=len(context.pool_progress), findings=_findings(context))
    held = _deadlocks(context)
    groups: dict[tuple[str, str, str, PodOutcome, str], PodGroup] = {}
    for entry in context.planner.tracker.entries.values():
        disposition, reason = _outcome(entry)
        deadlock = next(
            (key for key in context.seen.world.budgets_of(entry.pod) if key in held), None
        )
        if disposition is PodOutcome.MOVE and deadlock is not None:
            disposition, reason = PodOutcome.BLOCKED, f"its budget {deadlock} allows no disruption"
        kind, place, owner = _workload(context, entry)
        key = (kind, place, owner, disposition, reason)
        group = groups.setdefault(key, PodGroup(*key))
        group.pods += 1
        if disposition is PodOutcome.MOVE:
            group.loses_data += entry.pod.empty_dir
    for group in groups.values():
        counted.lose_data += group.loses_data
        match group.disposition:
            case PodOutcome.MOVE:
                counted.move += group.pods
            case PodOutcome.STAY:
                counted.stay += group.pods
            case PodOutcome.WAIT:
                counted.wait += group.pods
            case PodOutcome.BLOCKED:
                counted.blocked += group.pods
            case PodOutcome.FINISHED:
                counted.finished += group.pods
    ranked = sorted(groups.values(), key=_rank)
    counted.workloads = ranked[:MOST_WORKLOADS]
    counted.more_workloads = len(ranked) - len(counted.workloads)
    return counted


def situation(
    snapshot: ClusterSnapshot, name: str, spec: dict[str, Any]
) -> tuple[Migration, Observation, float]:
    """What the operator would see if the migration began now."""
    at = snapshot.taken_at
    azure_facts = (
        azure_facts_from(snapshot.azure_facts) if snapshot.azure_facts else AzureFacts(at=at)
    )
    pools = {pool.name: pool for pool in snapshot.pools}
    observation = observed_once(world_of(snapshot), pools, azure_facts, at)
    parsed = MigrationSpec.model_validate(spec)
    return Migration(name, "pod-summary", 1, parsed, MigrationStatus()), observation, at


def _deadlocks(context: Context) -> set[NamespacedName]:
    """Budgets that never let the drain evict, and that nobody else opens."""
    kind = "PodDisruptionBudget "
    subjects = {
        finding.subject.removeprefix(kind)
        for finding in evaluate(build_snapshot(context))
        if finding.rule == Check.PDB_ZERO and finding.severity is Severity.BLOCK
    }
    return {key for key in context.seen.world.budgets if str(key) in subjects}


def _outcome(entry: TrackedPod) -> tuple[PodOutcome, str]:
    if entry.pod.finished:
        return PodOutcome.FINISHED, "ran to completion"
    reason = entry.filter_result.reason
    match entry.filter_result.disposition:
        case PodDisposition.SKIP:
            return PodOutcome.STAY, reason
        case PodDisposition.WAIT:
            return PodOutcome.WAIT, reason
        case PodDisposition.BLOCK:
            return PodOutcome.BLOCKED, reason
        case PodDisposition.MOVE:
            return PodOutcome.MOVE, reason or ("is being deleted" if entry.pod.terminating else "")


def _workload(context: Context, entry: TrackedPod) -> tuple[str, str, str]:
    """Kind, namespace and name."""
    pod = entry.pod
    controller = context.seen.world.owner_index.controller_of(pod)
    if controller is not None:
        return controller.kind, controller.key.namespace, controller.key.name
    if pod.owner is None or pod.mirror:
        return "Pod", pod.key.namespace, pod.key.name
    return pod.owner.kind, pod.key.namespace, pod.owner.name


def _rank(group: PodGroup) -> tuple[object, ...]:
    """Blocked workloads first, then those that lose data, those that are waited for, and the
    rest."""
    grave = list(PodOutcome).index(group.disposition) - (1.5 if group.loses_data else 0)
    return grave, group.namespace, group.name, group.kind, group.reason


def _findings(context: Context) -> list[Warned]:
    """Findings that block or warn, each rule once, the most serious first."""
    acknowledged = context.migration.spec.preflight.acknowledge
    by_rule: defaultdict[tuple[Severity, str], list[Finding]] = defaultdict(list)
    for finding in evaluate(build_snapshot(context), acknowledged):
        if finding.severity in {Severity.BLOCK, Severity.WARN} and not finding.acknowledged:
            by_rule[finding.severity, finding.rule].append(finding)
    return [
        Warned(
            rule,
            severity,
            len(findings),
            [finding.subject for finding in findings[:MOST_SUBJECTS]],
            findings[0].message,
            findings[0].remedy,
        )
        for (severity, rule), findings in by_rule.items()
    ]
