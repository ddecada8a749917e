"""The same three servers as containers of the official images, for tests on a machine with Docker.

What lives here: testcontainers wrapped so that a test sees what it sees of an embedded server: an address,
and `start`, `stop`, `kill` that keep port and data. Which kind a run uses is decided in `sandbox.testing`.
"""

import abc
import asyncio
import secrets

from testcontainers.core.container import DockerContainer

from sandbox import kafka, postgres, processes, valkey
from sandbox.ports import HOST, Ports

KAFKA_IMAGE = "apache/kafka:4.2.1"
POSTGRES_IMAGE = "postgres:18"
VALKEY_IMAGE = "valkey/valkey:9.1"
KAFKA_INSIDE, CONTROLLER_INSIDE = 9092, 9093
START_WITHIN_S = 120.0  # the first start may pull the image
STOP_WITHIN_S = 10
ASK = "auto"  # the Docker daemon for the version of its interface, when a container is made


class Contained(abc.ABC):
    """A container with one fixed port on loopback, so that a restart changes no address."""

    def __init__(self, container: DockerContainer, inside: int, port: int) -> None:
        self.port = port
        self._container = container
        self._container.ports[f"{inside}/tcp"] = (HOST, port)  # type: ignore[assignment]  # docker-py takes the pair
        self._created = False

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers now."""

    @property
    def published(self) -> dict[str, object]:
        """Which port inside is which outside."""
        return dict(self._container.ports)

    @property
    def pid(self) -> int:
        """The host's process id of the server."""
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return int(wrapped.attrs["State"]["Pid"])

    def start(self) -> None:
        if self._created:
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._created = True
        if not processes.wait_until(self.is_ready, START_WITHIN_S):
            raise TimeoutError(f"{self._container.image} did not answer within {START_WITHIN_S:g} s")

    def stop(self) -> None:
        self._container.get_wrapped_container().stop(timeout=STOP_WITHIN_S)

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def remove(self) -> None:
        """Stop it for good and forget its data."""
        if self._created:
            self._container.stop()


class KafkaContainer(Contained):
    """One broker; testcontainers' own class knows only another vendor's image."""

    def __init__(self, port: int, api_version: str = ASK) -> None:
        super().__init__(
            DockerContainer(KAFKA_IMAGE, {"version": api_version}).with_envs(**kafka_environment(port)),
            KAFKA_INSIDE,
            port,
        )

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    def is_ready(self) -> bool:
        return kafka.answers(self.port)

    async def create_topic(self, name: str, partitions: int = 1, **config: str) -> None:
        await kafka.create_topic(self.bootstrap, name, partitions, config)

    def create_topic_sync(self, name: str, partitions: int = 1, **config: str) -> None:
        asyncio.run(self.create_topic(name, partitions, **config))


class PostgresContainer(Contained):
    def __init__(self, port: int, api_version: str = ASK) -> None:
        self._password = secrets.token_urlsafe(24)
        container = DockerContainer(POSTGRES_IMAGE, {"version": api_version}).with_envs(
            POSTGRES_USER=postgres.USER, POSTGRES_DB=postgres.DATABASE, POSTGRES_PASSWORD=self._password
        )
        super().__init__(container, 5432, port)

    @property
    def dsn(self) -> str:
        return self._dsn_of(postgres.DATABASE)

    def fresh_database(self) -> str:
        return self._dsn_of(postgres.create_fresh_database(self.dsn))

    def is_ready(self) -> bool:
        return postgres.answers(self.dsn)

    def _dsn_of(self, database: str) -> str:
        return postgres.address(self._password, self.port, database)


class ValkeyContainer(Contained):
    def __init__(self, port: int, api_version: str = ASK) -> None:
        container = DockerContainer(VALKEY_IMAGE, {"version": api_version}).with_command(
            ["valkey-server", "--appendonly", "yes"]
        )
        super().__init__(container, 6379, port)

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def is_ready(self) -> bool:
        return valkey.answers(self.port)


class ContainerServers:
    """One container of each kind, started on first use."""

    def __init__(self) -> None:
        self._ports = Ports()
        self._kafka = KafkaContainer(self._ports.take())
        self._postgres = PostgresContainer(self._ports.take())
        self._redis = ValkeyContainer(self._ports.take())
        self._started: list[Contained] = []

    def kafka(self) -> KafkaContainer:
        self._start_once(self._kafka)
        return self._kafka

    def postgres(self) -> PostgresContainer:
        self._start_once(self._postgres)
        return self._postgres

    def redis(self) -> ValkeyContainer:
        self._start_once(self._redis)
        return self._redis

    def close(self) -> None:
        for container in self._started:
            container.remove()
        self._ports.close()

    def _start_once(self, container: Contained) -> None:
        if container not in self._started:
            self._started.append(container)
            container.start()


def kafka_environment(port: int) -> dict[str, str]:
    """The image's configuration: ours, with listeners that are reachable through the published port."""
    properties = {
        **kafka.PROPERTIES,
        "controller.quorum.voters": f"1@localhost:{CONTROLLER_INSIDE}",
        "listeners": f"PLAINTEXT://:{KAFKA_INSIDE},CONTROLLER://:{CONTROLLER_INSIDE}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
    }
    return {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in properties.items()}
