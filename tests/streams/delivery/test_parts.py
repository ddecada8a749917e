"""Parts of the delivery that need no broker."""

import asyncio
import gc
import logging
import re
import weakref
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.tables.recovery import Recovery
from faust.types.tuples import TP

from streams import background
from streams.delivery import (
    App,
    Metrics,
    Outgoing,
    Partition,
    Poison,
    Record,
    internals,
    serve,
    transactions,
    transport,
    vital,
)
from streams.delivery.dead import DEAD_LETTERS_CONFIG, dead_letter
from streams.delivery.engine import RAW
from streams.delivery.follower import Follower
from streams.delivery.gateway import Gateway
from streams.delivery.held import Held
from streams.delivery.logs import LINES_PER_WINDOW, RateLimited
from streams.delivery.memory import freeze
from streams.delivery.metrics import REBALANCES_PER_MINUTE_ALARM
from streams.delivery.records import LARGEST_RECORD_BYTES, fitting
from streams.delivery.table import Table
from streams.delivery.writer import Out, Writer
from tests.streams.wire.records import received


def test_the_versions_whose_sources_were_read_are_the_pinned_ones() -> None:
    pinned = dict(
        re.findall(r"^([\w-]+)==([\w.]+)", Path("requirements/service.in").read_text(), re.MULTILINE)
    )
    assert {name: pinned[name] for name in internals.READ_FROM} == internals.READ_FROM


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(internals.READ_FROM, "aiokafka", "0.13.0")
    with pytest.raises(internals.UnknownInternals, match="aiokafka"):
        internals.check()


def test_a_lost_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Recovery, "_seek_offsets")
    with pytest.raises(internals.UnknownInternals, match="_seek_offsets"):
        internals.check()


