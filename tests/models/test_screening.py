"""Stories: how much a customer may pay within the hour is looked at first, before anything is asked of the provider."""

from dataclasses import replace

import pytest

from models.codes import Code
from models.commands import Command
from models.errors import InvariantBroken
from models.events import (
    CallDeferred,
    CallRepeated,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRequested,
    PaymentScreened,
)
from models.payment import PaymentStatus
from models.policy import Policy, Velocity
from models.provider import CreateIntent, Decline, ScreenCustomer, Screened
from tests.models.samples import (
    CAPTURED,
    CREATE_CALL,
    DAY_S,
    PAYMENT,
    answer,
    cancel,
    check,
    create,
    deferred,
    notice,
    outcome,
    terms,
    unknown,
)
from tests.models.story import given

VELOCITY = Velocity(3, {"usd": 5000})
CAREFUL = Policy(velocity=VELOCITY, payment_method_types=("card", "sepa_debit"))
SCREEN_CALL = f"{PAYMENT}:screen:1"


def test_a_customers_limit_is_frozen_into_a_question_that_comes_first() -> None:
    story = given(policy=CAREFUL).when(create(customer="cus_1")).then(PaymentRequested).opening("create")
    assert story.history.asked[SCREEN_CALL].ask == ScreenCustomer("cus_1", terms().money, VELOCITY)
    assert list(story.history.asked) == [SCREEN_CALL]
    story.when(outcome(SCREEN_CALL, Screened(True))).then(PaymentScreened).settling()
    assert story.history.asked[CREATE_CALL].ask == CreateIntent(
        create(customer="cus_1").terms, ("card", "sepa_debit")
    )
    story.when(answer(CREATE_CALL, CAPTURED)).then(PaymentCaptured).settling("create")


def test_nobody_is_asked_about_a_customer_who_is_not_named_or_not_limited() -> None:
    unnamed, unlimited = given(create(), policy=CAREFUL), given(create(customer="cus_1"))
    for story in (unnamed, unlimited):
        assert list(story.history.asked) == [CREATE_CALL]


def test_what_is_too_much_for_a_customer_is_declined_and_never_asked_of_the_provider() -> None:
    story = given(create(customer="cus_1"), policy=CAREFUL)
    story.when(outcome(SCREEN_CALL, Screened(False, "three payments within the hour"))).settling("create")
    decline = Decline("velocity_exceeded", None, "try_again_later", "three payments within the hour")
    decline = replace(decline, rule="customer_is_within_velocity")
    story.then(PaymentDeclined(decline, None, None))
    assert list(story.history.asked) == [SCREEN_CALL]
    assert story.transaction.calls == {}
    story.when(outcome(SCREEN_CALL, Screened(True)), check(DAY_S)).then_nothing()


@pytest.mark.parametrize(
    "tried", [unknown(SCREEN_CALL), deferred(SCREEN_CALL), unknown(SCREEN_CALL, 2 * DAY_S)]
)
def test_a_question_that_was_not_answered_is_asked_again_as_it_was_under_any_policy(tried: Command) -> None:
    story = given(create(customer="cus_1"), policy=CAREFUL).when(tried).then(CallDeferred)
    assert story.payment.status is PaymentStatus.PROCESSING
    story.history.policy = Policy(currencies=())
    story.when(check(3 * DAY_S)).then(CallRepeated)
    assert [event.data.call for event in story.events if isinstance(event.data, CallRepeated)] == [
        story.history.asked[SCREEN_CALL]
    ]
    story.when(create(customer="cus_1")).then_nothing()


def test_nothing_is_at_the_provider_while_the_customer_is_looked_at() -> None:
    story = given(create(customer="cus_1"), policy=CAREFUL)
    with pytest.raises(InvariantBroken):
        story.when(notice(CAPTURED))
    story.when(cancel()).then_refused(Code.PAYMENT_STATE_CONFLICT, "cancel", "nothing_else_is_under_way")


def test_only_a_question_about_a_customer_is_answered_by_whether_they_may_pay() -> None:
    story = given(create(), policy=CAREFUL)
    with pytest.raises(InvariantBroken):
        story.when(outcome(CREATE_CALL, Screened(True)))
    asked = given(create(customer="cus_1"), policy=CAREFUL)
    with pytest.raises(InvariantBroken):
        asked.when(answer(SCREEN_CALL, CAPTURED))
