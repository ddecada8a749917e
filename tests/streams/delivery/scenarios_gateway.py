"""A story for each safeguard of the gateway; with the safeguard switched off the story ends in an AssertionError."""

import signal

from aiokafka import AIOKafkaProducer

from tests.streams.delivery.world import Subject, World, until


def began(subject: Subject, offset: int) -> int:
    return sum(line["offset"] == offset for line in subject.said("began"))


async def a_commit_never_passes_an_unfinished_record(world: World) -> None:
    gateway = (await world.create()).start("gateway", instance_id="one")
    await world.feed("wait", key=b"slow")
    await world.feed("quick", "quick", key=b"quick")
    await world.until_output(2)

    async def committed() -> bool:
        return 0 in await world.committed()

    await until(committed, "a commit")
    gateway.signal(signal.SIGKILL)
    await gateway.exits()
    heir = world.start("gateway", instance_id="one", wait_s=0.1)
    await world.feed("quick", key=b"last")
    await until(lambda: began(heir, 3) > 0, "the last record comes")
    assert began(heir, 0) > 0, "the unfinished record has to come again, and before it"


async def partitions_without_a_place_are_read_from_their_beginning(world: World) -> None:
    gateway = (await world.create()).start("gateway", drain_s=0.2)
    await world.feed("wait")
    await until(lambda: began(gateway, 0) > 0, "the first record comes")
    gateway.signal(signal.SIGUSR1)
    await world.feed("quick", key=b"other")
    await until(lambda: gateway.said("sought") != [], "it has sought its place")
    await world.feed("quick", key=b"last")
    await until(lambda: began(gateway, 2) > 0, "the last record comes")
    assert began(gateway, 0) == 2, "nothing was committed, so the first record has to come again"
    await world.until_output(2)


async def a_leader_without_metadata_assigns_all_the_same(world: World) -> None:
    gateway = (await world.create()).start("gateway", accident="leader_without_metadata")
    await until(lambda: gateway.status["ready"], "it has been given its share", within_s=15.0)
    assert gateway.status["owned"] == [0]


async def a_lost_answer_duplicates_nothing(world: World) -> None:
    (await world.create()).start("gateway", accident="answers_get_lost")
    await world.feed("quick")
    await world.until_output(1)
    await world.feed("quick", "quick")
    await world.until_output(3)
    assert await world.output() == [0, 1, 2]


async def aborted_records_are_never_handled(world: World) -> None:
    gateway = (await world.create()).start("gateway")
    await gateway.owns(0)
    async with AIOKafkaProducer(bootstrap_servers=world.bootstrap, transactional_id=world.name) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(world.topic("source"), b'{"do":"quick"}', key=b"never", partition=0)
        await producer.abort_transaction()
    await world.feed("quick")
    await world.until_output(1)
    assert began(gateway, 0) == 0


async def what_runs_may_finish_before_partitions_are_handed_over(world: World) -> None:
    # the second must have joined before they end by themselves, and they must end within the drain
    first = (await world.create(partitions=2)).start("gateway", wait_s=6.0, drain_s=15.0)
    await first.owns(0, 1)
    for partition in (0, 1):
        await world.feed("wait", key=b"p%d" % partition, partition=partition)
    await until(lambda: len(first.said("began")) == 2, "both have begun")
    second = world.start("gateway", wait_s=0.1)
    await until(lambda: len(second.status["owned"]) == 1, "the second has its share")

    def begun() -> int:
        return len(first.said("began")) + len(second.said("began"))

    async def finished_or_again() -> bool:
        return begun() > 2 or len(await world.output()) == 2

    await until(finished_or_again, "both are finished")
    assert begun() == 2, "handled again"
    assert len(await world.output()) == 2


async def a_hanging_handler_holds_up_a_hand_over_for_a_bounded_time(world: World) -> None:
    first = (await world.create(partitions=2)).start("gateway", drain_s=1.0)
    await first.owns(0, 1)
    await world.feed("wait")
    await until(lambda: len(first.said("began")) == 1, "it has begun")
    second = world.start("gateway", drain_s=1.0)
    await until(lambda: len(second.status["owned"]) == 1, "the second has its share", within_s=12.0)


async def an_exception_in_a_handler_ends_the_process(world: World) -> None:
    gateway = (await world.create()).start("gateway")
    await world.feed("escape")
    assert await gateway.exits(within_s=15.0) == 70
    assert (await world.committed()).get(0, 0) == 0


async def an_exception_while_handing_over_ends_the_process(world: World) -> None:
    gateway = (await world.create(partitions=2)).start("gateway", accident="revocation_raises")
    await gateway.owns(0, 1)
    world.start("gateway")
    assert await gateway.exits(within_s=20.0) == 70
