"""What mails an event leads to, what stands in them, and when one is tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvariantBroken
from models.mailing import Away, Bounced, Carried, Leased, MailStatus, PutOff, Sent, settlement
from models.mails import (
    DESCRIPTION_MAX_CHARS,
    OLDEST,
    SUBJECT_MAX_CHARS,
    DeadLetter,
    Mail,
    MailRules,
    alert_of_letter,
    alert_of_unknown,
    mails_of,
    one_line,
)
from models.money import Money, readable
from models.ports import Change
from tests.streams.adapters.payments import START, change, refund, view

NOW = START + timedelta(minutes=1)
ANN, OPERATORS = "ann@shop.example", ("ada@ops.example", "bob@ops.example")
RULES = MailRules(receipts=True, alerts_to=OPERATORS)
DISPUTE = {
    "dispute_id": "dp_1", "status": "needs_response", "amount_minor": 1999, "currency": "usd", "reason": "fraudulent",
    "respond_by": "2026-02-10T00:00:00Z",
}  # fmt: skip


def captured(amount_minor: int = 1999, final: bool = True, **changed: Any) -> Change:
    payment = view(1, 3, **{"receipt_email": ANN, "amount_captured": amount_minor, **changed})
    return change(payment, amount_captured_minor=amount_minor, final=final)


def told(
    *changes: Change, rules: MailRules = RULES, name: str = "Ann's Shop", now: datetime = NOW
) -> list[Mail]:
    return [mail for each in changes for mail in mails_of(each, rules, {"mer_first": name}, now)]


def test_a_captured_payment_has_a_receipt_in_both_bodies() -> None:
    (mail,) = told(captured(description="Two mugs"))
    assert (mail.kind, mail.recipient) == ("payment_receipt", ANN)
    assert mail.subject == "Receipt from Ann's Shop: 19.99 USD"
    for body in (mail.text, words_of(mail.html)):
        assert "You paid 19.99 USD to Ann's Shop" in body
        assert "Two mugs" in body
        assert mail.about in body


def test_a_capture_that_leaves_more_to_come_says_so_far() -> None:
    (mail,) = told(captured(500, final=False))
    assert "You paid 5.00 USD so far to" in mail.text


def test_a_refund_that_succeeded_names_what_comes_back_and_of_which_payment() -> None:
    back = refund(7, "succeeded")
    payment = view(1, 5, receipt_email=ANN, amount_captured=1999, refunds=[refund(6), back])
    (mail,) = told(change(payment, "refund.succeeded.v1", refund_id=back["id"]))
    assert (mail.kind, mail.subject) == ("refund_receipt", "Refund from Ann's Shop: 5.00 USD")
    assert "19.99 USD" in mail.text and back["id"] in mail.text


def test_a_dispute_is_told_to_each_operator_in_a_mail_of_their_own() -> None:
    mails = told(change(view(1, 4), "dispute.opened.v1", **DISPUTE))
    assert [mail.recipient for mail in mails] == list(OPERATORS)
    assert len({mail.id for mail in mails}) == 2
    assert "fraudulent" in mails[0].text and "2026-02-10" in mails[0].text


def test_a_refund_that_failed_is_told_to_operators_who_see_whom_a_receipt_may_have_gone_to() -> None:
    failed = refund(7, "failed")
    payment = view(1, 6, receipt_email=ANN, amount_captured=1999, refunds=[refund(6), failed])
    told_of = change(
        payment, "refund.failed.v1", refund_id=failed["id"], failure_reason="expired_or_canceled_card"
    )
    mails = told(told_of)
    assert [(mail.kind, mail.recipient) for mail in mails] == [("refund_failed", each) for each in OPERATORS]
    assert mails[0].subject == f"Refund failed: 5.00 USD of {payment['id']}"
    assert "expired_or_canceled_card" in mails[0].text and ANN in mails[0].text


@pytest.mark.parametrize(
    "unwritten",
    [
        captured(receipt_email=None),
        captured(receipt_email="ann@shop.example\r\nBcc: eve@evil.example"),
        captured(receipt_email="<ann@shop.example>, eve@evil.example"),
        change(view(1, 2, receipt_email=ANN), "payment.authorized.v1"),
        Change(captured().event, None),
    ],
)
def test_nobody_is_written_to_who_has_nothing_to_be_told_or_no_address(unwritten: Change) -> None:
    assert told(unwritten) == []


@pytest.mark.parametrize(
    "odd",
    [
        change(view(1, 3, receipt_email=ANN), final=True),
        change(view(1, 3, receipt_email=ANN), amount_captured_minor="1", final=True),
        change(view(1, 3, receipt_email=ANN), "refund.succeeded.v1", refund_id="re_another"),
        change(view(1, 3), "dispute.opened.v1"),
        change(view(1, 3), "refund.failed.v1"),
    ],
)
def test_an_event_that_lacks_what_it_must_tell_is_told_apart(odd: Change) -> None:
    with pytest.raises(InvariantBroken, match="cannot be told"):
        told(odd)


def test_receipts_are_written_only_where_they_are_wanted() -> None:
    assert told(captured(), rules=MailRules(receipts=False, alerts_to=())) == []


def test_what_is_read_again_is_the_same_mail_and_another_event_is_another() -> None:
    (first,), (again,) = told(captured()), told(captured())
    assert first == again
    later = captured()
    (other,) = told(Change(replace(later.event, id="another"), later.payment))
    assert other.id != first.id


def test_nobody_is_told_of_what_is_days_old() -> None:
    assert told(captured(), now=START + OLDEST - timedelta(seconds=1))
    assert told(captured(), now=START + OLDEST) == []


def test_an_unknown_payment_is_told_once_for_each_time_that_it_became_unknown() -> None:
    once = view(1, status="unknown", unknown_since="2026-01-31T12:00:00.000Z")
    twice = {**once, "unknown_since": "2026-02-01T12:00:00.000Z"}
    ids = [alert_of_unknown(payment, RULES)[0].id for payment in (once, once, twice)]
    assert ids[0] == ids[1] != ids[2]


def test_a_thousand_dead_letters_with_one_code_are_one_mail_an_hour() -> None:
    at = datetime(2026, 1, 31, 12, 10, tzinfo=UTC)
    dead = [
        DeadLetter(f"0/{n}", at + timedelta(minutes=n % 100), "key_invalid", "no key", "t/0/1")
        for n in range(1_000)
    ]
    ids = {alert_of_letter(each, RULES, at)[0].id for each in dead}
    assert len(ids) == 2, "those before one o'clock, and those after"
    assert alert_of_letter(replace(dead[0], code="undecodable"), RULES, at)[0].id not in ids
    assert alert_of_letter(dead[0], RULES, at + OLDEST) == []


@given(st.text(), st.text())
def test_whatever_a_merchant_calls_themselves_or_what_they_sell_nothing_is_smuggled_in(
    name: str, what: str
) -> None:
    (mail,) = told(captured(description=what), name=name)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = mail.subject  # which raises for a line end
    assert len(mail.subject) <= SUBJECT_MAX_CHARS
    assert not {"\r", "\n", "\0"} & set(mail.subject)
    harmless = captured(description="mugs" if one_line(what, 10) else None)
    assert tags_of(mail.html) == tags_of(told(harmless, name="Ann")[0].html)


def test_markup_is_shown_as_what_it_is() -> None:
    (mail,) = told(captured(description='<script>alert("x")</script>'), name="A&B <b>")
    assert "<script" not in mail.html
    assert '<script>alert("x")</script>' in words_of(mail.html)
    assert "A&B <b>" in words_of(mail.html)


def test_no_card_number_leaves_the_house_by_mail() -> None:
    (mail,) = told(captured(description="card 4000056655665556"), name="4242 4242 4242 4242")
    for part in (mail.subject, mail.text, mail.html):
        assert "4000056655665556" not in part and "4242 4242" not in part


def test_long_words_of_others_are_cut() -> None:
    assert len(one_line("x" * 5_000, DESCRIPTION_MAX_CHARS)) == DESCRIPTION_MAX_CHARS


@pytest.mark.parametrize(
    ("amount_minor", "currency", "written"),
    [
        (1999, "usd", "19.99 USD"), (5, "usd", "0.05 USD"), (123456789, "eur", "1,234,567.89 EUR"), (500, "jpy", "500 JPY"),
        (1230, "kwd", "1.230 KWD"), (10000, "isk", "100 ISK"), (-250, "usd", "-2.50 USD"), (7, "xyz", "7 minor units of XYZ"),
    ],
)  # fmt: skip
def test_money_is_written_by_its_currencys_digits(amount_minor: int, currency: str, written: str) -> None:
    assert readable(Money(amount_minor, currency)) == written


def leased(attempt: int = 1, created_at: datetime = START) -> Leased:
    return Leased(told(captured())[0], created_at, attempt)


@pytest.mark.parametrize(
    ("attempt", "carried", "status", "again_in_s"),
    [
        (1, Sent("250 taken"), MailStatus.SENT, 0.0),
        (1, Bounced("550 nobody"), MailStatus.BOUNCED, 0.0),
        (1, PutOff("451 later"), MailStatus.WAITING, 30.0),
        (3, PutOff("451 later"), MailStatus.WAITING, 120.0),
        (5_000, PutOff("451 later"), MailStatus.WAITING, 3_600.0),
        (1, Away("refused"), MailStatus.WAITING, 30.0),
        (9, Away("refused"), MailStatus.WAITING, 60.0),
    ],
)
def test_what_was_refused_for_good_is_not_tried_again_and_the_rest_is_less_and_less_often(
    attempt: int, carried: Carried, status: MailStatus, again_in_s: float
) -> None:
    assert settlement(leased(attempt), carried, NOW) == (status, carried.answer, again_in_s)


@pytest.mark.parametrize("carried", [PutOff("451 later"), Away("refused")])
def test_after_five_days_it_is_given_up(carried: Carried) -> None:
    late = START + timedelta(days=5, seconds=1)
    assert settlement(leased(), carried, late).status is MailStatus.GIVEN_UP
    assert settlement(leased(), Sent("250"), late).status is MailStatus.SENT


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


def tags_of(html: str) -> list[str]:
    return read(html).tags


def words_of(html: str) -> str:
    return " ".join(read(html).words)
