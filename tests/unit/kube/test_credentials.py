"""How the operator connects in a pod: two files, two variables and no `kubernetes` package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.kube.credentials import in_cluster
from azure_linux_migrator.kube.kubeconfig import load
from testbed import certificates

ADDRESS = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """The files of a ServiceAccount."""
    certificates.write(tmp_path)
    (tmp_path / "token").write_text("first\n")
    return tmp_path


async def test_the_token_is_read_again_after_its_rotation(account: Path) -> None:
    credentials = in_cluster(ADDRESS, account)
    assert credentials.server == "https://10.0.0.1:443"
    assert await credentials.token() == "first"
    (account / "token").write_text("second\n")
    assert await credentials.token() == "second"


def test_an_ipv6_address_is_bracketed(account: Path) -> None:
    credentials = in_cluster(ADDRESS | {"KUBERNETES_SERVICE_HOST": "fd00::1"}, account)
    assert credentials.server == "https://[fd00::1]:443"


@pytest.mark.parametrize("variable", ADDRESS)
def test_outside_a_pod_the_error_names_the_flag(account: Path, variable: str) -> None:
    with pytest.raises(SettingsError, match=r"are not set; outside a cluster give --kubeconfig"):
        in_cluster(ADDRESS | {variable: ""}, account)


@pytest.mark.parametrize("name", ["token", "ca.crt"])
def test_a_file_that_is_missing_or_empty_is_named(account: Path, name: str) -> None:
    (account / name).write_text(" \n")
    with pytest.raises(SettingsError, match=rf"{name} is empty"):
        in_cluster(ADDRESS, account)
    (account / name).unlink()
    with pytest.raises(SettingsError, match=rf"{name} cannot be read: No such file"):
        in_cluster(ADDRESS, account)


def test_a_damaged_certificate_is_named(account: Path) -> None:
    (account / "ca.crt").write_text("not a certificate")
    with pytest.raises(SettingsError, match=r"ca\.crt, None\)"):
        in_cluster(ADDRESS, account).tls()


def test_a_pod_never_imports_the_kubernetes_package(account: Path) -> None:
    script = f"""
import asyncio, os, signal, sys
from pathlib import Path
from azure_linux_migrator.cli import main as command
from azure_linux_migrator.kube import client, credentials

def connecting():
    asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGTERM)
    return credentials.in_cluster(folder=Path({str(account)!r}))

client.in_cluster = connecting
sys.argv = ["azlm", "run", "--metrics-port=0"]
code = command.main()
loaded = [name for name, module in sys.modules.items() if module and name.startswith("kubernetes")]
print(code, "kopf" in sys.modules, loaded)
"""
    environment = os.environ | {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout == "0 True []\n", run.stderr


async def test_without_the_kubernetes_package_a_kubeconfig_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config"
    path.write_text(
        "current-context: c\n"
        "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
        "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: u, user: {}}]\n"
    )
    for name in [name for name in sys.modules if name.split(".")[0] == "kubernetes"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(SettingsError, match="the kubernetes package is not installed"):
        await load(str(path), None)
