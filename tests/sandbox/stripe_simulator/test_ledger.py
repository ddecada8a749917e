"""The ledger and the payments table: pages, filters, and that they agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw


async def test_pages_cover_the_ledger_once(raw: Raw) -> None:
    for number in range(7):
        await raw.pay(f"k{number}", **{"metadata[payment_id]": f"pay_{number}"})
    seen: list[Any] = []
    after, more = 0, True
    while more:
        page = await raw.sim(f"ledger?limit=3&after={after}")
        seen += page["entries"]
        after, more = page["next"], page["has_more"]
    assert [entry["payment"] for entry in seen] == [f"pay_{number}" for number in range(7)]
    assert page["total"] == 7


async def test_an_entry_says_whose_what_and_with_which_key(raw: Raw) -> None:
    _, intent, headers = await raw.pay("pay_1:create:1")
    form = {"payment_intent": intent["id"], "amount": "500", "metadata[refund_id]": "re_1"}
    _, refund, _ = await raw.post("/v1/refunds", form, "re_1:refund:1")
    charge, back = (await raw.sim("ledger?payment=pay_1"))["entries"]
    assert {
        name: charge[name] for name in ("kind", "outcome", "amount", "currency", "idempotency_key", "request")
    } == {
        "kind": "charge",
        "outcome": "succeeded",
        "amount": 1999,
        "currency": "usd",
        "idempotency_key": "pay_1:create:1",
        "request": headers["request-id"],
    }
    assert (charge["payment_intent"], charge["charge"]) == (intent["id"], intent["latest_charge"])
    assert (back["refund"], back["object"], back["amount"]) == ("re_1", refund["id"], 500)
    assert back["idempotency_key"] == "re_1:refund:1" and back["at"] >= charge["at"]


async def test_captures_and_cancellations_are_entered(raw: Raw) -> None:
    for verb in ("capture", "cancel"):
        _, intent, _ = await raw.pay(None, capture_method="manual")
        await raw.post(f"/v1/payment_intents/{intent['id']}/{verb}", {})
    told = [(entry["kind"], entry["outcome"]) for entry in (await raw.sim("ledger"))["entries"]]
    assert told == [
        ("charge", "authorized"),
        ("capture", "succeeded"),
        ("charge", "authorized"),
        ("cancel", "canceled"),
    ]


async def test_the_payments_table_shows_how_each_one_stands(raw: Raw) -> None:
    _, intent, _ = await raw.pay("k1")
    await raw.post(
        "/v1/refunds", {"payment_intent": intent["id"], "amount": "500", "metadata[refund_id]": "re_1"}
    )
    await raw.pay("k2", payment_method="pm_card_chargeDeclined", **{"metadata[payment_id]": "pay_2"})
    paid, declined = (await raw.sim("payments"))["payments"]
    assert (paid["payment"], paid["status"], paid["amount_captured"], paid["amount_refunded"]) == (
        "pay_1",
        "succeeded",
        1999,
        500,
    )
    assert paid["charges_succeeded"] == 1 and paid["refunds"][0]["refund"] == "re_1"
    assert (declined["payment"], declined["status"], declined["charges_succeeded"]) == (
        "pay_2",
        "requires_payment_method",
        0,
    )
    page = await raw.sim("payments?limit=1")
    assert page["has_more"] and (await raw.sim(f"payments?after={page['next']}"))["payments"] == [declined]
