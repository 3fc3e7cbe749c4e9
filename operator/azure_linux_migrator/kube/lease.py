"""Leader election by a coordination.k8s.io Lease, for an operator that must never act twice.

Compare-and-swap by resourceVersion; time is our own monotonic clock only, so skewed clocks of
other machines do no harm: a holder is gone when its record has not changed for a lease's length.
A leader that cannot renew fences itself before anyone else may take over. It renews by one write
of what it wrote last, and reads only after a conflict, as client-go's fast path does
(tools/leaderelection/leaderelection.go, tryAcquireOrRenew).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client

log = logging.getLogger(__name__)


class Elector:
    """Holds one Lease. All times in seconds; `on_lost` must not return to ordinary work."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        on_lost: Callable[[], None],
        duration: float = 15.0,
        renew_deadline: float = 10.0,
        retry: float = 2.0,
    ) -> None:
        self._client = client
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._on_lost = on_lost
        self._duration = duration
        self._renew_deadline = renew_deadline
        self._retry = retry
        self._renewed = float("-inf")
        self.renewed_at = 0.0
        """Last renewal, in seconds since the epoch; 0 for never. For people only."""
        self._seen: tuple[str, float] = ("", 0.0)
        self._lease: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._released = False

    @property
    def held(self) -> bool:
        """Whether we lead, judged at this instant: also true only while renewals succeed."""
        return self._left() > 0.0

    @property
    def lost(self) -> bool:
        """Whether we led, and renew no longer."""
        return self._task is not None and self._task.done()

    @property
    def transitions(self) -> int:
        """How often the holder has changed, as the Lease says."""
        return int((self._lease.get("spec") or {}).get("leaseTransitions") or 0)

    def _left(self) -> float:
        """Seconds in which a renewal must succeed."""
        return self._renewed + self._renew_deadline - time.monotonic()

    async def acquire(self) -> None:
        """Wait until the Lease is ours, then keep it renewed in the background."""
        self._released = waits = False
        while not await self._attempt():
            if not waits:
                holder = (self._lease.get("spec") or {}).get("holderIdentity")
                log.info("waiting for the Lease, which %s holds", holder or "nobody we can ask")
                waits = True
            await asyncio.sleep(self._retry)
        self._task = asyncio.create_task(self._keep(), name="lease")

    async def release(self) -> None:
        """Give the Lease back, so that the next leader need not wait."""
        self._released = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if not self.held:
            return
        self._renewed = float("-inf")
        try:
            self._lease["spec"] |= {"holderIdentity": ""}
            await self._request("PUT", self._name, self._lease)
        except KubernetesError as error:
            log.warning("giving the Lease back: %s", error)

    async def _keep(self) -> None:
        """Renew every `retry` seconds, counted from the beginning of the last renewal. A Lease that
        is not held any more is not taken again: another leader may have come and gone."""
        try:
            while self.held:
                began = time.monotonic()
                renewed = await self._attempt()
                pause = began + self._retry - time.monotonic()
                await asyncio.sleep(max(pause, 0.0 if renewed else self._retry / 4))
        finally:
            # Whatever ends this, be it a defect: without renewals nobody leads here any more.
            if not self._released:
                self._on_lost()

    async def _attempt(self) -> bool:
        """Create, take over or renew; the moment counted is the one before the request."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._left() if self.held else self._renew_deadline):
                taken = await self._renew() if self.held else await self._take()
        except (KubernetesError, TimeoutError) as error:
            log.warning("the Lease: %s", str(error) or "no answer in time")
            return False
        except Exception:
            log.exception("the Lease: an unexpected error")
            return False
        if taken:
            self._renewed, self.renewed_at = began, time.time()
        return taken

    async def _renew(self) -> bool:
        """Write what was written last with a new time; where it has changed since, read it."""
        spec = self._lease["spec"] | {"renewTime": _now()}
        return await self._swap(self._lease | {"spec": spec}) or await self._take()

    async def _take(self) -> bool:
        try:
            lease = await self._request("GET", self._name)
        except KubernetesError as error:
            if error.status != 404:
                raise
            return await self._create()
        self._lease = lease
        if not self._may_take(lease):
            return False
        spec = lease.setdefault("spec", {})
        if spec.get("holderIdentity") != self._identity:
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
            spec["acquireTime"] = _now()
        spec |= {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._duration),
            "renewTime": _now(),
        }
        return await self._swap(lease)

    def _may_take(self, lease: dict[str, Any]) -> bool:
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity")
        if not holder or holder == self._identity:
            return True
        version, since = self._seen
        if version != lease["metadata"]["resourceVersion"]:
            self._seen = (lease["metadata"]["resourceVersion"], time.monotonic())
            return False
        length = float(spec.get("leaseDurationSeconds") or self._duration)
        return time.monotonic() - since > length

    async def _create(self) -> bool:
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._duration),
            "acquireTime": _now(),
            "renewTime": _now(),
            "leaseTransitions": 0,
        }
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": spec,
        }
        try:
            self._lease = await self._request("POST", "", lease)
        except KubernetesError as error:
            if error.status != 409:
                raise
            return False
        return True

    async def _swap(self, lease: dict[str, Any]) -> bool:
        try:
            self._lease = await self._request("PUT", self._name, lease)
        except KubernetesError as error:
            if error.status != 409:
                raise
            return False
        return True

    async def _request(
        self, method: str, name: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One request. It may take half the deadline, so that a second one has a chance."""
        path = f"{self._collection}/{name}" if name else self._collection
        return await self._client.json(method, path, body=body, timeout=self._renew_deadline / 2)


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
