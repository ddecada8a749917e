"""Every public command in every state of a payment, as the rules themselves decide it: the table of `matrix.md`.

Each state is reached by what leads to it (`STATES`); no decision is written down here.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

from models.commands import (
    CancelPayment,
    CapturePayment,
    Command,
    CreatePayment,
    CreateRefund,
    Origin,
    PublicCommand,
    RecordNotice,
    RecordOutcome,
    ResolvePayment,
)
from models.deciding import decide
from models.events import CommandRefused
from models.money import Money
from models.provider import (
    Answered,
    Decline,
    Declined,
    DisputeSnapshot,
    DisputeStatus,
    IntentSnapshot,
    IntentStatus,
    Operation,
    Outcome,
    RefundSnapshot,
    RefundStatus,
    Snapshot,
    Unknown,
)
from models.recheck import KEY_AGE_MAX_S
from models.refund import IN_DOUBT
from models.terms import CaptureMethod, PaymentTerms
from models.transaction import Transaction, evolve
from streams.wire.events import TYPES

PAYMENT, MERCHANT, REFUND = "pay_" + "0" * 32, "mer_1", "re_" + "0" * 32
AT = datetime(2026, 1, 1, tzinfo=UTC)
INTENT = "pi_1"
AMOUNT_MINOR = 1000

Step = Callable[[Transaction | None], Command]
_ids = count()


def _origin(after: timedelta = timedelta()) -> Origin:
    return Origin(f"command-{next(_ids)}", PAYMENT, MERCHANT, AT + after)


def _create(known: Transaction | None = None) -> PublicCommand:
    terms = PaymentTerms(Money(AMOUNT_MINOR, "usd"), "pm_card_visa", CaptureMethod.MANUAL)
    return CreatePayment(_origin(), terms)


def _capture(known: Transaction | None = None) -> PublicCommand:
    return CapturePayment(_origin())


def _cancel(known: Transaction | None = None) -> PublicCommand:
    return CancelPayment(_origin())


def _refund(known: Transaction | None = None) -> PublicCommand:
    refund = f"re_{next(_ids):032x}" if known and known.refunds else REFUND
    return CreateRefund(_origin(), refund, 100)


def _resolve(known: Transaction | None = None) -> PublicCommand:
    """Of whatever is in doubt: the payment, or its refund."""
    refund = (
        next((each.id for each in known.refunds.values() if each.status in IN_DOUBT), None) if known else None
    )
    return ResolvePayment(
        _origin(), "succeeded" if refund else "authorized", "seen", "ada", refund, intent=INTENT
    )


COMMANDS: dict[str, Callable[[Transaction | None], PublicCommand]] = {
    "payment.create": _create,
    "payment.capture": _capture,
    "payment.cancel": _cancel,
    "refund.create": _refund,
    "payment.resolve": _resolve,
}


def _answer(outcome: Outcome, operation: Operation, after_s: float = 0) -> Step:
    def step(known: Transaction | None) -> Command:
        assert known is not None
        (call,) = (each.call for each in known.calls.values() if each.call.operation is operation)
        return RecordOutcome(_origin(timedelta(seconds=after_s)), call.key, outcome)

    return step


def _seen(status: IntentStatus, captured: int = 0, capturable: int = 0) -> IntentSnapshot:
    return IntentSnapshot(INTENT, status, "usd", AMOUNT_MINOR, capturable, captured, "ch_1")


def _shown(snapshot: Snapshot, operation: Operation) -> Step:
    return _answer(Answered(snapshot), operation)


def _told(status: DisputeStatus) -> Step:
    inquiry = status.startswith("warning")
    dispute = DisputeSnapshot(
        "du_1", INTENT, status, "usd", AMOUNT_MINOR, withdrawn=not inquiry, refundable=inquiry
    )
    return lambda known: RecordNotice(_origin(), f"evt_{next(_ids)}", "charge.dispute.created", dispute)


_O, _I = Operation, IntentStatus
_HELD = (_create, _shown(_seen(_I.AUTHORIZED, capturable=AMOUNT_MINOR), _O.CREATE))
_PART = (
    *_HELD,
    lambda known: CapturePayment(_origin(), 300, False),
    _shown(_seen(_I.AUTHORIZED, 300, 700), _O.CAPTURE),
)
_PAID = (_create, _shown(_seen(_I.CAPTURED, AMOUNT_MINOR), _O.CREATE))
_REFUNDED = RefundSnapshot(REFUND, "re_1", RefundStatus.SUCCEEDED, "usd", AMOUNT_MINOR)
_LOST = Unknown("lost")

STATES: dict[str, Iterable[Step]] = {
    "(no payment)": (),
    "processing, Stripe is asked": (_create,),
    "processing, at the bank": (_create, _shown(_seen(_I.PROCESSING), _O.CREATE)),
    "requires_action": (_create, _shown(_seen(_I.REQUIRES_ACTION), _O.CREATE)),
    "authorized": _HELD,
    "authorized, a capture is under way": (*_HELD, _capture),
    "authorized, a cancellation is under way": (*_HELD, _cancel),
    "authorized, captured in part": _PART,
    "captured": _PAID,
    "captured, a refund is under way": (*_PAID, _refund),
    "captured, a refund is in doubt": (*_PAID, _refund, _answer(_LOST, _O.REFUND)),
    "captured, all refunded": (
        *_PAID,
        lambda known: CreateRefund(_origin(), REFUND),
        _shown(_REFUNDED, _O.REFUND),
    ),
    "captured, an inquiry": (*_PAID, _told(DisputeStatus.WARNING_NEEDS_RESPONSE)),
    "captured, charged back": (*_PAID, _told(DisputeStatus.NEEDS_RESPONSE)),
    "declined": (_create, _answer(Declined(Decline("card_declined"), INTENT), _O.CREATE)),
    "canceled": (*_HELD, _cancel, _shown(_seen(_I.CANCELED), _O.CANCEL)),
    "unknown": (_create, _answer(_LOST, _O.CREATE)),
    "manual_review": (_create, _answer(_LOST, _O.CREATE, KEY_AGE_MAX_S + 1)),
}


def written() -> str:
    head = (
        "# Every command in every state\n\nPrinted from the rules in `models/`: the event that a command leads to, or the rule"
        " that refuses it, and with which code.\n\n"
    )
    lines = [["state", *COMMANDS], ["---"] * (len(COMMANDS) + 1)]
    for name, steps in STATES.items():
        known = _reached(steps)
        lines.append([name, *(_verdict(known, make(known)) for make in COMMANDS.values())])
    return head + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _reached(steps: Iterable[Step]) -> Transaction | None:
    known: Transaction | None = None
    for step in steps:
        for event in decide(known, step(known)):
            known = evolve(known, event)
    return known


def _verdict(known: Transaction | None, command: PublicCommand) -> str:
    said = decide(known, command)[0].data
    if not isinstance(said, CommandRefused):
        return f"**{TYPES[type(said)]}**"
    return f"{(said.rule or '').replace('_', ' ')}: `{said.code}`"
