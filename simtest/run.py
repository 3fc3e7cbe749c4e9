"""One seed: a cluster, a migration by the operator that ships, its faults, and the checks at the
end."""

import traceback
from collections.abc import Callable, Sequence

from msgspec import Struct

from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.core.state.results import Decision
from simtest.admin import Admin
from simtest.custom_resource import CustomResource
from simtest.digest import Digest
from simtest.faults.fault import HEALED, Fault
from simtest.faults.injector import FaultInjector
from simtest.faults.schedule import schedule
from simtest.invariants.audit import Audit, OperatorUnderTest
from simtest.invariants.final_checks import FinalChecks
from simtest.invariants.process import ObservedProcess
from simtest.invariants.registry import ViolationError
from simtest.scenario import NAME, NOW, Scenario, scenario
from simtest.shipped.network_faults import PREFIX, draw_network_faults
from simtest.shipped.operators import Operators
from simtest.shipped.virtual_time import virtual_time

DEADLINE = HEALED + 4 * 3600.0
"""Virtual seconds by which every run has ended."""
IDLE_SECONDS = 1800.0
STEPS = 2_000_000
"""More events than any run needs: more are a livelock."""
EVENTS_BASE, EVENTS_EACH = 30, 3
"""More events than that, for each change of the reason, are not about changes."""


class SeedResult(Struct):
    """How a run ended. `failure` is empty if all invariants held, and `broken` names the one that
    did not; `trail` are its steps and reasons, `judged` how often each invariant was judged,
    `excused` how often it did not hold because of others,
    `tolerated` how often an invariant was broken that is being fixed, `moves` how often a replica
    was moved in one direction, `digest` a hash of all its decisions if it was asked for."""

    seed: str
    broken: str = ""
    failure: str = ""
    ended: str = ""
    seconds: float = 0.0
    events: int = 0
    evictions: int = 0
    refused: int = 0
    moves: int = 0
    faults: tuple[Fault, ...] = ()
    trail: tuple[str, ...] = ()
    judged: dict[str, int] = {}
    excused: dict[str, int] = {}
    tolerated: dict[str, int] = {}
    digest: str = ""


