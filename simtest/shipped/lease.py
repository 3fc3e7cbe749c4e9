"""How long the Lease of a simulated process is held, and how often it is renewed."""

import time
from collections.abc import Callable

from msgspec import Struct

from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.lease import Elector


class LeaseTimes(Struct, frozen=True):
    """The times of the Lease in seconds, as in kube/lease.py."""

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0


PATIENT = LeaseTimes(300.0, 200.0, 40.0)
"""Where it does not matter for how long it is held: most of the requests would be renewals."""


class SimulatedElector(Elector):
    """The elector that ships, with the times of PATIENT from `settled_at` (monotonic seconds) on,
    when no fault can strike any more. Each renewal that changes them writes the new duration."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        on_lost: Callable[[], None],
        times: LeaseTimes,
        settled_at: float,
    ) -> None:
        super().__init__(
            client,
            namespace,
            name,
            identity,
            on_lost=on_lost,
            duration=times.duration,
            renew_deadline=times.renew_deadline,
            retry=times.retry,
        )
        self._settled_at = settled_at

    async def _renew(self) -> bool:
        if time.monotonic() >= self._settled_at:
            self._duration = PATIENT.duration
            self._renew_deadline = PATIENT.renew_deadline
            self._retry = PATIENT.retry
            self._lease["spec"]["leaseDurationSeconds"] = int(PATIENT.duration)
        return await super()._renew()
