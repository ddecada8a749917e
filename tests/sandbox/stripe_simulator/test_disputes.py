"""Disputes from end to end: the money they take and give back, inquiries that escalate, and the bank's controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw


async def disputed(sdk: stripe.StripeClient, raw: Raw, **opening: Any) -> tuple[stripe.PaymentIntent, str]:
    """A paid intent, and the id of the dispute that the control opened on it."""
    intent = await sdk.v1.payment_intents.create_async(
        {
            "amount": 1999,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "metadata": {"payment_id": "pay_1"},
        }
    )
    opened = await raw.sim("disputes", {"payment_intent": intent.id, **opening})
    return intent, opened["id"]


def moved(dispute: stripe.Dispute) -> list[tuple[int, str, str]]:
    return [(each.amount, each.type, each.reporting_category) for each in dispute.balance_transactions]


async def told(sdk: stripe.StripeClient) -> list[str]:
    """The kinds of the dispute's events, oldest first."""
    events = await sdk.v1.events.list_async({"type": "charge.dispute.*", "limit": 100})
    return [event.type.removeprefix("charge.dispute.") for event in reversed(events.data)]


async def refused(raw: Raw, path: str, body: dict[str, Any]) -> tuple[int, str]:
    async with raw.session.post(f"{raw.url}/_sim/{path}", json=body) as answer:
        return answer.status, (await answer.json())["error"]["message"]


TAKEN = (-1999, "adjustment", "dispute")
GIVEN_BACK = (1999, "adjustment", "dispute_reversal")


async def test_a_chargeback_takes_the_money_at_once(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent, dispute_id = await disputed(sdk, raw, reason="product_not_received")
    dispute = await sdk.v1.disputes.retrieve_async(dispute_id)
    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "product_not_received",
        1999,
    )
    assert moved(dispute) == [TAKEN] and not dispute.is_charge_refundable
    (taken,) = dispute.balance_transactions
    assert (taken.net, taken.source, taken.currency) == (-1999, dispute.id, "usd")
    assert await told(sdk) == ["created", "funds_withdrawn"]
    charge = await sdk.v1.charges.retrieve_async(str(intent.latest_charge))
    assert charge.disputed


