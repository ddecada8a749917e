"""A payment stays in the provider's account it was made in, whatever the settings say later, and only that one tells of it."""

from dataclasses import replace

import pytest

from models.events import PaymentCaptured, PaymentRequested
from models.policy import Policy, Velocity
from models.provider import Operation
from models.representation import payment_view
from tests.models.samples import (
    CAPTURED,
    CREATE_CALL,
    REQUIRES_ACTION,
    answer,
    cancel,
    create,
    notice,
    refund,
)
from tests.models.story import given

THEIRS = Policy(account="shop-b")


def calls_of(*commands: object, policy: Policy) -> dict[Operation, str | None]:
    story = given(*commands, policy=policy)  # type: ignore[arg-type]
    return {
        open_call.call.operation: open_call.call.account for open_call in story.transaction.calls.values()
    }


def test_a_new_payment_is_made_in_its_merchants_account() -> None:
    story = given(policy=THEIRS).when(create()).then(PaymentRequested)
    data = story.events[0].data
    assert isinstance(data, PaymentRequested) and data.call.account == "shop-b"
    assert payment_view(story.transaction, livemode=False)["provider"]["account"] == "shop-b"


def test_the_question_about_the_customer_and_the_call_behind_it_are_in_one_account() -> None:
    policy = replace(THEIRS, velocity=Velocity(payments_max=1))
    assert calls_of(create(customer="cus_1"), policy=policy) == {Operation.SCREEN: "shop-b"}


def test_a_payment_stays_in_its_account_when_its_merchant_gets_another() -> None:
    """In another account the same key would charge again, and a refund find nothing."""
    story = given(create(), answer(CREATE_CALL, CAPTURED), policy=THEIRS)
    story.history.policy = Policy(account="moved")
    story.when(refund())
    (call,) = [open_call.call for open_call in story.transaction.calls.values()]
    assert (call.operation, call.account) == (Operation.REFUND, "shop-b")


def test_a_payment_from_before_there_were_accounts_stays_in_the_default_one() -> None:
    story = given(create(), answer(CREATE_CALL, REQUIRES_ACTION))
    story.history.policy = THEIRS
    story.when(cancel())
    assert [open_call.call.account for open_call in story.transaction.calls.values()] == [None]


@pytest.mark.parametrize("account", [None, "shop-c"])
def test_another_accounts_notice_says_nothing_of_it(account: str | None) -> None:
    forged = replace(notice(CAPTURED), account=account)
    given(create(), answer(CREATE_CALL, REQUIRES_ACTION), policy=THEIRS).when(forged).then_nothing()


def test_its_own_accounts_notice_moves_it() -> None:
    told = replace(notice(CAPTURED), account="shop-b")
    given(create(), answer(CREATE_CALL, REQUIRES_ACTION), policy=THEIRS).when(told).then(PaymentCaptured)


def test_a_named_accounts_notice_moves_nothing_of_the_default_one() -> None:
    told = replace(notice(CAPTURED), account="shop-b")
    given(create(), answer(CREATE_CALL, REQUIRES_ACTION)).when(told).then_nothing()
