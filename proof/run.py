"""One seed: a cluster, a migration, its misfortunes, and the judgement at the end."""

import random
import traceback
from collections.abc import Callable, Sequence

from msgspec import Struct

from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.core.records import Pod
from azure_linux_migrator.sim.pilot.pilot import Pilot
from azure_linux_migrator.sim.pilot.resource import Resource
from proof.admin import Admin
from proof.audit import Audit
from proof.faults import HEALED, Fault, schedule
from proof.manners import ViolationError
from proof.misfortune import Misfortune
from proof.scenario import NAME, NOW, Scenario, scenario

DEADLINE = HEALED + 4 * 3600.0
"""Virtual seconds by which every run has come to a legal end."""
IDLE_SECONDS = 1800.0
STEPS = 400_000
"""More events than any run should need: more are a livelock."""


class Outcome(Struct):
    """How a run ended. `failure` is empty where all held; `trail` are its steps and reasons."""

    seed: str
    failure: str = ""
    ended: str = ""
    seconds: float = 0.0
    events: int = 0
    evictions: int = 0
    refused: int = 0
    faults: tuple[Fault, ...] = ()
    trail: tuple[str, ...] = ()


class Run:
    """A migration under faults."""

    def __init__(self, seed: str, faults: Sequence[Fault] | None = None) -> None:
        self.seed = seed
        self.faults = schedule(seed) if faults is None else tuple(faults)
        self.stage: Scenario = scenario(seed)
        scene = self.stage.scene
        scene.kernel.run(lambda: False, end=NOW + 5.0)
        self.resource = Resource(scene.store, NAME, dict(self.stage.spec))
        self.audit = Audit(self.stage, self.resource)
        self.trail: list[str] = []
        self._rng = random.Random(f"{seed}/pilot")
        self.misfortune = Misfortune(
            self.faults, self.stage, self.resource, self.audit, self._pilot, seed
        )
        Admin(self.stage, self.resource, self.audit)

    def _pilot(self, fate: Misfortune) -> Pilot:
        scene = self.stage.scene
        made = Pilot(
            self.resource,
            scene.backend,
            self._rng,
            pace=scene.pace,
            fate=fate,
            own_pod=fate.own_pod,
            status_fails=fate.status_fails,
        )
        made.on_decision = lambda decision: self._tell(
            decision.status.step,
            ready.reason if (ready := decision.status.condition("Ready")) else "",
        )
        return made

    def _tell(self, step: str, reason: str) -> None:
        line = f"{step}:{reason}"
        if not self.trail or not self.trail[-1].endswith(f" {line}"):
            self.trail.append(f"{self.stage.scene.kernel.now - NOW:.1f} {line}")

    def go(self) -> Outcome:
        """To the end."""
        kernel = self.stage.scene.kernel
        failure = ""
        try:
            self.misfortune.pilot.start()
            if not self._until(self._settled, NOW + DEADLINE):
                failure = f"no legal end within {DEADLINE / 3600:.1f} h: {self._where()}"
            else:
                failure = self._judge()
        except ViolationError as error:
            failure = str(error)
        except Exception:  # noqa: BLE001 - whatever breaks in a run is that seed's failure
            failure = traceback.format_exc(limit=-4)
        return Outcome(
            self.seed,
            failure,
            self._where(),
            kernel.now - NOW,
            kernel.steps,
            self.audit.evictions,
            self.audit.refused,
            self.faults,
            tuple(self.trail),
        )

    def _until(self, holds: Callable[[], bool], end: float) -> bool:
        kernel = self.stage.scene.kernel
        most = kernel.steps + STEPS
        while not holds():
            due = kernel.next_at()
            if due is None or due > end:
                return holds()
            if kernel.steps > most:
                raise ViolationError(f"{STEPS} events and no end: {self._where()}")
            kernel.step()
        return True

    def _settled(self) -> bool:
        if not self.misfortune.over:
            return False
        body = self.resource.body
        if body is None:
            return True
        return body.status.is_true("Succeeded") or body.status.phase == Phase.ROLLED_BACK

    def _where(self) -> str:
        body = self.resource.body
        if body is None:
            return "gone"
        ready = body.status.condition("Ready")
        reason = ready.reason if ready else ""
        return f"{body.status.phase} {body.status.step}:{reason}: {body.status.message[:300]}"

    def _judge(self) -> str:
        """The end state; then nothing is written any more."""
        scene = self.stage.scene
        self._until(lambda: False, scene.kernel.now + 120.0)
        writes = self.resource.writes
        acts = self.misfortune.acts
        self._until(lambda: False, scene.kernel.now + IDLE_SECONDS)
        if self.resource.writes > writes or self.misfortune.acts > acts:
            more = self.resource.writes - writes, self.misfortune.acts - acts
            return f"not idle at the end: {more[0]} status writes, {more[1]} actions"
        return self._marks() or self._pools() or self._healthy() or self._calm()

    def _marks(self) -> str:
        stays = self.stage.spec["sourcePool"] == "Keep" and self.audit.succeeded
        for node in self.stage.scene.store.nodes.values():
            ours = node.cordoned_by == NAME or node.batch.startswith(f"{NAME}.")
            if ours and not (stays and node.pool == "src"):
                return f"node {node.name} still carries our marks"
        for each in self.stage.scene.store.controllers.values():
            if each.surge.startswith(f"{NAME}/") and not each.surge.endswith("/yielded"):
                return f"{each.key} is still surged"
        return ""

    def _pools(self) -> str:
        """The pools are what was asked for."""
        body, aks, spec = self.resource.body, self.stage.scene.aks, self.stage.spec
        names, source = aks.pool_names(), aks.properties("src")
        held = bool(self.stage.bounds)
        if body is not None and body.status.phase == Phase.ROLLED_BACK and body.status.rollback:
            if self.stage.target in names:
                return "the target pool is still there after the rollback"
            if held and not source.get("enableAutoScaling"):
                return "the source's autoscaler was not given back"
        if body is None or not body.status.is_true("Succeeded") or self.stage.deleted:
            return ""
        target = aks.properties("src" if self.stage.strategy == "InPlace" else self.stage.target)
        if target.get("osSKU") != "AzureLinux":
            return f"the target runs {target.get('osSKU')}"
        if self.stage.strategy == "InPlace":
            return ""
        if held and not target.get("enableAutoScaling"):
            return "the target has not got the source's autoscaler"
        left = {"Delete": "src" in names, "ScaleToZero": source.get("count") != 0, "Keep": False}
        return "the source was not retired" if left[spec["sourcePool"]] else ""

    def _healthy(self) -> str:
        scene = self.stage.scene
        for key, wanted in sorted(self.stage.replicas.items()):
            workload = next(w for w in scene.workloads.known.values() if w.key == key)
            if workload.replicas != wanted:
                return f"{key} has the scale {workload.replicas}, its admin wants {wanted}"
            pods = [scene.store.pods[each] for each in scene.workloads.pods_of[workload.uid]]
            well = [pod for pod in pods if pod.ready and not pod.terminating]
            if len(well) != wanted and not _hopeless(pods):
                return f"{key} has {len(well)} of {wanted} pods at the end"
        return ""

    def _calm(self) -> str:
        if not self.faults and self.audit.refused:
            return f"{self.audit.refused} refused evictions although nothing went wrong"
        return ""


def _hopeless(pods: list[Pod]) -> bool:
    """Pods that no node has room for: the cluster's own matter."""
    return any(pod.unschedulable for pod in pods)


def run(seed: str, faults: Sequence[Fault] | None = None) -> Outcome:
    """One seed; with `faults` instead of its own."""
    return Run(seed, faults).go()
