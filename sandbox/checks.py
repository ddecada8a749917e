"""Asking whether something answers: each function asks once, or within a bound, and says yes or no. Starts
nothing.
"""

import socket
import ssl
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from sandbox import processes
from sandbox.ports import HOST

ANSWER_WITHIN_S = 1.0
OUTSIDE_ANSWERS_WITHIN_S = 20.0
_UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the default one reads all authorities of the system
_UNVERIFIED.check_hostname, _UNVERIFIED.verify_mode = False, ssl.CERT_NONE
DEFAULT_PORTS = {"kafka": 9092, "postgres": 5432, "redis": 6379}


def says_ready(url: str) -> bool:
    """Whether a process of the service calls itself ready. Who signed its certificate is its clients' business."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_WITHIN_S, context=_UNVERIFIED) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def listens(port: int, host: str = HOST) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=ANSWER_WITHIN_S).close()
    except OSError:
        return False
    return True


def wait_for_outside(name: str, address: str) -> None:
    """Until a server that was given from outside accepts connections. Raises TimeoutError with its name."""
    first = address.split(",")[0]
    parts = urlsplit(first if "://" in first else f"//{first}")
    host, port = parts.hostname or HOST, parts.port or DEFAULT_PORTS[name]
    if not processes.wait_until(lambda: listens(port, host), OUTSIDE_ANSWERS_WITHIN_S):
        raise TimeoutError(f"nobody answers at {host}:{port} within {OUTSIDE_ANSWERS_WITHIN_S:g} s")
