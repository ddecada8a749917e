"""Whatever is put on the command topic: refused with a code, or a dead letter with a code, once; and the partition moves on."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import COMMANDS, KafkaClient, envelope
from tests.system.poison import MIB, ODD, send_odd
from tests.system.stack import System

pytestmark = pytest.mark.real

TWO_MIB = 2 << 20


@pytest.mark.parametrize("what", ODD)
async def test_what_can_become_no_command_is_sent(
    kafka_client: KafkaClient, inquest: Inquest, system: System, what: str
) -> None:
    """Each twice, as a producer that retries would; the end of this file looks at all of them together."""
    for _ in range(2):
        await send_odd(kafka_client, inquest, ODD[what], system.settings.partitions)


async def test_each_is_a_dead_letter_once_and_every_partition_moves_on(
    kafka_client: KafkaClient, http: HttpClient, inquest: Inquest
) -> None:
    behind = [await kafka_client.create(f"behind-{n}") for n in range(16)]
    found = await inquest.hold()
    assert len(found.log.dead) >= 2 * len(ODD)
    for made in behind:
        assert (await http.get(f"/v1/payments/{made.payment_id}"))[1]["status"] == "captured"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount": "1999"}, "validation_failed"),
        ({"amount": -1}, "validation_failed"),
        ({"amount": 19.99}, "validation_failed"),
        ({"amount": True}, "validation_failed"),
        ({"amount": 10**30}, "validation_failed"),
        ({"amount": 1}, "amount_too_small"),
        ({"amount": 10**12}, "amount_too_large"),
        ({"currency": "USD"}, "validation_failed"),
        ({"currency": "xxx"}, "currency_unsupported"),
        ({"payment_method": "4242424242424242"}, "validation_failed"),
        ({"metadata": {"a": 1}}, "validation_failed"),
        ({"metadata": {f"n{n}": "v" for n in range(60)}}, "validation_failed"),
        ({"description": "x" * 900_000}, "validation_failed"),
        ({"description": "card 4242 4242 4242 4242"}, "validation_failed"),
        ({"description": "nothing: \x00"}, None),
    ],
)
async def test_a_command_that_cannot_be_carried_out_is_refused_with_a_code(
    kafka_client: KafkaClient, inquest: Inquest, body: dict[str, Any], code: str | None
) -> None:
    sent = await kafka_client.create(f"refused-{uuid4()}", **body)
    found = await inquest.hold()
    told = [story for _, story in found.log.stories[sent.payment_id]]
    if code is not None:
        assert [(each.type, each.content["code"]) for each in told] == [("command.refused.v1", code)]


async def test_a_capture_and_a_refund_of_nothing_are_not_found(
    kafka_client: KafkaClient, inquest: Inquest
) -> None:
    nothing = f"pay_{uuid4().hex}"
    await kafka_client.command("capture", f"nothing-{nothing}", nothing, {})
    await kafka_client.refund(nothing, f"nothing-refund-{nothing}")
    found = await inquest.hold()
    assert [story.content["code"] for _, story in found.log.stories[nothing]] == ["not_found"] * 2


async def test_a_command_of_a_whole_mib_is_refused_and_one_beyond_never_gets_in(
    kafka_client: KafkaClient, inquest: Inquest
) -> None:
    largest = "x" * (MIB - 2_000)
    sent = await kafka_client.create("a-mib", description=largest)
    found = await inquest.hold()
    assert [story.content["code"] for _, story in found.log.stories[sent.payment_id]] == ["validation_failed"]
    with pytest.raises(MessageSizeTooLargeError):
        await kafka_client.send(f"pay_{uuid4().hex}".encode(), b" " * TWO_MIB, envelope("1", "t", "x"))


@pytest.fixture
async def compressing(system: System) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(
        bootstrap_servers=system.kafka.bootstrap, compression_type="gzip", max_request_size=64 << 20
    ) as producer:
        yield producer


async def test_a_compressed_command_is_a_command_and_one_that_unpacks_beyond_bounds_never_gets_in(
    compressing: AIOKafkaProducer, kafka_client: KafkaClient, inquest: Inquest, http: HttpClient
) -> None:
    made = await kafka_client.create("compressed")
    packed = {"merchant": made.merchant, **made.body}
    headers = envelope(made.command_id, "payment.create.v1", made.payment_id)
    value = json.dumps(packed).encode()
    await compressing.send_and_wait(COMMANDS, value, made.payment_id.encode(), headers=headers)
    key, bomb = f"pay_{uuid4().hex}".encode(), b"[" + b" " * (8 * MIB) + b"]"
    with pytest.raises(MessageSizeTooLargeError):
        await compressing.send_and_wait(COMMANDS, bomb, key, headers=headers)
    await inquest.hold()
    assert (await http.get(f"/v1/payments/{made.payment_id}"))[1]["status"] == "captured"
