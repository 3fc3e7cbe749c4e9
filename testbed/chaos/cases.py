"""What fails during a migration, and when it is over."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from testbed.chaos.operators import SupervisedOperator

DOWN_SECONDS = 5.0
STOPPED_SECONDS = 30.0
CUTS, CUT_SECONDS = 6, 2.0
LATE_SECONDS = 0.15


class Stage(Protocol):
    """What a case may disturb, while pods are moving."""

    operators: list[SupervisedOperator]

    def restart(self, name: str, down: float) -> None:
        """Kill a process of the control plane; start it again after `down` seconds."""

    def leading(self) -> SupervisedOperator:
        """The operator that holds the Lease."""

    def silent(self, operator: SupervisedOperator, since: float) -> None:
        """Note whether an operator has changed anything after `since` (seconds since the epoch)."""


@dataclass(frozen=True)
class Case:
    """A disturbance. `operators` run at once; `throughout` is set before the migration begins."""

    name: str
    about: str
    disturb: Callable[[Stage], None]
    operators: int = 1
    throughout: Callable[[Stage], None] | None = None


def _restart(name: str) -> Callable[[Stage], None]:
    return lambda stage: stage.restart(name, DOWN_SECONDS)


def _delay(stage: Stage) -> None:
    for operator in stage.operators:
        operator.api.delay = LATE_SECONDS


def _cut(stage: Stage) -> None:
    for _ in range(CUTS):
        stage.leading().api.cut()
        time.sleep(CUT_SECONDS)


def _drop(stage: Stage) -> None:
    stage.leading().api.drop()


def _nothing(_: Stage) -> None:
    """The disturbance is there throughout."""


def _pause(stage: Stage) -> None:
    """Stop the leader for longer than its Lease lasts, and wake it."""
    stopped = stage.leading()
    stopped.signal(signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)
    woken = time.time()
    stopped.signal(signal.SIGCONT)
    stage.silent(stopped, woken)


def _kill(stage: Stage) -> None:
    stage.leading().signal(signal.SIGKILL)


CASES = (
    Case(
        "apiserver",
        "the API server is killed, and started after 5 s",
        _restart("kube-apiserver"),
    ),
    Case("etcd", "etcd is killed, and started after 5 s", _restart("etcd")),
    Case(
        "delayed",
        "every request and every answer is 0.15 s late on the way",
        _nothing,
        throughout=_delay,
    ),
    Case("cut", "all connections to the API server are cut, six times, every 2 s", _cut),
    Case(
        "dropped",
        "all connections to the API server stay open and pass nothing on any more",
        _drop,
    ),
    Case(
        "stopped",
        "the leader is stopped (SIGSTOP) for 30 s and woken; a second one waits",
        _pause,
        operators=2,
    ),
    Case("killed", "the leader is killed while two run; its kubelet restarts it", _kill, 2),
)
