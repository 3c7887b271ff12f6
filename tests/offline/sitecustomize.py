"""Refuses every connection that leaves this machine. Python imports a module of this name at its start, so that
with this folder in PYTHONPATH the programs that a test starts are refused too. C++ sockets are not seen.
"""

import ipaddress
import sys
from typing import Any


class NetworkRefusedError(RuntimeError):
    """A test tried to leave the machine. Not an OSError, so that no code under test takes it for a host that is down."""


def is_local(host: object) -> bool:
    """Whether an address stays on this machine: loopback, the wildcard that servers bind to, or no host at all."""
    if host is None or host in ("", b"", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if not isinstance(address, tuple):  # a Unix socket's path, or a socket that is connected already
            return
        host: object = address[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not is_local(host):
        raise NetworkRefusedError(f"a test tried to reach {host!r} ({event}); tests stay on loopback, or carry the marker `network`")


sys.addaudithook(_refuse)
