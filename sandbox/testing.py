"""Real servers for tests: containers where Docker answers, otherwise the embedded ones. The choice lives here
alone.

Both kinds look the same to a test: an address, and `start`, `stop`, `kill` with the same port and data
afterwards.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sandbox.kafka import Kafka
from sandbox.ports import Ports
from sandbox.postgres import Postgres
from sandbox.server import Server
from sandbox.valkey import Valkey

DOCKER_ANSWERS_WITHIN_S = 5


class Killable(Protocol):
    """A server that fault tests can take away and bring back."""

    @property
    def pid(self) -> int: ...
    def start(self) -> None:
        """Start, or start again on the same port with the same data; returns once it answers."""

    def stop(self) -> None:
        """The clean way."""

    def kill(self) -> None:
        """SIGKILL."""


class KafkaServer(Killable, Protocol):
    @property
    def bootstrap(self) -> str: ...
    async def create_topic(self, name: str, partitions: int = 1, **config: str) -> None: ...
    def create_topic_sync(self, name: str, partitions: int = 1, **config: str) -> None: ...


class PostgresServer(Killable, Protocol):
    @property
    def dsn(self) -> str: ...
    def fresh_database(self) -> str: ...


class RedisServer(Killable, Protocol):
    @property
    def url(self) -> str: ...


class Servers(Protocol):
    """One server of each kind, started on first use."""

    def kafka(self) -> KafkaServer: ...
    def postgres(self) -> PostgresServer: ...
    def redis(self) -> RedisServer: ...


class EmbeddedServers:
    """Servers as child processes, from wheels and jars."""

    def __init__(self, folder: Path) -> None:
        self._ports = Ports()
        self._kafka = Kafka(folder / "kafka", self._ports.take(), self._ports.take())
        self._postgres = Postgres(folder / "postgres", self._ports.take())
        self._redis = Valkey(folder / "redis", self._ports.take())
        self._started: list[Server] = []

    def kafka(self) -> KafkaServer:
        self._start_once(self._kafka)
        return self._kafka

    def postgres(self) -> PostgresServer:
        self._start_once(self._postgres)
        return self._postgres

    def redis(self) -> RedisServer:
        self._start_once(self._redis)
        return self._redis

    def close(self) -> None:
        for server in self._started:
            server.stop()
        self._ports.close()

    def _start_once(self, server: Server) -> None:
        if server not in self._started:
            self._started.append(server)
            server.start()


@contextlib.contextmanager
def choose_servers(folder: Path) -> Iterator[Servers]:
    """Containers where Docker answers, else embedded servers with their data in the folder; stopped at the
    end.
    """
    if docker_answers():
        from sandbox.containers import ContainerServers

        servers: ContainerServers | EmbeddedServers = ContainerServers()
    else:
        servers = EmbeddedServers(folder)
    try:
        yield servers
    finally:
        servers.close()


def docker_answers() -> bool:
    """Whether a Docker daemon can be asked to run containers here."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        asked = subprocess.run(
            ["docker", "info"], capture_output=True, timeout=DOCKER_ANSWERS_WITHIN_S, check=False
        )
        return asked.returncode == 0
    return False
