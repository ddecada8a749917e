"""Card numbers, API keys and Stripe's key go in, and come out nowhere: no log, no topic, no answer. The last of all tests."""

from typing import Any
from uuid import uuid4

import pytest

from models.codes import Code
from streams.topics import COMMANDS
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient, envelope
from tests.system.secrecy import canaries, leaks
from tests.system.stack import System

pytestmark = pytest.mark.real

CARD, CARD_WITH_GAPS = "4000056655665556", "4000 0566 5566 5556"
FOREIGN_KEY = "mr_test_canary0that0nobody0holds"


async def test_nothing_secret_comes_out_anywhere(
    system: System, http: HttpClient, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    answers = await _by_http(http)
    sent = await _by_kafka(kafka_client, inquest)
    await inquest.hold()
    planted = {"card": CARD, "card with gaps": CARD_WITH_GAPS, "foreign key": FOREIGN_KEY}
    told = b"".join(answers)
    found = [
        f"an answer holds the {name}" for name, canary in canaries(system, planted).items() if canary in told
    ]
    assert not found + await leaks(system, canaries(system, planted), sent)


async def _by_http(http: HttpClient) -> list[bytes]:
    odd: list[dict[str, Any]] = [
        {"description": CARD},
        {"metadata": {"card": CARD_WITH_GAPS}},
        {"payment_method": CARD},
        {CARD: CARD},
    ]
    told = []
    for number, body in enumerate(odd):
        made = await http.create(f"canary-{number}", **body)
        assert made.status == 422
        told.append(str((made.answer, made.headers)).encode())
    for key in (FOREIGN_KEY, f"{FOREIGN_KEY} x"):
        told.append((await http.once("GET", "/v1/payments", {"Authorization": f"Bearer {key}"}))[2])
    told.append((await http.once("GET", f"/v1/payments/{CARD}?x={CARD}", http.authorized()))[2])
    told.append((await http.once("GET", "/metrics", {}))[2])
    return told


async def _by_kafka(kafka_client: KafkaClient, inquest: Inquest) -> set[bytes]:
    """A command that is refused and one that is poison; their payments, whose own records hold what was sent."""
    refused = await kafka_client.create("canary-record", description=f"card {CARD}")
    key = f"pay_{uuid4().hex}".encode()
    place, offset = await kafka_client.send(
        key, b"{" + CARD.encode(), envelope(str(uuid4()), "payment.create.v1", "x")
    )
    inquest.poison[f"{COMMANDS}/{place}/{offset}"] = Code.UNDECODABLE.value
    return {refused.payment_id.encode(), key}
