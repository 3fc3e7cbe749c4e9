"""Tells the audit which operator process an action belongs to."""

from azure_linux_migrator.model.actions import Action
from simtest.faults.fault_hook import FaultHook, InjectedFault
from simtest.invariants.audit import Audit
from simtest.invariants.process import ObservedProcess


class Attribution:
    """A FaultHook that passes everything on to the fault injector."""

    def __init__(self, fault_hook: FaultHook, audit: Audit) -> None:
        self._fault_hook = fault_hook
        self._audit = audit
        self.process = ObservedProcess(audit.context.now)
        self._due: dict[str, tuple[bool, bool]] = {}
        """Actions under way: whether each takes effect, and is answered."""

    def injected_fault(self, action: Action, part: int) -> InjectedFault | None:
        """The fault of this request, if any."""
        fault = self._fault_hook.injected_fault(action, part)
        error = fault.error if fault is not None else None
        late = fault is not None and fault.late > 0
        lands = fault is None or error is None or fault.committed or late
        self._due[action.key] = (lands, error is None and not late)
        return fault

    def begins(self, action: Action) -> None:
        """The action is about to take effect."""
        lands, answered = self._due.pop(action.key, (True, True))
        self._audit.acts(self.process, lands=lands, answered=answered)
        self._fault_hook.begins(action)

    def ends(self, action: Action) -> None:
        """The action has taken effect; the answer is not sent yet."""
        self._fault_hook.ends(action)
