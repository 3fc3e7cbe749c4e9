"""Logs the operations that Azure was asked for: when each was accepted, its end, and the seconds.

The end is what a list of the pools shows: a pool that is settled again, or gone.
"""

import logging
from collections.abc import Mapping

from azure_linux_migrator.controller.log_setup import bound
from azure_linux_migrator.core.state.outcomes import ChangesPool
from azure_linux_migrator.model.actions import CreatePool, DeletePool
from azure_linux_migrator.model.pool import Pool

log = logging.getLogger(__name__)


class OperationLog:
    """Of one migration in one process. Times in seconds since the epoch."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[ChangesPool, float]] = {}

    def accepted(self, action: ChangesPool, asked_at: float, now: float) -> None:
        """Azure has accepted a change that it was asked for at `asked_at`."""
        pool = action.target if isinstance(action, CreatePool) else action.pool
        self._running[pool] = action, asked_at
        with bound(pool=pool):
            log.info("Azure accepts %s after %.1f s", type(action).__name__, now - asked_at)

    def listed(self, pools: Mapping[str, Pool], now: float) -> None:
        """The pools as Azure shows them now."""
        for name, (action, asked_at) in tuple(self._running.items()):
            pool = pools.get(name)
            if pool is None and not isinstance(action, DeletePool):
                continue  # it may not be shown yet
            if pool is not None and not pool.settled:
                continue
            del self._running[name]
            self._ended(action, name, pool, now - asked_at)

    @staticmethod
    def _ended(action: ChangesPool, name: str, pool: Pool | None, seconds: float) -> None:
        state = "the pool is gone" if pool is None else f"state {pool.state}"
        level = logging.INFO if pool is None or pool.succeeded else logging.WARNING
        why = f": {pool.failure.message}" if pool is not None and pool.failure else ""
        with bound(pool=name):
            kind = type(action).__name__
            log.log(level, "%s has ended after %.0f s: %s%s", kind, seconds, state, why)
