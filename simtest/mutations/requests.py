"""Mutations of what the operator sends to Kubernetes and Azure, and of what it reads of their
answers. They are found in runs of the operator that ships."""

from azure_linux_migrator.azure import client as azure_client
from azure_linux_migrator.azure.client import AksPools
from azure_linux_migrator.kube import access, client, cordon, eviction, surge
from azure_linux_migrator.kube.decode import BudgetObject, NodeObject, PodObject
from azure_linux_migrator.kube.migrations import Migrations
from azure_linux_migrator.kube.reflector import Reflector
from simtest.faults.fault import Fault
from simtest.mutations.mutation import Mutation, Patches
from simtest.mutations.source import rewritten

_UID = '"deleteOptions": {"preconditions": {"uid": uid}},'
_TEST_OWNER = '{"op": "test", "path": ours, "value": by},'
_LAST_MARK = 'await _patch(client, node, {"metadata": {"annotations": {BATCH: None}}}, MERGE_PATCH)'
_TEST_SURGE = '{"op": "test", "path": "/spec/replicas", "value": replicas},'
_TEST_RESTORE = '{"op": "test", "path": "/spec/replicas", "value": replicas + 1},'
_FORGET = "self._sink.remove(key, int(revision) if revision.isdecimal() else 0)"


def _overtaken(on: str, *numbers: int) -> tuple[Fault, ...]:
    """Somebody is faster than these actions of a type."""
    return tuple(Fault("network-overtaken", float(number), 4.0, 0, on) for number in numbers)


def _mutation(
    name: str,
    what: str,
    finds: str,
    *changes: tuple[object, str, str, str],
    faults: tuple[Fault, ...] | None = None,
) -> Mutation:
    def patches() -> Patches:
        return [rewritten(*change) for change in changes]

    return Mutation(name, what, finds, patches, shipped=True, faults=faults)


