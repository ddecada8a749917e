"""Stories under a merchant's policy: what it does not take is refused by a rule that is named and remembered."""

from dataclasses import replace

import pytest

from models.codes import Code
from models.commands import Command, CreateRefund
from models.events import (
    CallRepeated,
    CommandRefused,
    PaymentDeclined,
    PaymentRequested,
    RefundRequested,
)
from models.policy import AmountLimits, Policy
from models.provider import CreateIntent, Rejected
from models.recheck import lost_check_at
from tests.models.samples import (
    CAPTURE_CALL,
    CAPTURED,
    CAPTURED_IN_PART,
    CREATE_CALL,
    DAY_S,
    HELD,
    STRANGER,
    answer,
    at,
    cancel,
    capture,
    check,
    create,
    origin,
    outcome,
    refund,
    terms,
)
from tests.models.story import given

CURRENCY, LIMITS, WINDOW = (
    "currency_is_the_merchants",
    "amount_is_within_the_merchants_limits",
    "refund_is_within_the_window",
)
EUROPEAN = Policy(currencies=("eur", "gbp"))
LIMITED = Policy(amounts={"usd": AmountLimits(500, 1000), "eur": AmountLimits(maximum_minor=700)})
TWO_WEEKS = Policy(refund_window_days=14)


def refund_after(seconds: float, n: int = 1) -> CreateRefund:
    return replace(refund(1, n=n), origin=origin(f"refund-{n}", after_s=seconds))


def test_a_merchant_takes_payments_in_its_own_currencies_only() -> None:
    given(policy=EUROPEAN).when(create(currency="gbp")).then(PaymentRequested)
    story = given(policy=EUROPEAN).when(create())
    story.then_refused(Code.CURRENCY_UNSUPPORTED, "create", CURRENCY)
    assert story.history.asked == {}
    given(policy=Policy(currencies=())).when(create()).then_refused(Code.CURRENCY_UNSUPPORTED)
    given().when(create(currency="jpy")).then(PaymentRequested)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "code"),
    [
        (500, "usd", None),
        (1000, "usd", None),
        (499, "usd", Code.AMOUNT_TOO_SMALL),
        (1001, "usd", Code.AMOUNT_TOO_LARGE),
        (50, "eur", None),
        (700, "eur", None),
        (701, "eur", Code.AMOUNT_TOO_LARGE),
        (100_000, "gbp", None),
    ],
)
def test_a_merchants_limits_are_each_currencys_own(
    amount_minor: int, currency: str, code: Code | None
) -> None:
    story = given(policy=LIMITED).when(create(amount_minor=amount_minor, currency=currency))
    if code is None:
        story.then(PaymentRequested)
    else:
        story.then_refused(code, "create", LIMITS)


def test_what_the_provider_does_not_take_no_policy_allows() -> None:
    everything = Policy(currencies=("usd", "xxx"), amounts={"usd": AmountLimits(1, 10**15)})
    for told, code, rule in (
        (create(currency="xxx"), Code.CURRENCY_UNSUPPORTED, "currency_is_supported"),
        (create(amount_minor=49), Code.AMOUNT_TOO_SMALL, "amount_is_chargeable"),
        (create(amount_minor=10**13), Code.AMOUNT_TOO_LARGE, "amount_is_chargeable"),
    ):
        given(policy=everything).when(told).then_refused(code, "create", rule)


def test_what_was_captured_long_ago_is_not_refunded() -> None:
    story = given(create(), answer(CREATE_CALL, CAPTURED, after_s=500), policy=TWO_WEEKS)
    story.when(refund_after(500 + 14 * DAY_S)).then(RefundRequested)
    late = refund_after(500 + 14 * DAY_S + 1, n=2)
    story.when(late).then_refused(Code.REFUND_WINDOW_CLOSED, "refund-2", WINDOW)
    given(create(), answer(CREATE_CALL, CAPTURED)).when(refund_after(1000 * DAY_S)).then(RefundRequested)


def test_a_window_of_no_days_is_over_at_once() -> None:
    story = given(create(), answer(CREATE_CALL, CAPTURED), policy=Policy(refund_window_days=0))
    story.when(refund_after(0)).then(RefundRequested)
    story.when(refund_after(1, n=2)).then_refused(Code.REFUND_WINDOW_CLOSED, "refund-2", WINDOW)


