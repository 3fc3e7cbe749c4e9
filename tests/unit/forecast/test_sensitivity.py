"""Every text field in a snapshot states what it holds, and redaction refuses one that does not."""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from azure_linux_migrator.forecast.record_walk import RecordWalk
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Node, Pod
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import TopologySpread
from azure_linux_migrator.model.sensitivity import Public, Sensitivity

SCALARS = {int, float, bool, type(None), ...}


def _parts(hint: Any) -> Iterator[Any]:
    """The types in a type, down to records, scalars and fields with a Sensitivity."""
    if get_origin(hint) is Annotated and isinstance(get_args(hint)[-1], Sensitivity):
        return
    if get_args(hint):
        for part in get_args(hint):
            yield from _parts(part)
    elif hint not in SCALARS and not (isinstance(hint, type) and issubclass(hint, Enum)):
        yield hint


def _fields(*roots: type) -> dict[str, set[Any]]:
    """The fields of all records in the roots, with the types in them that have no Sensitivity."""
    fields: dict[str, set[Any]] = {}
    queue, seen = [*roots], {*roots}
    while queue:
        record = queue.pop()
        for name, hint in get_type_hints(record, include_extras=True).items():
            parts = set(_parts(hint))
            fields[f"{record.__name__}.{name}"] = {part for part in parts if part in {str, Any}}
            records = parts - {str, Any} - seen
            queue += records
            seen |= records
    return fields


FIELDS = _fields(ClusterSnapshot, AzureFacts)


@pytest.mark.parametrize("field", FIELDS)
def test_a_text_field_states_what_it_holds(field: str) -> None:
    assert not FIELDS[field], f"annotate {field} with a type of model/sensitivity.py"


@pytest.mark.parametrize("record", [Node, Pod, Pool, TopologySpread])
def test_the_records_of_a_snapshot_are_covered(record: type) -> None:
    assert {f"{record.__name__}.{name}" for name in get_type_hints(record)} <= FIELDS.keys()


class Unmarked(msgspec.Struct):
    public: Public = "Ready"
    secrets: tuple[str, ...] = ()


def test_redaction_refuses_a_text_field_without_a_sensitivity() -> None:
    walk = RecordWalk({Sensitivity.PUBLIC: lambda value, _record, _namespace: value})
    with pytest.raises(TypeError, match=r"Unmarked\.secrets: <class 'str'> has no Sensitivity"):
        walk(Unmarked, Unmarked())
