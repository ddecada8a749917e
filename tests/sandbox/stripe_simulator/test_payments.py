"""PaymentIntents, captures, cancellations and refunds: legal moves, refusals with Stripe's codes, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw


async def authorize(sdk: stripe.StripeClient, **more: Any) -> stripe.PaymentIntent:
    params: Any = {
        "amount": 1999,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "payment_method_types": ["card"],
        "capture_method": "manual",
        "confirm": True,
        "metadata": {"payment_id": "pay_1"},
        "expand": ["latest_charge"],
        **more,
    }
    return await sdk.v1.payment_intents.create_async(params)


async def test_an_authorization_says_until_when_it_can_be_captured(sdk: stripe.StripeClient) -> None:
    seven_days = await authorize(sdk)
    five_days = await authorize(sdk, off_session=True)
    for intent, days in ((seven_days, 7), (five_days, 5)):
        assert (intent.status, intent.amount_capturable, intent.amount_received) == (
            "requires_capture",
            1999,
            0,
        )
        assert isinstance(intent.latest_charge, stripe.Charge)
        details = intent.latest_charge.payment_method_details
        assert details is not None and details.card is not None and details.card.capture_before is not None
        assert details.card.capture_before - intent.created == days * 86_400


async def test_a_partial_capture_releases_the_rest(sdk: stripe.StripeClient) -> None:
    intent = await authorize(sdk)
    intent = await sdk.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1000})
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 1000, 0)
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1001})


async def test_several_captures_where_multicapture_was_asked_for(sdk: stripe.StripeClient) -> None:
    intent = await authorize(sdk, payment_method_options={"card": {"request_multicapture": "if_available"}})
    intent = await sdk.v1.payment_intents.capture_async(
        intent.id, {"amount_to_capture": 500, "final_capture": False}
    )
    assert (intent.status, intent.amount_capturable, intent.amount_received) == (
        "requires_capture",
        1499,
        500,
    )
    intent = await sdk.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 700})
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("succeeded", 0, 1200)


async def test_a_capture_above_the_authorized_amount_is_refused(sdk: stripe.StripeClient) -> None:
    intent = await authorize(sdk)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 2000})
    assert (caught.value.code, caught.value.param) == ("amount_too_large", "amount_to_capture")


@pytest.mark.parametrize("move", ["capture", "cancel", "confirm"])
async def test_a_move_from_a_wrong_state_answers_with_the_intent(
    sdk: stripe.StripeClient, raw: Raw, move: str
) -> None:
    intent = await authorize(sdk, capture_method="automatic")
    status, body, _ = await raw.post(f"/v1/payment_intents/{intent.id}/{move}", {})
    assert (status, body["error"]["code"]) == (400, "payment_intent_unexpected_state")
    assert body["error"]["payment_intent"]["status"] == "succeeded"


async def test_cancelling_gives_the_authorization_back(sdk: stripe.StripeClient) -> None:
    intent = await authorize(sdk)
    canceled = await sdk.v1.payment_intents.cancel_async(
        intent.id, {"cancellation_reason": "requested_by_customer", "expand": ["latest_charge"]}
    )
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "requested_by_customer")
    assert isinstance(canceled.latest_charge, stripe.Charge) and canceled.latest_charge.refunded
    types = {event.type for event in (await sdk.v1.events.list_async({"limit": 2})).data}
    assert types == {"payment_intent.canceled", "charge.refunded"}


async def test_an_authorization_nobody_captures_expires(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await authorize(sdk)
    await raw.sim("clock", {"advance_s": 7 * 86_400 + 1})
    intent = await sdk.v1.payment_intents.retrieve_async(intent.id)
    assert (intent.status, intent.cancellation_reason) == ("canceled", "automatic")
    assert "charge.expired" in {event.type for event in (await sdk.v1.events.list_async({"limit": 2})).data}


async def test_partial_refunds_add_up_and_one_too_many_is_refused(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await authorize(sdk, capture_method="automatic")
    for amount in (500, 1499):
        await sdk.v1.refunds.create_async(
            {"payment_intent": intent.id, "amount": amount, "metadata": {"refund_id": f"re_{amount}"}}
        )
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1})
    assert caught.value.code == "charge_already_refunded"
    assert isinstance(intent.latest_charge, stripe.Charge)
    charge = await sdk.v1.charges.retrieve_async(intent.latest_charge.id, {"expand": ["refunds"]})
    assert charge.refunded and charge.amount_refunded == 1999
    assert charge.refunds is not None and len(charge.refunds.data) == 2
    told = [
        (e["kind"], e["outcome"], e["refund"]) for e in (await raw.sim("ledger?payment=pay_1"))["entries"]
    ]
    assert told == [
        ("charge", "succeeded", None),
        ("refund", "succeeded", "re_500"),
        ("refund", "succeeded", "re_1499"),
        ("refund", "refused", None),
    ]


async def test_an_uncaptured_payment_is_not_refunded(sdk: stripe.StripeClient) -> None:
    intent = await authorize(sdk)
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.refunds.create_async({"payment_intent": intent.id})


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"amount": "49"}, "amount", "amount_too_small"),
        ({"amount": "49", "currency": "jpy"}, "amount", "amount_too_small"),
        ({"amount": "9999999999999"}, "amount", "amount_too_large"),
        ({"amount": "19.99"}, "amount", "parameter_invalid_integer"),
        ({"amount": ""}, "amount", "parameter_missing"),
        ({"amount": "1001", "currency": "kwd"}, "amount", None),
        ({"amount": "1001", "currency": "isk"}, "amount", None),
        ({"currency": "xxx"}, "currency", None),
        ({"payment_method": "pm_card_unheard_of"}, "payment_method", "resource_missing"),
        (
            {"payment_method": "pm_usBankAccount_success"},
            "payment_method",
            "payment_intent_incompatible_payment_method",
        ),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"receipt_email": "nobody"}, "receipt_email", "email_invalid"),
        ({"capture_method": "later"}, "capture_method", None),
        ({"metadata[" + "n" * 41 + "]": "x"}, "metadata[" + "n" * 40 + "]", None),
        ({"metadata[long]": "x" * 501}, "metadata[long]", None),
        (
            {"statement_descriptor_suffix": "x" * 23},
            "statement_descriptor_suffix",
            "parameter_invalid_string_long",
        ),
        ({"expand[]": "colour"}, "expand", None),
    ],
)
async def test_bad_parameters_are_named(
    raw: Raw, changes: dict[str, str], param: str, code: str | None
) -> None:
    status, body, _ = await raw.pay(None, **changes)
    error = body["error"]
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert (error["param"], error.get("code")) == (param, code)
    assert (await raw.sim("ledger?kind=charge"))["entries"] == [] or code in (
        "resource_missing",
        "payment_intent_incompatible_payment_method",
    )


async def test_types_and_automatic_methods_exclude_each_other(raw: Raw) -> None:
    status, body, _ = await raw.pay(None, **{"automatic_payment_methods[enabled]": "true"})
    assert (status, body["error"]["param"]) == (400, "payment_method_types")
    assert "only specify one of these parameters" in body["error"]["message"]
    off = {"automatic_payment_methods[enabled]": "false"}
    assert (await raw.pay(None, **off))[0] == 200
    status, body, _ = await raw.pay(None, **{"payment_method_types[]": "carrier_pigeon"})
    assert (status, body["error"]["param"]) == (400, "payment_method_types")


@pytest.mark.parametrize("confirm", ["true", "false"])
async def test_a_method_of_another_type_is_refused_whenever_it_is_given(raw: Raw, confirm: str) -> None:
    bank = {"payment_method": "pm_usBankAccount_success", "confirm": confirm}
    status, body, _ = await raw.pay(None, **bank)
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")
    assert body["error"]["code"] == "payment_intent_incompatible_payment_method"
    assert (await raw.get("/v1/payment_intents"))[1]["data"] == []
    assert (await raw.pay(None, **bank, **{"payment_method_types[]": "us_bank_account"}))[0] == 200


async def test_without_a_return_url_redirecting_methods_must_be_ruled_out(raw: Raw) -> None:
    form = {"amount": "700", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    status, body, _ = await raw.post("/v1/payment_intents", form)
    assert (status, body["error"]["param"]) == (400, "return_url")
    never = {
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    }
    assert (await raw.post("/v1/payment_intents", {**form, **never}))[0] == 200


async def test_a_key_that_is_none_and_a_url_that_is_none_are_refused(raw: Raw) -> None:
    assert (await raw.get("/v1/payment_intents", Authorization="Bearer nonsense"))[0] == 401
    assert (await raw.get("/v1/payment_intents", Authorization=""))[0] == 401
    assert (await raw.get("/v1/nothing"))[0] == 404
    assert (await raw.get("/v1/payment_intents/pi_none"))[1]["error"]["code"] == "resource_missing"


async def test_lists_are_turned_page_by_page_newest_first(sdk: stripe.StripeClient) -> None:
    made = [(await authorize(sdk, customer=f"cus_{n % 2}")).id for n in range(7)]
    page = await sdk.v1.payment_intents.list_async({"limit": 3})
    seen = [intent.id async for intent in page.auto_paging_iter()]
    assert seen == made[::-1]
    before = await sdk.v1.payment_intents.list_async({"limit": 2, "ending_before": made[2]})
    assert [intent.id for intent in before.data] == [made[4], made[3]] and before.has_more
    of_one = await sdk.v1.payment_intents.list_async({"customer": "cus_1"})
    assert [intent.id for intent in of_one.data] == [made[5], made[3], made[1]]
    none = await sdk.v1.payment_intents.list_async({"created": {"lt": 1_000}})
    assert none.data == [] and not none.has_more


async def test_an_intent_can_be_created_updated_and_confirmed_step_by_step(sdk: stripe.StripeClient) -> None:
    intent = await sdk.v1.payment_intents.create_async(
        {
            "amount": 700,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "metadata": {"a": "1", "b": "2"},
        }
    )
    assert (intent.status, intent.latest_charge) == ("requires_payment_method", None)
    intent = await sdk.v1.payment_intents.update_async(
        intent.id, {"metadata": {"a": "", "c": "3"}, "amount": 800}
    )
    assert (intent.metadata.to_dict(), intent.amount) == ({"b": "2", "c": "3"}, 800)
    intent = await sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    assert (intent.status, intent.amount_received) == ("succeeded", 800)


async def test_the_balance_is_what_was_captured_less_what_was_refunded(sdk: stripe.StripeClient) -> None:
    intent = await authorize(sdk, capture_method="automatic")
    await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 500})
    (funds,) = (await sdk.v1.balance.retrieve_async()).available
    assert (funds.amount, funds.currency) == (1499, "usd")


async def test_intents_are_found_by_their_metadata(sdk: stripe.StripeClient) -> None:
    wanted = await authorize(sdk, metadata={"payment_id": "pay_wanted"})
    await authorize(sdk, metadata={"payment_id": "pay_other"})
    found = await sdk.v1.payment_intents.search_async({"query": 'metadata["payment_id"]:"pay_wanted"'})
    assert [intent.id for intent in found.data] == [wanted.id] and not found.has_more
    none = await sdk.v1.payment_intents.search_async(
        {"query": "metadata['payment_id']:'pay_wanted' AND status:'canceled'"}
    )
    assert none.data == []
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.payment_intents.search_async({"query": "whatever I mean"})
