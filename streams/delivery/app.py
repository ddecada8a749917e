"""One process of a consumer group: one source topic, one role over it, until it is told to stop.

The role (writer, gateway or follower) does the work; Faust assigns, and says when. Here they meet: what is current,
what may be committed, how partitions are handed over. Payments are not known here.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import faust

from streams.delivery import internals
from streams.delivery.answers import Answers
from streams.delivery.dead import dead_letter
from streams.delivery.engine import HEARTBEATS_PER_SESSION, RAW, Engine, broker_urls, client_settings
from streams.delivery.follower import Apply, Follower
from streams.delivery.gateway import Gateway, Handle
from streams.delivery.held import Held
from streams.delivery.metrics import Metrics
from streams.delivery.outbox import Outbox
from streams.delivery.pace import Pace
from streams.delivery.records import (
    OnLost,
    OnRecovered,
    OnState,
    Outgoing,
    Partition,
    Poison,
    Record,
    Settings,
    partition_of,
)
from streams.delivery.roles import Events, Role
from streams.delivery.serving import serve_until_told
from streams.delivery.transport import Consumer
from streams.delivery.vital import die, vital
from streams.delivery.writer import Step, Writer

FETCH_WAIT_MS = (
    500  # a broker's answer when nothing is there; it does not move p50, and each answer costs CPU
)
COMMIT_HANGS_S = 60.0  # a commit under way for longer never ends, if the brokers answer: twice a request's time-out at most
GATHER_S = 0.003  # between two flushes of the outbox
IN_FLIGHT = 512  # handlers of a gateway at once: 2,500/s at 200 ms each

log = logging.getLogger("millrace.delivery")


def changelog_topic(group: str, table_name: str) -> str:
    """The compacted topic behind a writer's table. The topic catalogue creates it: `CHANGELOG_CONFIG`."""
    return f"{group}-{table_name}-changelog"


CHANGELOG_CONFIG = {
    "cleanup.policy": "compact"
}  # as many partitions as the source; replicated as the source is


