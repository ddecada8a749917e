"""A partition that is taken away while it is read back; no broker is needed. What it does to a process: test_process.py."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.tables.recovery import RebalanceAgain, ServiceStopped
from faust.tables.recovery import Recovery as FaustRecovery

from streams.delivery import App, Metrics, Outgoing, Partition, Record, recovery
from streams.delivery.held import Held
from streams.delivery.writer import KEYS_PER_TURN, Writer
from tests.streams.wire.records import received

FIRST, SECOND = Partition("commands", 0), Partition("commands", 1)


class Told:
    """Who keeps an index of what a writer's tables hold."""

    def __init__(self) -> None:
        self.index: dict[int, set[bytes]] = {}
        self.recovered: list[int] = []

    def on_state(self, partition: int, key: bytes, value: bytes | None) -> None:
        self.index.setdefault(partition, set()).add(key)

    def on_recovered(self, partition: int, rows: dict[bytes, bytes]) -> None:
        self.recovered.append(partition)

    def on_lost(self, partition: int) -> None:
        self.index.pop(partition, None)


class Fenced:
    """Transactions that nobody runs."""

    def __init__(self, tp: Partition, started: asyncio.Event) -> None:
        self.tp, self.changelog = tp, Partition("changelog", tp.partition)
        self.recovered, self.position, self._started = False, None, started

    async def start(self) -> None:
        await self._started.wait()

    async def stop(self) -> None: ...


class Owning(Writer):
    def __init__(self) -> None:
        def step(record: Record, *_: object) -> None:
            raise AssertionError("nothing is taken here")

        self.told, self.started = Told(), asyncio.Event()
        self.started.set()
        app: Any = SimpleNamespace(metrics=Metrics(), client_settings=dict)
        told = self.told
        super().__init__(app, "commands", "changelog", step, told.on_state, told.on_recovered, told.on_lost)

    def _new(self, tp: Partition) -> Any:
        return Fenced(tp, self.started)


class Changelog:
    """A reader of one record per partition; something happens before it has them."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._meanwhile, self._at = meanwhile, 0

    async def __aenter__(self) -> "Changelog":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def assign(self, tps: list[Any]) -> None: ...

    async def seek_to_beginning(self, *tps: Any) -> None: ...

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, 1)

    async def position(self, tp: Any) -> int:
        return self._at

    async def getmany(self, *tps: Any, timeout_ms: int) -> dict[Any, list[Record]]:
        await self._meanwhile()
        self._at = 1
        return {tp: [received(Outgoing("changelog", b"key", b"row", tp.partition))] for tp in tps}


async def test_what_is_taken_away_while_it_is_read_back_is_read_no_further_and_the_rest_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = Owning()
    await writer.own({FIRST, SECOND})

    async def taken_away() -> None:
        await writer.own({FIRST})

    monkeypatch.setattr(recovery, "AIOKafkaConsumer", lambda **_: Changelog(taken_away))
    monkeypatch.setattr(recovery, "freeze", lambda: None)
    await recovery.read_back(writer)
    assert writer.table.partitions == {0: {b"key": b"row"}}
    assert (writer.told.recovered, writer.told.index) == ([0], {0: {b"key"}})
    assert writer.owned[FIRST].recovered


async def test_nobody_is_told_any_more_of_a_partition_that_is_taken_away_in_the_telling() -> None:
    """Payments of another's would have been due here, and in doubt, for as long as the process lived."""
    writer = Owning()
    await writer.own({FIRST})
    writer.table.partitions[0] = {b"%d" % n: b"row" for n in range(3 * KEYS_PER_TURN)}
    telling = asyncio.create_task(writer.recovered(writer.owned[FIRST]))
    await asyncio.sleep(0)
    assert len(writer.told.index[0]) == KEYS_PER_TURN
    await writer.own(set())
    await telling
    assert (writer.told.index, writer.told.recovered) == ({}, [])


async def test_what_is_taken_away_while_its_owner_before_is_fenced_is_not_ours() -> None:
    """By SIGTERM: `release` does not wait for a rebalance that has begun."""
    writer = Owning()
    writer.started.clear()
    fencing = asyncio.create_task(writer.own({FIRST}))
    await asyncio.sleep(0)
    await writer.own(set())
    writer.started.set()
    await fencing
    assert writer.owned == {}


async def test_nothing_is_taken_before_its_table_is_read_back() -> None:
    writer = Owning()
    writer.app.held, writer.app.is_current = Held(), lambda event: True  # type: ignore[method-assign]
    await writer.own({FIRST})
    batch = writer.app.held.add(FIRST, [received(Outgoing("commands", b"key", b"{}", FIRST.partition))])

    async def one() -> AsyncIterator[Any]:
        yield SimpleNamespace(value=batch)

    with pytest.raises(AssertionError, match="read back"):
        await writer.consume(one())


@pytest.mark.parametrize("ending", ["on_recovery_completed", "_resume_streams"])
@pytest.mark.parametrize("raised", [IllegalStateError, RebalanceAgain, ServiceStopped, ValueError])
async def test_a_rebalance_in_the_end_of_another_ends_no_process(
    ending: str, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose seek meets it: of partitions that aiokafka already knows to be another's."""

    async def seek(self: Any, generation_id: int = 0) -> None:
        raise raised

    class Died(Exception): ...

    def die(why: str, exc: Exception) -> None:
        raise Died

    monkeypatch.setattr(FaustRecovery, ending, seek)
    monkeypatch.setattr(recovery, "die", die)
    monkeypatch.setattr("streams.delivery.vital.die", die)
    tables: Any = App("group", bootstrap="127.0.0.1:1", dead_letters="dead", partitions=1).engine.tables
    ours = tables.recovery
    ours.app = SimpleNamespace(consumer=SimpleNamespace(stop_flow=lambda: None))
    asyncio.get_running_loop().call_later(0.01, ours.signal_recovery_start.set)
    expected = {IllegalStateError: RebalanceAgain, ValueError: Died}.get(raised, raised)
    with pytest.raises(expected):
        await getattr(ours, ending)(1)
