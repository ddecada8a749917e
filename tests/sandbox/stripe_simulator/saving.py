"""A customer with a saved card, and a payment with it, by the official SDK. Nothing is asserted here."""

from typing import Any

import stripe


async def with_card(
    sdk: stripe.StripeClient, token: str = "pm_card_visa"
) -> tuple[stripe.Customer, stripe.PaymentMethod]:
    customer = await sdk.v1.customers.create_async({"name": "Ada", "email": "ada@example.org"})
    method = await sdk.v1.payment_methods.attach_async(token, {"customer": customer.id})
    return customer, method


async def pay(sdk: stripe.StripeClient, method: str, **more: Any) -> stripe.PaymentIntent:
    params: Any = {
        "amount": 1999,
        "currency": "usd",
        "payment_method": method,
        "payment_method_types": ["card"],
        "confirm": True,
        **more,
    }
    return await sdk.v1.payment_intents.create_async(params)
