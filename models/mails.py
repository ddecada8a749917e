"""Which mails an event leads to, whom they go to and what they say: receipts for customers, alerts for operators. How a mail is
laid out is `mail_bodies.py`'s; nothing is sent here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.card_numbers import without_card_numbers
from models.errors import InvariantBroken
from models.fields import RECEIPT_EMAIL
from models.ids import mail_id
from models.mail_bodies import Letter, html, plain
from models.money import Money, readable
from models.ports import Change, EventRecord, View
from models.representation import rfc3339

OLDEST = timedelta(days=3)
"""Of what is older nobody is told: a group that reads the log from its beginning must not write to last year's customers."""
UNKNOWN_FOR = timedelta(hours=1)
"""Most unknown outcomes are known within minutes: by then a person should look."""
SUBJECT_MAX_CHARS = 200
NAME_MAX_CHARS = 100  # of a merchant, in a subject
DESCRIPTION_MAX_CHARS = 1_000

_ADDRESS = re.compile(RECEIPT_EMAIL.regex, re.ASCII)
_BLANKS = re.compile(r"[\s\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class MailRules:
    """`receipts`: whether customers get any. `alerts_to`: addresses of operators."""

    receipts: bool
    alerts_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """One message for one recipient. `id` follows from what it tells, and to whom: the same again is the same mail.

    `about`: a payment's id, or a dead letter's name.
    """

    id: str
    kind: str
    about: str
    recipient: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """As it lies on its topic. `name`: partition/offset; `code`, `reason`: why; `source`: topic/partition/offset it came from."""

    name: str
    at: datetime
    code: str
    reason: str
    source: str


def mails_of(change: Change, rules: MailRules, names: Mapping[str, str], now: datetime) -> list[Mail]:
    """`names`: merchants by id, as customers know them. Raises InvariantBroken for an event that lacks what it must tell."""
    if change.payment is None or change.event.at <= now - OLDEST:
        return []
    try:
        return list(_mails_of(change.event, change.payment, rules, names))
    except (KeyError, TypeError, AttributeError, ValueError) as missing:
        raise InvariantBroken(f"event {change.event.id} cannot be told: {missing!r}") from missing


def leads_to_mails(change: Change, rules: MailRules) -> bool:
    """Whether any may come of it: else nothing need be asked for."""
    return change.event.type in _ALERTS or (rules.receipts and change.event.type in _RECEIPTS)


def alert_of_unknown(payment: View, rules: MailRules) -> list[Mail]:
    """For a payment that is unknown for long: one for each time that it became so. Raises InvariantBroken, as `mails_of` does."""
    try:
        return _alert_of_unknown(payment, rules)
    except (KeyError, TypeError, AttributeError, ValueError) as missing:
        raise InvariantBroken(f"payment {payment.get('id')} cannot be told: {missing!r}") from missing


def _alert_of_unknown(payment: View, rules: MailRules) -> list[Mail]:
    since = str(payment["unknown_since"])
    letter = Letter(
        title=f"Nobody knows how {payment['id']} ended",
        lead="Stripe's answer has not been learned for more than an hour. It is asked for again under the same key; after 23 "
        "hours a person must settle it.",
        figures=(*_about(payment), ("Unknown since", since)),
        closing=f"millrace payments show {payment['id']}",
    )
    return _alerts("payment_unknown", f"{payment['id']}\n{since}", payment["id"], letter, rules)


def alert_of_letter(dead: DeadLetter, rules: MailRules, now: datetime) -> list[Mail]:
    """One for each code and hour, of the first letter that is seen: a producer gone wrong makes thousands of them."""
    if dead.at <= now - OLDEST:
        return []
    letter = Letter(
        title=f"Dead letter: {dead.code}",
        lead="A record could not be handled and was set aside. Others with this code within the same hour are not told by mail.",
        figures=(
            ("Letter", dead.name),
            ("Code", dead.code),
            ("Reason", dead.reason),
            ("From", dead.source),
            ("At", rfc3339(dead.at)),
        ),
        closing=f"millrace dead-letters show {dead.name}",
    )
    hour = dead.at.strftime("%Y-%m-%dT%H")
    return _alerts("dead_letter", f"{dead.code}\n{hour}", dead.name, letter, rules)


def is_address(text: object) -> bool:
    """`=?` begins an encoded word, in which mail programs read another address. Source: RFC 2047, section 5."""
    return (
        isinstance(text, str)
        and len(text) <= RECEIPT_EMAIL.max_chars
        and "=?" not in text
        and bool(_ADDRESS.fullmatch(text))
    )


def one_line(text: str, most_chars: int) -> str:
    """What others chose, fit for a header: no line of its own can begin in it, and no card number leaves the house."""
    line = _BLANKS.sub(" ", without_card_numbers(text)).strip()
    return line if len(line) <= most_chars else line[: most_chars - 1] + "…"


CAPTURED, REFUNDED, DISPUTE_OPENED = "payment.captured.v1", "refund.succeeded.v1", "dispute.opened.v1"
REFUND_FAILED = "refund.failed.v1"
_RECEIPTS = (CAPTURED, REFUNDED)


def _mails_of(
    event: EventRecord, payment: View, rules: MailRules, names: Mapping[str, str]
) -> Iterator[Mail]:
    data = event.body["data"]
    if event.type in _ALERTS:
        kind, letter_of = _ALERTS[event.type]
        yield from _alerts(kind, event.id, event.payment_id, letter_of(payment, data), rules)
    elif event.type in _RECEIPTS and rules.receipts and is_address(payment["receipt_email"]):
        merchant = one_line(names.get(event.merchant, ""), NAME_MAX_CHARS)
        captured = event.type == CAPTURED
        letter = (_receipt if captured else _refund_receipt)(payment, data, merchant, event.at)
        kind = "payment_receipt" if captured else "refund_receipt"
        yield _mail(kind, event.id, event.payment_id, payment["receipt_email"], letter)


def _receipt(payment: View, data: View, merchant: str, at: datetime) -> Letter:
    paid = readable(Money(data["amount_captured_minor"], payment["currency"]))
    so_far = "" if data["final"] else " so far"
    return Letter(
        title=f"Receipt{_from(merchant)}: {paid}",
        lead=f"Thank you. You paid {paid}{so_far}{_to(merchant)}.",
        figures=((f"Paid{so_far}", paid), *_for_customers(payment, at)),
        closing=_QUESTIONS,
    )


def _refund(payment: View, data: View) -> View:
    """That the event is about."""
    refunds: Mapping[str, View] = {each["id"]: each for each in payment["refunds"]}
    return refunds[data["refund_id"]]


def _refund_receipt(payment: View, data: View, merchant: str, at: datetime) -> Letter:
    refund = _refund(payment, data)
    back = readable(Money(refund["amount"], payment["currency"]))
    return Letter(
        title=f"Refund{_from(merchant)}: {back}",
        lead=f"{merchant or 'The merchant'} has refunded {back} to you. Banks take five to ten days to show it.",
        figures=(
            ("Refunded", back),
            ("Of a payment of", readable(Money(payment["amount_captured"], payment["currency"]))),
            *_for_customers(payment, at),
            ("Refund", refund["id"]),
        ),
        closing=_QUESTIONS,
    )


def _dispute(payment: View, data: View) -> Letter:
    disputed = readable(Money(data["amount_minor"], data["currency"]))
    return Letter(
        title=f"Dispute opened: {disputed} of {payment['id']}",
        lead="A customer has gone to their bank about a payment. Evidence can be given at Stripe until the time below.",
        figures=(
            ("Disputed", disputed),
            ("Reason", str(data["reason"] or "not told")),
            ("Status", str(data["status"])),
            ("Respond by", str(data["respond_by"] or "no answer is asked for")),
            ("Dispute", str(data["dispute_id"])),
            *_about(payment),
        ),
        closing=f"millrace payments show {payment['id']}",
    )


def _failed_refund(payment: View, data: View) -> Letter:
    refund = _refund(payment, data)
    return Letter(
        title=f"Refund failed: {readable(Money(refund['amount'], payment['currency']))} of {payment['id']}",
        lead="The money did not reach the customer, though it may have been said to be on its way; it can be refunded again. "
        "Whether, and by which way, is the merchant's to settle with the customer.",
        figures=(
            ("Refund", refund["id"]),
            ("Reason", str(data["failure_reason"] or "not told")),
            ("Customer told by mail", str(payment["receipt_email"] or "no address")),
            *_about(payment),
        ),
        closing=f"millrace payments show {payment['id']}",
    )


_ALERTS: Mapping[str, tuple[str, Callable[[View, View], Letter]]] = {
    DISPUTE_OPENED: ("dispute_opened", _dispute),
    REFUND_FAILED: ("refund_failed", _failed_refund),
}
"""By event: the kind of mail to operators, and what it says."""

_QUESTIONS = "Questions? Ask whom you paid, and name the payment above. Nobody reads answers to this address."


def _for_customers(payment: View, at: datetime) -> Iterator[tuple[str, str]]:
    if description := one_line(payment["description"] or "", DESCRIPTION_MAX_CHARS):
        yield "For", description
    yield "Date", at.strftime("%-d %B %Y, %H:%M UTC")
    yield "Payment", payment["id"]


def _about(payment: View) -> tuple[tuple[str, str], ...]:
    return (
        ("Payment", payment["id"]),
        ("Amount", readable(Money(payment["amount"], payment["currency"]))),
        ("Merchant", payment["merchant"]),
    )


def _from(merchant: str) -> str:
    return f" from {merchant}" if merchant else ""


def _to(merchant: str) -> str:
    return f" to {merchant}" if merchant else ""


def _alerts(kind: str, told: str, about: str, letter: Letter, rules: MailRules) -> list[Mail]:
    return [_mail(kind, told, about, recipient, letter) for recipient in rules.alerts_to]


def _mail(kind: str, told: str, about: str, recipient: str, letter: Letter) -> Mail:
    """`told`: what it tells of. What others chose stands in one line each, whatever comes of it."""
    tidy = Letter(
        title=one_line(letter.title, SUBJECT_MAX_CHARS),
        lead=one_line(letter.lead, DESCRIPTION_MAX_CHARS),
        figures=tuple((name, one_line(value, DESCRIPTION_MAX_CHARS)) for name, value in letter.figures),
        closing=letter.closing,
    )
    id = mail_id(kind, told, recipient)
    return Mail(id, kind, about, recipient, tidy.title, plain(tidy), html(tidy))
