"""The run that faults strike, and what is in force in it."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import Node
from simtest.custom_resource import Body, CustomResource
from simtest.fault_targets import DELETING, SUCCEEDED
from simtest.faults.fault import Fault
from simtest.faults.operator_processes import OperatorProcess, OperatorProcesses
from simtest.invariants.audit import Audit
from simtest.scenario import Scenario

START = "Start"


class Access(Protocol):
    """What the API server permits the operator. `missing` are the rights that it has not, as verb
    and resource: `patch nodes`."""

    missing: tuple[str, ...]


class FaultedRun:
    """What a fault may change. A fault notifies the audit of what the judges cannot see.
    Times are virtual seconds since the epoch."""

    def __init__(
        self,
        scenario: Scenario,
        resource: CustomResource,
        audit: Audit,
        new_operator: Callable[[], OperatorProcess],
        access: Access,
        seed: str,
    ) -> None:
        self.access = access
        self.scenario = scenario
        self.simulation = scenario.simulation
        self.resource = resource
        self.audit = audit
        self.strikes: Counter[tuple[str, str]] = Counter()
        """How often a kind of fault has struck, and where: an action's type, a call, or a step."""
        self.processes = OperatorProcesses(
            scenario, resource, new_operator, seed, lambda: self.struck("own-pod-evicted")
        )
        self.azure_down_until = 0.0
        self.evictions_denied_until = 0.0
        self.denial: KubernetesError | None = None
        """The answer to evictions while they are denied."""
        self.late_until: dict[str, float] = {}
        """Keys of requests that are long on their way, and until when they may arrive."""
        self.crash_seconds: float | None = None
        """The process ends after the effect of the running action; its successor starts so many
        seconds later."""
        self.recreate_seconds: float | None = None
        """The resource is applied again so many seconds after its deletion ends."""
        self.rolls_back = False
        """An admin asks for a rollback in this run."""

    @property
    def now(self) -> float:
        """The time."""
        return self.simulation.kernel.now

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something later."""
        self.simulation.kernel.after(seconds, do)

    def where(self) -> str:
        """The step that the status records."""
        return step_of(self.resource.body)

    def struck(self, kind: str, where: str = "") -> None:
        """Count a fault that took effect, by default in the step that the status records."""
        self.strikes[kind, where or self.where()] += 1

    def nodes(self, pool: str = "") -> list[Node]:
        """The nodes of a pool, or of both pools of the migration, by name."""
        nodes = self.simulation.store.nodes.values()
        return sorted(
            (node for node in nodes if (node.pool == pool if pool else node.pool != "system")),
            key=lambda node: node.name,
        )

    def pick_node(self, fault: Fault, pool: str = "") -> Node | None:
        """The node that a fault chooses among those of a pool, or of both."""
        nodes = self.nodes(pool)
        return nodes[fault.pick % len(nodes)] if nodes else None

    def resume(self) -> None:
        """An admin ends a pause, if there is one."""
        body = self.resource.body
        if body is not None and body.spec.get("paused"):
            self.resource.edit(paused=False)

    def grant_access(self) -> None:
        """The operator gets the rights back that were taken away."""
        self.access.missing = ()


def step_of(body: Body | None) -> str:
    """The recorded step, or what stands for one."""
    if body is None:
        return "Gone"
    if body.deleting:
        return DELETING
    status = body.status
    if status.is_true("Succeeded"):
        return SUCCEEDED
    if status.phase == Phase.ROLLED_BACK:
        return "RolledBack"
    return status.step or START