def test_the_window_opens_with_the_first_capture() -> None:
    story = given(*HELD, capture(300, final=False), policy=TWO_WEEKS)
    story.when(answer(CAPTURE_CALL, CAPTURED_IN_PART, after_s=DAY_S), capture(id="rest"))
    story.when(answer(CAPTURE_CALL.replace(":1", ":2"), CAPTURED, after_s=2 * DAY_S))
    assert story.payment.captured_at == at(DAY_S)
    story.when(refund_after(15 * DAY_S)).then(RefundRequested)
    story.when(refund_after(15 * DAY_S + 1, n=2)).then_refused(Code.REFUND_WINDOW_CLOSED)


def test_where_nothing_was_captured_there_is_no_window_to_speak_of() -> None:
    story = given(*HELD, policy=TWO_WEEKS).when(refund_after(100 * DAY_S))
    story.then_refused(Code.PAYMENT_STATE_CONFLICT, "refund-1", "something_was_captured")


def test_the_types_of_method_are_frozen_into_the_call_and_stay_so() -> None:
    story = given(policy=Policy(payment_method_types=("card", "sepa_debit"))).when(create())
    story.then(PaymentRequested).opening("create")
    call = story.history.asked[CREATE_CALL]
    assert call.ask == CreateIntent(terms(), ("card", "sepa_debit"))
    story.history.policy = Policy(currencies=(), payment_method_types=("paypal",))
    story.when(check(DAY_S)).then(CallRepeated(call, lost_check_at(at(DAY_S))))
    assert given(create()).history.asked[CREATE_CALL].ask == CreateIntent(terms())


def test_a_policy_judges_only_what_is_new() -> None:
    story = given(policy=EUROPEAN).when(create()).then_refused(Code.CURRENCY_UNSUPPORTED)
    story.history.policy = Policy()
    story.when(create()).then_nothing()
    assert story.history.transaction is not None
    assert story.transaction.payment is None
    story.when(create("another")).then(PaymentRequested)


@pytest.mark.parametrize(
    ("policy", "known", "said", "rule"),
    [
        (EUROPEAN, (), create(), CURRENCY),
        (LIMITED, (), create(amount_minor=1001), LIMITS),
        (TWO_WEEKS, (create(), answer(CREATE_CALL, CAPTURED)), refund_after(15 * DAY_S), WINDOW),
        (Policy(), (), create(age_s=10**6), "not_too_old_to_create"),
        (Policy(), (create(),), create("another"), "no_payment_yet"),
        (Policy(), (create(),), capture(), "can_be_captured"),
        (Policy(), (*HELD, cancel()), capture(), "nothing_else_is_under_way"),
        (Policy(), HELD, capture(1001), "capture_is_within_authorized"),
        (Policy(), (create(), answer(CREATE_CALL, CAPTURED)), cancel(), "can_be_canceled"),
        (Policy(), (), cancel(), "payment_exists"),
    ],
)
def test_a_refusal_names_its_rule_and_is_remembered_with_it(
    policy: Policy, known: tuple[Command, ...], said: Command, rule: str
) -> None:
    story = given(*known, policy=policy).when(said).then(CommandRefused)
    (event,) = story.events
    assert isinstance(event.data, CommandRefused)
    assert event.data.rule == rule
    assert event.settles is not None
    kept = story.remembered(event.settles)
    assert (kept.rule, kept.code, kept.message) == (rule, event.data.code, event.data.message)


def test_a_refusal_that_is_no_rules_names_none() -> None:
    story = given(*HELD).when(capture(by=STRANGER), capture(1), capture(2))
    refusals = [event.data for event in story.events if isinstance(event.data, CommandRefused)]
    assert [(refusal.code, refusal.rule) for refusal in refusals] == [
        (Code.NOT_FOUND, None),
        (Code.IDEMPOTENCY_KEY_REUSED, None),
    ]


@pytest.mark.parametrize(
    ("types", "code", "rule"),
    [
        (("card",), "payment_intent_incompatible_payment_method", "method_is_the_merchants"),
        (None, "payment_intent_incompatible_payment_method", None),
        (("card",), "resource_missing", None),
    ],
)
def test_a_decline_names_the_rule_where_the_merchant_does_not_take_the_method(
    types: tuple[str, ...] | None, code: str, rule: str | None
) -> None:
    story = given(create(), policy=Policy(payment_method_types=types))
    story.when(outcome(CREATE_CALL, Rejected(code, "No."))).then(PaymentDeclined)
    decline = story.payment.decline
    assert decline is not None and decline.rule == rule
    assert decline.advice == ("use_another_method" if rule else "do_not_retry")
