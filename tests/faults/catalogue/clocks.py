"""F11, F17: time itself. Keys that Stripe has forgotten, a worker whose clock is wrong."""

import asyncio
import signal
from functools import partial

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.topics import COMMANDS
from tests.faults.catalogue.beside import works_beside
from tests.faults.catalogue.fault import fault
from tests.faults.catalogue.person import comes_to, says_that_it_never_was
from tests.faults.clock import ahead
from tests.faults.joiner import Joiner
from tests.faults.world import World
from tests.system.operator import millrace
from tests.system.waiting import until

OFF_S = 300.0
CASES = (("writer", OFF_S), ("gateway", OFF_S), ("writer", -OFF_S), ("gateway", -OFF_S))
LATER_S = 25 * 3600.0
SETTLES_WITHIN_S = 60.0
STUCK = ("charged", "refused", "stored")
"""The answer to the first is lost; the second never reaches Stripe; the third is answered for good with 500, and not executed."""
SET_ON_THE_TOPIC = 1  # Source: Kafka, DescribeConfigs, config_source: DYNAMIC_TOPIC_CONFIG


@fault("F17", "a worker whose clock is five minutes ahead, or behind")
async def wrong_clock(world: World) -> None:
    role, seconds = world.turn(CASES)
    world.note("clock", f"{role} {seconds:+.0f} s")
    await works_beside(world, role, Joiner(world.system, role, ahead(seconds)))


@fault(
    "F11",
    "a command stuck for 25 hours, whose keys Stripe has forgotten; and one that comes so late",
    with_load=False,
)
async def keys_forgotten(world: World) -> None:
    """The writers and gateways sleep, and others with tomorrow's clock take over; the log has the senders' time meanwhile."""
    key = world.key("stuck")
    charged, refused, stored = (world.http.payment_id(f"{key}-{what}") for what in STUCK)
    async with world.at_stripe(
        {"kind": "lost_answer", "payment": charged},
        {"kind": "webhook_drop", "payment": charged},
        {"kind": "reset", "payment": refused},
        {"kind": "stored_500", "executed": False, "payment": stored},
    ):
        for what in STUCK:
            made = await world.http.create(f"{key}-{what}", wait_s=1)
            await comes_to(world, made.payment_id, "unknown")
        sleepers = world.names("writer", "gateway")
        for name in sleepers:
            await world.signal(name, signal.SIGSTOP)
        await world.stripe.move_clock(LATER_S)
    try:
        # the list of events would tell of the charge, and nobody would have to ask for it again, or not
        async with world.at_stripe({"kind": "lock_timeout", "endpoint": "events.list"}):
            await _tomorrow(world, f"{key}-late", charged, (refused, stored))
    finally:
        await world.stripe.move_clock(-LATER_S)
        await millrace(world.system, "topics", "create")  # which holds them to their configuration
        for name in sleepers:
            await world.signal(name, signal.SIGKILL)
    world.strike()
    await world.whole()


async def _tomorrow(world: World, late_key: str, charged: str, never_made: tuple[str, ...]) -> None:
    """Others take over: what was charged is found, of what was not a person must say so; and what comes now is refused."""
    await _stamped_by_senders(world)
    clock = ahead(LATER_S)
    joiners = [Joiner(world.system, role, clock) for role in ("writer", "gateway")]
    try:
        for joiner in joiners:
            joiner.start()
        for joiner in joiners:
            await asyncio.to_thread(joiner.wait_until_ready)
        await comes_to(world, charged, "captured", "manual_review")
        for payment_id in never_made:
            status = await comes_to(world, payment_id, "captured", "manual_review")
            if status == "manual_review":
                await says_that_it_never_was(world, payment_id, clock)
            else:
                world.history.wrong.append(f"I15 {payment_id} is {status}: it was asked for again so late")
        late = await world.kafka.create(late_key)
        await until(
            partial(_is_refused, world, late.payment_id), SETTLES_WITHIN_S, "I14 what comes late is refused"
        )
    finally:
        await world.inquest.log.read_on()
        stories = world.inquest.log.stories
        for payment_id in (charged, *never_made):
            world.note("stories", [story.type for _, story in stories[payment_id]])
        for joiner in joiners:  # with all committed: what was done tomorrow is not to be done again today
            await asyncio.to_thread(joiner.stop)


async def _stamped_by_senders(world: World) -> None:
    """The brokers' own clock is today's."""
    admin = AIOKafkaAdminClient(bootstrap_servers=world.brokers.bootstrap)
    await admin.start()
    try:
        topic = ConfigResource(ConfigResourceType.TOPIC, COMMANDS)
        (told,) = await admin.describe_configs([topic])
        ((_, _, _, _, entries),) = told.resources
        own = {name: value for name, value, _, source, *_ in entries if source == SET_ON_THE_TOPIC}
        configs = {**own, "message.timestamp.type": "CreateTime"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, COMMANDS, configs=configs)])
    finally:
        await admin.close()


async def _is_refused(world: World, payment_id: str) -> bool:
    """Read in the log, since nobody waits. What is not refused is wrong, whatever comes of it."""
    await world.inquest.log.read_on()
    told = [story for _, story in world.inquest.log.stories[payment_id]]
    if told and told[0].content.get("code") != "command_expired":
        world.history.wrong.append(
            f"I15 a create that came {LATER_S:g} s late: {[each.type for each in told]}"
        )
    return bool(told)
