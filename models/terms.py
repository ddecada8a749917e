"""The terms of a payment: what its creator asked for, unchanged for its whole life."""

from dataclasses import dataclass, field
from enum import StrEnum

from models.money import Money


class CaptureMethod(StrEnum):
    AUTOMATIC = "automatic"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """`payment_method` is a token of the provider's (`pm_…`): no card number ever comes here."""

    money: Money
    payment_method: str
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    description: str | None = None
    customer: str | None = None
    receipt_email: str | None = None
    statement_descriptor_suffix: str | None = None
    return_url: str | None = None
    off_session: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
