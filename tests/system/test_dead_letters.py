"""What an operator does about dead letters: seen, put back as the very command it was, or done with; once, and written down."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from models.codes import Code
from streams.delivery import partition_of
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import COMMANDS, KafkaClient, envelope
from tests.system.operator import millrace, told
from tests.system.stack import System
from tests.system.waiting import until

pytestmark = pytest.mark.real

WITHIN_S = 20.0
BY = ("--operator=ada", "--reason=the partition was wrong")
BODY = b'{"merchant": "%b", "amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}'


async def misplaced(system: System, kafka_client: KafkaClient, inquest: Inquest) -> tuple[str, str]:
    """A good create on another partition than its key's; the payment's id, and where it lies."""
    payment_id, partitions = f"pay_{uuid4().hex}", system.settings.partitions
    elsewhere = (partition_of(payment_id.encode(), partitions) + 1) % partitions
    value = BODY % kafka_client.merchant.encode()
    headers = envelope(str(uuid4()), "payment.create.v1", payment_id)
    place, offset = await kafka_client.send(payment_id.encode(), value, headers, elsewhere)
    inquest.poison[source := f"{COMMANDS}/{place}/{offset}"] = Code.KEY_INVALID.value
    return payment_id, source


async def letter_from(system: System, source: str, *options: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    async def lies_there() -> bool:
        listed = await told(system, "dead-letters", *options)
        found[:] = [each for each in listed if each["source"] == source]
        return bool(found)

    await until(lies_there, WITHIN_S, f"a dead letter from {source}")
    return found[0]


async def test_a_letter_that_is_put_back_is_the_command_it_was_and_is_put_back_once(
    system: System, http: HttpClient, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    payment_id, source = await misplaced(system, kafka_client, inquest)
    letter = (await letter_from(system, source))["letter"]
    (shown,) = await told(system, "dead-letters", "show", letter)
    assert (shown["value"].encode(), shown["settled"]) == (BODY % kafka_client.merchant.encode(), None)
    at_once = await asyncio.gather(
        *(millrace(system, "dead-letters", "redrive", letter, *BY) for _ in range(2))
    )
    assert sorted(said.code for said in at_once) == [0, 1], at_once
    again = await millrace(system, "dead-letters", "drop", letter, "--operator=bob", "--reason=late")
    assert (again.code, again.out) == (1, "")
    assert f"{letter} was redriven by ada at " in again.err
    other_name = letter.replace("/", "/0")
    again = await millrace(system, "dead-letters", "redrive", other_name, "--operator=bob", "--reason=late")
    assert (again.code, again.out) == (1, ""), "by whatever name, it is the same letter"
    (shown,) = await told(system, "dead-letters", "show", other_name)
    assert shown["settled"].startswith("redriven by ada, ")
    await inquest.hold()
    status, payment = await http.get(f"/v1/payments/{payment_id}")
    assert (status, payment["status"]) == (200, "captured")
    log = [record for record in inquest.log.commands.values() if record.key == payment_id.encode()]
    creates = [record for record in log if dict(record.headers)["ce_type"] == b"payment.create.v1"]
    assert len(creates) == 2, "the original, and one that was put back"
    assert letter not in [each["letter"] for each in await told(system, "dead-letters", "--most=10000")]
    settled = (await letter_from(system, source, "list", "--all", "--most=10000"))["settled"]
    assert settled.startswith("redriven by ada, ")


async def test_what_is_done_with_is_not_put_back(
    system: System, http: HttpClient, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    payment_id, source = await misplaced(system, kafka_client, inquest)
    letter = (await letter_from(system, source))["letter"]
    (dropped,) = await told(system, "dead-letters", "drop", letter, *BY)
    assert (dropped["fate"], dropped["source"]) == ("dropped", source)
    late = await millrace(system, "dead-letters", "redrive", letter, *BY)
    assert (late.code, "was dropped by ada" in late.err) == (1, True)
    await inquest.hold()
    assert (await http.get(f"/v1/payments/{payment_id}"))[0] == 404


@pytest.mark.parametrize("name", ["0", "x/1", "0/999999", "99/0"])
async def test_a_letter_that_is_not_there_is_a_line(system: System, name: str) -> None:
    said = await millrace(system, "dead-letters", "show", name)
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