def test_too_many_rebalances_within_a_minute_are_cried_out_once(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    for _ in range(REBALANCES_PER_MINUTE_ALARM + 5):
        metrics.rebalanced()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert metrics.rebalances_per_minute == REBALANCES_PER_MINUTE_ALARM + 5


def test_a_flood_of_one_line_is_kept_back(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("flooding")
    logger.addHandler(RateLimited())
    logger.propagate = False
    for number in range(1000):
        logger.warning("no broker, try %d", number)
    logger.warning("another line")
    assert len(caplog.records) == LINES_PER_WINDOW + 1


def test_whatever_is_served_lets_no_kafka_client_flood_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    aiokafka = logging.getLogger("aiokafka")
    monkeypatch.setattr(aiokafka, "handlers", [])
    monkeypatch.setattr(aiokafka, "propagate", True)

    async def flood() -> None:
        for number in range(1000):
            logging.getLogger("aiokafka.conn").error("no broker, try %d", number)

    with pytest.raises(SystemExit, match="0"):
        serve(flood())
    assert len(caplog.records) == LINES_PER_WINDOW


def test_a_step_sees_what_it_has_written_and_others_see_it_once_it_is_kept() -> None:
    table = Table()
    table.own({0})
    table.enter(0)
    table.set(b"k", b"1")
    assert (table.get(b"k"), table.partitions[0]) == (b"1", {})
    assert table.keep() == {b"k": b"1"}
    table.delete(b"k")
    assert table.get(b"k") is None
    table.drop()
    assert table.get(b"k") == b"1"


class Delivering:
    """A consumer of `events` in a process that takes nothing yet: what is delivered lies in the agent's queue."""

    def __init__(self, partitions: int) -> None:
        self.tps = [Partition("events", partition) for partition in range(partitions)]
        app = App("group", bootstrap="127.0.0.1:1", dead_letters="dead", partitions=partitions)
        self.held, self.topic = app.held, app.engine.topic("events", partitions=partitions, **RAW)
        index: Any = app.engine.topics
        index._tp_index |= {TP(*tp): {self.topic} for tp in self.tps}
        self.consumer: Any = object.__new__(transport.Consumer)
        self.consumer.app, self.consumer.flow_active = app.engine, True
        self.consumer._active_partitions = {TP(*tp) for tp in self.tps}

    def poll(self, offset: int) -> None:
        """Brings one record of each partition."""
        record = received(Outgoing("events", b"key", b"{}"))
        polled: Any = {tp: [replace(record, partition=tp.partition, offset=offset)] for tp in self.tps}
        self.consumer._deliver(polled)


async def test_records_that_come_one_by_one_are_handed_on_for_as_long_as_there_is_room_for_them() -> None:
    """Faust's queues end at 4,096 polls: what came then was in no queue, and the gateway committed past it."""
    delivering, polls = Delivering(partitions=2), 4096 // 2 + 1
    for offset in range(polls):
        delivering.poll(offset)
    assert not any(delivering.held.full(tp) for tp in delivering.tps)
    for _ in range(delivering.topic.queue.qsize()):
        delivering.held.take(delivering.topic.queue.get_nowait().value)
    assert delivering.held.committable() == dict.fromkeys(delivering.tps, polls)


async def test_what_cannot_be_handed_on_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[str] = []
    monkeypatch.setattr(transport, "die", lambda why, exc: died.append(why))
    delivering = Delivering(partitions=1)
    delivering.poll(0)
    assert died == []
    delivering.consumer._deliver({delivering.tps[0]: []})
    assert died == ["what was polled could not be handed on: IndexError('list index out of range')"]


@pytest.mark.parametrize("ended", ["the fetcher", "the coordinator", "the metadata"])
async def test_a_process_whose_client_has_lost_one_of_its_tasks_ends(
    ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka logs it and brings nothing any more; its heartbeats go on."""
    died: list[str] = []
    monkeypatch.setattr(vital, "die", lambda why, exc: died.append(why))
    tasks = {
        name: asyncio.create_task(asyncio.sleep(3600.0))
        for name in ("the fetcher", "the coordinator", "the metadata")
    }
    delivery, thread = SimpleNamespace(stopping=False), object.__new__(transport.ConsumerThread)
    thread.app = SimpleNamespace(delivery=delivery)

    thread._consumer = SimpleNamespace(
        _fetcher=SimpleNamespace(_fetch_task=tasks["the fetcher"]),
        _coordinator=SimpleNamespace(_coordination_task=tasks["the coordinator"]),
        _client=SimpleNamespace(_sync_task=tasks["the metadata"]),
    )
    thread.watch()
    await asyncio.sleep(0)
    assert died == []
    await background.stop(tasks.pop(ended))
    assert died == [f"ended, and told nobody: {ended}"]
    delivery.stopping = True
    await background.stop(*tasks.values())
    assert died == [f"ended, and told nobody: {ended}"], "when the process is told to stop both end"


async def test_a_writer_takes_nothing_from_before_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[str] = []
    monkeypatch.setattr(transactions, "die", died.append)
    of_one: Any = object.__new__(transactions.Transactions)
    of_one.tp, of_one.position = Partition("commands", 0), 7
    of_one.waiting, of_one.filled = deque(), asyncio.Event()
    record = received(Outgoing("commands", b"key", b"{}"))
    of_one.put([replace(record, offset=7)])
    assert died == []
    of_one.put([replace(record, offset=6)])
    assert died == ["Partition(topic='commands', partition=0) goes back from 7 to 6: it was not sought"]


async def test_what_is_given_back_before_a_follower_gets_to_it_ends_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rebalance in the very turn of the loop in which it was told that there is something."""
    died: list[str] = []
    monkeypatch.setattr(vital, "die", lambda why, exc: died.append(why))

    async def apply(records: list[Record]) -> list[Outgoing]:
        raise AssertionError("it was given back")

    app: Any = SimpleNamespace(held=Held(), is_current=lambda event: True, metrics=Metrics())
    follower = Follower(app, "events", apply)
    await follower.own(set())
    await asyncio.sleep(0)
    batch = app.held.add(Partition("events", 0), [received(Outgoing("events", b"key", b"{}"))])

    async def one() -> AsyncIterator[Any]:
        yield SimpleNamespace(value=batch)

    await asyncio.gather(follower.consume(one()), follower.drain(1.0))
    await asyncio.sleep(0)
    await follower.release()
    assert died == []


async def test_a_drain_ends_though_the_answer_to_a_statement_swallows_that_it_was_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `asyncio.wait_for` of Python 3.11 does, by which aiopg awaits each answer."""
    monkeypatch.setattr(background, "AGAIN_S", 0.1)
    answer = asyncio.get_running_loop().create_future()

    async def apply(records: list[Record]) -> list[Outgoing]:
        await asyncio.wait_for(answer, 60.0)
        return []

    async def send(outgoing: list[Outgoing]) -> None: ...

    app: Any = SimpleNamespace(held=Held(), is_current=lambda event: True, metrics=Metrics(), send=send)
    follower = Follower(app, "events", apply)
    await follower.own(set())
    batch = app.held.add(Partition("events", 0), [received(Outgoing("events", b"key", b"{}"))])

    async def one() -> AsyncIterator[Any]:
        yield SimpleNamespace(value=batch)

    await follower.consume(one())
    release = follower.release

    async def meets_the_answer() -> None:
        answer.set_result(None)
        await release()

    monkeypatch.setattr(follower, "release", meets_the_answer)
    async with asyncio.timeout(5.0):
        await follower.drain(0.05)
    assert follower.task is None


HEAVY = received(Outgoing("commands", b"key", b"?", 0, [("heavy", b"x" * 900_000)]))
HEAVY_TP = Partition(HEAVY.topic, HEAVY.partition)


async def test_records_with_heavy_headers_fill_a_partition_and_go_into_a_transaction_a_few_at_a_time() -> (
    None
):
    def step(record: Record, table: Table, out: Out) -> None:
        raise Poison("not understood")

    app: Any = SimpleNamespace(dead_letters="dead", metrics=Metrics())
    writer, held, tp = Writer(app, "commands", "changelog", step, None, None, None), Held(), HEAVY_TP
    writer.table.own({tp.partition})
    of_one: Any = object.__new__(transactions.Transactions)
    of_one.position, of_one.waiting, of_one.filled = None, deque(), asyncio.Event()
    of_one.apply = writer._apply
    came = [replace(HEAVY, offset=offset) for offset in range(10)]
    for record in came:
        assert not held.full(tp)
        held.add(tp, [record])
    assert held.full(tp)
    of_one.put(came)
    while of_one.waiting:
        gathered = of_one._gather()
        assert 0 < gathered.records <= 3
        held.free(tp, gathered.records, gathered.size_bytes)
    assert held.bytes[tp] == 0


async def test_what_a_gateway_has_finished_weighs_nothing_any_more() -> None:
    async def work() -> list[Outgoing]:
        return []

    async def send(outgoing: list[Outgoing], home: int) -> None: ...

    app: Any = SimpleNamespace(held=Held(), metrics=Metrics(), crashpoint=lambda name: None)
    app.is_current, app.is_flowing, app.outbox = lambda event: True, lambda: True, SimpleNamespace(send=send)
    gateway = Gateway(app, "commands", lambda record: work() if record.offset else None, limit=9)
    batch = app.held.add(HEAVY_TP, [replace(HEAVY, offset=offset) for offset in range(2)])
    await gateway._start_all(batch, None)
    await asyncio.gather(*gateway.running)
    assert (app.held.records[HEAVY_TP], app.held.bytes[HEAVY_TP]) == (0, 0)


def test_a_record_no_broker_would_take_is_poison() -> None:
    with pytest.raises(Poison, match="events"):
        fitting(Outgoing("events", b"k", b"x" * LARGEST_RECORD_BYTES))


def test_a_record_whose_header_has_no_value_becomes_a_dead_letter_as_it_was() -> None:
    record = received(Outgoing("commands", b"k", b"not json", 1, [("x", None)]))
    letter = dead_letter("dead", record, Poison("not JSON", "undecodable"))
    assert letter.headers[0] == ("x", None)


def test_a_dead_letter_of_a_million_empty_headers_still_fits_its_topic() -> None:
    record = received(Outgoing("commands", b"k", b"v", 1, [("", b"")] * 1_500_000))
    letter = dead_letter("dead", record, Poison("not JSON", "undecodable"))
    framed = sum(len(name) + len(value or b"") + 2 for name, value in letter.headers)
    assert framed < int(DEAD_LETTERS_CONFIG["max.message.bytes"])
    assert "cut" in dict(letter.headers)


def test_what_is_rubbish_when_a_table_has_been_read_back_is_not_frozen_with_it() -> None:
    """The soak found it: readers and producers are in cycles with what they fetched, and each takeover kept its own for good."""

    class Reader:
        def __init__(self) -> None:
            self.fetched = self

    gone = [weakref.ref(Reader())]
    gc.disable()
    try:
        gc.freeze()  # as the takeover before did, when it was still in use
        gone.append(weakref.ref(Reader()))
        freeze()
        assert [each() for each in gone] == [None, None]
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.enable()


def test_what_comes_to_lie_in_cycles_is_freed_though_much_is_frozen() -> None:
    """A statement that failed after a while, with its connection and all it carried, lay there for hours."""

    class Failed:
        def __init__(self) -> None:
            self.carried = self

    here_to_stay = [[number] for number in range(1_000_000)]
    try:
        freeze()
        failed = Failed()
        gone = weakref.ref(failed)
        gc.collect(1)  # it took a while: only a full collection finds it now
        del failed
        lasting = [[number] for number in range(120_000)]
        assert gone() is None, len(here_to_stay + lasting)
    finally:
        gc.unfreeze()