REQUESTS: tuple[Mutation, ...] = (
    _mutation(
        "eviction-without-uid",
        "an eviction does not name the uid of its pod",
        "right-pod",
        (eviction, "evict", _UID, '"deleteOptions": {},'),
        faults=_overtaken("EvictPod", 1, 2, 3, 4, 5, 6, 7, 8),
    ),
    _mutation(
        "deletion-without-uid",
        "a forced deletion does not name the uid of its pod",
        "right-pod",
        (eviction, "delete", '"preconditions": {"uid": uid}', '"preconditions": {}'),
        faults=_overtaken("DeletePod", 1, 2),
    ),
    _mutation(
        "conflict-is-gone",
        "a 409 to an eviction is taken for a pod that is gone",
        "moved-once",
        (
            eviction,
            "_look_again",
            "pod = json.loads",
            "return EvictionResponse(EvictionResult.GONE)\n        pod = json.loads",
        ),
    ),
    _mutation(
        "cordon-without-version",
        "a node is cordoned whatever has changed since it was read",
        "foreign-cordon-raced",
        (cordon, "_cordoned", '"resourceVersion": version, ', ""),
        faults=_overtaken("CordonNode", 1, 3),
    ),
    _mutation(
        "cordon-taken-over",
        "a cordon of somebody else is taken over",
        "foreign-cordon-kept",
        (cordon, "_cordoned", 'node_object["spec"].get("unschedulable") and owner != by', "False"),
        faults=_overtaken("CordonNode", 1, 3),
    ),
    _mutation(
        "uncordons-anybodys",
        "a node is uncordoned whoever has cordoned it",
        "foreign-cordons-stay",
        (cordon, "uncordon", _TEST_OWNER, ""),
        faults=(Fault("rollback", 5.0, 10.0, 0, "Drain"), *_overtaken("ReleaseNode", 1)),
    ),
    _mutation(
        "batch-marks-left",
        "uncordoning leaves the batch mark",
        "ends",
        (cordon, "uncordon", _LAST_MARK, "pass"),
        faults=(Fault("rollback", 5.0, 10.0, 0, "Drain"),),
    ),
    _mutation(
        "surge-untested",
        "a replica is added whatever the scale is",
        "workloads-well",
        (surge, "surge", _TEST_SURGE, ""),
        faults=_overtaken("SurgeReplica", 1),
    ),
    _mutation(
        "restore-untested",
        "the scale is restored although somebody has changed it",
        "workloads-well",
        (surge, "restore", _TEST_RESTORE, ""),
        faults=_overtaken("RestoreScale", 1),
    ),
    _mutation(
        "status-over-anything",
        "the status is applied to any version of the resource",
        "step-forward",
        (
            Migrations,
            "apply_status",
            '"name": name, "resourceVersion": resource_version',
            '"name": name',
        ),
    ),
    _mutation(
        "list-forgets-nothing",
        "what is not in a list any more stays known",
        "ends",
        (Reflector, "_complete", _FORGET, "pass"),
        faults=(*(Fault("watch-lost", 1.0 + at, 6.0, 1, "Drain") for at in range(0, 12, 7)),),
    ),
    _mutation(
        "deletions-ignored",
        "DELETED events are ignored",
        "ends",
        (Reflector, "_take", "self._forget(record.metadata)", "pass"),
    ),
    _mutation(
        "partial-list",
        "a list whose connection ended counts as complete",
        "no-crash",
        (
            Reflector,
            "_follow",
            'raise KubernetesError(0, "the connection ended before the list was complete")',
            'self._complete("0")',
        ),
    ),
    _mutation(
        "lines-cut",
        "what comes of a line at the end of a chunk is dropped",
        "no-crash",
        (Reflector, "_follow", "(rest + chunk)", "chunk"),
    ),
    _mutation(
        "deletion-time-unread",
        "a pod that terminates is taken for one that runs",
        "evicted-once",
        (
            PodObject,
            "record",
            "terminating=meta.deletion_timestamp is not None",
            "terminating=False",
        ),
    ),
    _mutation(
        "policy-unread",
        "a budget's policy for unready pods is not read",
        "slot-known-free",
        (
            BudgetObject,
            "record",
            'self.spec.unhealthy_pod_eviction_policy or "IfHealthyBudget"',
            '"AlwaysAllow"',
        ),
    ),
    _mutation(
        "generation-unread",
        "the figures of a budget count although its spec has changed since",
        "slot-known-free",
        (
            BudgetObject,
            "record",
            "observed_generation=self.status.observed_generation",
            "observed_generation=self.metadata.generation",
        ),
    ),
    _mutation(
        "disrupted-unread",
        "evictions that a budget's status shows are not read",
        "slot-known-free",
        (
            BudgetObject,
            "record",
            "disrupted=frozenset(self.status.disrupted_pods or ())",
            "disrupted=frozenset()",
        ),
    ),
    _mutation(
        "unknown-is-ready",
        "a node whose Ready condition is Unknown counts as Ready",
        "retired-with-target",
        (
            NodeObject,
            "record",
            'ready=_is_true(self.status.conditions, "Ready")',
            "ready=True",
        ),
        faults=(*(Fault("node-lost", 1.0, 60.0, pick, "CreateTarget") for pick in range(6)),),
    ),
    _mutation(
        "cordons-unread",
        "whose cordon a node has is not read",
        "released",
        (
            NodeObject,
            "record",
            'cordoned_by=annotations.get(CORDONED_BY, "")',
            'cordoned_by=""',
        ),
    ),
    _mutation(
        "access-never-missing",
        "an access review never finds a right missing",
        "ends",
        (access, "missing_access", "if not allowed", "if False"),
        faults=(
            Fault("access-missing", 0.0, 200.0, 1, "Preflight"),
            Fault("access-missing", 0.0, 200.0, 1),
        ),
    ),
    _mutation(
        "retry-after-unread",
        "Retry-After of the API server is not read",
        "retry-due",
        (client, "_error", 'response.headers.get("Retry-After", "")', '""'),
    ),
    _mutation(
        "no-if-match",
        "a pool is changed or deleted whatever its etag is",
        "changed-unseen",
        (azure_client, "_if_unchanged", "if etag else {}", "if False else {}"),
    ),
    _mutation(
        "no-if-none-match",
        "the target is created over a pool of its name",
        "only-own-pools",
        (
            AksPools,
            "create_target",
            "MatchConditions.IfMissing",
            "MatchConditions.Unconditionally",
        ),
    ),
)
