"""Paying with a saved method: off session, for its own customer only, with the official SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe

from tests.sandbox.stripe_simulator.saving import pay, with_card

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw


async def test_a_saved_method_pays_without_its_customer_being_there(sdk: stripe.StripeClient) -> None:
    customer, method = await with_card(sdk)
    for _ in range(2):
        intent = await pay(sdk, method.id, customer=customer.id, off_session=True)
        assert (intent.status, intent.payment_method) == ("succeeded", method.id)


async def test_a_saved_method_that_needs_authentication_is_declined_off_session(
    sdk: stripe.StripeClient,
) -> None:
    customer, method = await with_card(sdk, "pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as caught:
        await pay(sdk, method.id, customer=customer.id, off_session=True)
    error = caught.value.error
    assert (caught.value.http_status, caught.value.code) == (402, "authentication_required")
    assert error is not None and error.decline_code == "authentication_required"
    assert error.payment_method is not None and error.payment_method.id == method.id
    assert error.payment_method.customer == customer.id
    assert error.payment_intent is not None
    assert error.payment_intent.status == "requires_payment_method"
    on_session = await pay(sdk, method.id, customer=customer.id)
    assert on_session.status == "requires_action"


async def test_a_card_that_was_set_up_pays_off_session_later(sdk: stripe.StripeClient, raw: Raw) -> None:
    customer = await sdk.v1.customers.create_async()
    first = await pay(
        sdk,
        "pm_card_authenticationRequiredOnSetup",
        customer=customer.id,
        setup_future_usage="off_session",
    )
    assert first.status == "requires_action"
    await raw.sim(f"authenticate/{first.id}", {"outcome": "succeed"})
    (saved,) = (await sdk.v1.customers.payment_methods.list_async(customer.id)).data
    assert saved.id == first.payment_method
    later = await pay(sdk, saved.id, customer=customer.id, off_session=True)
    assert later.status == "succeeded"


async def test_a_method_is_only_kept_after_a_payment_that_asked_for_it(sdk: stripe.StripeClient) -> None:
    customer = await sdk.v1.customers.create_async()
    await pay(sdk, "pm_card_visa", customer=customer.id)
    with pytest.raises(stripe.CardError):
        await pay(sdk, "pm_card_chargeDeclined", customer=customer.id, setup_future_usage="off_session")
    assert (await sdk.v1.customers.payment_methods.list_async(customer.id)).data == []


async def test_another_customers_method_is_refused(sdk: stripe.StripeClient, raw: Raw) -> None:
    owner, method = await with_card(sdk)
    stranger = await sdk.v1.customers.create_async()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await pay(sdk, method.id, customer=stranger.id)
    assert (caught.value.code, caught.value.param) == (None, "payment_method")
    assert "does not belong to the Customer" in str(caught.value)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await pay(sdk, method.id)
    assert caught.value.code == "parameter_missing" and owner.id in str(caught.value)
    outcomes = {entry["outcome"] for entry in (await raw.sim("ledger?kind=charge"))["entries"]}
    assert outcomes == {"refused"}


async def test_another_customers_method_is_refused_at_the_confirmation_too(sdk: stripe.StripeClient) -> None:
    _, method = await with_card(sdk)
    stranger = await sdk.v1.customers.create_async()
    intent = await sdk.v1.payment_intents.create_async(
        {"amount": 700, "currency": "usd", "customer": stranger.id, "allowed_payment_method_types": ["card"]}
    )
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": method.id})
    error = caught.value.error
    assert error is not None and error.payment_intent is not None
    assert error.payment_intent.id == intent.id
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "requires_payment_method"


async def test_a_method_detached_before_the_confirmation_pays_no_more(sdk: stripe.StripeClient) -> None:
    customer, method = await with_card(sdk)
    intent = await pay(sdk, method.id, customer=customer.id, confirm=False)
    assert intent.status == "requires_confirmation"
    await sdk.v1.payment_methods.detach_async(method.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_intents.confirm_async(intent.id)
    assert "may not be used again" in str(caught.value)


async def test_the_bank_is_asked_when_a_card_is_attached(sdk: stripe.StripeClient) -> None:
    customer = await sdk.v1.customers.create_async()
    with pytest.raises(stripe.CardError) as caught:
        await sdk.v1.payment_methods.attach_async("pm_card_chargeDeclined", {"customer": customer.id})
    assert caught.value.code == "card_declined"
    method = await sdk.v1.payment_methods.attach_async(
        "pm_card_chargeCustomerFail", {"customer": customer.id}
    )
    with pytest.raises(stripe.CardError):
        await pay(sdk, method.id, customer=customer.id)


async def test_a_method_is_attached_once(sdk: stripe.StripeClient) -> None:
    _, method = await with_card(sdk)
    other = await sdk.v1.customers.create_async()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_methods.attach_async(method.id, {"customer": other.id})
    assert "already been attached" in str(caught.value)
