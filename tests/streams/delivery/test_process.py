"""How a process behaves from outside: what it keeps, what it refuses, and how it ends."""

import gzip
import signal

import pytest
from aiokafka import AIOKafkaProducer

from sandbox.kafka import create_topic
from streams.delivery import POSITION
from tests.streams.delivery.world import Subject, World, until

pytestmark = pytest.mark.real

KEPT = 150  # keys per partition, where what is read back must take a while


async def test_a_writer_started_again_goes_on_where_it_was(world: World) -> None:
    first = (await world.create()).start("writer", instance_id="one")
    await world.feed("count", "count", key=b"a")
    await world.feed("count", "delete", key=b"b")
    await world.until_output(4)
    await until(lambda: first.status["index"] == {"0": [["a", "2"]]}, "the index of what is kept")
    first.signal(signal.SIGKILL)
    await first.exits()
    second = world.start("writer", instance_id="one")
    await second.owns(0)
    assert second.status["index"] == {"0": [["a", "2"]]}, "rebuilt from the changelog"
    await world.feed("count", key=b"a")
    assert (await world.until_output(5))[-1] == 3


async def test_sigterm_ends_a_writer_with_status_0_and_its_partitions_go_to_the_other(world: World) -> None:
    first = (await world.create(partitions=2)).start("writer")
    await first.owns(0, 1)
    second = world.start("writer")
    await until(lambda: len(second.status["owned"]) == 1, "the second has its share")
    await until(lambda: len(first.status["owned"]) == 1, "the first has its share")
    first.signal(signal.SIGTERM)
    assert await first.exits() == 0
    await second.owns(0, 1, within_s=30.0)


async def test_sigterm_ends_a_process_in_the_middle_of_a_line_to_its_log(world: World) -> None:
    told = (await world.create()).start("writer", accident="told_to_stop_in_the_middle_of_a_line")
    assert await told.exits(within_s=30.0) == 0
    assert "told to stop by SIGTERM" in told.log.read_text()


async def test_sigterm_ends_a_process_in_which_a_cancellation_gets_lost(world: World) -> None:
    deaf = (await world.create()).start("writer", accident="cancellations_get_lost")
    await until(lambda: len(deaf.said("deaf")) == 2, "a timer and what asks for the lag are deaf")
    deaf.signal(signal.SIGTERM)
    assert await deaf.exits(within_s=30.0) == 0


async def test_a_lost_partition_is_forgotten(world: World) -> None:
    first = (await world.create(partitions=2)).start("writer")
    for partition in (0, 1):
        await world.feed("count", key=b"p%d" % partition, partition=partition)
    await until(lambda: set(first.status["index"]) == {"0", "1"}, "both are kept")
    second = world.start("writer")
    await until(lambda: len(first.status["index"]) == 1 == len(second.status["index"]), "each keeps its own")
    assert first.status["index"] | second.status["index"] == {"0": [["p0", "1"]], "1": [["p1", "1"]]}


@pytest.mark.parametrize("role", ["writer", "gateway", "follower"])
async def test_sigterm_ends_a_process_that_is_still_starting(role: str, world: World) -> None:
    starting = (await world.create()).start(role)
    await until(lambda: starting.said("status") != [], "it has begun to start")
    assert not starting.status["owned"]
    starting.signal(signal.SIGTERM)
    assert await starting.exits(within_s=30.0) == 0


async def test_a_process_that_the_group_does_not_take_ends(world: World) -> None:
    writer = (await world.create()).start("writer")
    await writer.owns(0)
    gateway = world.start("gateway")  # of the same group by mistake: they do not even assign alike
    assert await gateway.exits() == 70
    assert "out of the group" in gateway.log.read_text()


async def test_what_hangs_is_ended_within_its_bound_and_says_so(world: World) -> None:
    writer = (await world.create()).start("writer", accident="release_hangs", stop_s=2.0)
    await writer.owns(0)
    writer.signal(signal.SIGTERM)
    assert await writer.exits(within_s=30.0) == 71
    assert "still here" in writer.log.read_text()


async def test_sigterm_ends_even_a_process_whose_loop_is_stuck(world: World) -> None:
    gateway = (await world.create()).start("gateway", stop_s=2.0)
    await gateway.owns(0)
    await world.feed("block")
    await until(lambda: gateway.said("began") != [], "it is stuck")
    gateway.signal(signal.SIGTERM)
    assert await gateway.exits(within_s=30.0) == 71


async def test_a_process_in_which_nothing_moves_ends(world: World) -> None:
    gateway = (await world.create()).start("gateway", stall_s=1.0)
    await world.feed("wait")
    assert await gateway.exits() == 70
    assert "nothing was finished" in gateway.log.read_text()


