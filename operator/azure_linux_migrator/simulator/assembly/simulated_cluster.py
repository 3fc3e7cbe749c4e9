"""A simulated cluster: the parts of the control plane, the machines, and Azure around them."""

import random

from msgspec import Struct

from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.port import SimulatedArm
from azure_linux_migrator.simulator.cluster.api_server import ApiServer
from azure_linux_migrator.simulator.cluster.autoscaler import Autoscaler
from azure_linux_migrator.simulator.cluster.disruption_controller import DisruptionController
from azure_linux_migrator.simulator.cluster.kubelets import Kubelets
from azure_linux_migrator.simulator.cluster.node_lifecycle import NodeLifecycle
from azure_linux_migrator.simulator.cluster.scheduler import Scheduler
from azure_linux_migrator.simulator.cluster.store import Store
from azure_linux_migrator.simulator.cluster.workload import Span
from azure_linux_migrator.simulator.cluster.workloads import Workloads
from azure_linux_migrator.simulator.kernel import Kernel


class Lags(Struct, frozen=True):
    """The lags of the cluster's controllers, in seconds."""

    disruption: Span = Span(0.002, 0.012)
    workloads: Span = Span(0.01, 0.05)
    scheduler: Span = Span(0.005, 0.03)
    attach: Span = Span(0.5, 2.0)
    detach: Span = Span(0.5, 2.0)


class Pace(Struct, frozen=True):
    """How fast requests and watches are, in seconds. `coalesce` is how long a decision waits for
    the rest of a burst of events."""

    request: Span = Span(0.004, 0.02)
    azure: Span = Span(0.2, 0.8)
    watch: Span = Span(0.002, 0.02)
    coalesce: float = 0.003


class SimulatedCluster:
    """All parts of one simulated cluster. `missing` are the rights that the operator lacks."""

    def __init__(
        self,
        aks: ManagedCluster,
        rng: random.Random,
        *,
        now: float,
        lags: Lags | None = None,
        pace: Pace | None = None,
        azure_facts: AzureFacts | None = None,
    ) -> None:
        self.lags = lags or Lags()
        self.pace = pace or Pace()
        self.rng = rng
        self.notes: list[str] = []
        """The parts of the real cluster that could not be modelled."""
        self.aks = aks
        self.kernel = Kernel(now)
        self.store = Store()
        self.disruption = DisruptionController(
            self.store, self.kernel, lambda: self.lags.disruption.draw(rng)
        )
        self.api = ApiServer(
            self.store,
            self.kernel,
            self.disruption,
            lambda pod: self.workloads.template(pod).stop.longest,
        )
        self.workloads = Workloads(
            self.store, self.kernel, self.api, rng, lambda: self.lags.workloads.draw(rng)
        )
        self.scheduler = Scheduler(
            self.store, self.kernel, self.workloads, rng, lambda: self.lags.scheduler.draw(rng)
        )
        self.kubelets = Kubelets(
            self.store,
            self.kernel,
            self.workloads,
            rng,
            attach=self.lags.attach,
            detach=self.lags.detach,
        )
        self.node_lifecycle = NodeLifecycle(self.store, self.kernel, self.api, aks)
        self.autoscaler = Autoscaler(self.store, self.kernel, self.node_lifecycle, self.scheduler)
        self.arm = SimulatedArm(aks)
        self.azure_facts = azure_facts or AzureFacts(at=now)
