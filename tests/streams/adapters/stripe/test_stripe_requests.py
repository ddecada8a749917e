"""What is sent, byte for byte: a golden file holds it, because Stripe refuses a key that comes back with other parameters.

`python -m tests.streams.adapters.stripe.test_stripe_requests` writes the file anew. A change to it strands the calls that are
open while it is rolled out; it wants a reason in the commit.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from models.errors import InvariantBroken
from models.money import Money
from models.provider import CancelIntent, CaptureIntent, CreateIntent, PspCall, RefundIntent, Rejected
from models.terms import CaptureMethod, PaymentTerms
from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider
from streams.adapters.stripe_requests import USER_METADATA_MAX, request_of
from tests.streams.adapters.stripe.stripe_world import create, error, http, scripted

GOLDEN = Path(__file__).with_name("golden") / "stripe_parameters.txt"
PAYMENT = "pay_" + "0" * 32
REFUND = "re_" + "1" * 32
FULL = PaymentTerms(
    Money(1999, "eur"),
    "pm_card_visa",
    CaptureMethod.MANUAL,
    description="Ein Gerät & mehr",
    customer="cus_1",
    receipt_email="ada+1@example.org",
    statement_descriptor_suffix="GERÄT 1",
    return_url="https://shop.example/back?a=1&b=2",
    off_session=True,
    metadata={"zeta": "last", "alpha": "first", "payment_id": "hidden", "merchant": "hidden", "empty": ""},
)
ASKS: dict[str, Any] = {
    "create": CreateIntent(PaymentTerms(Money(1999, "usd"), "pm_card_visa")),
    "create_full": CreateIntent(FULL),
    "capture": CaptureIntent("pi_1", 1999, True),
    "capture_in_part": CaptureIntent("pi_1", 500, False),
    "cancel": CancelIntent("pi_1", None),
    "cancel_with_reason": CancelIntent("pi_1", "requested_by_customer"),
    "cancel_with_other_reason": CancelIntent("pi_1", "out of stock"),
    "refund": RefundIntent("pi_1", REFUND, 500, None),
    "refund_with_reason": RefundIntent("pi_1", REFUND, 500, "duplicate"),
}


def _call(name: str) -> PspCall:
    call = create(PAYMENT, at=datetime.now(UTC))
    return replace(call, key=f"{PAYMENT}:{name}:1", merchant="mer_1", ask=ASKS[name])


async def _sent() -> str:
    """Each call as it goes over the wire: its name, path, key and body."""
    lines = []
    async with scripted(http(400, error("invalid_request_error"))) as server:
        provider = StripeProvider(line_to("sk_test_golden", server.url), multicapture=True)
        for name in ASKS:
            await provider.perform(_call(name))
        await provider.close()
    for name, request in zip(ASKS, server.received, strict=True):
        head, _, body = request.decode().partition("\r\n\r\n")
        method, path, _ = head.split(" ", 2)
        key = next(line for line in head.split("\r\n") if line.startswith("Idempotency-Key"))
        lines.append(f"{name}\n  {method} {path}\n  {key}\n  {body}\n")
    return "".join(lines)


async def test_every_call_is_sent_as_the_golden_file_has_it() -> None:
    assert await _sent() == GOLDEN.read_text()


async def test_two_processes_with_metadata_in_another_order_send_the_same() -> None:
    turned = replace(FULL, metadata=dict(reversed(FULL.metadata.items())))
    ours = request_of(_call("create_full"), True)
    theirs = request_of(replace(_call("create_full"), ask=CreateIntent(turned)), True)
    assert str(ours) == str(theirs)


async def test_our_own_metadata_cannot_be_hidden_by_the_merchants() -> None:
    metadata = request_of(_call("create_full"), False).parameters["metadata"]
    assert (metadata["payment_id"], metadata["merchant"]) == (PAYMENT, "mer_1")


async def test_an_injected_name_or_one_too_many_is_rejected_without_being_sent() -> None:
    crowd = {f"name_{n}": "x" for n in range(USER_METADATA_MAX + 1)}
    async with scripted(http(200, {})) as server:
        provider = StripeProvider(line_to("sk_test_golden", server.url))
        for metadata in (crowd, {"a][payment_id": "pay_x"}):
            assert isinstance(await provider.perform(create(PAYMENT, metadata=metadata)), Rejected)
        await provider.close()
    assert server.received == []


async def test_what_is_in_a_value_stays_in_that_value() -> None:
    sly = {"note": "x&metadata[payment_id]=pay_x&amount=1"}
    async with scripted(http(400, error("invalid_request_error"))) as server:
        provider = StripeProvider(line_to("sk_test_golden", server.url))
        await provider.perform(create(PAYMENT, metadata=sly))
        await provider.close()
    pairs = parse_qsl(server.bodies()[0].decode())
    assert [value for name, value in pairs if name == "metadata[payment_id]"] == [PAYMENT]
    assert ("metadata[note]", sly["note"]) in pairs and ("amount", "1999") in pairs


@pytest.mark.parametrize("intent", ["", "pi_1/../../v1/refunds", "@evil.example", "pi_1?x=1"])
def test_an_intent_that_is_no_id_makes_no_path(intent: str) -> None:
    with pytest.raises(InvariantBroken):
        request_of(replace(_call("capture"), ask=CaptureIntent(intent, 1, True)), False)


if __name__ == "__main__":
    GOLDEN.write_text(asyncio.run(_sent()))
