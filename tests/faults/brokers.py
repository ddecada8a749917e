"""One real broker or three, each killable by itself, on ports that stay the same.

Three of them are a real cluster: replication 3, `min.insync.replicas` 2, the controllers in the same processes.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from sandbox import kafka, processes
from sandbox.kafka import Kafka
from sandbox.ports import HOST, Ports
from sandbox.processes import Program
from tests.faults.tools import Host, in_group

CLUSTER_ID = "MillraceChaosCluster00"  # 22 characters of base64; all nodes must agree on it
FORMAT_WITHIN_S = 60.0
ANSWER_WITHIN_S = 60.0
GROUP_OF_FIRST = 60_001  # of a process, so that the firewall knows it; no file is of it
COMPILED_SOON = ("-XX:TieredStopAtLevel=1",)
"""A cluster here lives for minutes, beside all else: HotSpot's second compiler would have most of the machine all the time."""


class Node(Kafka):
    """A broker that is also a controller, of a cluster of several."""

    def __init__(self, folder: Path, number: int, ports: list[tuple[int, int]]) -> None:
        super().__init__(folder, *ports[number - 1], options=COMPILED_SOON)
        self.number = number
        self.before: tuple[str, ...] = ()
        """What its command begins with, such as `tools.FailingIo.before`."""
        self.ports = ports
        self.host = Host(ports[number - 1], GROUP_OF_FIRST + number - 1)

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{name}={value}\n" for name, value in self._properties().items())
        self._configuration.write_text(text)
        if not (self.folder / "data" / "meta.properties").exists():
            arguments = ("format", "-t", CLUSTER_ID, "-c", str(self._configuration))
            processes.run(self._java("kafka.tools.StorageTool", *arguments), FORMAT_WITHIN_S)

    def program(self) -> Program:
        usual = super().program()
        return replace(usual, command=(*in_group(self.host.group), *self.before, *usual.command))

    def is_ready(self) -> bool:
        return True  # one node of three cannot answer before a second one is there; `Brokers.start` waits for all

    def _properties(self) -> dict[str, str]:
        copies = str(min(3, len(self.ports)))
        voters = ",".join(f"{i}@{HOST}:{controller}" for i, (_, controller) in enumerate(self.ports, 1))
        return super()._properties() | {
            "node.id": str(self.number),
            "controller.quorum.voters": voters,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": "2" if len(self.ports) > 1 else "1",
            # who was away leads again what it is to lead, or faults at it would soon be felt by nobody; by default after 5 min
            "auto.leader.rebalance.enable": "true",
            "leader.imbalance.check.interval.seconds": "3",
            "leader.imbalance.per.broker.percentage": "0",
            # by default a broker takes nothing that is an hour of the future: a worker of tomorrow would only crash
            "log.message.timestamp.after.max.ms": str(7 * 24 * 3600 * 1000),
        }


class Brokers:
    def __init__(self, folder: Path, count: int) -> None:
        self._ports = Ports()
        ports = [(self._ports.take(), self._ports.take()) for _ in range(count)]
        self.nodes = [Node(folder / f"broker{i}", i, ports) for i in range(1, count + 1)]

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes)

    @property
    def pid(self) -> int:
        return self.nodes[0].pid

    def start(self) -> None:
        """Whichever do not run. Returns once all of them answer."""
        self.start_these(self.nodes)

    def start_these(self, nodes: Iterable[Node]) -> None:
        some = list(nodes)
        for node in some:
            if not node.runs:
                node.start()
        processes.wait_until(lambda: all(map(Kafka.is_ready, some)), ANSWER_WITHIN_S)

    def stop(self) -> None:
        self.kill()
        self._ports.close()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    async def create_topic(self, name: str, partitions: int = 1, **config: str) -> None:
        await kafka.create_topic(self.bootstrap, name, partitions, config)

    def create_topic_sync(self, name: str, partitions: int = 1, **config: str) -> None:
        asyncio.run(self.create_topic(name, partitions, **config))

    async def create(self, topics: dict[str, dict[str, str]], partitions: int) -> None:
        """Create topics as production has them: replicated as far as there are brokers."""
        copies = min(3, len(self.nodes))
        config = {"min.insync.replicas": "2" if copies > 2 else "1"}
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            new = [
                NewTopic(name, partitions, copies, topic_configs=config | own) for name, own in topics.items()
            ]
            await admin.create_topics(new)
        finally:
            await admin.close()
