"""The parts of `make chaos` that need no control plane: the proxy, the page."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from testbed.chaos.cases import CASES
from testbed.chaos.command import Result, page, table
from testbed.chaos.proxy import Proxy


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    def answer(client: socket.socket) -> None:
        with closing(client), suppress(OSError):
            while content := client.recv(100):
                client.sendall(content)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    server.close()


def _client(proxy: Proxy) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=5)
    client.sendall(b"first")
    assert client.recv(100) == b"first"
    return client


def test_it_passes_on_what_both_sides_say(echo: str) -> None:
    with Proxy(echo) as proxy, closing(_client(proxy)):
        assert proxy.url.startswith("http://127.0.0.1:")
        assert time.time() - proxy.sent_at < 5


def test_a_delay_counts_in_both_directions(echo: str) -> None:
    with Proxy(echo) as proxy, closing(_client(proxy)) as client:
        proxy.delay = 0.1
        began = time.monotonic()
        client.sendall(b"late")
        assert client.recv(100) == b"late"
        assert time.monotonic() - began >= 0.2


def test_a_dropped_connection_stays_open_and_says_nothing(echo: str) -> None:
    with Proxy(echo) as proxy, closing(_client(proxy)) as client:
        proxy.drop()
        client.sendall(b"lost")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(100)
        _client(proxy).close()


def test_a_cut_connection_ends_and_another_can_be_made(echo: str) -> None:
    with Proxy(echo) as proxy, closing(_client(proxy)) as client:
        proxy.cut()
        assert client.recv(100) == b""
        _client(proxy).close()


def test_nobody_behind_it_closes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Proxy(f"http://127.0.0.1:{port}") as proxy:
        address = ("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=5) as client:
            assert client.recv(100) == b""


def test_a_case_that_ends_wrong_says_why() -> None:
    good = Result(CASES[0], seconds=31.0, evictions=30, notes=["0 writes"])
    bad = Result(CASES[1], seconds=40.0, evictions=31, refused=2, wrong=["2 pods were moved twice"])
    lines = table([good, bad]).splitlines()
    assert lines[2].endswith("| yes (0 writes) | 31 | 30 | 0 | 0 |")
    assert "no: 2 pods were moved twice" in lines[3]
    assert table([good, bad]) in page([good, bad])
    assert len({case.name for case in CASES}) == len(CASES)