class Run:
    """A migration under faults, by processes of the real operator; `hashed`, with a digest of its
    decisions."""

    def __init__(
        self, seed: str, faults: Sequence[Fault] | None = None, *, hashed: bool = False
    ) -> None:
        self.seed = seed
        self.faults = faults_of(seed) if faults is None else tuple(faults)
        self.scenario: Scenario = scenario(seed)
        simulation = self.scenario.simulation
        simulation.kernel.run(lambda: False, end=NOW + 5.0)
        self.resource = CustomResource(
            simulation.store, NAME, dict(self.scenario.spec), lambda: simulation.kernel.now
        )
        self.audit = Audit(self.scenario, self.resource, calm=not self.faults)
        self.trail: list[str] = []
        self.digest = Digest() if hashed else None
        self._operators = Operators(
            seed, self.faults, self.scenario, self.resource, self.audit, self._observe
        )
        self.injector = FaultInjector(
            tuple(fault for fault in self.faults if not fault.kind.startswith(PREFIX)),
            self.scenario,
            self.resource,
            self.audit,
            self._operators.make,
            self._operators.server,
            seed,
        )
        Admin(self.scenario, self.resource, self.audit)

    def _observe(
        self, process: ObservedProcess, operator: OperatorUnderTest, decision: Decision
    ) -> None:
        """A process has decided."""
        self.audit.decided(process, operator, decision)
        if self.digest is not None:
            self.digest.decided(self.scenario.simulation.kernel.now - NOW, decision)
        ready = decision.status.condition("Ready")
        self._tell(decision.status.step, ready.reason if ready else "")

    def _tell(self, step: str, reason: str) -> None:
        line = f"{step}:{reason}"
        if not self.trail or not self.trail[-1].endswith(f" {line}"):
            self.trail.append(f"{self.scenario.simulation.kernel.now - NOW:.1f} {line}")

    def go(self) -> SeedResult:
        """Run to the end."""
        with virtual_time(self.scenario.simulation.kernel, self.seed) as log:
            try:
                result = self._migrate()
                logged, unawaited = list(log.unexpected), list(self._operators.unexpected)
            finally:
                self._operators.dispose()
        result.judged["log-clean"] = 1
        if logged:
            result.broken, result.failure = "log-clean", f"log-clean: {logged[0]}"
        if unawaited:
            result.broken, result.failure = "no-crash", f"no-crash: {unawaited[0]}"
        return result

    def reaches(self, holds: Callable[[], bool]) -> bool:
        """Run until the condition holds; False if the migration ends before. The run is then over.
        Raises ViolationError."""
        with virtual_time(self.scenario.simulation.kernel, self.seed):
            try:
                self.injector.start()
                self._until(lambda: holds() or self._settled(), NOW + DEADLINE)
            finally:
                self._operators.dispose()
        return holds()

    def _migrate(self) -> SeedResult:
        kernel = self.scenario.simulation.kernel
        broken = failure = ""
        try:
            self.injector.start()
            ended = self._until(self._settled, NOW + DEADLINE)
            text = f"no legal end within {DEADLINE / 3600:.1f} h: {self._where()}"
            self.audit.judge.that("ends", ended, text)
            self._idle()
            FinalChecks(self.scenario, self.resource, self.audit).judge(calm=not self.faults)
            self.audit.judge.that("no-crash", holds=True)
        except ViolationError as error:
            broken, failure = error.name, str(error)
        except Exception:  # noqa: BLE001 - whatever breaks in a run is that seed's failure
            broken, failure = "no-crash", f"no-crash: {traceback.format_exc(limit=-4)}"
        return SeedResult(
            seed=self.seed,
            broken=broken,
            failure=failure,
            ended=self._where(),
            seconds=kernel.now - NOW,
            events=kernel.steps,
            evictions=self.audit.evictions,
            refused=self.audit.refused,
            moves=self.audit.moves,
            faults=self.faults,
            trail=tuple(self.trail),
            judged=dict(self.audit.judge.judged),
            excused=dict(self.audit.judge.excused),
            tolerated=dict(self.audit.judge.broken),
            digest=self.digest.hex() if self.digest is not None else "",
        )

    def _until(self, holds: Callable[[], bool], end: float) -> bool:
        kernel = self.scenario.simulation.kernel
        most = kernel.steps + STEPS
        while not holds():
            due = kernel.next_at()
            if due is None or due > end:
                return holds()
            if kernel.steps > most:
                self.audit.judge.that("no-livelock", holds=False, text=self._where())
            kernel.step()
        self.audit.judge.that("no-livelock", holds=True)
        return True

    def _settled(self) -> bool:
        if not self.injector.over:
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

    def _idle(self) -> None:
        """After the end of the run, nothing is written any more."""
        kernel = self.scenario.simulation.kernel
        self._until(lambda: False, kernel.now + 120.0)
        writes, acts = self.resource.writes, self.injector.writes
        self._until(lambda: False, kernel.now + IDLE_SECONDS)
        more = self.resource.writes - writes, self.injector.writes - acts
        text = f"{more[0]} status writes, {more[1]} actions after the end"
        self.audit.judge.that("idle-at-the-end", more == (0, 0), text)
        events = self._operators.server.kept.events_written
        most = EVENTS_BASE + EVENTS_EACH * len(self.trail)
        text = f"{events} events for {len(self.trail)} changes of the reason"
        self.audit.judge.that("events-few", events <= most, text)


def faults_of(seed: str) -> tuple[Fault, ...]:
    """The faults of a seed, those of single requests included."""
    return (*schedule(seed), *draw_network_faults(seed))


def run(seed: str, faults: Sequence[Fault] | None = None) -> SeedResult:
    """Run one seed, with `faults` instead of its own if given."""
    return Run(seed, faults).go()
