"""Faust's driver for aiokafka, with another way in: one event per (partition, poll) with the list of its records.

Of the 88 µs that Faust spends per event 60 are delivery (four tasks per message) and 20 streams and event objects; a
list per event brings that to 10 µs per record, about what a bare aiokafka loop costs. The answers to what Faust does
around a rebalance are here as well; each says what was seen without it. What is done with the records is the role's.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

from streams.delivery import internals
from streams.delivery.records import Partition, Record
from streams.delivery.vital import die, vital, watch

if TYPE_CHECKING:
    from streams.delivery.app import App

POLL_S = 0.2  # one poll; a partition that was full is looked at again after it, and a stop waits for it
PAUSE_S = 0.01  # between two looks when nothing may be polled
STALL_LOOK_S = 5.0  # between two looks whether anything moves
METADATA_TRIES = 50  # of a group's leader, a tenth of a second apart

Polled = Mapping[TopicPartition, list[Record]]


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Runs in a thread of its own, with the heartbeats, whatever the main loop does."""

    app: Any
    _consumer: Any

    def _create_worker_consumer(self, transport: Any) -> Any:
        delivery: App = self.app.delivery
        return internals.read_committed(super()._create_worker_consumer(transport), delivery.fetch_wait_ms)

    async def on_start(self) -> None:
        self.polling = asyncio.Lock()  # polls and seeks exclude each other
        await super().on_start()
        coordinator = self._consumer._coordinator
        coordinator._push_error_to_user = self._out_of_the_group
        coordinator._perform_assignment = functools.partial(
            self._assign, coordinator, coordinator._perform_assignment
        )
        self.watch()

    def watch(self) -> None:
        watch(internals.own_tasks(self._consumer), lambda: not self.app.delivery.stopping)

    async def _out_of_the_group(self, exc: Exception) -> None:
        """Fenced by another with our instance id, not authorised, another protocol: aiokafka tells those who fetch,
        and before the first assignment nobody fetches. The process sat there for ever, and never became ready."""
        die(f"out of the group: {exc!r}", exc)

    async def _assign(self, coordinator: Any, perform: Callable[[Any], Any], response: Any) -> Any:
        """As leader of the group. One without a topic's metadata would assign nothing, to everyone, for good."""
        for _ in range(METADATA_TRIES):
            assignments = await perform(response)
            if all(
                coordinator._cluster.partitions_for_topic(topic) for topic in coordinator._group_subscription
            ):
                return assignments
            await coordinator._client.force_metadata_update()
            await asyncio.sleep(0.1)
        return die("no metadata for a topic of the group")

    async def pump(
        self, wanted: Callable[[], set[Any]], deliver: Callable[[Polled], None], stopped: Callable[[], bool]
    ) -> None:
        """Poll here, hand over there: one crossing of threads per poll."""
        most, gather_s = self.app.conf.broker_max_poll_records, self.app.delivery.role.gather_s
        while not stopped():
            polled: Polled = {}
            async with self.polling:
                if tps := wanted():
                    polled = await self._fetch_records(self._consumer, tps, timeout=POLL_S, max_records=most)
                    if polled:
                        deliver(polled)
                else:
                    internals.keep_alive(self._consumer)
            full = sum(map(len, polled.values())) >= most  # there is more in hand: nothing to gather
            await asyncio.sleep(PAUSE_S if not tps else gather_s if polled and not full else 0)

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        await self._unless_left(super().on_partitions_revoked(revoked))

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        await self._unless_left(super().on_partitions_assigned(assigned, generation_id))

    async def _unless_left(self, told: Coroutine[Any, Any, None]) -> None:
        """The main loop answers these through a queue that stops before we do. A rebalance that began while the
        process was stopping then waited for ever, and the end of the consumer for it: SIGTERM ended nothing."""
        telling = asyncio.ensure_future(told)
        while not telling.done():
            if self.app.delivery.left:
                telling.cancel()
                return
            await asyncio.wait([telling], timeout=POLL_S)
        telling.result()

    async def seek_to_committed(self) -> Any:
        places = {TopicPartition(*tp): place for tp, place in self.app.delivery.role.places().items()}
        return await self.call_thread(self._seek_all, places)

    async def _seek_all(
        self, places: Mapping[TopicPartition, int | None]
    ) -> Mapping[TopicPartition, int | None]:
        # What was polled before is handed over before this returns, and refused there: the flow is stopped.
        async with self.polling:
            offsets = (
                await self._consumer.seek_to_committed() | places
            )  # the changelog knows better than the group
            for tp, place in places.items():
                if place:
                    self._consumer.seek(tp, place)
            if new := [tp for tp, place in offsets.items() if not place]:
                await self._consumer.seek_to_beginning(
                    *new
                )  # aiokafka leaves these where they were: records vanish
        return dict(offsets)

    async def stop_fetching(self, tps: Iterable[Any]) -> None:
        """Faust only forgets changelog partitions; aiokafka would go on fetching what we write ourselves."""

        async def pause() -> None:
            self._consumer.pause(*(tp for tp in self._consumer.assignment() if tp in set(tps)))

        await self.call_thread(pause)

    async def ends(self, tps: list[Partition]) -> dict[Partition, tuple[int, int]]:
        """Per partition: its end, and the offset fetched next."""

        async def ask() -> dict[Partition, tuple[int, int]]:
            mine = [TopicPartition(*tp) for tp in tps if tp in self._consumer.assignment()]
            ends = await self._consumer.end_offsets(mine)
            return {Partition(*tp): (ends[tp], await self._consumer.position(tp)) for tp in mine}

        # Not through the queue of calls, as `pump` is not: commits that hang hold it up, and this tells that they do.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(), self.thread_loop))


