"""Request bodies as pydantic models: strict types, no unknown members, and the schemas of the OpenAPI document.

Limits come from `models.fields`, which every door shares; what a schema cannot say is checked there too.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models import fields, shapes
from models.commands import FieldError
from models.webhook_endpoints import ROTATION_OVERLAP, ROTATION_OVERLAP_MAX
from models.webhooks import (
    DESCRIPTION_MAX_CHARS,
    EVENT_FILTER,
    EVENT_TYPE_MAX_CHARS,
    EVENT_TYPES_MAX,
    URL_MAX_CHARS,
)
from web.problems import sayable


def _pattern(pattern: fields.Pattern, example: str, description: str) -> Any:
    return Field(
        pattern=pattern.regex, max_length=pattern.max_chars, examples=[example], description=description
    )


_NAMES: dict[str, Any] = {
    "minLength": 1,
    "maxLength": fields.METADATA_NAME_MAX_CHARS,
    "pattern": fields.METADATA_NAME,
}
"""Told here: pydantic would make `patternProperties` of a name's pattern, and let all other names through."""

Amount = Annotated[int, Field(ge=1, le=fields.AMOUNT_LIMIT, examples=[1999], description="In minor units.")]
Metadata = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=fields.METADATA_NAME_MAX_CHARS)],
        Annotated[str, Field(max_length=fields.METADATA_VALUE_MAX_CHARS, pattern=fields.PLAIN_TEXT)],
    ],
    Field(
        max_length=fields.METADATA_NAMES_MAX,
        examples=[{"order": "6735"}],
        json_schema_extra={"propertyNames": _NAMES},
        description="The merchant's own names and values. No secrets, no personal data.",
    ),
]


class Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class PaymentBody(Body):
    """A payment to make."""

    amount: Amount
    currency: Annotated[
        str, _pattern(fields.CURRENCY, "usd", "A lowercase ISO 4217 code; which are taken is Stripe's list.")
    ]
    payment_method: Annotated[
        str, _pattern(fields.PAYMENT_METHOD, "pm_card_visa", "A token of Stripe's. Never a card number.")
    ]
    capture_method: Annotated[
        Literal["automatic", "manual"] | None,
        Field(description="`manual` only authorises; the money is taken by a capture. Default: `automatic`."),
    ] = None
    description: Annotated[
        str | None,
        Field(max_length=fields.DESCRIPTION_MAX_CHARS, pattern=fields.PLAIN_TEXT, examples=["Order 6735"]),
    ] = None
    customer: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=fields.CUSTOMER_MAX_CHARS,
            pattern=fields.PLAIN_TEXT,
            examples=["cus_NffrFeUfNV2Hib"],
        ),
    ] = None
    receipt_email: Annotated[
        str | None, _pattern(fields.RECEIPT_EMAIL, "jenny@example.com", "Where a receipt goes.")
    ] = None
    statement_descriptor_suffix: Annotated[
        str | None, _pattern(fields.STATEMENT_SUFFIX, "ORDER 6735", "Shown on the cardholder's statement.")
    ] = None
    return_url: Annotated[
        str | None,
        _pattern(
            fields.RETURN_URL,
            "https://shop.example/done",
            "Where the cardholder comes back to after authentication.",
        ),
    ] = None
    off_session: Annotated[
        bool | None, Field(description="The cardholder is not there to authenticate. Default: false.")
    ] = None
    metadata: Metadata | None = None


class CaptureBody(Body):
    """A capture of an authorised payment."""

    amount: Annotated[Amount | None, Field(description="Default: all that is left.")] = None
    final: Annotated[bool | None, Field(description="Whether the rest is released. Default: true.")] = None


class CancelBody(Body):
    """A cancellation of a payment that is not captured."""

    reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = None


class RefundBody(Body):
    """A refund of a captured payment, in full or in part."""

    amount: Annotated[Amount | None, Field(description="Default: all that is left.")] = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    expected_refundable: Annotated[
        int | None,
        Field(ge=0, le=fields.AMOUNT_LIMIT, description="The refund is refused if what is left differs."),
    ] = None
    metadata: Metadata | None = None


