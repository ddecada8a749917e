"""A producer of transactions, and of nothing else, by Kafka's second version of them (KIP-890, Kafka 4.0 and newer).

A produce request brings its partitions into the transaction by itself, and every end of one raises the epoch. So a
transaction costs two requests, one after the other, where aiokafka sends three and more through its queues; and a
request that was under way when its transaction ended can open nothing any more: by the first version such a latecomer
left a transaction open that nobody knew of, and readers of committed records stood still before it. What is sent, and
when, is not decided here.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    KafkaError,
    LeaderNotAvailableError,
    RequestTimedOutError,
    for_code,
)
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.delivery import protocol
from streams.delivery.records import Partition, Settings
from streams.delivery.sending import MOST_BATCH_BYTES, Item

TRANSACTION_VERSION = 2
REPLICATED_MS = 10_000  # for all in-sync replicas to have a batch; then the same batch is sent again
ANSWERED_MS = 12_000  # any request; then it is asked again, of whoever leads by then, within the transaction's own time-out
AGAIN_S = 0.002  # before the second try; as a rule the transaction before is still being closed in its logs
DOUBLED_MOST = 7  # times, from try to try: 0.26 s

log = logging.getLogger("millrace.delivery")


def no_more_was_there(begins: tuple[Partition, int] | None, lies_at: Mapping[Partition, int]) -> None:
    """Raises RuntimeError where something lies before what was written."""
    if begins is not None and lies_at[begins[0]] != begins[1]:
        raise RuntimeError(f"{begins[0]} does not end at {begins[1]}, but at {lies_at[begins[0]]}")


class TransactionalProducer:
    def __init__(
        self,
        transactional_id: str,
        timeout_ms: int,
        settings: Settings,
        crashpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        """`timeout_ms`: after which the coordinator aborts a transaction that nobody has ended."""
        self.crashpoint = crashpoint
        self.transactional_id = transactional_id
        self.timeout_ms = timeout_ms
        self.client = AIOKafkaClient(request_timeout_ms=ANSWERED_MS, **settings)
        self.coordinator: int | None = None
        self.producer_id, self.epoch = -1, -1

    async def start(self) -> None:
        """Raise the epoch: whoever had this id before is refused from now on, and what it left open is aborted."""
        await self.client.bootstrap()
        answer = await self._ask_coordinator(protocol.api_versions())
        if protocol.finalized_features(answer).get("transaction.version", 0) < TRANSACTION_VERSION:
            raise RuntimeError(
                "the Kafka cluster has not agreed on transaction.version 2 (Kafka 4.0 and newer): see "
                "kafka-features.sh upgrade --feature transaction.version=2"
            )
        begun = await self._ask_coordinator(InitProducerIdRequest(self.transactional_id, self.timeout_ms))
        self.producer_id, self.epoch = begun.producer_id, begun.producer_epoch

    async def stop(self) -> None:
        await self.client.close()

    async def commit(
        self, parcels: Mapping[Partition, Iterable[Item]], begins: tuple[Partition, int] | None = None
    ) -> None:
        """All of it, or nothing, in order per partition. What it raises no repetition mends: the epoch is another's, the
        broker refuses a batch, or something lies before it. Then nothing of it will ever be committed, and this producer is
        of no more use. `begins`: a partition, and at which offset what is written to it must come to lie.
        """
        for topic in {tp.topic for tp in parcels}:
            self.client.add_topic(
                topic
            )  # who leads is asked for these; a client that has none is told of all there are
        packed = {tp: self._packed(items) for tp, items in parcels.items()}
        lies_at: dict[Partition, int] = {}
        while batches := {tp: batch for tp, rest in packed.items() if (batch := next(rest, None))}:
            lies_at = await self._produce(batches) | lies_at
        no_more_was_there(begins, lies_at)
        self.crashpoint("delivery.produced")
        end = protocol.commit(self.transactional_id, self.producer_id, self.epoch)
        ended = await self._ask_coordinator(end)
        self.producer_id, self.epoch = ended.producer_id, ended.producer_epoch

    def _packed(self, items: Iterable[Item]) -> Iterator[bytes]:
        """Batch by batch. The epoch is new in each transaction, so the sequence numbers begin again."""
        sequence = 0
        builder, count = self._batch(sequence), 0
        for key, value, headers in items:
            if builder.append(count, None, key, value, list(headers)) is None:  # full
                yield builder.build()
                sequence += count
                builder, count = self._batch(sequence), 0
                builder.append(count, None, key, value, list(headers))
            count += 1
        yield builder.build()

    def _batch(self, sequence: int) -> Any:
        return DefaultRecordBatchBuilder(
            magic=2,
            compression_type=0,
            is_transactional=1,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            base_sequence=sequence,
            batch_size=MOST_BATCH_BYTES,
        )

    async def _produce(self, batches: dict[Partition, bytes]) -> dict[Partition, int]:
        """Until all of them have arrived, and at which offset. A batch that comes twice is known by its number."""
        tries, arrived = 0, dict[Partition, int]()
        while batches:
            by_leader: dict[int | None, dict[Partition, bytes]] = {}
            for tp, batch in batches.items():
                by_leader.setdefault(self.client.cluster.leader_for_partition(tp), {})[tp] = batch
            missing: dict[Partition, KafkaError] = {}
            for some, others in await asyncio.gather(
                *(self._send(*sending) for sending in by_leader.items())
            ):
                arrived |= some
                missing |= others
            if missing:
                await self._before_again(tries, *missing.values())
            tries += 1
            batches = {tp: batches[tp] for tp in missing}
        return arrived

    async def _send(
        self, leader: int | None, batches: dict[Partition, bytes]
    ) -> tuple[dict[Partition, int], dict[Partition, KafkaError]]:
        """What has arrived, and at which offset; and what has not, and why."""
        if leader is None or leader < 0:
            return {}, dict.fromkeys(batches, LeaderNotAvailableError())
        try:
            answer = await self.client.send(
                leader, protocol.produce(self.transactional_id, REPLICATED_MS, batches)
            )
        except KafkaError as error:
            return {}, dict.fromkeys(batches, error)
        told = {
            Partition(topic, partition): (code, offset)
            for topic, partitions, _ in answer.topics
            for partition, code, offset, *_ in partitions
        }
        arrived = {tp: offset for tp, (code, offset) in told.items() if not code}
        return arrived, {
            tp: for_code(code)(f"{tp} refused with error {code}") for tp, (code, _) in told.items() if code
        }

    async def _ask_coordinator(self, request: Any) -> Any:
        """Until it is done, wherever the coordinator is by then. To end a transaction twice is to end it once."""
        tries = 0
        while True:
            try:
                if self.coordinator is None:
                    self.coordinator = await self.client.coordinator_lookup(
                        CoordinationType.TRANSACTION, self.transactional_id
                    )
                answer = await self.client.send(self.coordinator, request)
                if not answer.error_code:
                    return answer
                raise for_code(answer.error_code)(f"error {answer.error_code} for {self.transactional_id}")
            except KafkaError as error:
                await self._before_again(tries, error)
                # who was cut off, and coordinates no more, has a transaction under way for as long as it is
                if not isinstance(error, ConcurrentTransactions) or tries >= DOUBLED_MOST:
                    self.coordinator = None
            tries += 1

    async def _before_again(self, tries: int, *errors: KafkaError) -> None:
        """Wait a little, and learn who leads; or raise what would come back for ever."""
        for error in errors:
            if not (error.retriable or isinstance(error, ConcurrentTransactions)):
                raise error
        if tries == DOUBLED_MOST:
            log.warning("a transaction of %s waits: %r", self.transactional_id, errors[0])
        # a leader that was cut off from the others says that they are late, and may not know that it leads no more
        if any(error.invalid_metadata or isinstance(error, RequestTimedOutError) for error in errors):
            await self.client.force_metadata_update()
        await asyncio.sleep(AGAIN_S * 2 ** min(tries, DOUBLED_MOST))
