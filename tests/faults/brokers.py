"""One real broker or three, each killable by itself, on ports that stay the same.

Three of them are a real cluster: replication 3, `min.insync.replicas` 2, the controllers in the same processes.
"""

from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from sandbox import processes
from sandbox.kafka import Kafka
from sandbox.ports import HOST, Ports

CLUSTER_ID = "MillraceChaosCluster00"  # 22 characters of base64; all nodes must agree on it
FORMAT_WITHIN_S = 60.0


class Node(Kafka):
    """A broker that is also a controller, of a cluster of several."""

    def __init__(self, folder: Path, number: int, ports: list[tuple[int, int]]) -> None:
        super().__init__(folder, *ports[number - 1])
        self.number = number
        self.ports = ports

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{name}={value}\n" for name, value in self._properties().items())
        self._configuration.write_text(text)
        if not (self.folder / "data" / "meta.properties").exists():
            arguments = ("format", "-t", CLUSTER_ID, "-c", str(self._configuration))
            processes.run(self._java("kafka.tools.StorageTool", *arguments), FORMAT_WITHIN_S)

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
        }


class Brokers:
    def __init__(self, folder: Path, count: int) -> None:
        self._ports = Ports()
        ports = [(self._ports.take(), self._ports.take()) for _ in range(count)]
        self.nodes = [Node(folder / f"broker{i}", i, ports) for i in range(1, count + 1)]

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes)

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        processes.wait_until(lambda: all(Kafka.is_ready(node) for node in self.nodes), 60.0)

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()
        self._ports.close()

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
