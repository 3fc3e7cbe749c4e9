"""The end of a run against Azure: whatever happens, the resource group is deleted or named."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from testbed.aks.process import ROOT
from testbed.azure import command, small_cluster
from testbed.azure.interrupts import SIGNALS, interrupts
from tests.support.served_azure import POLL_SECONDS, Locked, methods, served_azure

SURVIVES = """
import signal
import sys
from pathlib import Path
from testbed.aks.process import AksServer
signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner may ignore it
with AksServer(Path(sys.argv[1]), "--new") as server:
    try:
        print("ready", flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        print(server.requests(), flush=True)
"""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    file.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "users: [{name: c, user: {token: t}}]\n"
        "contexts: [{name: c, context: {cluster: c, user: c}}]\n"
    )
    return file


def run(output: Path, **flags: Any) -> command.AzureRun:
    """A run of which only the end is used."""
    arguments = {"subscription": "s", "dry_run": True, "record": False, "output": output}
    return command.AzureRun(argparse.Namespace(**arguments | flags))


async def test_a_reader_of_its_messages_that_ended_does_not_keep_the_group(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    async with served_azure(kubeconfig) as (small, server):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        with suppress(BrokenPipeError), os.fdopen(writer, "w", buffering=1) as stderr:
            monkeypatch.setattr(sys, "stderr", stderr)
            code = await asyncio.to_thread(lambda: run(tmp_path)._finish(small, tmp_path, 1))
        monkeypatch.undo()
        assert code == 1
        assert methods(server).count("DELETE") == 1


async def test_a_group_that_stays_is_named_although_the_log_cannot_be_written(
    kubeconfig: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(small_cluster, "DELETE_SECONDS", 0.2)
    (tmp_path / "azlm.log").write_text("a log\n")
    output = tmp_path / "a-file"
    output.touch()
    async with served_azure(kubeconfig, Locked) as (small, _):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        code = await asyncio.to_thread(lambda: run(output)._finish(small, tmp_path, 1))
    assert code == command.LEFT_OVER
    assert "az group delete --subscription" in capsys.readouterr().err


def test_what_to_delete_after_a_kill_is_said_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path).announce()
    printed = capsys.readouterr().err
    assert "az group delete --subscription" in printed
    assert "--name azlm-e2e-" in printed


def test_every_signal_that_a_terminal_sends_is_caught() -> None:
    assert {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP} <= set(SIGNALS)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_interrupts_and_the_next_ones_wait(number: signal.Signals) -> None:
    handler = signal.default_int_handler
    before = signal.signal(number, handler)  # a runner may ignore it
    try:
        with interrupts():
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
            for other in SIGNALS:
                os.kill(os.getpid(), other)
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_simulated_azure_outlives_an_interrupt_of_its_user(kubeconfig: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SURVIVES, str(kubeconfig)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read() == "[]\n"
    assert process.returncode == 0


def test_what_fails_before_anything_is_made_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # without the Azure CLI
    flags = {"dry_run": False, "record": False, "output": tmp_path, "location": "x"}
    arguments = argparse.Namespace(subscription="s", vm_size="x", nodes=1, **flags)
    assert command._run(arguments) == 1
    assert "log in with: az login" in capsys.readouterr().err