async def test_a_recovery_that_hangs_ends_the_process(world: World) -> None:
    writer = (await world.create()).start("writer", accident="recovery_hangs")
    assert await writer.exits() == 70


async def reading_back(world: World) -> Subject:
    """A writer in the midst of it: 300 keys of two partitions."""
    await (await world.create(partitions=2)).leave_rows(KEPT)
    reading = world.start("writer", accident="recovery_is_slow")
    await until(lambda: reading.said("reading back") != [], "it reads back")
    return reading


async def test_partitions_given_to_another_while_they_are_read_back_end_no_process(world: World) -> None:
    first = await reading_back(world)
    second = world.start("writer", accident="recovery_is_slow")
    await until(lambda: len(second.status["owned"]) == 1 == len(first.status["owned"]), "each has one")
    assert first.status["owned"] + second.status["owned"] in ([0, 1], [1, 0])
    kept = first.status["index"] | second.status["index"]
    assert {partition: len(keys) for partition, keys in kept.items()} == {"0": KEPT, "1": KEPT}
    assert (first.code, second.code) == (None, None)


async def test_sigterm_ends_a_writer_that_is_reading_back(world: World) -> None:
    reading = await reading_back(world)
    reading.signal(signal.SIGTERM)
    assert await reading.exits(within_s=30.0) == 0


async def test_a_process_without_its_topics_says_which_and_ends(world: World) -> None:
    await world.create()
    world.partitions = 3
    writer = world.start("writer")
    assert await writer.exits() == 70
    assert "with 3 partitions" in writer.log.read_text()


async def test_answers_that_cannot_go_out_hold_up_nothing(world: World) -> None:
    writer = (await world.create()).start("writer")
    nowhere = [{"do": "answer", "topic": f"{world.name}-nowhere{i}", "partition": 0} for i in range(300)]
    missing = {"do": "answer", "topic": world.topic("replies"), "partition": 77}
    good = {"do": "answer", "topic": world.topic("replies"), "partition": 0}
    await world.feed(*nowhere, missing, good)
    await world.until_output(302, within_s=30.0)
    await until(
        lambda: writer.status["answers"] == 1 and writer.status["dropped"] == 301,
        "one answered, the others dropped",
    )
    assert [record.value for record in await world.read("replies")] == [b"302"]
    writer.signal(signal.SIGTERM)
    assert await writer.exits(within_s=30.0) == 0


async def test_thousands_of_answers_of_one_transaction_all_go_out(world: World) -> None:
    await world.create()
    answer = {"do": "answer", "topic": world.topic("replies"), "partition": 0}
    await world.feed(*[answer] * 3000)
    writer = world.start("writer")
    await writer.owns(0)
    await until(lambda: writer.status["answers"] == 3000, "all of them answered")
    assert writer.status["dropped"] == 0


@pytest.mark.parametrize(
    "heavy",
    [{"do": "busy", "seconds": 0.02}, {"do": "emit", "bytes": 300_000}],
    ids=["takes long", "says much"],
)
async def test_heavy_commands_are_committed_some_at_a_time(world: World, heavy: dict[str, object]) -> None:
    """All in one transaction would outlast its time-out, and then again."""
    await world.create()
    await world.feed(*[{"topic": world.topic("output"), **heavy}] * 40)
    writer = world.start("writer")
    await writer.owns(0)
    await until(lambda: writer.status["lag"] == 0, "all of them done")
    committed = [record for record in await world.read("changelog") if record.key == POSITION]
    assert committed[-1].value == b"40"
    assert len(committed) >= 6


async def test_the_first_answer_to_a_topic_made_meanwhile_goes_out(world: World) -> None:
    writer = (await world.create()).start("writer")
    await writer.owns(0)
    await world.feed({"do": "answer", "topic": world.topic("never"), "partition": 0})
    await until(lambda: writer.status["dropped"] == 1, "it has looked for topics just now")
    await create_topic(world.bootstrap, world.topic("later"), 1, {})
    await world.feed({"do": "answer", "topic": world.topic("later"), "partition": 0})
    await until(lambda: writer.status["answers"] == 1, "answered where nobody was before", within_s=30.0)
    assert writer.status["dropped"] == 1
    assert len(await world.read("later")) == 1


async def test_a_state_too_large_for_a_broker_is_a_dead_letter(world: World) -> None:
    (await world.create()).start("writer")
    await world.feed("grow", "count")
    assert await world.until_output(1) == [1]
    assert [dict(letter.headers)["code"] for letter in await world.read("dead")] == [b"record_too_large"]


