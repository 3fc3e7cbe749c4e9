"""A snapshot is read as it was saved; other files are refused with a remedy."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.forecast.snapshot import load, save, writable
from azure_linux_migrator.model.cluster_snapshot import VERSION
from tests.support.clusters import particular


@pytest.mark.parametrize("name", ["plain.json", "small.json.gz"])
def test_it_is_the_same_after_it_was_saved(name: str, tmp_path: Path) -> None:
    snapshot = particular()
    save(snapshot, tmp_path / name)
    assert msgspec.json.encode(load(tmp_path / name)) == msgspec.json.encode(snapshot)


def _refused(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    return str(caught.value)


def _kept(**changes: Any) -> bytes:
    content = json.loads(msgspec.json.encode(particular()))
    return json.dumps(content | changes).encode()


def test_another_version_is_reported_before_anything_else(tmp_path: Path) -> None:
    content = json.dumps({"version": 7, "nodes": "otherwise"}).encode()
    message = _refused(tmp_path / "new.json", content)
    assert f"is a snapshot of version 7, this azlm reads version {VERSION}" in message
    assert "make it again" in message


FOREIGN = {
    "no version": b'{"taken_at": 1.0}',
    "version in words": b'{"version": "one"}',
    "null": b'{"version": null}',
    "nothing": b"",
    "a list": b"[]",
    "YAML": b"kind: AzureLinuxMigration",
    "binary": b"\xff\xfe\x00",
    "no time": f'{{"version": {VERSION}}}'.encode(),
    "cut short": gzip.compress(_kept())[:200],
    "damaged": gzip.compress(_kept())[:20] + b"\x00" * 300,
    "no gzip": b"\x1f\x8bnothing",
    "rules": _kept(rules=[]),
    "survey of words": _kept(azure_facts={"cluster": "?"}),
    "survey of parts": _kept(azure_facts={"moon": {"is": 1}}),
    "nodes": _kept(nodes=[{"name": 1}]),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_is_no_snapshot_is_reported_with_a_remedy(case: str, tmp_path: Path) -> None:
    message = _refused(tmp_path / "some.json", FOREIGN[case])
    assert "is no snapshot made by azlm snapshot: " in message
    assert message.endswith("make one with azlm snapshot -o FILE")


def test_rules_and_budgets_belong_together(tmp_path: Path) -> None:
    message = _refused(tmp_path / "some.json", _kept(rules=[{"max_unavailable": 1}]))
    assert "6 budgets and 1 rules" in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.json cannot be read: No such file"):
        load(tmp_path / "gone.json")


def test_a_place_that_cannot_be_written_is_reported_beforehand(tmp_path: Path) -> None:
    for wrong in (tmp_path, tmp_path / "nowhere" / "snapshot.json"):
        with pytest.raises(SettingsError, match=r"cannot be written: .*; give another"):
            writable(wrong)
        with pytest.raises(SettingsError, match="cannot be written"):
            save(particular(), wrong)
    writable(tmp_path / "snapshot.json")
    assert list(tmp_path.iterdir()) == []
    kept = tmp_path / "kept.json"
    kept.write_text("as it was")
    writable(kept)
    assert kept.read_text() == "as it was"
