"""Making one connection to PostgreSQL with aiopg 1.4, which needs some care. Keeping connections is `connections.py`.

- Host names are looked up by libpq with the loop standing still, so they are looked up here. And aiopg watches the first
  socket only, while libpq takes another one for each address of a host: so they are tried one after the other.
- A refused connection leaves its writer registered. On uvloop that number of a socket can then never be used for
  PostgreSQL again ("the handler is closed", seen with every second connection while the server was away).
- `connect_timeout` means nothing in asynchronous mode.
"""

import asyncio
import socket
import weakref
from typing import Any

import psycopg2
from aiopg.connection import Connection
from psycopg2.extensions import make_dsn, parse_dsn

CONNECT_WITHIN_S = 2.0
ADDRESSES_MAX = 4  # of one host name
VANISHED_CLIENT_CHECK_MS = 500  # the server drops what a client that is gone has asked for
UNACKNOWLEDGED_MAX_MS = 5_000  # a network that swallows packets is noticed after this


async def connect(dsn: str) -> Any:
    """An open connection, within CONNECT_WITHIN_S. Raises what psycopg2 raises, OSError or TimeoutError."""
    async with asyncio.timeout(CONNECT_WITHIN_S):
        *others, last = await _addresses(dsn)
        for address in others:
            try:
                return await _connect(address)
            except psycopg2.OperationalError:
                continue  # a host may have an address on which nobody listens
        return await _connect(last)


def with_limits(dsn: str, statement_s: float) -> str:
    """The address, with limits that the server and the kernel keep."""
    limits = (
        f"-c statement_timeout={int(statement_s * 1000)}"
        f" -c idle_in_transaction_session_timeout={int(statement_s * 2000)}"
        f" -c client_connection_check_interval={VANISHED_CLIENT_CHECK_MS}"
    )
    given = parse_dsn(dsn)
    return make_dsn(
        dsn,
        options=f"{given.get('options', '')} {limits}".strip(),
        tcp_user_timeout=UNACKNOWLEDGED_MAX_MS,
        application_name=given.get("application_name", "millrace"),
    )


async def _connect(dsn: str) -> Any:
    return await _Connection(
        dsn,
        CONNECT_WITHIN_S,
        False,
        enable_json=False,  # bodies are read as text, by orjson
        enable_hstore=False,
        enable_uuid=False,
    )


async def _addresses(dsn: str) -> list[str]:
    """The same, once for each number of its host."""
    given = parse_dsn(dsn)
    host = given.get("host", "")
    if not host or "hostaddr" in given or "," in host or host.startswith("/"):
        return [dsn]
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    numbers = list(dict.fromkeys(str(address[4][0]) for address in found))[:ADDRESSES_MAX]
    return [make_dsn(dsn, hostaddr=number) for number in numbers]


class _Connection(Connection):
    """aiopg's, which takes its writer back when libpq has closed the socket."""

    @staticmethod
    def _ready(weak_self: "weakref.ref[Any]") -> None:
        connection = weak_self()
        if connection is None:
            return
        number = connection._fileno
        try:
            Connection._ready(weak_self)
        except (
            ValueError
        ):  # its `select` knows no socket above number 1023, and the connection has just failed
            connection._close()
        if number is not None and connection._fileno is None:
            connection._loop.remove_writer(number)
