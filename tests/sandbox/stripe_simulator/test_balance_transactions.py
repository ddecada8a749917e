"""What charges, refunds and disputes did to the balance, listed and retrieved with the official SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw


async def pay(sdk: stripe.StripeClient, method: str = "pm_card_visa", **more: Any) -> stripe.Charge:
    params: Any = {
        "amount": 1999,
        "currency": "usd",
        "payment_method": method,
        "payment_method_types": ["card", "us_bank_account"],
        "confirm": True,
        "expand": ["latest_charge"],
        **more,
    }
    charge = (await sdk.v1.payment_intents.create_async(params)).latest_charge
    assert isinstance(charge, stripe.Charge)
    return charge


async def listed(sdk: stripe.StripeClient, **filters: Any) -> list[tuple[str, str, int]]:
    """Oldest first."""
    params: Any = {"limit": 100, **filters}
    found = (await sdk.v1.balance_transactions.list_async(params)).data
    return [(each.type, each.reporting_category, each.amount) for each in reversed(found)]


async def test_a_charge_and_its_refund_name_their_transactions(sdk: stripe.StripeClient) -> None:
    charge = await pay(sdk)
    refund = await sdk.v1.refunds.create_async({"charge": charge.id, "amount": 500})
    for source, amount, type in ((charge, 1999, "charge"), (refund, -500, "refund")):
        found = await sdk.v1.balance_transactions.retrieve_async(str(source.balance_transaction))
        assert (found.amount, found.net, found.fee, found.type) == (amount, amount, 0, type)
        assert (found.source, found.currency, found.reporting_category) == (source.id, "usd", type)
    assert await listed(sdk) == [("charge", "charge", 1999), ("refund", "refund", -500)]


async def test_a_refund_that_fails_later_gives_its_money_back(sdk: stripe.StripeClient, raw: Raw) -> None:
    charge = await pay(sdk, "pm_card_refundFail")
    refund = await sdk.v1.refunds.create_async({"charge": charge.id})
    await raw.sim("clock", {"advance_s": 2})
    refund = await sdk.v1.refunds.retrieve_async(refund.id, {"expand": ["failure_balance_transaction"]})
    back = refund.failure_balance_transaction
    assert isinstance(back, stripe.BalanceTransaction)
    assert (back.amount, back.reporting_category) == (1999, "refund_failure")
    assert await listed(sdk, source=refund.id) == [
        ("refund", "refund", -1999),
        ("refund_failure", "refund_failure", 1999),
    ]


async def test_what_a_dispute_took_and_gave_back_is_listed(sdk: stripe.StripeClient, raw: Raw) -> None:
    charge = await pay(sdk)
    dispute = await raw.sim("disputes", {"charge": charge.id})
    await raw.sim(f"disputes/{dispute['id']}/close", {"status": "won"})
    assert await listed(sdk, type="adjustment") == [
        ("adjustment", "dispute", -1999),
        ("adjustment", "dispute_reversal", 1999),
    ]
    (funds,) = (await sdk.v1.balance.retrieve_async()).available
    assert funds.amount == 1999


async def test_every_capture_has_a_transaction_of_its_own(sdk: stripe.StripeClient) -> None:
    options = {"card": {"request_multicapture": "if_available"}}
    charge = await pay(sdk, capture_method="manual", payment_method_options=options)
    assert charge.balance_transaction is None and await listed(sdk) == []
    intent = str(charge.payment_intent)
    for amount, final in ((500, False), (300, False), (700, True)):
        await sdk.v1.payment_intents.capture_async(
            intent, {"amount_to_capture": amount, "final_capture": final}
        )
    assert [amount for _, _, amount in await listed(sdk, source=charge.id)] == [500, 300, 700]


async def test_a_bank_debit_is_a_payment_once_it_has_settled(sdk: stripe.StripeClient, raw: Raw) -> None:
    await pay(sdk, "pm_usBankAccount_success")
    assert await listed(sdk) == []
    await raw.sim("clock", {"advance_s": 2})
    assert await listed(sdk) == [("payment", "charge", 1999)]


async def test_they_are_filtered_and_turned_page_by_page(sdk: stripe.StripeClient, raw: Raw) -> None:
    await pay(sdk, currency="eur")
    await raw.sim("clock", {"advance_s": 1000})
    charges = [await pay(sdk, amount=1000 + number) for number in range(5)]
    page = await sdk.v1.balance_transactions.list_async({"limit": 2, "type": "charge"})
    amounts = [each.amount async for each in page.auto_paging_iter()]
    assert amounts == [1004, 1003, 1002, 1001, 1000, 1999]
    assert await listed(sdk, currency="eur") == [("charge", "charge", 1999)]
    assert len(await listed(sdk, created={"gte": charges[0].created})) == 5
    assert len(await listed(sdk, created={"lt": charges[0].created})) == 1
    assert await listed(sdk, type="payout") == []


async def test_another_accounts_transaction_is_not_there(sdk: stripe.StripeClient, raw: Raw) -> None:
    charge = await pay(sdk)
    path = f"/v1/balance_transactions/{charge.balance_transaction}"
    assert (await raw.get(path))[0] == 200
    status, body = await raw.get(path, Authorization="Bearer sk_test_beta")
    assert (status, body["error"]["code"]) == (404, "resource_missing")


async def test_the_source_and_the_transaction_expand_each_other(sdk: stripe.StripeClient) -> None:
    charge = await pay(sdk, expand=["latest_charge.balance_transaction"])
    transaction = charge.balance_transaction
    assert isinstance(transaction, stripe.BalanceTransaction)
    found = await sdk.v1.balance_transactions.retrieve_async(transaction.id, {"expand": ["source"]})
    assert isinstance(found.source, stripe.Charge) and found.source.id == charge.id


async def test_a_canceled_refund_has_given_its_money_back_too(sdk: stripe.StripeClient) -> None:
    charge = await pay(sdk, "pm_card_pendingRefund")
    refund = await sdk.v1.refunds.create_async({"charge": charge.id})
    canceled = await sdk.v1.refunds.cancel_async(refund.id)
    assert canceled.failure_balance_transaction is not None
    assert sum(amount for _, _, amount in await listed(sdk)) == 1999
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.refunds.cancel_async(refund.id)
