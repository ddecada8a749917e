"""Customers and the methods they save, as far as later payments need them, with the official SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe

from tests.sandbox.stripe_simulator.saving import pay, with_card

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw


async def test_a_customer_is_created_changed_listed_and_deleted(sdk: stripe.StripeClient) -> None:
    made = await sdk.v1.customers.create_async(
        {"name": "Ada", "email": "ada@example.org", "metadata": {"a": "1", "b": "2"}}
    )
    assert made.id.startswith("cus_") and (made.name, made.email) == ("Ada", "ada@example.org")
    changed = await sdk.v1.customers.update_async(made.id, {"name": "", "metadata": {"a": "", "c": "3"}})
    assert (changed.name, changed.email) == (None, "ada@example.org")
    assert changed.metadata is not None and changed.metadata.to_dict() == {"b": "2", "c": "3"}
    other = await sdk.v1.customers.create_async()
    assert [each.id for each in (await sdk.v1.customers.list_async()).data] == [other.id, made.id]
    of_mail = await sdk.v1.customers.list_async({"email": "ada@example.org"})
    assert [each.id for each in of_mail.data] == [made.id]
    assert (await sdk.v1.customers.delete_async(made.id)).deleted
    assert (await sdk.v1.customers.retrieve_async(made.id)).deleted
    assert [each.id for each in (await sdk.v1.customers.list_async()).data] == [other.id]
    types = [event.type for event in (await sdk.v1.events.list_async({"type": "customer.*"})).data]
    assert types == ["customer.deleted", "customer.created", "customer.updated", "customer.created"]


async def test_a_customer_nobody_made_is_missing(sdk: stripe.StripeClient, raw: Raw) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.customers.retrieve_async("cus_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": "cus_none"})
    assert (caught.value.code, caught.value.param) == ("resource_missing", "customer")
    customer = await sdk.v1.customers.create_async()
    path = f"/v1/customers/{customer.id}"
    assert (await raw.get(path, Authorization="Bearer sk_test_beta"))[0] == 404


async def test_a_payment_may_name_a_customer_nobody_made_but_not_a_deleted_one(
    sdk: stripe.StripeClient,
) -> None:
    assert (await pay(sdk, "pm_card_visa", customer="cus_unheard_of")).customer == "cus_unheard_of"
    customer = await sdk.v1.customers.create_async()
    await sdk.v1.customers.delete_async(customer.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await pay(sdk, "pm_card_visa", customer=customer.id)
    assert (caught.value.code, caught.value.param) == ("resource_missing", "customer")


async def test_a_method_is_made_of_a_token_attached_listed_and_detached(sdk: stripe.StripeClient) -> None:
    customer = await sdk.v1.customers.create_async()
    made = await sdk.v1.payment_methods.create_async(
        {"type": "card", "card": {"token": "tok_mastercard"}, "billing_details": {"name": "Ada"}}
    )
    assert made.customer is None and made.card is not None and made.card.brand == "mastercard"
    assert made.billing_details.name == "Ada"
    attached = await sdk.v1.payment_methods.attach_async(made.id, {"customer": customer.id})
    assert (attached.id, attached.customer) == (made.id, customer.id)
    for found in (
        await sdk.v1.payment_methods.list_async({"customer": customer.id, "type": "card"}),
        await sdk.v1.customers.payment_methods.list_async(customer.id),
    ):
        assert [each.id for each in found.data] == [made.id]
    detached = await sdk.v1.payment_methods.detach_async(made.id)
    assert detached.customer is None
    assert (await sdk.v1.customers.payment_methods.list_async(customer.id)).data == []
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_methods.attach_async(made.id, {"customer": customer.id})
    assert "may not be used again" in str(caught.value)
    types = [event.type for event in (await sdk.v1.events.list_async({"type": "payment_method.*"})).data]
    assert types == ["payment_method.detached", "payment_method.attached"]


async def test_a_test_token_is_a_new_method_each_time(sdk: stripe.StripeClient) -> None:
    first = await sdk.v1.payment_methods.retrieve_async("pm_card_visa")
    second = await sdk.v1.payment_methods.retrieve_async("pm_card_visa")
    assert first.id != second.id and first.id.startswith("pm_1")
    assert (await sdk.v1.payment_methods.retrieve_async(first.id)).created == first.created
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_methods.retrieve_async("pm_none")
    assert caught.value.http_status == 404


async def test_a_method_that_only_paid_can_be_retrieved_by_its_account(
    sdk: stripe.StripeClient, raw: Raw
) -> None:
    intent = await pay(sdk, "pm_card_amex")
    method = await sdk.v1.payment_methods.retrieve_async(str(intent.payment_method))
    assert method.card is not None and method.card.brand == "amex"
    status, _ = await raw.get(f"/v1/payment_methods/{method.id}", Authorization="Bearer sk_test_beta")
    assert status == 404


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"type": "card", "card[token]": "tok_none"}, "card[token]"),
        ({"type": "card"}, "card"),
        ({"card[token]": "tok_visa"}, "type"),
        ({"type": "sepa_debit"}, "type"),
        ({"type": "card", "card[number]": "4242424242424242"}, None),
    ],
)
async def test_what_no_method_can_be_made_of_is_refused(
    raw: Raw, form: dict[str, str], param: str | None
) -> None:
    status, body, _ = await raw.post("/v1/payment_methods", form)
    assert status == (402 if param is None else 400) and body["error"].get("param") == param


async def test_a_customer_can_be_made_with_a_method_and_takes_it_along(sdk: stripe.StripeClient) -> None:
    customer = await sdk.v1.customers.create_async(
        {
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        }
    )
    (method,) = (await sdk.v1.customers.payment_methods.list_async(customer.id)).data
    assert customer.invoice_settings is not None
    assert customer.invoice_settings.default_payment_method == method.id
    await sdk.v1.customers.delete_async(customer.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await pay(sdk, method.id)
    assert "may not be used again" in str(caught.value)


async def test_the_customer_and_the_method_are_expanded(sdk: stripe.StripeClient) -> None:
    customer, method = await with_card(sdk)
    intent = await pay(sdk, method.id, customer=customer.id, expand=["customer", "payment_method.customer"])
    assert isinstance(intent.customer, stripe.Customer) and intent.customer.name == "Ada"
    assert isinstance(intent.payment_method, stripe.PaymentMethod)
    assert isinstance(intent.payment_method.customer, stripe.Customer)