async def test_what_is_won_comes_back_and_can_be_refunded(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent, dispute_id = await disputed(sdk, raw)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"
    await raw.sim(f"disputes/{dispute_id}/close", {"status": "won"})
    dispute = await sdk.v1.disputes.retrieve_async(dispute_id)
    assert (dispute.status, moved(dispute)) == ("won", [TAKEN, GIVEN_BACK])
    assert dispute.is_charge_refundable
    assert await told(sdk) == ["created", "funds_withdrawn", "funds_reinstated", "closed"]
    assert (await sdk.v1.refunds.create_async({"payment_intent": intent.id})).status == "succeeded"


async def test_what_is_lost_stays_taken(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent, dispute_id = await disputed(sdk, raw)
    await raw.sim(f"disputes/{dispute_id}/close", {"status": "lost"})
    dispute = await sdk.v1.disputes.retrieve_async(dispute_id)
    assert (dispute.status, moved(dispute), dispute.is_charge_refundable) == ("lost", [TAKEN], False)
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert "lost" in (await refused(raw, "disputes", {"payment_intent": intent.id, "inquiry": True}))[1]


async def test_an_inquiry_takes_nothing_and_can_only_be_closed_or_escalated(
    sdk: stripe.StripeClient, raw: Raw
) -> None:
    _, dispute_id = await disputed(sdk, raw, inquiry=True)
    dispute = await sdk.v1.disputes.retrieve_async(dispute_id)
    assert (dispute.status, moved(dispute)) == ("warning_needs_response", [])
    assert dispute.is_charge_refundable
    assert (await refused(raw, f"disputes/{dispute_id}/close", {"status": "won"}))[0] == 400
    await raw.sim(f"disputes/{dispute_id}/close", {"status": "warning_closed"})
    assert await told(sdk) == ["created", "closed"]
    status, message = await refused(raw, f"disputes/{dispute_id}/escalate", {})
    assert status == 400 and "warning_closed" in message


async def test_an_escalated_inquiry_is_a_chargeback_of_the_same_id(
    sdk: stripe.StripeClient, raw: Raw
) -> None:
    intent, dispute_id = await disputed(sdk, raw, inquiry=True)
    shown = await raw.sim(f"disputes/{dispute_id}/escalate", {})
    assert (shown["id"], shown["status"], shown["is_charge_refundable"]) == (
        dispute_id,
        "needs_response",
        False,
    )
    assert moved(await sdk.v1.disputes.retrieve_async(dispute_id)) == [TAKEN]
    assert await told(sdk) == ["created", "updated", "funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"
    outcomes = [e["outcome"] for e in (await raw.sim("ledger?kind=dispute&payment=pay_1"))["entries"]]
    assert outcomes == ["warning_needs_response", "needs_response"]


@pytest.mark.parametrize(
    ("words", "end", "taken"),
    [
        ("escalate_inquiry_evidence", "needs_response", [TAKEN]),
        ("winning_evidence", "warning_closed", []),
        ("losing_evidence", "warning_closed", []),
        ("an honest letter", "warning_under_review", []),
    ],
)
async def test_the_evidence_decides_an_inquiry(
    sdk: stripe.StripeClient, raw: Raw, words: str, end: str, taken: list[Any]
) -> None:
    _, dispute_id = await disputed(sdk, raw, inquiry=True)
    await sdk.v1.disputes.update_async(dispute_id, {"evidence": {"uncategorized_text": words}})
    await raw.sim("clock", {"advance_s": 2})
    dispute = await sdk.v1.disputes.retrieve_async(dispute_id)
    assert (dispute.status, moved(dispute)) == (end, taken)


async def test_an_escalated_inquiry_can_still_be_won(sdk: stripe.StripeClient, raw: Raw) -> None:
    _, dispute_id = await disputed(sdk, raw, inquiry=True)
    for words in ("escalate_inquiry_evidence", "winning_evidence"):
        await sdk.v1.disputes.update_async(dispute_id, {"evidence": {"uncategorized_text": words}})
        await raw.sim("clock", {"advance_s": 2})
    dispute = await sdk.v1.disputes.retrieve_async(dispute_id)
    assert (dispute.status, moved(dispute)) == ("won", [TAKEN, GIVEN_BACK])


async def test_an_older_event_shows_the_money_as_it_was_then(sdk: stripe.StripeClient, raw: Raw) -> None:
    _, dispute_id = await disputed(sdk, raw)
    await raw.sim(f"disputes/{dispute_id}/close", {"status": "won"})
    events = (await sdk.v1.events.list_async({"type": "charge.dispute.*"})).data
    amounts = {
        event.type: [each["amount"] for each in event.data.object["balance_transactions"]] for event in events
    }
    assert amounts["charge.dispute.created"] == amounts["charge.dispute.funds_withdrawn"] == [-1999]
    assert amounts["charge.dispute.closed"] == [-1999, 1999]


async def test_only_captured_money_without_an_open_dispute_can_be_disputed(
    sdk: stripe.StripeClient, raw: Raw
) -> None:
    _, held, _ = await raw.pay(None, capture_method="manual")
    assert "not been captured" in (await refused(raw, "disputes", {"payment_intent": held["id"]}))[1]
    intent, dispute_id = await disputed(sdk, raw, amount=500)
    assert dispute_id in (await refused(raw, "disputes", {"charge": intent.latest_charge}))[1]
    await raw.sim(f"disputes/{dispute_id}/close", {"status": "won"})
    again = await raw.sim("disputes", {"charge": intent.latest_charge, "inquiry": True})
    assert again["status"] == "warning_needs_response"
    listed = (await sdk.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert [dispute.id for dispute in listed] == [again["id"], dispute_id]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("disputes", {}, 404),
        ("disputes", {"charge": "ch_none"}, 404),
        ("disputes", {"colour": "red"}, 400),
        ("disputes/du_none/close", {"status": "won"}, 404),
    ],
)
async def test_a_control_that_cannot_be_followed_is_refused(
    raw: Raw, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await refused(raw, path, body))[0] == status


async def test_a_reason_that_stripe_does_not_know_is_refused(sdk: stripe.StripeClient, raw: Raw) -> None:
    _, intent, _ = await raw.pay()
    body = {"payment_intent": intent["id"], "reason": "bad_mood"}
    assert (await refused(raw, "disputes", body))[0] == 400
    assert (await sdk.v1.disputes.list_async()).data == []
