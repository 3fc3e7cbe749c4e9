"""Who may use the proxy and for what: it adds a token of the user's to every request."""

import os
import re
import socket
import sys
from pathlib import Path

from aiohttp import web

SOCKETS = Path("/proc/net/tcp")
"""See https://docs.kernel.org/networking/proc_net_tcp.html; the owner is the column `uid`."""
_UP = frozenset({".", ".."})


def refusal(request: web.Request, scope: str) -> str | None:
    """Why a request is not passed on; None for one that is.

    It must be below `scope`, name the proxy itself as its host, as a page of a web site does not,
    and come from a process of the same user.
    """
    if request.transport is None:
        return "the connection is closed"
    host, port = request.transport.get_extra_info("sockname")[:2]
    if request.host != f"{host}:{port}":
        return f"the host of the request is not {host}:{port}"
    if not request.path.lower().startswith(scope.lower()) or _UP & set(
        re.split(r"[/\\]", request.path)
    ):
        return f"the path is not below {scope}"
    peer = request.transport.get_extra_info("peername")[:2]
    if _owner(peer, (host, port)) != os.getuid():
        return "the request is not from the user who runs this program"
    return None


def _owner(local: tuple[str, int], remote: tuple[str, int]) -> int | None:
    """The uid of the process at the `local` end of a connection on this machine."""
    ends = [_as_listed(local), _as_listed(remote)]
    for line in SOCKETS.read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == ends:
            return int(fields[7])
    return None


def _as_listed(end: tuple[str, int]) -> str:
    address, port = end
    number = int.from_bytes(socket.inet_aton(address), sys.byteorder)
    return f"{number:08X}:{port:04X}"
