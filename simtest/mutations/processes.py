"""Mutations of the operator's process: its Lease, its workers, and how it runs actions."""

from azure_linux_migrator.controller import event_recorder
from azure_linux_migrator.controller.event_recorder import EventRecorder
from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.process import Operator
from azure_linux_migrator.controller.resource_requests import ResourceRequests
from azure_linux_migrator.controller.supervisor import Supervisor
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.lease import Elector
from simtest.faults.fault import Fault
from simtest.mutations.mutation import Mutation, Patches
from simtest.mutations.source import rewritten


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


PROCESSES: tuple[Mutation, ...] = (
    _mutation(
        "acts-without-lease",
        "requests are sent although the Lease is lost",
        "lease-held",
        (Executor, "_require_lease", "if not self._may_act():", "if False:"),
        (Client, "guarded", "_before_write=before_write", "_before_write=lambda: None"),
        (Executor, "submit", "or not self._may_act()", ""),
        faults=(
            Fault("freeze", 0.5, 35.0, 1, "Drain"),
            Fault("freeze", 0.1, 35.0, 1, "CordonSource"),
        ),
    ),
    _mutation(
        "takes-a-held-lease",
        "a Lease is taken although its holder renews it",
        "lease-held",
        (
            Elector,
            "_may_take",
            "if not holder or holder == self._identity:",
            "if True:",
        ),
        faults=(Fault("twins", 5.0, 8.0, 0, "Drain"), Fault("twins", 1.0, 8.0, 0, "CordonSource")),
    ),
    _mutation(
        "lease-never-lost",
        "a Lease that was not renewed in time counts as held",
        "lease-held",
        (Elector, "held", "self._left() > 0.0", "self._renewed > 0.0"),
    ),
    _mutation(
        "status-without-lease",
        "the status is written without the Lease",
        "lease-held",
        (ResourceRequests, "write", "if not self._may_act():", "if False:"),
        (Client, "guarded", "_before_write=before_write", "_before_write=lambda: None"),
        faults=(
            Fault("freeze", 0.5, 35.0, 1, "Drain"),
            Fault("freeze", 0.1, 35.0, 1, "CordonSource"),
        ),
    ),
    _mutation(
        "two-workers",
        "a worker starts while another one of its resource is at work",
        "no-crash",
        (
            Supervisor,
            "_wait_for_predecessor",
            "(worker := self._active.get(name)) is not None",
            "False",
        ),
    ),
    _mutation(
        "rivals-unseen",
        "a migration begins although another one is at work on its pool",
        "one-at-a-time",
        (Operator, "conflict", "conflict_of(", "'' and conflict_of("),
    ),
    _mutation(
        "half-a-world",
        "decisions are made before every first list is complete",
        "released",
        (
            ClusterWatch,
            "synced",
            "scales and all(reflector.synced for reflector in self._reflectors.values())",
            "bool(self._reflectors)",
        ),
    ),
    _mutation(
        "unsent-is-taken",
        "a status that was not recorded counts as recorded",
        "recorded-first",
        (ResourceRequests, "write", "answer = answer_of(error)", "answer = WriteAnswer.TAKEN"),
    ),
    _mutation(
        "events-of-before",
        "an event has the message of the decision before",
        "events-true",
        (
            EventRecorder,
            "_publish_changes",
            "after.message or new.message",
            "before.message or new.message",
        ),
    ),
    _mutation(
        "events-of-the-owner",
        "an event about a pod has the uid of another object",
        "events-true",
        (EventRecorder, "_publish_objects", "world.pods[key].uid", "self._regarding.uid"),
    ),
    _mutation(
        "events-for-every-decision",
        "an event is written for every decision",
        "events-few",
        (
            EventRecorder,
            "_publish_changes",
            "if new is None or (old is not None and old.reason == new.reason):",
            "if new is None:",
        ),
        (event_recorder.EventRecorder, "_publish_preflight", "if before == after:", "if False:"),
    ),
)
