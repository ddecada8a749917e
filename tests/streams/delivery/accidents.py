"""What befalls a subject from outside, made to happen at the wanted moment: lost answers, leaders that know nothing.

Unlike a planted bug (`tests/faults/planted/`) an accident is nobody's fault; the delivery has to live with it.
"""

import asyncio
import contextlib
import functools
import io
import logging
import os
import signal
from collections.abc import Callable
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.produce import ProduceRequest

from streams.delivery import App, recovery, serving, transactions, transport
from streams.delivery import app as app_module

ACCIDENTS: dict[str, Callable[[App], None]] = {}


def accident(what: Callable[[App], None]) -> Callable[[App], None]:
    ACCIDENTS[what.__name__] = what
    return what


def happen(name: str, app: App) -> None:
    if name:
        ACCIDENTS[name](app)


@accident
def answers_get_lost(app: App) -> None:
    """The broker takes the first produce requests, and its answers never arrive: the producer has to send again."""
    send, lost = AIOKafkaClient.send, iter((True, True, True))

    async def lossy(self: Any, node_id: Any, request: Any, **more: Any) -> Any:
        answer = await send(self, node_id, request, **more)
        if isinstance(request, ProduceRequest) and next(lost, False):
            raise KafkaConnectionError("the answer got lost")
        return answer

    AIOKafkaClient.send = lossy


@accident
def leader_without_metadata(app: App) -> None:
    """The group's leader has to assign at a moment when it knows no topic, until it asks again."""
    on_start = transport.ConsumerThread.on_start

    async def blind(self: Any) -> None:
        await on_start(self)
        coordinator = self._consumer._coordinator
        cluster, client = coordinator._cluster, coordinator._client
        known, ask, look_up = (
            cluster.partitions_for_topic,
            client.force_metadata_update,
            coordinator._lookup_assignor,
        )

        def knows_nothing(name: str) -> Any:
            cluster.partitions_for_topic = lambda topic: None
            coordinator._lookup_assignor = look_up
            return look_up(name)

        def asks_again() -> Any:
            cluster.partitions_for_topic = known
            return ask()

        coordinator._lookup_assignor, client.force_metadata_update = knows_nothing, asks_again

    transport.ConsumerThread.on_start = blind  # type: ignore[method-assign]


@accident
def changelog_ends_early(app: App) -> None:
    """Whoever leads it was cut off, and knows nothing of the last transaction: a row, the position and the marker."""
    stable_ends = recovery._stable_ends

    async def former(*of: Any) -> Any:
        return {tp: max(0, end - 3) for tp, end in (await stable_ends(*of)).items()}

    recovery._stable_ends = former  # type: ignore[assignment]


@accident
def listener_raises(app: App) -> None:
    """Something of ours fails while partitions are being assigned."""

    async def own(partitions: Any) -> None:
        raise RuntimeError("a bug in a listener")

    app.role.own = own  # type: ignore[method-assign]


@accident
def revocation_raises(app: App) -> None:
    """Something of ours fails while partitions are being handed over, the second time (the first is at the start)."""
    drain, times = app.role.drain, iter(range(1))

    async def failing(drain_s: float) -> None:
        if next(times, None) is None:
            raise RuntimeError("a bug in a listener")
        await drain(drain_s)

    app.role.drain = failing  # type: ignore[method-assign]


@accident
def release_hangs(app: App) -> None:
    """The end of the process takes for ever, as with a broker that never answers."""

    async def release() -> None:
        await asyncio.sleep(3600.0)

    app.role.release = release  # type: ignore[method-assign]


@accident
def told_to_stop_in_the_middle_of_a_line(app: App) -> None:
    """SIGTERM comes while a line goes to standard error."""
    line = "in the middle of this"

    class Interrupted(io.FileIO):
        def write(self, what: Any) -> int:
            if line.encode() in bytes(what):
                os.kill(os.getpid(), signal.SIGTERM)
            return super().write(what)

    handler = cast(logging.StreamHandler[Any], logging.getLogger().handlers[0])
    handler.setStream(io.TextIOWrapper(io.BufferedWriter(Interrupted(2, "w", closefd=False))))

    async def say_it() -> None:
        logging.info(line)

    app.every(0.5, say_it)


@accident
def cancellations_get_lost(app: App) -> None:
    """Once each, in what asks for the lag and in a timer, as by `asyncio.wait_for` of Python 3.11 where a cancellation meets a
    result; and by more than one library.
    """

    async def deaf(thread: Any, tps: Any) -> dict[Any, Any]:
        with contextlib.suppress(asyncio.CancelledError):
            print('{"said": "deaf"}', flush=True)
            await asyncio.sleep(3600.0)
        return {}

    async def timer() -> None:
        await deaf(None, [])

    transport.ConsumerThread.ends = deaf  # type: ignore[assignment,method-assign]
    serving.LAG_EVERY_S = 3.0
    app.every(0.1, timer)


@accident
def commit_hangs(app: App) -> None:
    """A commit never ends, though the broker answers everything else: its answer was lost in the client."""

    async def commit(self: Any, offsets: Any) -> bool:
        print('{"said": "committing"}', flush=True)
        await asyncio.sleep(3600.0)
        return True

    transport.ConsumerThread._commit = commit  # type: ignore[method-assign]


@accident
def commit_hangs_too_long(app: App) -> None:
    """The same, and three seconds are too long."""
    commit_hangs(app)
    app_module.COMMIT_HANGS_S = 3.0


@accident
def recovery_hangs(app: App) -> None:
    """The changelog cannot be read to its end within the time."""

    async def read_back(writer: Any) -> None:
        await asyncio.sleep(3600.0)

    recovery.RECOVERY_S = 1.0
    app.engine.conf.broker_request_timeout = 1.0
    recovery.read_back = functools.partial(read_back)


@accident
def recovery_is_slow(app: App) -> None:
    """The changelog comes record by record, fifty a second; and it takes half a second to give a partition up."""
    _half_a_second_later(transactions.Transactions, "stop")
    _read_back_slowly()


@accident
def recovery_and_fencing_are_slow(app: App) -> None:
    """The same; and it takes half a second until what was assigned is ours: its coordinator is a busy broker."""
    _half_a_second_later(app.role, "own")
    _read_back_slowly()


def _half_a_second_later(owner: Any, name: str) -> None:
    at_once = getattr(owner, name)

    async def later(*arguments: Any) -> None:
        await asyncio.sleep(0.5)
        await at_once(*arguments)

    setattr(owner, name, later)


def _read_back_slowly() -> None:
    getmany = AIOKafkaConsumer.getmany

    async def slowly(self: Any, *tps: Any, timeout_ms: int = 0) -> Any:
        records = await getmany(self, *tps, timeout_ms=timeout_ms, max_records=1)
        print('{"said": "reading back"}', flush=True)
        await asyncio.sleep(0.02)
        return records

    recovery.AIOKafkaConsumer = type("Slow", (AIOKafkaConsumer,), {"getmany": slowly})  # type: ignore[attr-defined]
