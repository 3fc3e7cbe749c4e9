"""What can be read of a resource that somebody edited by hand, or that another version wrote.

A status that cannot be parsed must not stop a migration half-way, nor a spec its deletion: fields
that make no sense are left out, and what depends on them is derived from the cluster again.
"""

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import (
    MigrationStatus,
    Phase,
    RollbackStatus,
    since_epoch,
    timestamp,
)
from azure_linux_migrator.core.reconcile.conditions import headline, merge
from azure_linux_migrator.core.reconcile.messages import ResourceSeen

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)
NOWHERE = "unknown"
"""Stands for a source pool whose name cannot be read."""


def read_status(raw: object, now: float) -> tuple[MigrationStatus, tuple[str, ...]]:
    """The status as recorded, and the fields of it that could not be read.

    A way back that was begun is never taken for a way forward, whatever can be read of it.
    """
    status, lost = _readable(MigrationStatus, raw)
    if "rollback" in lost:
        why = RollbackStatus(
            reason=Reason.INVALID_STATUS,
            message="why it is moved back could not be read from the status",
            requested_at=timestamp(now),
        )
        status = status.model_copy(update={"rollback": why})
    return status, lost


def spec_to_release(raw: object) -> tuple[MigrationSpec, tuple[str, ...]]:
    """A spec that is good enough to undo a migration, and the fields that could not be read.

    Nodes are released by the migration's name, so that the source need not be readable.
    """
    spec, lost = readable_spec(raw)
    log.warning("a spec that cannot be read is released without %s", ", ".join(lost))
    return spec, lost


def readable_spec(raw: object) -> tuple[MigrationSpec, tuple[str, ...]]:
    """What can be read of a spec, and the fields that cannot; the source may be NOWHERE."""
    fields = dict(raw) if isinstance(raw, Mapping) else {}
    nowhere = {"nodePool": NOWHERE}
    try:
        return _readable(MigrationSpec, fields)
    except ValidationError:
        pass
    try:
        spec, lost = _readable(MigrationSpec, fields | {"source": nowhere})
    except ValidationError:
        return MigrationSpec.model_validate({"source": nowhere}), tuple(sorted({*fields, "source"}))
    return spec, tuple(sorted({*lost, "source"}))


def status_to_release(status: MigrationStatus, lost: tuple[str, ...]) -> MigrationStatus:
    """The status for a spec without these fields: where it is not sure whose pool is meant, the
    autoscaler that was held cannot be given back."""
    bounds = status.source.autoscaler
    if bounds is None or not {"cluster", "source"}.intersection(lost):
        return status
    log.error(
        "the spec does not name a cluster and a pool: turn the autoscaler of the source pool on "
        "yourself, with %d to %d nodes",
        bounds.min,
        bounds.max,
    )
    source = status.source.model_copy(update={"autoscaler": None})
    return status.model_copy(update={"source": source})


def with_invalid_spec(
    status: MigrationStatus, error: ValidationError, generation: int, now: float
) -> MigrationStatus:
    """The status that reports what is wrong with the spec."""
    first = error.errors()[0]
    field = ".".join(["spec", *map(str, first["loc"])])
    message = f"{field}: {first['msg']}; apply the CRD that this operator was shipped with"
    drafts = headline("refused", Reason.INVALID_SPEC, message)
    return status.model_copy(
        update={
            "observed_generation": generation,
            "phase": Phase.STALLED,
            "message": message,
            "conditions": merge(status, drafts, generation, now),
        }
    )


def _readable(model: type[M], raw: object) -> tuple[M, tuple[str, ...]]:
    """Leave out one field after the other until the rest is valid; raises ValidationError where
    something is missing that has no default."""
    fields = dict(raw) if isinstance(raw, Mapping) else {}
    lost: set[str] = set()
    while True:
        try:
            return model.model_validate(fields), tuple(sorted(lost))
        except ValidationError as error:
            wrong = {
                str(problem["loc"][0]) for problem in error.errors() if problem["loc"]
            } & fields.keys()
            if not wrong:
                raise
            lost |= wrong
            fields = {key: value for key, value in fields.items() if key not in wrong}


def resource_seen(body: Mapping[str, Any], now: float) -> ResourceSeen:
    """The resource as the loop takes it, from an object of the Kubernetes API."""
    metadata = body["metadata"]
    status, lost = read_status(body.get("status") or {}, now)
    return ResourceSeen(
        name=str(metadata["name"]),
        uid=str(metadata["uid"]),
        version=int(metadata.get("resourceVersion") or 0),
        generation=int(metadata.get("generation") or 0),
        spec=body.get("spec") or {},
        status=status,
        annotations=dict(metadata.get("annotations") or {}),
        created=since_epoch(str(metadata.get("creationTimestamp") or "")) or 0.0,
        lost=lost,
    )
