"""The status of one resource as it is recorded, as it is wanted, and the request between the two.

Owns resource versions and the coalescing of writes. Every write is for the version of the resource
that was seen last, so that a status recorded by another process is never overwritten. One request
is under way at a time. Times are in seconds of a clock that is never set.
"""

from enum import Enum, auto

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.reconcile.messages import StatusWritten, WriteAnswer, WriteStatus

INTERVAL_SECONDS = 0.5
"""Shortest time between two coalesced writes."""


class StatusOrigin(Enum):
    """Who wrote the status of a version that was seen."""

    OLD = auto()
    """The version is not newer than the last one."""
    OURS = auto()
    DOUBTFUL = auto()
    """This process did, and had no answer."""
    FOREIGN = auto()


class StatusRecord:
    """Versions, and what is written to them. `flush_at` is when a coalesced write is due; before
    `held_until` the API server wants none."""

    def __init__(self, version: int, status: MigrationStatus, *, intact: bool) -> None:
        self.version = version
        self.flush_at: float | None = None
        self.held_until = 0.0
        self._sent_at = 0.0
        self._wanted: MigrationStatus | None = None
        self._sending: MigrationStatus | None = None
        self._doubtful: MigrationStatus | None = None
        self._gone = False
        self._written, self._intact = status, intact

    @property
    def sending(self) -> bool:
        """Whether a request is under way."""
        return self._sending is not None

    @property
    def pending(self) -> bool:
        """Whether a status is wanted that is not written."""
        differs = self._wanted != self._written or not self._intact
        return self._wanted is not None and differs and not self._gone

    def start_from(self, version: int, status: MigrationStatus, *, intact: bool) -> None:
        """The status is known to be this; nothing else is wanted. A status of which a part cannot
        be read is not `intact`: it differs from every status."""
        self.version = max(self.version, version)
        self._written, self._intact = status, intact
        self._wanted = self._doubtful = None

    def saw(self, version: int, status: MigrationStatus) -> StatusOrigin:
        """The resource was seen at that version."""
        if version <= self.version:
            return StatusOrigin.OLD
        self.version = version
        # A write for an older version cannot take effect any more.
        doubtful, self._doubtful = self._doubtful, None
        if status in (self._written, self._sending):
            return StatusOrigin.OURS
        if status == doubtful:
            self._written, self._intact = status, True
            return StatusOrigin.DOUBTFUL
        return StatusOrigin.FOREIGN

    def doubts(self, status: MigrationStatus) -> bool:
        """Whether this is the status of the last write, to which there was no answer."""
        return status == self._doubtful

    def want(self, status: MigrationStatus) -> None:
        """This status is to be written."""
        self._wanted = status

    def take_back(self) -> None:
        """Nothing is to be written; a write without an answer stays known."""
        self._wanted = None

    def schedule(self) -> None:
        """Write what is wanted soon, unless something newer is wanted before."""
        if self.pending and self._wanted != self._sending and self.flush_at is None:
            self.flush_at = max(self._sent_at + INTERVAL_SECONDS, self.held_until)

    def hold(self, until: float) -> None:
        """Nothing is written before that time."""
        self.held_until = until
        if self.flush_at is not None:
            self.flush_at = max(self.flush_at, until)

    def send(self, steady: float) -> WriteStatus:
        """The request for what is wanted, at this time; nothing else is under way."""
        assert self._wanted is not None, "something is wanted"  # noqa: S101
        self._sent_at = steady
        self._sending = self._wanted
        return WriteStatus(self._wanted, self.version)

    def answered(self, written: StatusWritten) -> bool:
        """The answer to the request under way; True if the status is recorded."""
        request, self._sending = self._sending, None
        match written.answer:
            case WriteAnswer.TAKEN if request is not None:
                self.version = max(self.version, written.version)
                self._written, self._intact, self._doubtful = request, True, None
                return True
            case WriteAnswer.UNANSWERED:
                self._doubtful = request
            case WriteAnswer.GONE:
                self._gone = True
        return False
