"""F13, F14: clients that repeat themselves, contradict themselves, and send what is no command."""

import asyncio
from functools import partial

import aiohttp
from aiokafka.errors import KafkaError

from streams.topics import COMMANDS, EVENTS, REPLIES_PREFIX
from tests.faults.catalogue.fault import fault
from tests.faults.world import BACK_WITHIN_S, World
from tests.system.answers import REUSED
from tests.system.history import INFO, Operation
from tests.system.poison import ODD, send_odd
from tests.system.waiting import until

PARALLEL = 50
BETWEEN_S = (0.05, 0.4)
AGAIN = 5
NO_REPLIES = (f"{EVENTS}/0", f"{COMMANDS}/0", f"{REPLIES_PREFIX}nowhere/0")
"""Where answers may not go, or cannot."""


@fault("F13", "the same command five times, the same key with another body, fifty at once under one key")
async def repeated(world: World) -> None:
    key = world.key("repeated")
    made = await asyncio.gather(*(world.http.create(f"{key}-fifty", amount=4999) for _ in range(PARALLEL)))
    ids = {each.answer.get("id") for each in made if each.status in (201, 202)}
    if ids != {made[0].payment_id}:
        world.history.wrong.append(f"I7 fifty requests with one key made {ids}")
    bodies = [1000 + (number // len(world.http.doors)) % 2 for number in range(20)]  # both at each door
    torn = await asyncio.gather(*(world.http.create(f"{key}-torn", amount=amount) for amount in bodies))
    kept = await until(partial(_amount, world, torn[0].payment_id), BACK_WITHIN_S, "I14 it can be read")
    for each in torn:
        if not _fits(each, kept):
            world.history.wrong.append(
                f"I7 {kept} was made under a key, and who asked for {each.body['amount']} was told {each.status}"
            )
    for _ in range(AGAIN):
        sent = await world.kafka.create(f"{key}-five", amount=3100)
        await world.kafka.refund(sent.payment_id, f"{key}-five-refund", amount=100)
        await world.pause(*BETWEEN_S)
    await world.kafka.create(f"{key}-five", amount=9999)
    refunds = (
        world.http.refund(made[0].payment_id, f"{key}-race-{number}", amount=1000) for number in range(10)
    )
    taken = [each for each in await asyncio.gather(*refunds) if each.status in (201, 202)]
    if len(taken) > 4:
        world.history.wrong.append(f"I4 {len(taken)} refunds of 1000 were taken for 4999")
    world.strike()


@fault("F14", "poison: no UTF-8, no JSON, unknown types, no key, tombstones, lies")
async def poison(world: World) -> None:
    for what in world.random.sample(sorted(ODD), len(ODD)):
        try:
            await send_odd(world.kafka, world.inquest, ODD[what], world.system.settings.partitions)
        except KafkaError as refused:
            world.note(what, repr(refused))
        await world.pause(*BETWEEN_S)
    for where in NO_REPLIES:
        await world.kafka.create(world.key("elsewhere"), reply_to=where)
    world.strike()


async def _amount(world: World, payment_id: str) -> int:
    """Of a payment, as the first door shows it; 0 where it does not."""
    try:
        status, payment = await world.http.get(f"/v1/payments/{payment_id}")
    except (aiohttp.ClientError, OSError, TimeoutError):
        return 0
    return int(payment["amount"]) if status == 200 else 0


def _fits(asked: Operation, made: int) -> bool:
    """Whether an answer fits what was made under its key. Accepted only: nobody has been told yet."""
    if asked.outcome == INFO or asked.status == 202:
        return True
    if asked.body["amount"] == made:
        return asked.status in (200, 201)
    return asked.answer.get("code") == REUSED
