"""Every private part of Faust and aiokafka that the delivery leans on, in one list, checked before a process starts.

`check()` refuses any other version than the ones the list was read from: an upgrade fails here, loudly and first, and
not in a rebalance at night. Nothing else in the project may touch a name with a leading underscore of either library;
what is patched in them is patched here.
"""

import asyncio
import socket
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import aiokafka.consumer.fetcher
import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.producer.sender import Sender
from aiokafka.protocol.api import RequestStruct
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder, _DefaultRecordBatchPy
from aiokafka.structs import ConsumerRecord
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode.utils.queues import FlowControlEvent

from streams.delivery.gone_brokers import answered_soon, begun_again, made_soon, while_heard
from streams.delivery.header_names import ReadableRecords
from streams.delivery.leader_epochs import newest_told, not_cut_off
from streams.delivery.protocol import MetadataRequest_v7
from streams.delivery.stale_leaders import asked_who_leads

READ_FROM = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}  # the pins in requirements/service.in

LEANED_ON: Mapping[type, tuple[str, ...]] = {
    AIOKafkaConsumerThread: ("_create_worker_consumer", "_fetch_records", "call_thread", "_commit", "_ensure_consumer"),
    Consumer: ("_drain_messages", "perform_seek", "stop_flow", "resume_flow", "force_commit", "_is_changelog_tp",
               "maybe_wait_for_commit_to_finish", "on_partitions_revoked", "on_partitions_assigned"),
    Recovery: ("_seek_offsets", "_wait", "on_rebalance", "on_recovery_completed", "_resume_streams"),
    TableManager: ("recovery", "_update_channels"),
    FlowControlEvent: ("is_active", "suspend", "clear"),
    faust.App: ("_crash", "_new_transport", "_new_producer_transport", "on_rebalance_start", "create_event",
                "_create_directories"),
    GroupCoordinator: ("_perform_assignment",),
    Fetcher: ("fetched_records",),
    SubscriptionState: ("fetch_context",),
    AIOKafkaConnection: ("connect", "_do_version_lookup", "send"),
    AIOKafkaClient: ("bootstrap", "send", "coordinator_lookup", "add_topic", "force_metadata_update", "fetch_all_metadata",
                    "get_random_node"),
    ClusterMetadata: ("leader_for_partition",),
    DefaultRecordBatchBuilder: ("append", "build"),
    MetadataRequest: ("_CLASSES", "build"),
    RequestStruct: ("build_request_header", "parse_response_header"),
    AIOKafkaProducer: ("create_batch", "send_batch"),
    Sender: ("sender_task",),
    _DefaultRecordBatchPy: ("_maybe_uncompress",),
}  # fmt: skip


class UnknownInternals(RuntimeError):
    """Another Faust or aiokafka than this package was written against."""


def check() -> None:
    """Refuse other versions, and a version that lost a part. Source: the sources of the pinned versions."""
    for distribution, read in READ_FROM.items():
        if version(distribution) != read:
            raise UnknownInternals(
                f"streams.delivery leans on private parts of {distribution} {read}, but {version(distribution)} is "
                "installed: read its sources against LEANED_ON, run tests/streams/delivery and the chaos test, repin"
            )
    if lost := [
        f"{owner.__name__}.{part}"
        for owner, parts in LEANED_ON.items()
        for part in parts
        if not hasattr(owner, part)
    ]:
        raise UnknownInternals(f"no longer there: {', '.join(lost)}")


def patch() -> None:
    """What has to be changed in place, because neither library lets it be set."""
    if not hasattr(aiokafka.consumer.fetcher, "MemoryRecords"):
        raise UnknownInternals("no longer there: aiokafka.consumer.fetcher.MemoryRecords")
    aiokafka.consumer.fetcher.MemoryRecords = ReadableRecords
    AIOKafkaClient.bootstrap = begun_again(AIOKafkaClient.bootstrap)
    AIOKafkaConnection.connect = made_soon(AIOKafkaConnection.connect)
    AIOKafkaConnection._do_version_lookup = while_heard(AIOKafkaConnection._do_version_lookup, _socket)
    AIOKafkaConnection.send = newest_told(answered_soon(AIOKafkaConnection.send))
    AIOKafkaClient.get_random_node = not_cut_off(AIOKafkaClient.get_random_node)
    MetadataRequest._CLASSES = (*MetadataRequest._CLASSES, MetadataRequest_v7)
    AIOKafkaClient.send = asked_who_leads(AIOKafkaClient.send)
    # aiokafka's record is handed on as it is (a copy of ours would cost a tenth of the whole), but says no unit.
    ConsumerRecord.timestamp_ms = property(lambda record: record.timestamp)


def _socket(connection: AIOKafkaConnection) -> socket.socket:
    return connection._writer.get_extra_info("socket")  # type: ignore[no-any-return]


def read_committed(consumer: AIOKafkaConsumer, fetch_wait_ms: int) -> AIOKafkaConsumer:
    """Set what Faust's driver hard-codes: it reads uncommitted records and waits 1,500 ms for the next fetch."""
    consumer._isolation_level = "read_committed"
    consumer._fetch_max_wait_ms = fetch_wait_ms
    return consumer


def keep_alive(consumer: AIOKafkaConsumer) -> None:
    """Reset aiokafka's idle clock without a poll: back-pressure is no idleness, and it leaves the group after it."""
    with consumer._subscription.fetch_context():
        pass


def own_tasks(client: AIOKafkaConsumer | AIOKafkaProducer) -> dict[str, "asyncio.Task[None]"]:
    """Those that fetch and keep us in the group, or that send, and that ask who leads: from its start to its end."""
    if isinstance(client, AIOKafkaProducer):
        return {"the sender": client._sender.sender_task, "the metadata": client.client._sync_task}
    return {
        "the metadata": client._client._sync_task,
        "the fetcher": client._fetcher._fetch_task,
        "the coordinator": client._coordinator._coordination_task,
    }


def faust_recovery(app: faust.App, recovery: Recovery) -> None:
    """Have the table manager use this recovery; it would build its own on first use."""
    manager: Any = app.tables
    manager._recovery = recovery


def kafka_producer(app: faust.App) -> AIOKafkaProducer:
    """The aiokafka producer inside Faust's; there once the app has started."""
    producer: Any = app.producer
    return producer._producer


check()
patch()
