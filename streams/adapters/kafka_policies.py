"""Merchants' policies out of Kafka: all of them in memory, each a moment after it was said. Nothing is enforced here.

They are on a compacted topic and not in PostgreSQL, so that the writer can decide while PostgreSQL is away.
"""

import asyncio
import logging
from functools import partial
from typing import Any, NamedTuple

from models.errors import Unavailable
from models.policy import DEFAULT, Policy
from streams import background
from streams.adapters.kafka_following import following, newest
from streams.adapters.kafka_log import partitions_of
from streams.delivery import partition_of
from streams.topics import POLICIES
from streams.wire import policies
from streams.wire.policies import PolicyRefused

FETCH_WAIT_MS = 2_000
RESTART_PAUSE_S = 1.0
KNOWN_WITHIN_S = 60.0  # at start: the broker may have to come first, and the topics be made
FIRST_WAIT_MS = 100  # until all that was said before is known

log = logging.getLogger("millrace.kafka")


class One(NamedTuple):
    """A merchant's: as it was said, and what it means."""

    document: bytes
    policy: Policy


Said = dict[str, One]


class KafkaPolicies:
    """`clients`: what every client takes. `of` never waits: it tells what is known."""

    def __init__(self, clients: dict[str, Any], known_within_s: float = KNOWN_WITHIN_S) -> None:
        self._clients, self._known_within_s = clients, known_within_s
        self._said: Said = {}
        self._following: asyncio.Task[None] | None = None

    def of(self, merchant: str) -> Policy:
        return self._said[merchant].policy if merchant in self._said else DEFAULT

    def document(self, merchant: str) -> bytes | None:
        """As it was said; None where nothing was."""
        return self._said[merchant].document if merchant in self._said else None

    async def start(self) -> None:
        """Returns once all that had been said by now is known; then goes on in the background. Raises Unavailable."""
        known = asyncio.get_running_loop().create_future()
        failed = partial(log.warning, "policies cannot be read, trying again: %r")
        self._following = background.for_ever(partial(self._follow, known), RESTART_PAUSE_S, failed)
        try:
            async with asyncio.timeout(self._known_within_s):
                await known
        except TimeoutError:
            raise Unavailable(f"{POLICIES} could not be read within {self._known_within_s:.0f} s") from None

    async def stop(self) -> None:
        await background.stop(self._following)

    async def _follow(self, known: "asyncio.Future[None]") -> None:
        """Committed records: policies are said in one transaction with the line in the audit."""
        async with following(self._clients, FETCH_WAIT_MS) as consumer:
            tps = await partitions_of(consumer._client, POLICIES)
            # before anything is fetched: an idle fetch holds up for its whole wait whoever asks on its connection
            begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
            consumer.assign(tps)
            for tp in tps:
                consumer.seek(tp, begins[tp])
            said: Said = {}  # another connection begins anew: meanwhile what was known holds, and not what once was
            while True:
                if said is not self._said and all([await consumer.position(tp) >= ends[tp] for tp in tps]):
                    self._said = said
                    if not known.done():
                        known.set_result(None)
                wait_ms = FETCH_WAIT_MS if said is self._said else FIRST_WAIT_MS
                for record in await newest(consumer, wait_ms):
                    _hear(said, record, len(tps))


def _hear(said: Said, record: Any, partitions: int) -> None:
    merchant = (record.key or b"").decode(errors="replace")
    if partition_of(record.key or b"", partitions) != record.partition:
        log.error("a policy on another partition than its merchant's is passed over")
    elif record.value is None:
        said.pop(merchant, None)
    else:
        try:
            said[merchant] = One(record.value, policies.read(record.value))
        except PolicyRefused as refused:
            log.critical("the policy of %s cannot be read, the one before it holds: %s", merchant, refused)