class Consumer(driver.Consumer):
    """In the main loop: hands the records on, and keeps order in a rebalance."""

    app: Any
    _thread: ConsumerThread

    def _new_consumer_thread(self) -> ConsumerThread:
        # With a loop of asyncio's own: Faust touches it from the main thread, which uvloop does not forgive.
        thread = ConsumerThread(self, loop=self.loop, beacon=self.beacon)
        self.app.delivery.loops.append(thread.thread_loop)
        return thread

    def _wanted(self) -> set[Any]:
        full = self.app.delivery.held.full
        return {tp for tp in set(self._active_partitions) if not full(tp)} if self.flow_active else set()

    def _deliver(self, polled: Polled) -> None:
        """What escapes ends the process. The loop would only log it, and aiokafka is behind these records already: the
        next commit would pass them."""
        try:
            self._hand_on(polled)
        except Exception as exc:
            die(f"what was polled could not be handed on: {exc!r}", exc)

    def _hand_on(self, polled: Polled) -> None:
        if not self.flow_active:  # a seek comes before it flows again
            return
        app = self.app
        for (topic, partition), records in polled.items():
            tp = TP(topic, partition)
            if tp not in self._active_partitions:
                continue
            batch = app.delivery.held.add(Partition(topic, partition), records)
            message = ConsumerMessage(topic, partition, records[-1].offset, 0.0, 0, None, None, None, None, 0, 0, tp,
                                      generation_id=app.consumer_generation_id)  # fmt: skip
            for channel in app.topics._tp_index[tp]:
                channel.queue.put_nowait(app.create_event(None, batch, (), message))

    async def _drain_messages(self, fetcher: Any) -> None:
        def stopped() -> bool:
            return bool(self._stopped.is_set() or fetcher._stopped.is_set())

        loop = asyncio.get_running_loop()

        def deliver(polled: Polled) -> None:
            loop.call_soon_threadsafe(self._deliver, polled)

        pumping = self._thread.pump(self._wanted, deliver, stopped)
        pump = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(pumping, self._thread.thread_loop))
        try:
            while not (await asyncio.wait([pump], timeout=STALL_LOOK_S))[0]:
                self.app.delivery.must_move()
            await pump
        except (asyncio.CancelledError, ConsumerStoppedError):
            pump.cancel()
            if not self.app.should_stop:
                raise

    async def ends(self, tps: list[Partition]) -> dict[Partition, tuple[int, int]]:
        return await self._thread.ends(tps)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Faust's stall detector only logs, and crashes a worker whose position is not known for a moment."""

    def resume_flow(self) -> None:
        """Not for a recovery that ends while we stop, or once the next rebalance has begun. That one found the partitions where
        aiokafka begins, before they were sought: a writer took its log's oldest commands, and its place went back to them.
        """
        delivery = self.app.delivery
        if delivery.stopping or delivery.given_back:
            self.app.flow_control.suspend()  # Faust has resumed it just now
        else:
            super().resume_flow()

    async def seek_to_committed(self) -> Any:
        return await self._thread.seek_to_committed()

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Called by Faust every `broker_commit_interval`; never while a rebalance is on."""
        return bool(self.flow_active and await self.app.delivery.commit())

    @vital
    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        await self.app.delivery.hand_over()
        await super().on_partitions_revoked(revoked)

    @vital
    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        if self.app.delivery.stopping:  # what is given to us now will be taken by others in a moment
            return
        changelogs = {tp for tp in assigned if self._is_changelog_tp(tp)}
        if changelogs:
            await self._thread.stop_fetching(changelogs)
        await self.app.delivery.role.own({Partition(*tp) for tp in assigned - changelogs})
        await super().on_partitions_assigned(assigned, generation_id)


class Producer(driver.Producer):
    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}  # neither is Faust's default


class Transport(driver.Transport):
    Consumer = Consumer
    Producer = Producer