async def test_a_record_as_large_as_a_broker_takes_can_still_be_a_dead_letter(world: World) -> None:
    (await world.create()).start("writer")
    largest = b"\xff" * ((1 << 20) - 200)
    await world.feed(largest, "count")
    await world.until_output(1)
    assert [letter.value for letter in await world.read("dead")] == [largest]


async def test_a_record_that_unpacks_to_more_is_cut_and_says_so(world: World) -> None:
    (await world.create()).start("writer")
    await world.feed(b"\xff" * (5 << 20), compression_type="gzip")
    await world.feed("count")
    await world.until_output(1)
    (letter,) = await world.read("dead")
    assert dict(letter.headers)["cut"].startswith(b"5242")
    assert len(gzip.compress(letter.value)) < len(letter.value) < 2 << 20


async def test_a_gateway_whose_commit_never_ends_is_ended_and_says_where_it_hung(world: World) -> None:
    """Seen after a broker's death: it worked on outside its group, committed nothing, and did not even end when told."""
    gateway = (await world.create()).start("gateway", accident="commit_hangs_too_long")
    await gateway.owns(0)
    await world.feed("quick")
    assert await gateway.exits() == 70
    assert "a commit does not end" in gateway.log.read_text()
    assert "App.commit" in gateway.log.read_text()


async def test_a_gateway_whose_commit_hangs_ends_when_told(world: World) -> None:
    gateway = (await world.create()).start("gateway", accident="commit_hangs", drain_s=0.5)
    await world.feed("quick")
    await until(lambda: gateway.said("committing") != [], "a commit is under way")
    gateway.signal(signal.SIGTERM)
    assert await gateway.exits(within_s=30.0) == 0


async def test_two_hand_overs_do_not_hide_that_a_commit_hangs(world: World) -> None:
    gateway = (await world.create()).start("gateway", accident="commit_hangs_too_long", drain_s=0.2)
    await world.feed("quick")
    await until(lambda: gateway.said("committing") != [], "a commit is under way")
    for _ in range(2):
        before = len(gateway.said("sought"))
        gateway.signal(signal.SIGUSR1)
        await until(lambda: gateway.code is not None or len(gateway.said("sought")) > before, "handed over")  # noqa: B023
        await world.feed("quick")
    assert await gateway.exits() == 70
    assert "a commit does not end" in gateway.log.read_text()


async def test_a_dead_letter_keeps_every_header(world: World) -> None:
    (await world.create()).start("writer")
    headers = [("a", b"1"), ("a", b"2"), ("binary", b"\xff\x00")]
    async with AIOKafkaProducer(bootstrap_servers=world.bootstrap) as producer:
        await producer.send(world.topic("source"), b"?", key=None, partition=0, headers=headers)
        await producer.send(world.topic("source"), None, key=b"tombstone", partition=0)

    async def both() -> bool:
        return len(await world.read("dead")) == 2

    await until(both, "both dead letters")
    first, second = await world.read("dead")
    assert list(first.headers[:3]) == headers
    assert [name for name, _ in first.headers[3:]] == ["source", "reason", "code", "appended_ms"]
    assert (first.key, second.key, second.value) == (None, b"tombstone", None)


async def test_the_reserved_key_is_poison(world: World) -> None:
    (await world.create()).start("writer")
    await world.feed("count", key=POSITION)
    await world.feed("count")
    assert await world.until_output(1) == [1]
    assert [dict(letter.headers)["code"] for letter in await world.read("dead")] == [b"reserved_key"]


async def test_a_follower_commits_what_it_has_applied_and_gets_the_rest_again(world: World) -> None:
    first = (await world.create()).start("follower", instance_id="one")
    await world.feed("apply", b"\xff")
    await until(lambda: [line["offsets"] for line in first.said("finished")] != [], "it is applied")

    async def committed() -> bool:
        return (await world.committed()).get(0) == 2

    await until(committed, "it is committed")
    assert len(await world.read("dead")) == 1
    await world.feed("wait")
    await until(lambda: len(first.said("began")) > len(first.said("finished")), "it hangs on the next")
    first.signal(signal.SIGKILL)
    await first.exits()
    second = world.start("follower", instance_id="one", wait_s=0.0)
    await until(
        lambda: [line["offsets"] for line in second.said("finished")] == [[2]],
        "the unfinished one comes again",
    )


async def test_lag_is_known(world: World) -> None:
    gateway = (await world.create()).start("gateway", limit=1)
    await world.feed("wait", "quick", "quick")
    await until(lambda: gateway.status["lag"] == 3, "three records are not finished")
