"""Ports for servers on loopback: the usual one if it is free, else another that stays the same between runs.

What lives here: choosing and claiming. Who listens there does not.

All ports lie below the range from which the system gives ports to outgoing connections: a broker that
restarts must find its port again, and clients that reconnect to it meanwhile must not have taken it.
"""

import random
import socket
from collections.abc import Iterable
from pathlib import Path

HOST = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 32_000  # our range where the usual port is taken; below Linux's 32768–60999
TRIES = 200  # ports tried before giving up


class Ports:
    """Hands out ports that nobody listens on, and claims them until closed against others who choose at the
    same time.
    """

    def __init__(self, seed: str | None = None) -> None:
        """`seed` (a checkout's path) makes the fallback ports the same on every run."""
        self._random = random.Random(seed)
        self._claims: dict[int, socket.socket] = {}

    def take(self, preferred: Iterable[int] = ()) -> int:
        """A free port: the first of the preferred that is free, else one from our range."""
        others = (self._random.randrange(LOWEST, HIGHEST) for _ in range(TRIES))
        for port in (*preferred, *others):
            if port not in self._claims and self._claim(port):
                return port
        raise RuntimeError(f"no free port found between {LOWEST} and {HIGHEST}")

    def close(self) -> None:
        """Give up all claims."""
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()

    def _claim(self, port: int) -> bool:
        claim = socket.socket(socket.AF_UNIX)
        try:
            if Path(
                "/proc/self/ns/net"
            ).exists():  # Linux: a name only one socket can have, gone with its process
                claim.bind(f"\0millrace-port-{port}")
        except OSError:
            claim.close()
            return False
        if not is_free(port):
            claim.close()
            return False
        self._claims[port] = claim
        return True


def is_free(port: int) -> bool:
    """Whether a server could listen there now (connections of an ended server that still linger do not
    matter).
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return not is_listening(port)


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((HOST, port), timeout=1.0):
            return True
    except OSError:
        return False