class ResolveBody(Body):
    """A person's word on a payment, or a refund, whose end nobody else can tell. Over Kafka only."""

    resolution: Literal["captured", "authorized", "canceled", "declined", "succeeded", "failed"]
    evidence: Annotated[str, Field(min_length=1, max_length=fields.DESCRIPTION_MAX_CHARS, examples=["…"])]
    operator: Annotated[str, Field(min_length=1, max_length=fields.CUSTOMER_MAX_CHARS, examples=["ada"])]
    refund: Annotated[
        str | None,
        _pattern(fields.REFUND_ID_PATTERN, "re_" + "0" * 32, "The refund it is about; else the payment."),
    ] = None
    amount: Annotated[
        int | None,
        Field(ge=0, le=fields.AMOUNT_LIMIT, description="Captured or authorised in all. Default: all."),
    ] = None
    payment_intent: Annotated[
        str | None, _pattern(fields.PAYMENT_INTENT, "pi_3abc", "Stripe's, where it is not known here.")
    ] = None


_URL = Field(
    min_length=1,
    max_length=URL_MAX_CHARS,
    examples=["https://shop.example/webhooks"],
    description="Https, on port 443 or 8443, of a host of the public internet.",
)
_EVENT_TYPES = Field(
    min_length=1,
    max_length=EVENT_TYPES_MAX,
    examples=[["payment.captured.v1", "refund.*"]],
    description="Types as they are published, all that begin alike (`payment.*`), or all: `*`.",
)
EventTypes = list[
    Annotated[str, Field(pattern=f"^(?:{EVENT_FILTER.pattern})$", max_length=EVENT_TYPE_MAX_CHARS)]
]
_Ordered = Annotated[
    bool | None,
    Field(
        description="Of one payment, the next event only when the one before has arrived, or failed for good."
    ),
]
_Description = Annotated[
    str | None, Field(max_length=DESCRIPTION_MAX_CHARS, pattern=fields.PLAIN_TEXT, examples=["The shop"])
]


class WebhookEndpointBody(Body):
    """A server of the merchant's that is to be told of events. Default: of all, in any order."""

    url: Annotated[str, _URL]
    event_types: Annotated[EventTypes | None, _EVENT_TYPES] = None
    ordered: _Ordered = None
    description: _Description = None
    enabled: Annotated[bool | None, Field(description="Default: true.")] = None


class WebhookEndpointChange(Body):
    """What is to be otherwise; what is left out stays as it is."""

    url: Annotated[str | None, _URL] = None
    event_types: Annotated[EventTypes | None, _EVENT_TYPES] = None
    ordered: _Ordered = None
    description: _Description = None
    enabled: Annotated[
        bool | None, Field(description="False: nothing is sent, and new events are not kept for it.")
    ] = None


class SecretRotation(Body):
    """A new secret for an endpoint."""

    overlap_s: Annotated[
        int | None,
        Field(
            ge=0,
            le=int(ROTATION_OVERLAP_MAX.total_seconds()),
            examples=[3600],
            description=f"How long deliveries are signed with both, seconds. Default: {ROTATION_OVERLAP.total_seconds():.0f}.",
        ),
    ] = None


class EmptyBody(Body):
    """Nothing is to be said."""


BODIES: dict[str, type[Body]] = {
    shapes.CREATE: PaymentBody,
    shapes.CAPTURE: CaptureBody,
    shapes.CANCEL: CancelBody,
    shapes.REFUND: RefundBody,
    shapes.RESOLVE: ResolveBody,
    "create_webhook_endpoint": WebhookEndpointBody,
    "update_webhook_endpoint": WebhookEndpointChange,
    "rotate_webhook_secret": SecretRotation,
    "enable_webhook_endpoint": EmptyBody,
    "redeliver_webhook": EmptyBody,
}
"""By a command's type, or the operation that is no command."""


def faults(type: str, value: dict[str, Any], ours: Sequence[FieldError] = ()) -> list[FieldError]:
    """Everything wrong with `value` as the body of what `type` names in BODIES, each field once.

    `ours`: what `models.shapes` found already; its words are better than a schema's.
    """
    try:
        BODIES[type].model_validate(value)
    except ValidationError as refused:
        found = refused.errors(include_url=False, include_context=False, include_input=False)
        errors = {_member(error.field): error for error in ours}
        for error in found:
            name = sayable(str(error["loc"][0]) if error["loc"] else "body")
            errors.setdefault(name, FieldError(name, _message(error["type"])))
        return [*ours, *(error for error in errors.values() if error not in ours)]
    return list(ours)


def _member(field: str) -> str:
    return field.partition(".")[0]


def _message(type: str) -> str:
    return "is not a member of this request" if type == "extra_forbidden" else "is not valid"
