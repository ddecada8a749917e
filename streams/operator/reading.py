"""Topics read up to where they end now by somebody who looks once: record by record, with progress where that takes long."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from streams.adapters.kafka_log import KafkaLog
from streams.delivery import partition_of
from streams.kafka_clients import client_settings, reaching
from streams.operator.progress import Progress
from streams.settings import Settings


async def records(
    settings: Settings,
    topic: str,
    key: bytes | None = None,
    since_ms: int | None = None,
    may_be_missing: bool = False,
) -> AsyncGenerator[Any, None]:
    """All that lies there now, or has come since then (in ms since 1970), in order per partition; with `key`, what lies in its
    partition. Who stops before the end closes it (`aclosing`). Raises Unavailable.
    """
    async with _log(settings, topic, may_be_missing) as log:
        if since_ms is not None:
            await log.begin_at(since_ms)
        only = () if key is None else (partition_of(key, len(log.places)),)
        progress = Progress(f"{topic}, records read", await log.unread(only))
        async with aclosing(log.read_on(only)) as pages:
            async for page in pages:
                for record in page:
                    yield record
                progress.add(len(page))
        if progress.has_told:
            progress.end()


async def record_at(settings: Settings, topic: str, partition: int, offset: int) -> Any | None:
    """None: it is not there, or not any more."""
    async with _log(settings, topic) as log:
        if offset < log.places.get(partition, offset + 1):
            return None
        log.places[partition] = offset
        async with aclosing(log.read_on([partition])) as pages:
            async for page in pages:
                return page[0] if page[0].offset == offset else None
    return None


@asynccontextmanager
async def _log(settings: Settings, topic: str, may_be_missing: bool = False) -> AsyncIterator[KafkaLog]:
    with reaching(settings):
        async with KafkaLog(client_settings(settings), topic, may_be_missing) as log:
            yield log
