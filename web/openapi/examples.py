"""Examples of answers, for the OpenAPI document: payments come from the rules themselves, so that no example is a lie."""

from datetime import UTC, datetime, timedelta
from typing import Any

from models import shapes
from models.commands import Command, Origin, PublicCommand, RecordOutcome
from models.deciding import decide
from models.figures import Span, Told, declines, summary
from models.ids import internal_command_id
from models.provider import (
    Answered,
    Decline,
    Declined,
    IntentSnapshot,
    IntentStatus,
    Outcome,
    RefundSnapshot,
    RefundStatus,
)
from models.representation import payment_view
from models.transaction import Transaction, evolve, react
from models.webhook_endpoints import Endpoint, Kept, delivery_view, endpoint_view
from models.webhooks import PENDING, secret_of
from web.openapi.requests import EXAMPLES as ASKED
from web.payments import pending_refund, refunds_of
from web.routes import Route
from web.shown import DELIVERY_EXAMPLE_ID, ENDPOINT_EXAMPLE_ID, PAYMENT_EXAMPLE_ID, REFUND_EXAMPLE_ID

Json = dict[str, Any]

_MERCHANT, _INTENT, _CHARGE = "mer_1", "pi_3MtwBwLkdIwHu7ix28a3tqPa", "ch_3MtwBwLkdIwHu7ix28a3tqPb"
_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

DOCUMENT: Json = {"info": {"title": "Millrace"}}
METRICS = (
    "# HELP millrace_http_requests_total Answered.\n"
    'millrace_http_requests_total{method="GET",route="/v1/payments",status="200"} 17.0\n'
)


def of(route: Route) -> dict[str, tuple[str, Json]]:
    """Of the route's 200 or 201: a name, a sentence, the body."""
    return _OF_OPERATION.get(route.operation) or _OF_SHAPE[route.shows]


def accepted(shows: str) -> Json:
    if shows == "Refund":
        return pending_refund(REFUND_EXAMPLE_ID, PAYMENT_EXAMPLE_ID)
    return {"id": PAYMENT_EXAMPLE_ID, "object": "payment", "status": "processing"}


class _Story:
    """A payment under the real rules, and a provider that says what an example needs."""

    def __init__(self) -> None:
        self.transaction: Transaction | None = None
        self._at = _AT

    def asked(self, type: str, body: Json, outcome: Outcome) -> "_Story":
        origin = self._origin(internal_command_id(PAYMENT_EXAMPLE_ID, type))
        command = shapes.parse(type, body, origin, REFUND_EXAMPLE_ID if type == shapes.REFUND else None)
        for key in self._apply(command):
            told = self._origin(internal_command_id(PAYMENT_EXAMPLE_ID, key))
            self._apply(RecordOutcome(told, key, outcome))
        return self

    def _origin(self, command_id: str) -> Origin:
        self._at += timedelta(milliseconds=240)
        return Origin(command_id, PAYMENT_EXAMPLE_ID, _MERCHANT, self._at)

    def _apply(self, command: Command | PublicCommand) -> list[str]:
        """The keys of the calls that the provider must be asked."""
        calls = []
        for event in decide(self.transaction, command):
            self.transaction = evolve(self.transaction, event)
            calls += [call.key for call in (react(event),) if call]
        return calls

    @property
    def view(self) -> Json:
        assert self.transaction is not None
        return payment_view(self.transaction, False)


def _intent(status: IntentStatus, captured: int = 0, capturable: int = 0, **more: Any) -> Answered:
    told = {"currency": "usd", "charge": _CHARGE} | more
    return Answered(
        IntentSnapshot(
            _INTENT,
            status,
            amount_minor=1999,
            amount_capturable_minor=capturable,
            amount_captured_minor=captured,
            **told,
        )
    )


def _captured() -> _Story:
    return _Story().asked(
        shapes.CREATE, ASKED[shapes.CREATE]["charge"][1], _intent(IntentStatus.CAPTURED, 1999)
    )


def _authorized() -> _Story:
    outcome = _intent(IntentStatus.AUTHORIZED, capturable=1999, authorized_until=_AT + timedelta(days=7))
    return _Story().asked(shapes.CREATE, ASKED[shapes.CREATE]["authorize"][1], outcome)