class App:
    """`drain_s`: for what runs when partitions are handed over. `stall_s`: something is held and nothing finishes.
    `stop_s`: from SIGTERM to the end, whatever hangs. `instance_id`: static membership; a restart within the session
    keeps its partitions. `credentials`: a `faust.SASLCredentials` or `faust.SSLCredentials`. `crashpoint`: is told the
    name of each place at which fault tests want to strike."""

    def __init__(
        self,
        group: str,
        *,
        bootstrap: str,
        dead_letters: str,
        partitions: int,
        instance_id: str | None = None,
        session_timeout_s: float = 10.0,
        drain_s: float = 5.0,
        stall_s: float = 60.0,
        stop_s: float = 20.0,
        fetch_wait_ms: int = FETCH_WAIT_MS,
        credentials: Any = None,
        crashpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.crashpoint = crashpoint
        self.group, self.bootstrap, self.dead_letters, self.partitions = (
            group,
            bootstrap,
            dead_letters,
            partitions,
        )
        self.drain_s, self.stall_s, self.stop_s, self.fetch_wait_ms = drain_s, stall_s, stop_s, fetch_wait_ms
        self.credentials = credentials
        self.engine = Engine(
            self,
            group,
            broker=broker_urls(bootstrap),
            broker_credentials=credentials,
            broker_session_timeout=session_timeout_s,
            broker_heartbeat_interval=session_timeout_s / HEARTBEATS_PER_SESSION,
            consumer_group_instance_id=instance_id,
            topic_partitions=partitions,
        )
        self.metrics = Metrics()
        self.held = Held()
        self.answers = Answers(self.client_settings(), self.metrics)
        self.outbox = Outbox(functools.partial(internals.kafka_producer, self.engine), Pace(GATHER_S))
        self.committed: dict[Partition, int] = {}
        self.committing: asyncio.Task[bool] | None = None  # never more than one, and never cancelled
        self.committing_since = 0.0
        self.answering_since: float | None = None  # the broker, as measured with the lag
        self.timers: list[tuple[float, Callable[[], Awaitable[None]]]] = []
        self.preparations: list[Callable[[], Awaitable[None]]] = []
        self.given_back = False  # what was ours; nothing flows until what is ours next is known
        self.stopping = False  # told to stop: nothing new begins
        self.left = False  # handed over, released: nothing of ours answers Faust any more
        self.stop_asked = asyncio.Event()
        self.loops: list[asyncio.AbstractEventLoop] = []  # the main one, and the consumer's in its thread
        self._role: Role | None = None

    # -- what a process says about itself before it serves: exactly one role, any number of timers

    def writer(
        self,
        topic: str,
        table_name: str,
        step: Step,
        on_state: OnState | None = None,
        on_recovered: OnRecovered | None = None,
        on_lost: OnLost | None = None,
    ) -> None:
        """Plain `step(record, table, out)` over a table, exactly once; see `writer.py` and `transactions.py`."""
        changelog = changelog_topic(self.group, table_name)
        table: Any = self.engine.Table(
            table_name, partitions=self.partitions, key_type=bytes, value_type=bytes
        )
        assert table.changelog_topic_name == changelog, "Faust names it so, too: it assigns by it"
        self._take(Writer(self, topic, changelog, step, on_state, on_recovered, on_lost))

    def gateway(self, topic: str, handle: Handle, limit: int = IN_FLIGHT) -> None:
        """`handle(record)`: None when there is nothing to do, else what to await; up to `limit` at once."""
        self._take(Gateway(self, topic, handle, limit))

    def follower(self, topic: str, apply: Apply) -> None:
        """`await apply(records)`, batch by batch; it returns what to send before these count as applied."""
        self._take(Follower(self, topic, apply))

    def every(self, interval_s: float, call: Callable[[], Awaitable[None]]) -> None:
        """A timer; it runs while the app is ready, and what escapes it ends the process."""
        self.timers.append((interval_s, call))

    def first(self, call: Callable[[], Awaitable[None]]) -> None:
        """What must be done before anything is taken, once the topics are there; what escapes it ends the process."""
        self.preparations.append(call)

    def _take(self, role: Role) -> None:
        assert self._role is None, "one process, one role"
        self._role = role

        async def consume(stream: Any) -> None:
            await role.consume(stream.noack().events())

        agent: Callable[[Events], Awaitable[None]] = vital(consume)
        self.engine.agent(self.engine.topic(role.topic, partitions=self.partitions, **RAW), name=role.topic)(
            agent
        )

    @property
    def role(self) -> Role:
        assert self._role is not None, "say what this process does: writer, gateway or follower"
        return self._role

    @property
    def consumer(self) -> Consumer:
        return cast(Consumer, self.engine.consumer)

    def writing(self) -> Writer:
        assert isinstance(self._role, Writer), "only a writer has a table"
        return self._role

    # -- for handlers and timers

    async def send(self, records: Iterable[Outgoing]) -> None:
        """Through the plain idempotent producer: acknowledged by all in-sync replicas when this returns."""
        placed = [
            one if one.partition is not None else one._replace(partition=self.home(one.key))
            for one in records
        ]
        await self.outbox.send(placed, 0)

    def home(self, key: bytes | None) -> int:
        """The partition of a key, by murmur2 as Java's clients and aiokafka's have it."""
        return partition_of(key or b"", self.partitions)

    def dead_letter(self, record: Record, poison: Poison) -> Outgoing:
        """For a follower, which sends its own."""
        self.metrics.dead_letters += 1
        return dead_letter(self.dead_letters, record, poison)._replace(partition=record.partition)

    def owned_partitions(self) -> frozenset[int]:
        """Of the source, once recovered; empty while a rebalance is on."""
        assigned = self.consumer.assignment() if self.metrics.ready else ()
        return frozenset(tp.partition for tp in assigned if tp.topic == self.role.topic)

    async def serve(self) -> None:
        """Until SIGTERM or SIGINT; returns only for that. Everything unexpected ends the process (`die`)."""
        await serve_until_told(self)

    # -- between the role and Faust

    def client_settings(self) -> Settings:
        return client_settings(self.bootstrap, self.credentials)

    def is_flowing(self) -> bool:
        return bool(self.engine.flow_control.is_active())

    def is_current(self, event: Any) -> bool:
        """Whether what this event brought is still ours: no rebalance has begun since it was fetched."""
        return self.is_flowing() and bool(event.message.generation_id == self.engine.consumer_generation_id)

    def flows_again(self, generation_id: int) -> None:
        """A rebalance is through: partitions assigned, tables recovered, positions found."""
        self.metrics.ready = self.consumer.flow_active and generation_id == self.engine.consumer_generation_id

    def must_move(self) -> None:
        """Called every few seconds. Ends a process that does not get on, though nothing has failed."""
        if (stalled_s := self.held.stalled_s()) > self.stall_s:
            die(f"nothing was finished for {stalled_s:.0f} s; held: {dict(self.held.records)}")
        if self.committing is not None and self.answering_since is not None:
            hung_s = time.monotonic() - max(self.committing_since, self.answering_since)
            if hung_s > COMMIT_HANGS_S:
                die(
                    f"a commit does not end, and the brokers have answered for {hung_s:.0f} s",
                    loops=self.loops,
                )

    async def hand_over(self) -> None:
        """Take nothing more; let what runs finish, bounded; commit; forget the rest: it will be fetched again."""
        self.metrics.ready, self.given_back = False, True
        consumer, flow_control = self.consumer, self.engine.flow_control
        consumer.stop_flow()
        flow_control.suspend()
        flow_control.clear()
        self.crashpoint("delivery.handing_over")
        await self.role.drain(self.drain_s)
        await self._commit_the_last()
        self.held.forget()
        self.committed = {}  # another one: a commit that ends late must not speak of what is ours by then

    async def _commit_the_last(self) -> None:
        """What was begun, and then the rest, bounded: a commit may hang, and a process must end all the same."""
        for last in (False, True):
            if last and self.committing is None:
                self._begin_commit()
            if self.committing is not None:
                await asyncio.wait([self.committing], timeout=self.drain_s)
        if self.committing is not None:
            log.warning("not committed before the hand-over: the next owner will see duplicates")

    async def commit(self) -> bool:
        """Offsets of a gateway or follower. A writer commits none: its place is in its changelog. (Committing it to
        the group as well, for lag tools, was tried: a commit with a generation just gone makes aiokafka rejoin, which
        makes the next commit fail: a rebalance every two seconds, for good.)"""
        if self.committing is None:
            self._begin_commit()
        return await asyncio.shield(self.committing) if self.committing is not None else False

    def _begin_commit(self) -> None:
        """Unless there is nothing to commit. One at a time: what hangs is seen (`must_move`), and not begun again."""
        offsets = {tp: to for tp, to in self.held.committable().items() if self.committed.get(tp) != to}
        if offsets and not isinstance(self._role, Writer):
            self.committing_since = time.monotonic()
            self.committing = asyncio.create_task(self._commit(offsets, self.committed))

    @vital
    async def _commit(self, offsets: dict[Partition, int], committed: dict[Partition, int]) -> bool:
        done = await self.consumer._commit({faust.types.TP(*tp): to for tp, to in offsets.items()})
        self.committing = None
        if not done:
            self.metrics.commits_failed += 1
            return False
        self.metrics.committed(time.monotonic() - self.committing_since)
        committed |= offsets
        return True

    @vital
    async def run_timer(self, interval_s: float, call: Callable[[], Awaitable[None]]) -> None:
        """Ends also where a library that `call` uses has swallowed the cancellation at the end."""
        while not self.stopping:
            await asyncio.sleep(interval_s)
            if self.metrics.ready:
                await call()

    @vital
    async def measure_lag(self, interval_s: float) -> None:
        """Records of the source not finished: those behind the fetch position, and those fetched and held."""
        while not self.stopping:
            await asyncio.sleep(interval_s)
            tps = [Partition(self.role.topic, partition) for partition in self.owned_partitions()]
            try:
                async with asyncio.timeout(interval_s):
                    ends = await self.consumer.ends(tps)
            except Exception:  # a broker may be down; then the lag stays what it was
                self.answering_since = None
                continue
            self.answering_since = (self.answering_since or time.monotonic()) if ends else None
            self.metrics.lag = {tp: end - next_ + self.held.records[tp] for tp, (end, next_) in ends.items()}
