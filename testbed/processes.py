"""Detached processes with pid files: started, identified by another command, ended.

A pid file holds the pid and the start time of the process, so that a reused pid never gets a
signal.
"""

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

_children: dict[int, "subprocess.Popen[bytes]"] = {}
"""Processes that this process has started, to be reaped when they end."""


def free_ports(count: int) -> list[int]:
    """Distinct free ports on 127.0.0.1."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [int(socket.getsockname()[1]) for socket in sockets]
    finally:
        for listener in sockets:
            listener.close()


def start(directory: Path, name: str, command: list[str]) -> int:
    """Start a process of its own session, its output in DIRECTORY/NAME.log; returns the pid."""
    with (directory / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=directory,
            start_new_session=True,
        )
    _children[process.pid] = process
    born = psutil.Process(process.pid).create_time()
    record = {"pid": process.pid, "born": born, "command": command}
    (directory / f"{name}.pid").write_text(json.dumps(record))
    return process.pid


def kill(directory: Path, name: str) -> list[str]:
    """SIGKILL a process that runs; returns its command, for another start."""
    process = running(directory, name)
    if process is None:
        raise RuntimeError(f"{name} does not run in {directory}")
    record = json.loads((directory / f"{name}.pid").read_text())
    process.kill()
    _gone(directory, name, 15.0)
    child = _children.pop(process.pid, None)
    if child is not None:
        child.wait()
    return list(record["command"])


def running(directory: Path, name: str) -> psutil.Process | None:
    """The process of a pid file, if it is the one that was started."""
    try:
        record = json.loads((directory / f"{name}.pid").read_text())
        process = psutil.Process(record["pid"])
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return process if alive and abs(process.create_time() - record["born"]) < 1 else None
    except (OSError, psutil.NoSuchProcess):
        return None


def stop(directory: Path, name: str, *, timeout: float = 15.0) -> None:
    """SIGTERM, wait, and after `timeout` seconds SIGKILL; does nothing if no process runs."""
    process = running(directory, name)
    if process is not None:
        process.send_signal(signal.SIGTERM)
        if not _gone(directory, name, timeout):
            process.kill()
            _gone(directory, name, timeout)
        child = _children.pop(process.pid, None)
        if child is not None:
            child.wait(timeout)
    (directory / f"{name}.pid").unlink(missing_ok=True)


def _gone(directory: Path, name: str, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while running(directory, name) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def log_tail(directory: Path, name: str, lines: int = 15) -> str:
    """The last lines of a process's log."""
    try:
        return "\n".join(
            (directory / f"{name}.log").read_text(errors="replace").splitlines()[-lines:]
        )
    except OSError:
        return ""
