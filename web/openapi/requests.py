"""The bodies of requests, for the OpenAPI document: their schemas and examples of what people ask for."""

from typing import Any

from models import shapes
from web.bodies import BODIES
from web.routes import Route

Json = dict[str, Any]

EXAMPLES: dict[str, dict[str, tuple[str, Json]]] = {
    shapes.CREATE: {
        "charge": (
            "Charge a card",
            {
                "amount": 1999,
                "currency": "usd",
                "payment_method": "pm_card_visa",
                "description": "Order 6735",
                "metadata": {"order": "6735"},
            },
        ),
        "authorize": (
            "Only reserve the money; a capture takes it",
            {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa", "capture_method": "manual"},
        ),
        "authenticate": (
            "A cardholder who must authenticate, and comes back to your page",
            {
                "amount": 1999,
                "currency": "eur",
                "payment_method": "pm_card_authenticationRequired",
                "customer": "cus_NffrFeUfNV2Hib",
                "receipt_email": "jenny@example.com",
                "return_url": "https://shop.example/done",
            },
        ),
    },
    shapes.CAPTURE: {
        "all": ("All that was authorised", {}),
        "part": ("A part; the rest is released", {"amount": 1500}),
        "first": ("A part; more comes later, where the account may", {"amount": 500, "final": False}),
    },
    shapes.CANCEL: {
        "plain": ("Without a reason", {}),
        "abandoned": ("The customer went away", {"reason": "abandoned"}),
    },
    shapes.REFUND: {
        "part": ("A part", {"amount": 500, "reason": "requested_by_customer", "metadata": {"ticket": "88"}}),
        "all": ("All that is left", {}),
        "guarded": (
            "Only if nobody refunded meanwhile",
            {"amount": 500, "expected_refundable": 1999},
        ),
    },
    "create_webhook_endpoint": {
        "all": ("Of all events", {"url": "https://shop.example/webhooks"}),
        "some": (
            "Of some, one payment's in their order",
            {
                "url": "https://shop.example/webhooks",
                "event_types": ["payment.captured.v1", "refund.*"],
                "ordered": True,
                "description": "The shop",
            },
        ),
    },
    "update_webhook_endpoint": {
        "filter": ("Other events", {"event_types": ["payment.*"]}),
        "disable": ("Send nothing more", {"enabled": False}),
    },
    "rotate_webhook_secret": {
        "day": ("Both sign for a day", {}),
        "now": ("Only the new one signs, from now on", {"overlap_s": 0}),
    },
    "enable_webhook_endpoint": {"plain": ("Nothing is to be said", {})},
    "redeliver_webhook": {"plain": ("Nothing is to be said", {})},
}
"""As BODIES: a name, a sentence, the body. The first is the one a page offers to send."""

NOTICE: Json = {
    "id": "evt_1MtwBwLkdIwHu7ixUEgbSNpP",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": 1769860800,
    "livemode": False,
    "data": {"object": {"id": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "object": "payment_intent"}},
}


def body(route: Route) -> Json:
    name = route.command or route.operation
    if name not in BODIES:
        return {
            "required": True,
            "description": "An event as Stripe signs and sends it; the signature is over its very bytes.",
            "content": {"application/json": {"schema": {}, "example": NOTICE}},
        }
    model = BODIES[name]
    examples = {name: {"summary": said, "value": value} for name, (said, value) in EXAMPLES[name].items()}
    return {
        "required": any(field.is_required() for field in model.model_fields.values()),
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{model.__name__}"},
                "examples": examples,
            }
        },
    }
