"""A migration of a small simulated cluster that an admin changes in the middle."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from azure_linux_migrator.api.names import APPROVE, RESUME, RETRY, SURGE
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.cluster import BudgetRule, NamespacedName
from azure_linux_migrator.model.selectors import Selector
from azure_linux_migrator.simulator.cluster.workload import Span, Template, Workload
from simtest.custom_resource import CustomResource
from tests.support.edited_operator import EditedOperator
from tests.support.simulated_clusters import simulation

NAME = "m"
CALM: dict[str, Any] = {
    "canary": {"nodes": 0},
    "batch": {"size": 1, "soak": "0s"},
    "maxSurge": 1,
    "finalSoak": "0s",
}
STEPS = 60_000
"""More events than any of these runs needs: more are a livelock."""

Holds = Callable[["EditedMigration"], bool]


class EditedMigration:
    """Migration `m` of pool `src` (two nodes) in a cluster with two Deployments: `web`, whose
    budget lets one pod go at a time, and `db`, a single pod with a budget that `allow_db`
    opens and closes."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        system = {"mode": "System", "osSKU": "AzureLinux", "count": 1}
        self.cluster = simulation(boot=20.0, system=system, src={"count": 2})
        self.kernel = self.cluster.kernel
        self._workload("web", 3, BudgetRule(max_unavailable=1))
        self._workload("db", 1, BudgetRule(max_unavailable=1))
        self.pass_time(5.0)
        whole = {"source": {"nodePool": "src"}} | {"strategy": CALM} | dict(spec)
        self._spec = whole
        self.resource = CustomResource(self.cluster.store, NAME, whole, lambda: self.kernel.now)
        self.statuses: list[MigrationStatus] = []
        self.resource.watchers.append(self._record)
        EditedOperator(self.cluster, self.resource)

    def _workload(self, name: str, replicas: int, rule: BudgetRule) -> None:
        labels = (("app", name),)
        template = Template(
            labels=labels, requests=(100, 100), start=Span(1.0, 2.0), stop=Span(0.5, 1.0)
        )
        key = NamespacedName("default", name)
        workload = Workload("Deployment", key, name, replicas, template)
        self.cluster.workloads.add(workload, fresh=False)
        nodes = [node for node in self.cluster.store.nodes.values() if node.pool == "src"]
        for index in range(replicas):
            node = nodes[index % len(nodes)].name
            self.cluster.workloads.place(workload, node, created=self.kernel.now - 900)
        self.cluster.disruption.add(key, Selector(labels), rule)

    def apply_again(self) -> None:
        """The resource is gone, and the same one is applied again."""
        self.resource.recreate(self._spec)

    def _record(self, body: Any) -> None:
        if body is None:
            return
        self.statuses.append(body.status)

    @property
    def status(self) -> MigrationStatus:
        """The status as it was written last."""
        return self.resource.body.status if self.resource.body else self.statuses[-1]

    @property
    def reason(self) -> str:
        """The reason of Ready."""
        ready = self.status.condition("Ready")
        return ready.reason if ready else ""

    @property
    def gone(self) -> bool:
        """Whether the resource is gone."""
        return self.resource.body is None

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.gone or self.status.phase in {"Succeeded", "RolledBack", "Aborted"}

    def until(self, holds: Holds, *, hours: float = 2.0) -> bool:
        """Run until it holds; whether it does within these hours."""
        end, most = self.kernel.now + hours * 3600, self.kernel.steps + STEPS
        while not holds(self):
            due = self.kernel.next_at()
            if due is None or due > end:
                return False
            assert self.kernel.steps < most, f"a livelock: {self.where}"
            self.kernel.step()
        return True

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        end = self.kernel.now + seconds
        self.kernel.at(end, lambda: None)
        most = self.kernel.steps + STEPS
        while (due := self.kernel.next_at()) is not None and due <= end:
            assert self.kernel.steps < most, f"a livelock: {self.where}"
            self.kernel.step()

    @property
    def where(self) -> str:
        """Phase, step, reason and message."""
        status = self.status
        return f"{status.phase} {status.step}:{self.reason}: {status.message[:300]}"

    def allow_db(self, *, allowed: bool = True) -> None:
        """An admin lets the budget of `db` allow a disruption, or none."""
        rule = BudgetRule(max_unavailable=int(allowed))
        self.cluster.disruption.change(NamespacedName("default", "db"), rule)

    def say(self, annotation: str, value: str | None = None) -> None:
        """An admin annotates the resource."""
        self.resource.annotate(annotation, value or f"{self.kernel.now}")

    def help_on(self, *, rounds: int = 40) -> bool:
        """An admin does what the status asks for until nothing more happens; whether it came to
        that."""
        self.allow_db()
        for _ in range(rounds):
            if self.until(lambda migration: migration.over, hours=0.1):
                return True
            if gate := re.search(rf"{re.escape(APPROVE)}=(\S+)", self.status.message):
                self.say(APPROVE, gate[1])
            if self.status.phase == "Paused":
                self.resource.edit(paused=False)
                self.say(RESUME)
            if self.status.phase == "Stalled":
                self.say(RETRY)
        return False

    # Judgements

    def leftovers(self) -> list[str]:
        """Cordons, marks and surges of the migration."""
        nodes = self.cluster.store.nodes.values()
        marked = [n.name for n in nodes if n.cordoned_by == NAME or n.batch.startswith(f"{NAME}.")]
        controllers = self.cluster.store.controllers.values()
        surged = [f"{SURGE} of {c.key}" for c in controllers if c.surge.startswith(f"{NAME}/")]
        drained = [n.name for n in nodes if n.drain]
        return [*marked, *surged, *drained]

    def unwell(self) -> list[str]:
        """Workloads that have not all their pods Ready, with how many they have."""
        ready: dict[str, int] = {}
        for pod in self.cluster.store.pods.values():
            app = dict(pod.labels).get("app", "")
            ready[app] = ready.get(app, 0) + (pod.ready and not pod.terminating)
        return [
            f"{app}: {ready.get(app, 0)} of {replicas}"
            for app, replicas in (("web", 3), ("db", 1))
            if ready.get(app, 0) < replicas
        ]

    def contradictions(self) -> list[str]:
        """What no status may say, of all that were written."""
        return [text for status in self.statuses for text in _contradictions(status)]


def _contradictions(status: MigrationStatus) -> list[str]:
    if status.observed_generation < 0:
        return []
    kinds = ("Ready", "Reconciling", "Stalled")
    true = [kind for kind in kinds if status.is_true(kind)]
    where = f"{status.phase} {status.step}"
    wrong = [] if len(true) == 1 else [f"{where}: {true} are True"]
    if status.is_true("Succeeded") != (status.phase == "Succeeded"):
        wrong.append(f"{where}: Succeeded is {status.is_true('Succeeded')}")
    if status.is_true("Stalled") and not status.message:
        wrong.append(f"{where}: Stalled without a message")
    if status.is_true("Stalled") != (status.phase in {"Stalled", "RolledBack", "Aborted"}):
        wrong.append(f"{where}: Stalled is {status.is_true('Stalled')}")
    if status.nodes.drained > status.nodes.total or status.pods.waiting > status.pods.remaining:
        wrong.append(f"{where}: {status.nodes} {status.pods}")
    return wrong
