"""Mutations of what the operator sends to Kubernetes and Azure, and of what it reads of their
answers."""

from azure_linux_migrator import errors
from azure_linux_migrator.azure import client as azure_client
from azure_linux_migrator.controller import executor
from azure_linux_migrator.kube import cordon, surge
from azure_linux_migrator.kube.decode import NodeObject
from azure_linux_migrator.kube.reflector import Reflector
from simtest.faults.fault import Fault
from simtest.mutations.cordons import KEEPS_CORDON
from simtest.mutations.mutation import Mutation, Patches
from simtest.mutations.source import rewritten

_UID = '"deleteOptions": {"preconditions": {"uid": uid}},'
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

    return Mutation(name, what, finds, patches, faults=faults)


REQUESTS: tuple[Mutation, ...] = (
    _mutation(
        "eviction-without-uid",
        "an eviction does not name the uid of its pod",
        "right-pod",
        (executor, "evict", _UID, '"deleteOptions": {},'),
        faults=_overtaken("EvictPod", 1, 2, 3, 4, 5, 6, 7, 8),
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
        (cordon, "_cordoned", KEEPS_CORDON, "False"),
        faults=_overtaken("CordonNode", 1, 3),
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
        "lines-cut",
        "what comes of a line at the end of a chunk is dropped",
        "log-clean",
        (Reflector, "_follow", "(rest + chunk)", "chunk"),
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
        "busy-server-not-waited-for",
        "the Retry-After of the API server is not kept",
        "retry-after-kept",
        (errors.KubernetesError, "delayed", "self.retry_after or 0.0", "0.0"),
    ),
    _mutation(
        "throttle-not-waited-for",
        "the Retry-After of Azure is not kept",
        "retry-after-kept",
        (
            azure_client,
            "translate",
            "retry_after=float(delay) if delay.isdecimal() else None",
            "retry_after=1.0",
        ),
    ),
    _mutation(
        "no-if-match",
        "a pool is changed or deleted whatever its etag is",
        "changed-unseen",
        (azure_client, "_if_unchanged", "if etag else {}", "if False else {}"),
        faults=(
            Fault("overtaken", 1.0, 0.0, 3, "DeletePool"),
            Fault("overtaken", 1.0, 0.0, 5, "UpdatePool"),
        ),
    ),
)