def _declined() -> _Story:
    said = Decline(
        "card_declined", "insufficient_funds", "use_another_method", "Your card has insufficient funds."
    )
    body = ASKED[shapes.CREATE]["charge"][1] | {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"}
    return _Story().asked(shapes.CREATE, body, Declined(said, _INTENT))


def _waiting_for_the_customer() -> _Story:
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/3d_secure_2/…"}}
    secret = f"{_INTENT}_secret_…"
    waiting: Json = {"currency": "eur", "charge": None, "next_action": action, "client_secret": secret}
    outcome = _intent(IntentStatus.REQUIRES_ACTION, **waiting)
    return _Story().asked(shapes.CREATE, ASKED[shapes.CREATE]["authenticate"][1], outcome)


def refunded() -> Transaction:
    """The payment that all examples are of."""
    snapshot = RefundSnapshot(REFUND_EXAMPLE_ID, "re_3MtwBwLkdIwHu7ix", RefundStatus.SUCCEEDED, "usd", 500)
    story = _captured().asked(shapes.REFUND, ASKED[shapes.REFUND]["part"][1], Answered(snapshot))
    assert story.transaction is not None
    return story.transaction


def _capture_of_a_part() -> Json:
    outcome = _intent(IntentStatus.CAPTURED, captured=1500)
    return _authorized().asked(shapes.CAPTURE, ASKED[shapes.CAPTURE]["part"][1], outcome).view


def _canceled() -> Json:
    outcome = _intent(IntentStatus.CANCELED, cancellation_reason="abandoned")
    return _authorized().asked(shapes.CANCEL, ASKED[shapes.CANCEL]["abandoned"][1], outcome).view


def _listed(*data: Json) -> Json:
    return {"object": "list", "data": list(data), "has_more": False}


_EVENT: Json = {
    "id": "0b8f5f3c-7a11-5c0f-9d54-6f1f9c1e2a64",
    "object": "event",
    "type": "payment.captured.v1",
    "payment": PAYMENT_EXAMPLE_ID,
    "sequence": 2,
    "created_at": "2026-01-31T12:00:00.480Z",
    "causation_id": "5d0a7e0e-9a63-5d0c-8a57-0c2b7f4f1d3a",
    "cause": {
        "command": "payment.outcome.v1",
        "by": "provider",
        "provider_key": f"{PAYMENT_EXAMPLE_ID}:create:1",
        "provider_requests": ["req_vVtXg2c4sVZzCK"],
    },
    "data": {"intent": _INTENT, "charge": _CHARGE, "amount_captured_minor": 1999, "final": True},
}

_SIGNED_WITH = secret_of(bytes(range(32)))
_ENDPOINT = Endpoint(
    ENDPOINT_EXAMPLE_ID,
    _MERCHANT,
    "https://shop.example/webhooks",
    ["payment.captured.v1", "refund.*"],
    True,
    "The shop",
    _AT,
    None,
    None,
    None,
)
_DELIVERY = Kept(
    DELIVERY_EXAMPLE_ID,
    ENDPOINT_EXAMPLE_ID,
    _EVENT["id"],
    _EVENT["type"],
    PAYMENT_EXAMPLE_ID,
    _EVENT["sequence"],
    PENDING,
    1,
    _AT + timedelta(seconds=6),
    _AT,
    None,
    [
        {
            "number": 1,
            "at": "2026-01-31T12:00:00.710+00:00",
            "took_ms": 87,
            "status": 500,
            "error": None,
            "answer": "Internal Server Error",
        }
    ],
)

_DAY = Span("day", _AT.replace(hour=0), _AT.replace(hour=0) + timedelta(days=1))
_TOLD = Told(
    "usd",
    _DAY.begins_at,
    {
        "status:captured": 97,
        "status:declined": 3,
        "gross": 199_900,
        "payments_authorized": 97,
        "payments_captured": 97,
        "payments_refunded": 2,
        "captured": 193_903,
        "refunded": 2_500,
        "settled_within:1": 90,
        "settled_within:5": 7,
        "decline:insufficient_funds": 2,
        "decline:lost_card": 1,
    },
)
_FIGURES, _DECLINES = summary([_TOLD], _DAY), declines([_TOLD], _DAY)

_REFUNDED = payment_view(refunded(), False)
[_REFUND] = refunds_of(_REFUNDED)

_OF_SHAPE: dict[str, dict[str, tuple[str, Json]]] = {
    "Payment": {
        "refunded": ("Captured, and refunded in part", _REFUNDED),
        "declined": ("Declined", _declined().view),
    },
    "PaymentList": {"page": ("The last page", _listed(_captured().view))},
    "Refund": {"refund": ("A refund", _REFUND)},
    "RefundList": {"page": ("The last page", _listed(_REFUND))},
    "EventList": {"page": ("The last page", _listed(_EVENT))},
    "AnalyticsFiguresList": {"page": ("One currency", _listed(*_FIGURES))},
    "AnalyticsDeclineList": {"page": ("Two codes", _listed(*_DECLINES))},
    "WebhookEndpoint": {"endpoint": ("An endpoint", endpoint_view(_ENDPOINT))},
    "WebhookEndpointWithSecret": {
        "endpoint": ("An endpoint and its secret", endpoint_view(_ENDPOINT) | {"secret": _SIGNED_WITH})
    },
    "WebhookEndpointDeleted": {
        "deleted": ("It is gone", {"id": ENDPOINT_EXAMPLE_ID, "object": "webhook_endpoint", "deleted": True})
    },
    "WebhookEndpointList": {"page": ("The last page", _listed(endpoint_view(_ENDPOINT)))},
    "WebhookDelivery": {"delivery": ("Refused once, and due again", delivery_view(_DELIVERY))},
    "WebhookDeliveryList": {"page": ("The last page", _listed(delivery_view(_DELIVERY)))},
    "Received": {"received": ("Durable, or known already, or of no payment here", {"received": True})},
    "Alive": {"alive": ("It lives", {"status": "alive"})},
    "Ready": {"ready": ("Nothing is missing", {"ready": True, "missing": []})},
}
_OF_OPERATION: dict[str, dict[str, tuple[str, Json]]] = {
    "create_payment": {
        "captured": ("Captured", _captured().view),
        "authorized": ("Only authorised: to be captured", _authorized().view),
        "requires_action": ("The cardholder must authenticate", _waiting_for_the_customer().view),
        "declined": ("Declined: a payment all the same, closed for good", _declined().view),
    },
    "capture_payment": {"captured": ("Captured in part", _capture_of_a_part())},
    "cancel_payment": {"canceled": ("Canceled", _canceled())},
}
