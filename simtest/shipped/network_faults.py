"""Faults of single requests, whatever they are for: they are refused, or their connection is cut,
or nobody answers, or the process ends while it waits.

The faults of simtest/faults strike actions, at their writes. These strike all other requests:
reads, watches, access reviews, events, the status, the Lease, and the reads of Azure.
"""

import random
from collections import Counter

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.migrations import COLLECTION as MIGRATIONS
from azure_linux_migrator.model.actions import Action
from azure_linux_migrator.simulator.cluster.api_server import refusal
from simtest.faults.fault import Fault
from simtest.faults.fault_hook import InjectedFault
from simtest.faults.faulted_run import FaultedRun
from simtest.shipped import overtaking
from simtest.shipped.api_server import REVIEWS
from simtest.shipped.kept_objects import EVENTS, LEASES
from simtest.shipped.overtaking import overtake
from simtest.shipped.requests import Request, target_of

MOST: dict[str, int] = {
    "lease": 12,
    "status": 30,
    "resource": 2,
    "list": 6,
    "get": 15,
    "watch": 25,
    "event": 15,
    "review": 40,
    "azure": 40,
}
"""Kinds of requests, and which one of a run may be struck: the first to this one."""
EFFECTS = {
    "network-refused": 4,
    "network-reset": 3,
    "network-reset-late": 3,
    "network-silent": 2,
    "network-silent-late": 2,
    "network-kill": 3,
    "network-kill-late": 3,
}
"""Kinds of faults, with their weights. The late ones strike after the effect of the request."""
OVERTAKEN = "network-overtaken"
"""The kind of the faults in simtest/shipped/overtaking.py."""
PREFIX = "network-"
"""How the names of all these kinds begin."""
SILENT_SECONDS = 120.0
REFUSALS = (
    refusal(500, "etcdserver: leader changed"),
    refusal(503, "the apiserver is shutting down", retry_after=5.0),
    refusal(429, "Too many requests, please try again later."),
    refusal(429, "Too many requests, please try again later.", retry_after=1.0),
)


class NetworkFault(InjectedFault, frozen=True):
    """A fault of one request. If `ends_process` is set, the process ends after the effect, and its
    successor starts so many seconds later."""

    ends_process: float = 0.0


def draw_network_faults(seed: str) -> tuple[Fault, ...]:
    """The faults of a seed: in every third none."""
    rng = random.Random(f"{seed}/network-faults")
    if rng.random() < 0.33:
        return ()
    kinds = rng.choices(list(EFFECTS), list(EFFECTS.values()), k=rng.randint(1, 6))
    faults = []
    for kind in kinds:
        on = rng.choice(list(MOST))
        nth, length = rng.randint(1, MOST[on]), rng.uniform(0.5, 20.0)
        faults.append(Fault(kind, float(nth), length, rng.randrange(1 << 16), on))
    for on in rng.sample(list(overtaking.MOST), rng.choice((0, 0, 1, 2))):
        nth, length = rng.randint(1, overtaking.MOST[on]), rng.uniform(1.0, 12.0)
        faults.append(Fault(OVERTAKEN, float(nth), length, 0, on))
    return tuple(faults)


def kind_of(request: Request) -> str:
    """Which of MOST a request to the API server is; empty for a write of an action."""
    target = target_of(request.path)
    if request.query.get("watch"):
        return "watch"
    if request.path == REVIEWS:
        return "review"
    if target.collection in {LEASES, EVENTS}:
        return "lease" if target.collection == LEASES else "event"
    if target.collection == MIGRATIONS:
        return "status" if target.subresource else "resource"
    if request.method != "GET":
        return ""
    return "get" if target.key.name else "list"


class NetworkFaults:
    """The faults of one run; `run` is where processes end."""

    def __init__(self, faults: tuple[Fault, ...], run: FaultedRun) -> None:
        self._run = run
        self._faults = {(fault.on, int(fault.at)): fault for fault in faults}
        self._counts: Counter[str] = Counter()
        self.over = False

    def strike(self, kind: str) -> NetworkFault | None:
        """The fault of the next request of a kind, if any."""
        self._counts[kind] += 1
        fault = self._faults.get((kind, self._counts[kind]))
        if fault is None or self.over:
            return None
        self._run.struck(fault.kind, kind)
        reset = KubernetesError(0, "connection reset by peer")
        match fault.kind:
            case "network-refused":
                return NetworkFault(REFUSALS[fault.pick % len(REFUSALS)])
            case "network-reset" | "network-reset-late":
                return NetworkFault(reset, committed=fault.kind.endswith("late"))
            case "network-silent" | "network-silent-late":
                committed = fault.kind.endswith("late")
                return NetworkFault(reset, committed=committed, delay=SILENT_SECONDS)
            case "network-kill":
                self._run.processes.replace(fault.length)
                return NetworkFault(lost=True)
            case _:
                return NetworkFault(ends_process=fault.length)

    def overtake(self, action: Action) -> InjectedFault | None:
        """Let somebody be faster than this action, if it is due."""
        kind = type(action).__name__
        self._counts[kind] += 1
        fault = self._faults.get((kind, self._counts[kind]))
        if fault is None or self.over:
            return None
        change = overtake(self._run, action, fault.length)
        if change is not None:
            self._run.struck(fault.kind, kind)
        return change

    def end(self) -> None:
        """No more faults."""
        self.over = True

    def end_process(self, seconds: float) -> None:
        """The process ends, and its successor starts so many seconds later."""
        self._run.processes.replace(seconds)
