"""What all faults share: the run that they strike, and the count of what they struck."""

from collections import Counter

from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.simulator.controller.custom_resource import Body, CustomResource
from simtest.fault_targets import DELETING, SUCCEEDED
from simtest.faults.schedule import Fault
from simtest.invariants.audit import Audit
from simtest.scenario import Scenario

START = "Start"


class FaultBase:
    """Each method of a subclass is the fault of its name, and says whether there was anything to
    strike; the audit is told what is not azlm's doing."""

    def __init__(self, stage: Scenario, resource: CustomResource, audit: Audit) -> None:
        self._stage = stage
        self._scene = stage.simulation
        self._resource = resource
        self._audit = audit
        self.strikes: Counter[tuple[str, str]] = Counter()
        """How often a kind of fault has struck, and where: an action's type, a call, or a step."""

    def where(self) -> str:
        """The step that the resource tells."""
        return step_of(self._resource.body)

    def _nodes(self, pool: str = "") -> list[Node]:
        found = self._scene.store.nodes.values()
        return sorted(
            (n for n in found if (n.pool == pool if pool else n.pool != "system")),
            key=lambda node: node.name,
        )

    def _pick(self, fault: Fault, pool: str = "") -> Node | None:
        found = self._nodes(pool)
        return found[fault.pick % len(found)] if found else None


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
