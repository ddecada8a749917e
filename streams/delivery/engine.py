"""The Faust app under the delivery: its settings, and the places where Faust asks for something of ours.

Only `App` makes one. Nothing is decided here.
"""

from typing import TYPE_CHECKING, Any, NoReturn

import faust
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from streams.delivery import internals
from streams.delivery.records import Settings
from streams.delivery.recovery import Recovery, Tables
from streams.delivery.sending import MOST_BATCH_BYTES
from streams.delivery.transport import Transport
from streams.delivery.vital import die

if TYPE_CHECKING:
    from streams.delivery.app import App

RAW: dict[str, Any] = {
    "key_type": bytes,
    "value_type": bytes,
    "key_serializer": "raw",
    "value_serializer": "raw",
}
# Raw: a decode error inside Faust acks the message and throws into the agent. Decoding is the handler's.

LEADERS_KNOWN_MS = 5_000
"""How long every client takes for leaders those that were. A broker that is cut off from the others goes on serving whoever reads
from it: nothing new, and nothing that is wrong, so that nobody would ask who leads. aiokafka asks after five minutes.
"""

SAFE: dict[str, Any] = {
    "TableManager": Tables,
    "store": "memory://",
    "web_enabled": False,  # Faust's own server listens on 0.0.0.0:6066 and serves table contents
    "topic_allow_declare": False,  # the topic catalogue creates topics, all of them
    "topic_disable_leader": True,
    "stream_wait_empty": False,  # it has no time-out: a slow handler made an endless rebalance; `hand_over` is bounded
    "stream_buffer_maxsize": 0,  # no bound: `held.py` is it, in records; Faust's 4,096 are of polls, of all partitions
    "stream_recovery_delay": 0.0,
    "table_standby_replicas": 0,
    "producer_linger": 0.0,
    "producer_max_batch_size": MOST_BATCH_BYTES,
    "broker_max_poll_records": 500,  # per poll; a step of 100 µs then holds the loop for 50 ms
    "broker_commit_interval": 1.0,  # seconds; what a killed gateway does again. Each commit costs the broker a write
    "consumer_metadata_max_age_ms": LEADERS_KNOWN_MS,
    "producer_metadata_max_age_ms": LEADERS_KNOWN_MS,
    "broker_request_timeout": 40.0,  # seconds, of a join; above the one that follows. What comes at once: `gone_brokers.py`
    "broker_rebalance_timeout": 30.0,  # seconds; every bound of a hand-over must be well below it
}
HEARTBEATS_PER_SESSION = 5


class Engine(faust.App):
    """Faust, without the parts that lose records."""

    def __init__(self, delivery: "App", group: str, **conf: Any) -> None:
        self.delivery = delivery
        super().__init__(group, autodiscover=False, **SAFE | conf)
        internals.faust_recovery(self, Recovery(self, self.tables, beacon=self.tables.beacon))

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return Transport(self.conf.broker_producer, self)

    def _crash(self, reason: BaseException) -> NoReturn:
        die(f"a service failed: {reason!r}", reason)  # any service of Faust that fails ends up here

    def _create_directories(self) -> None:
        """None are needed: the tables are in memory, and Faust would make them where the process happens to start."""

    def on_rebalance_start(self) -> None:
        self.delivery.metrics.ready = False
        self.delivery.metrics.rebalanced()
        super().on_rebalance_start()


def broker_urls(bootstrap: str) -> str:
    """Faust's spelling of `host:port,host:port`."""
    return ";".join(f"kafka://{address.strip()}" for address in bootstrap.split(","))


def client_settings(bootstrap: str, credentials: Any) -> Settings:
    """How our own aiokafka clients reach the brokers: as Faust's do."""
    return {
        "bootstrap_servers": bootstrap.split(","),
        "metadata_max_age_ms": LEADERS_KNOWN_MS,
        **credentials_to_aiokafka_auth(credentials),
    }
