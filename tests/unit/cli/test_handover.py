"""azlm handover: what it prints and writes depends on what becomes of the old pool."""

import asyncio
import io
import sys
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from azure_linux_migrator.cli.main import main
from tests.support.served_aks import ServedAks, served_aks

POOL = {"count": 1, "vmSize": "Standard_D4s_v5", "osSKU": "Ubuntu", "mode": "User"}
NEW = POOL | {"osSKU": "AzureLinux", "tags": {"azlm-migration": "m", "azlm-source-pool": "src"}}
SYSTEM = {"mode": "System"}


class Handover:
    """The command, on a cluster with a pool of the migration `m`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch

    async def __call__(self, served: ServedAks, *flags: str, **settings: Any) -> int:
        shape = served.cluster.shape
        cluster = {
            "subscriptionID": shape.subscription,
            "resourceGroup": shape.resource_group,
            "name": shape.name,
        }
        migration = {
            "apiVersion": "azlm.dev/v1alpha1",
            "kind": "AzureLinuxMigration",
            "metadata": {"name": "m"},
            "spec": {"source": {"nodePool": "src"}, "cluster": cluster, **settings},
        }
        file = self.folder / "m.yaml"
        file.write_text(yaml.safe_dump(migration))
        arguments = ("handover", "-f", str(file), f"--arm-endpoint={served.url}", *flags)
        self._monkeypatch.setattr(sys, "argv", ["azlm", *arguments])
        return await asyncio.to_thread(main)


@pytest.fixture
def handover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Handover:
    return Handover(tmp_path, monkeypatch)


async def test_a_block_waits_for_the_end_of_a_system_pool_that_is_kept(
    handover: Handover, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served_aks() as served:
        served.adopt("src", POOL | SYSTEM)
        served.adopt("srcazl", NEW | SYSTEM)
        assert await handover(served, "--format=terraform", sourcePool="Keep") == 0
        assert "change nothing until pool src is deleted" in capsys.readouterr().out
        assert await handover(served, "--format=terraform") == 0
        assert "Apply only once pool src is gone" in capsys.readouterr().out
    async with served_aks() as served:
        served.adopt("srcazl", NEW | SYSTEM)
        assert await handover(served, "--format=terraform", sourcePool="Keep") == 0
        assert "default_node_pool {" in capsys.readouterr().out, "it was deleted afterwards"


@pytest.mark.parametrize(
    ("own", "flags", "name"),
    [
        ({}, ("--format=terraform",), "srcazl.tf"),
        (SYSTEM, ("--format=terraform", "--separate"), "srcazl.tf"),
        (SYSTEM, ("--format=terraform",), "srcazl.txt"),
        (SYSTEM, ("--format=bicep",), "srcazl.bicep"),
    ],
)
async def test_a_file_of_terraform_has_blocks_that_may_be_at_its_top(
    handover: Handover, own: dict[str, Any], flags: tuple[str, ...], name: str
) -> None:
    async with served_aks() as served:
        served.adopt("srcazl", NEW | own)
        assert await handover(served, *flags, f"--write={handover.folder}") == 0
    [file] = handover.folder.glob("srcazl.*")
    assert file.name == name
    if file.suffix == ".tf":
        code = hcl2.load(io.StringIO(file.read_text()))
        assert {key for key in code if "__" not in key} == {"import", "removed", "resource"}
