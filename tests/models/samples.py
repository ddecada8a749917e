"""One merchant's payment of 1000 and everything that can be said to it, with defaults. No rule and no check lives here."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from models.commands import (
    CancelPayment,
    CapturePayment,
    CheckPayment,
    CreatePayment,
    CreateRefund,
    FieldError,
    InvalidCommand,
    Origin,
    RecordNotice,
    RecordOutcome,
    ResolvePayment,
)
from models.money import Money
from models.provider import (
    Answered,
    Decline,
    Declined,
    Deferred,
    DisputeSnapshot,
    DisputeStatus,
    IntentSnapshot,
    IntentStatus,
    Outcome,
    RefundSnapshot,
    RefundStatus,
    Rejected,
    Snapshot,
    Unknown,
)
from models.terms import CaptureMethod, PaymentTerms

PAYMENT = "pay_" + "ab" * 16
MERCHANT, STRANGER = "mer_owner", "mer_stranger"
AMOUNT_MINOR = 1000
START = datetime(2026, 1, 31, 12, tzinfo=UTC)

CREATE_CALL, CAPTURE_CALL, CANCEL_CALL, READ_CALL = (
    f"{PAYMENT}:{name}:1" for name in ("create", "capture", "cancel", "read")
)

DAY_S = 24 * 3600

_internal = count()


def at(after_s: float) -> datetime:
    return START + timedelta(seconds=after_s)


def refund_name(n: int = 1) -> str:
    return f"re_{n:032x}"


def refund_call(n: int = 1) -> str:
    return f"{PAYMENT}:refund-{refund_name(n)}:1"


def origin(command_id: str, by: str = MERCHANT, after_s: float = 0, age_s: int = 0) -> Origin:
    return Origin(command_id, PAYMENT, by, at(after_s), age_s)


def terms(amount_minor: int = AMOUNT_MINOR, currency: str = "usd", manual: bool = False) -> PaymentTerms:
    method = CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC
    return PaymentTerms(Money(amount_minor, currency), "pm_card_visa", method)


def create(
    id: str = "create",
    by: str = MERCHANT,
    age_s: int = 0,
    amount_minor: int = AMOUNT_MINOR,
    currency: str = "usd",
    customer: str | None = None,
) -> CreatePayment:
    what = replace(terms(amount_minor, currency), customer=customer)
    return CreatePayment(origin(id, by, age_s=age_s), what)


def create_manual(id: str = "create") -> CreatePayment:
    return CreatePayment(origin(id), terms(manual=True))


def capture(
    amount_minor: int | None = None, final: bool = True, id: str = "capture", by: str = MERCHANT
) -> CapturePayment:
    return CapturePayment(origin(id, by), amount_minor, final)


def cancel(reason: str | None = None, id: str = "cancel", by: str = MERCHANT) -> CancelPayment:
    return CancelPayment(origin(id, by), reason)


def refund(
    amount_minor: int | None = None, n: int = 1, expected: int | None = None, id: str | None = None
) -> CreateRefund:
    return CreateRefund(origin(id or f"refund-{n}"), refund_name(n), amount_minor, None, expected)


def invalid(id: str = "invalid", content: str = "digest", by: str = MERCHANT) -> InvalidCommand:
    return InvalidCommand(origin(id, by), "payment.capture.v1", content, (FieldError("amount", "is odd"),))


def resolve(
    resolution: str,
    refund_id: str | None = None,
    amount_minor: int | None = None,
    intent: str | None = "pi_1",
    id: str = "resolve",
    after_s: float = 0,
) -> ResolvePayment:
    evidence, operator = "seen in the provider's dashboard", "ada"
    return ResolvePayment(
        origin(id, after_s=after_s), resolution, evidence, operator, refund_id, amount_minor, intent
    )


def outcome(key: str, came_to: Outcome, after_s: float = 0) -> RecordOutcome:
    return RecordOutcome(origin(f"internal-{next(_internal)}", "millrace", after_s), key, came_to)


def answer(key: str, seen: Snapshot, after_s: float = 0) -> RecordOutcome:
    return outcome(key, Answered(seen), after_s)


def unknown(key: str, after_s: float = 0) -> RecordOutcome:
    return outcome(key, Unknown("the answer was lost"), after_s)


def deferred(key: str, after_s: float = 0) -> RecordOutcome:
    return outcome(key, Deferred("the account is paused"), after_s)


def declined(key: str = CREATE_CALL) -> RecordOutcome:
    return outcome(key, Declined(Decline("card_declined", "insufficient_funds", None, "No."), "pi_1"))


def rejected(key: str = CREATE_CALL) -> RecordOutcome:
    return outcome(key, Rejected("resource_missing", "No such payment method."))


def check(after_s: float) -> CheckPayment:
    return CheckPayment(origin(f"internal-{next(_internal)}", "millrace", after_s))


def notice(seen: Snapshot, id: str | None = None) -> RecordNotice:
    name = id or f"evt_{next(_internal)}"
    return RecordNotice(origin(f"notice-{name}"), name, "some.notice", seen)


def intent(status: IntentStatus, captured: int = 0, capturable: int = 0) -> IntentSnapshot:
    charge = None if status in (IntentStatus.REQUIRES_ACTION, IntentStatus.FAILED) else "ch_1"
    action: dict[str, object] | None = (
        {"type": "redirect_to_url"} if status is IntentStatus.REQUIRES_ACTION else None
    )
    decline = Decline("authentication_failed") if status is IntentStatus.FAILED else None
    reason = "abandoned" if status is IntentStatus.CANCELED else None
    return IntentSnapshot(
        "pi_1", status, "usd", AMOUNT_MINOR, capturable, captured, charge, None, action, reason, decline
    )


PROCESSING = intent(IntentStatus.PROCESSING)
REQUIRES_ACTION = intent(IntentStatus.REQUIRES_ACTION)
AUTHORIZED = replace(
    intent(IntentStatus.AUTHORIZED, capturable=AMOUNT_MINOR), authorized_until=START + timedelta(days=7)
)
CAPTURED_IN_PART = intent(IntentStatus.AUTHORIZED, captured=300, capturable=700)
CAPTURED = intent(IntentStatus.CAPTURED, captured=AMOUNT_MINOR)
CAPTURED_300 = intent(IntentStatus.CAPTURED, captured=300)
CANCELED = intent(IntentStatus.CANCELED)
CANCELED_AFTER_300 = intent(IntentStatus.CANCELED, captured=300)
FAILED = intent(IntentStatus.FAILED)

HELD = (create_manual(), answer(CREATE_CALL, AUTHORIZED))
"""Said of a payment that waits for its capture."""
LOST = (create_manual(), unknown(CREATE_CALL))
"""Said of a payment of which nobody knows whether it was made."""
REFUND_LOST = (create(), answer(CREATE_CALL, CAPTURED), refund(600), unknown(refund_call()))
"""Said of a payment of whose refund nobody knows whether it was made."""

INTENTS = (
    PROCESSING,
    REQUIRES_ACTION,
    AUTHORIZED,
    CAPTURED_IN_PART,
    CAPTURED,
    CAPTURED_300,
    CANCELED,
    CANCELED_AFTER_300,
    FAILED,
)
"""Everything a provider can show of a payment of 1000 of which 300 were captured, or nothing, or all."""


def disputed(
    status: DisputeStatus, withdrawn: bool = True, reinstated: bool = False, id: str = "du_1"
) -> DisputeSnapshot:
    return DisputeSnapshot(
        dispute_id=id,
        intent="pi_1",
        status=status,
        currency="usd",
        amount_minor=AMOUNT_MINOR,
        reason="fraudulent",
        respond_by=START + timedelta(days=9),
        withdrawn=withdrawn and not status.startswith("warning"),
        reinstated=reinstated,
        refundable=status.startswith("warning"),
    )


def refunded(status: RefundStatus, amount_minor: int = AMOUNT_MINOR, n: int = 1) -> RefundSnapshot:
    reason = "lost_or_stolen_card" if status is RefundStatus.FAILED else None
    return RefundSnapshot(refund_name(n), f"re_at_stripe_{n}", status, "usd", amount_minor, reason)
