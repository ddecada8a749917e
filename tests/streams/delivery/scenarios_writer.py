"""A story for each safeguard of the writer; with the safeguard switched off the story ends in an AssertionError."""

import asyncio
import contextlib
import signal

from aiokafka import AIOKafkaProducer

from streams.delivery import POSITION
from tests.streams.delivery.world import SESSION_S, NotSeen, World, until

KEPT = 300  # of each partition: six seconds to read, slowly


async def a_writer_that_wakes_after_a_takeover_changes_nothing(world: World) -> None:
    """Both use one instance id, so the second takes over at once, and the first learns of it when it wakes."""
    sleeper = (await world.create()).start("writer", instance_id="one")
    await sleeper.owns(0)
    await world.feed("count")
    await world.until_output(1)
    sleeper.signal(signal.SIGSTOP)
    await world.feed("count")  # lies in the sleeper's buffer when it wakes
    heir = world.start("writer", instance_id="one")
    assert await world.until_output(2) == [1, 2]
    await heir.owns(0)
    sleeper.signal(signal.SIGCONT)

    async def ended_or_harmed() -> bool:
        return sleeper.code is not None or len(await world.output()) > 2

    with contextlib.suppress(NotSeen):  # it ends, or else it has the time to do harm
        await until(ended_or_harmed, "its end", within_s=10.0)
    await world.feed("count")
    assert await world.until_output(3) == [1, 2, 3]
    assert sleeper.code == 70


async def an_open_transaction_in_the_changelog_ends_the_process(world: World) -> None:
    """As a broker leaves it that has lost the marker: what it holds may be true or not."""
    await world.create()
    async with AIOKafkaProducer(bootstrap_servers=world.bootstrap, transactional_id=world.name) as stranger:
        await stranger.begin_transaction()
        await stranger.send_and_wait(world.changelog, b"1", key=b"k", partition=0)
        writer = world.start("writer")
        await until(lambda: writer.code is not None or writer.status["owned"] != [], "it ends or goes on")
        assert writer.code == 70
        assert "a transaction is open that nobody can end" in writer.log.read_text()
        await stranger.abort_transaction()


async def state_and_position_are_seen_together(world: World) -> None:
    (await world.create()).start("writer")
    await world.feed("count")

    async def position_is_there() -> bool:
        return any(record.key == POSITION for record in await world.read("changelog"))

    await until(position_is_there, "a position in the changelog")
    keys = [record.key for record in await world.read("changelog")]
    assert keys == [b"k", POSITION], "killed here, the command would be lost"


async def what_was_said_is_seen_with_the_state_that_it_belongs_to(world: World) -> None:
    (await world.create()).start("writer")
    for number in range(1, 4):  # a reader may be slow, but not each time
        key = b"k%d" % number
        await world.feed("count", key=key)
        await world.until_output(number)
        kept = {record.key for record in await world.read("changelog")}
        assert key in kept, "killed here, it would be said again"


async def nothing_is_skipped_in_a_rebalance_under_load(world: World) -> None:
    first = (await world.create(partitions=2)).start("writer")
    await first.owns(0, 1)
    second, fed = world.start("writer"), 0

    async def feed_on() -> None:
        """More than the first can do meanwhile, however long the second takes to join."""
        nonlocal fed
        work = [{"do": "busy", "seconds": 0.001}] * 300
        for partition in (0, 1):
            await world.feed(*work, key=b"p%d" % partition, partition=partition)
        fed += len(work)

    async def both_have_their_share() -> bool:
        await feed_on()
        return [len(each.status["owned"]) for each in (first, second)] == [1, 1]

    await until(both_have_their_share, "the second has joined")
    for _ in range(3):  # also while they begin to read
        await feed_on()

    async def read_to_the_end() -> bool:
        return await world.positions() == {0: fed, 1: fed}

    await until(read_to_the_end, "the writers are at the end of the source")
    assert sorted(await world.output()) == sorted([*range(1, fed + 1)] * 2)
    assert first.code is None


async def a_recovery_that_ends_in_the_next_rebalance_lets_nothing_flow(world: World) -> None:
    """The next one waits for a member that sleeps until its session is over: meanwhile the recovery before comes to its end."""
    await (await world.create(partitions=2)).leave_rows(KEPT)
    sleeper = world.start("writer", session_timeout_s=2 * SESSION_S)
    await sleeper.owns(0, 1)
    for partition in (0, 1):
        await world.feed(*["count"] * 9, partition=partition)
    told = sorted(await world.until_output(18))
    late = world.start("writer", accident="recovery_and_fencing_are_slow")
    await until(lambda: late.said("reading back") != [], "it reads back what it was given")
    sleeper.signal(signal.SIGSTOP)
    other = world.start("writer", accident="recovery_and_fencing_are_slow")
    await until(lambda: [len(each.status["owned"]) for each in (late, other)] == [1, 1], "each has one")
    for partition in (0, 1):
        await world.feed("count", partition=partition)
    assert sorted(await world.until_output(20)) == [*told, 10, 10]
    assert (late.code, other.code) == (None, None)


async def poison_leaves_no_trace(world: World) -> None:
    (await world.create()).start("writer")
    await world.feed("count", "poison", "count")
    assert await world.until_output(2) == [1, 2]
    letters = await world.read("dead")
    assert [dict(letter.headers)["code"] for letter in letters] == [b"told_to"]


async def a_batch_that_a_broker_refuses_takes_its_transaction_with_it(world: World) -> None:
    from sandbox.kafka import create_topic

    await world.create()
    await create_topic(world.bootstrap, world.topic("narrow"), 1, {"max.message.bytes": "2000"})
    writer = world.start("writer")
    await world.feed({"do": "emit", "topic": world.topic("narrow"), "bytes": 5000})
    code = await writer.exits() if not world.bug else await asyncio.wait_for(_until_position(world), 20.0)
    assert code == 70
    assert await world.output() == []
    assert await world.read("changelog") == []


async def _until_position(world: World) -> int:
    async def position_is_there() -> bool:
        return any(record.key == POSITION for record in await world.read("changelog"))

    await until(position_is_there, "a commit")
    return 0


async def an_undecodable_record_is_a_dead_letter_and_the_next_one_is_taken(world: World) -> None:
    (await world.create()).start("writer")
    await world.feed(b"\xff not json", "count")
    assert await world.until_output(1) == [1]
    letters = await world.read("dead")
    assert [letter.value for letter in letters] == [b"\xff not json"]
    assert dict(letters[0].headers)["source"] == f"{world.topic('source')}/0/0".encode()


async def an_exception_in_a_step_ends_the_process(world: World) -> None:
    writer = (await world.create()).start("writer")
    await world.feed("escape", "count")
    assert await writer.exits() == 70
    assert await world.output() == []


async def who_has_read_back_too_little_commits_nothing(world: World) -> None:
    """What it does not know of would be decided anew."""
    first = (await world.create()).start("writer")
    for _ in range(2):
        await world.feed("count")
        await until(lambda: first.status["lag"] == 0, "one transaction each")
    first.signal(signal.SIGKILL)
    late = world.start("writer", accident="changelog_ends_early")
    await world.feed("count")
    assert await late.exits() == 70
    assert "does not end at" in late.log.read_text()
    world.start("writer")
    assert await world.until_output(3) == [1, 2, 3]


async def an_exception_in_a_listener_ends_the_process(world: World) -> None:
    writer = (await world.create()).start("writer", accident="listener_raises")
    assert await writer.exits() == 70
