"""What is said on the wire, and aiokafka does not speak: the second version of Kafka's transactions (KIP-890), and who leads
since which election (KIP-320).

Nothing is sent here. Source: common/message/*.json in the kafka-clients jar, 4.2.1.
"""

from io import BytesIO
from typing import Any

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import RequestStruct, Response, ResponseHeader_v0
from aiokafka.protocol.metadata import MetadataRequest_v5
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

from streams.delivery.records import Partition

NO_TAGS: dict[int, bytes] = {}
ALL_IN_SYNC = -1  # acks
FINALIZED_FEATURES = 2  # a tag of the answer to ApiVersions


class InThisVersion:
    """A request that is what it says: aiokafka asks each to `prepare` the version that a broker knows."""

    API_KEY: int
    API_VERSION: int
    FLEXIBLE_VERSION = True

    def prepare(self, versions: dict[int, tuple[int, int]]) -> Any:
        least, most = versions.get(self.API_KEY, (0, -1))
        if not least <= self.API_VERSION <= most:
            raise IncompatibleBrokerVersion(
                f"{type(self).__name__}: the broker knows versions {least} to {most}"
            )
        return self


class ProduceResponse_v12(Response):
    API_KEY = 0
    API_VERSION = 12
    SCHEMA = Schema(
        ("topics", CompactArray(
            ("topic", CompactString("utf-8")),
            ("partitions", CompactArray(
                ("partition", Int32), ("error_code", Int16), ("base_offset", Int64), ("log_append_time_ms", Int64),
                ("log_start_offset", Int64),
                ("record_errors", CompactArray(("index", Int32), ("message", CompactString("utf-8")), ("tags", TaggedFields))),
                ("error_message", CompactString("utf-8")), ("tags", TaggedFields),
            )),
            ("tags", TaggedFields),
        )),
        ("throttle_time_ms", Int32), ("tags", TaggedFields),
    )  # fmt: skip


class ProduceRequest_v12(InThisVersion, RequestStruct):
    API_KEY = 0
    API_VERSION = 12
    RESPONSE_TYPE = ProduceResponse_v12
    SCHEMA = Schema(
        ("transactional_id", CompactString("utf-8")), ("acks", Int16), ("timeout_ms", Int32),
        ("topics", CompactArray(
            ("topic", CompactString("utf-8")),
            ("partitions", CompactArray(("partition", Int32), ("records", CompactBytes), ("tags", TaggedFields))),
            ("tags", TaggedFields),
        )),
        ("tags", TaggedFields),
    )  # fmt: skip


def produce(transactional_id: str, timeout_ms: int, batches: dict[Partition, bytes]) -> ProduceRequest_v12:
    """One batch per partition, for partitions of one leader. From version 12 on it takes them into the transaction."""
    topics: dict[str, list[tuple[int, bytes, dict[int, bytes]]]] = {}
    for (topic, partition), batch in batches.items():
        topics.setdefault(topic, []).append((partition, batch, NO_TAGS))
    named = [(topic, partitions, NO_TAGS) for topic, partitions in topics.items()]
    return ProduceRequest_v12(transactional_id, ALL_IN_SYNC, timeout_ms, named, NO_TAGS)


class EndTransactionResponse_v5(Response):
    API_KEY = 26
    API_VERSION = 5
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("error_code", Int16), ("producer_id", Int64), ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )  # fmt: skip


class EndTransactionRequest_v5(InThisVersion, RequestStruct):
    API_KEY = 26
    API_VERSION = 5
    RESPONSE_TYPE = EndTransactionResponse_v5
    SCHEMA = Schema(
        ("transactional_id", CompactString("utf-8")), ("producer_id", Int64), ("producer_epoch", Int16),
        ("committed", Boolean), ("tags", TaggedFields),
    )  # fmt: skip


def commit(transactional_id: str, producer_id: int, epoch: int) -> EndTransactionRequest_v5:
    """The end of a transaction. The answer names the producer id and epoch of the next."""
    return EndTransactionRequest_v5(transactional_id, producer_id, epoch, True, NO_TAGS)


class ApiVersionsResponse_v3(Response):
    API_KEY = 18
    API_VERSION = 3
    SCHEMA = Schema(
        ("error_code", Int16),
        ("api_keys", CompactArray(("api_key", Int16), ("least", Int16), ("most", Int16), ("tags", TaggedFields))),
        ("throttle_time_ms", Int32), ("tags", TaggedFields),
    )  # fmt: skip


class ApiVersionsRequest_v3(InThisVersion, RequestStruct):
    API_KEY = 18
    API_VERSION = 3
    RESPONSE_TYPE = ApiVersionsResponse_v3
    SCHEMA = Schema(
        ("client", CompactString("utf-8")), ("client_version", CompactString("utf-8")), ("tags", TaggedFields)
    )

    def parse_response_header(self, read_buffer: Any) -> ResponseHeader_v0:
        """Without tags in every version, so that old clients can read it."""
        return ResponseHeader_v0.decode(read_buffer)


def api_versions() -> ApiVersionsRequest_v3:
    return ApiVersionsRequest_v3("millrace", "1", NO_TAGS)


FEATURES = CompactArray(
    ("name", CompactString("utf-8")), ("most", Int16), ("least", Int16), ("tags", TaggedFields)
)


def finalized_features(answer: Any) -> dict[str, int]:
    """The level of each feature that the whole cluster has agreed on."""
    tagged = answer.tags.get(FINALIZED_FEATURES)
    return {name: most for name, most, *_ in FEATURES.decode(BytesIO(tagged)) or ()} if tagged else {}


class MetadataResponse_v7(Response):
    """As of version 5, which aiokafka knows, with the epoch of each leader."""

    API_KEY = 3
    API_VERSION = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8")))),
        ("cluster_id", String("utf-8")), ("controller_id", Int32),
        ("topics", Array(
            ("error_code", Int16), ("topic", String("utf-8")), ("is_internal", Boolean),
            ("partitions", Array(
                ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32),
                ("replicas", Array(Int32)), ("isr", Array(Int32)), ("offline_replicas", Array(Int32)),
            )),
        )),
    )  # fmt: skip


class MetadataRequest_v7(RequestStruct):
    API_KEY = 3
    API_VERSION = 7
    RESPONSE_TYPE = MetadataResponse_v7
    SCHEMA = MetadataRequest_v5.SCHEMA
