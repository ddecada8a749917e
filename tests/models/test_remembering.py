"""Stories: the same command again, the same id with another body, and commands of somebody else."""

import pytest

from models.codes import Code
from models.commands import Command, CreatePayment, PublicCommand, fingerprint
from models.deciding import remembered, remembered_as
from models.events import CommandRefused, PaymentCaptureRequested, PaymentRequested, RefundRequested
from models.remembering import REFUSALS_REMEMBERED_MAX
from tests.models.samples import (
    AUTHORIZED,
    CAPTURE_CALL,
    CAPTURED,
    CREATE_CALL,
    MERCHANT,
    PAYMENT,
    STRANGER,
    answer,
    cancel,
    capture,
    check,
    create,
    create_manual,
    declined,
    invalid,
    refund,
    rejected,
    terms,
    unknown,
)
from tests.models.story import Story, given


def authorized(*more: Command) -> Story:
    return given(create_manual(), answer(CREATE_CALL, AUTHORIZED), *more)


@pytest.mark.parametrize(
    ("since", "settled"),
    [
        ([], False),
        ([unknown(CREATE_CALL)], False),
        ([declined()], True),
        ([answer(CREATE_CALL, CAPTURED)], True),
    ],
)
def test_the_same_create_again_changes_nothing_whatever_became_of_it(
    since: list[Command], settled: bool
) -> None:
    story = given(create(), *since).when(create(), create()).then_nothing()
    known = remembered(story.transaction, create())
    assert known is not None
    assert known.settled == settled


@pytest.mark.parametrize("again", [capture(300), cancel(), refund(n=1), invalid()])
def test_a_refused_command_again_changes_nothing_and_keeps_its_refusal(again: PublicCommand) -> None:
    story = given(create(), declined()).when(again).then(CommandRefused)
    story.when(again).then_nothing()
    known = remembered(story.transaction, again)
    assert known is not None
    assert known.settled
    assert known.code


def test_a_refusal_is_kept_when_the_payment_could_now_do_it() -> None:
    story = given(create_manual()).when(capture()).then_refused(Code.PAYMENT_STATE_CONFLICT)
    story.when(answer(CREATE_CALL, AUTHORIZED)).settling("create")
    story.when(capture()).then_nothing()
    story.when(capture(id="a new one")).then(PaymentCaptureRequested)


def test_an_id_reused_with_another_body_is_refused_once_and_the_first_goes_on() -> None:
    story = authorized(capture(300)).when(capture(400)).then_refused(Code.IDEMPOTENCY_KEY_REUSED, "capture")
    story.when(capture(400)).then_nothing()
    story.when(capture(300)).then_nothing()
    story.when(capture(500)).then_refused(Code.IDEMPOTENCY_KEY_REUSED)
    assert list(story.transaction.calls) == [CAPTURE_CALL]
    assert not story.remembered("capture").settled


def test_an_id_reused_for_another_kind_of_command_is_refused() -> None:
    authorized(capture(id="one")).when(cancel(id="one")).then_refused(Code.IDEMPOTENCY_KEY_REUSED)
    given(create("one")).when(create("one", amount_minor=999)).then_refused(Code.IDEMPOTENCY_KEY_REUSED)


def test_what_is_left_out_is_no_other_body() -> None:
    spelled_out = CreatePayment(create().origin, terms())
    assert fingerprint(spelled_out) == fingerprint(create())
    bodies: list[PublicCommand] = [
        capture(),
        capture(300),
        capture(300, final=False),
        cancel(),
        cancel("duplicate"),
        refund(),
        refund(1),
    ]
    assert len({fingerprint(body) for body in bodies}) == len(bodies)


def test_a_stranger_is_told_there_is_no_such_payment_whatever_is_sent() -> None:
    for sent in (capture(by=STRANGER), cancel(by=STRANGER), create("x", by=STRANGER), invalid(by=STRANGER)):
        story = authorized().when(sent).then_refused(Code.NOT_FOUND)
        assert isinstance(story.events[0].data, CommandRefused)
        assert story.events[0].data.sender == STRANGER
        story.when(sent).then_nothing()


def test_a_strangers_copy_of_a_command_neither_answers_nor_blocks_the_owners() -> None:
    story = authorized().when(capture(by=STRANGER)).then_refused(Code.NOT_FOUND)
    story.when(capture()).then(PaymentCaptureRequested).opening("capture")
    copied = authorized(capture()).when(capture(by=STRANGER)).then_refused(Code.NOT_FOUND)
    assert list(copied.transaction.calls) == [CAPTURE_CALL]
    copied.when(answer(CAPTURE_CALL, CAPTURED)).settling("capture")
    known = remembered(copied.transaction, capture(by=STRANGER))
    assert known is not None
    assert (known.code, known.refund_id) == (Code.NOT_FOUND, None)


def test_nobody_takes_a_command_id_from_an_owner_by_being_first() -> None:
    for first in (capture(id="create", by=STRANGER), invalid("create", by=STRANGER)):
        given(first).when(create()).then(PaymentRequested).opening("create")


def test_what_was_refused_before_the_payment_existed_is_remembered_after() -> None:
    early = given(capture()).when(create_manual(), answer(CREATE_CALL, AUTHORIZED))
    early.when(capture()).then_nothing()
    early.when(capture(300)).then_refused(Code.IDEMPOTENCY_KEY_REUSED)
    given(invalid("create")).when(create()).then_refused(Code.IDEMPOTENCY_KEY_REUSED)


def test_the_name_of_a_command_is_the_same_before_and_after_it_was_decided() -> None:
    for story, command in (
        (given(), create()),
        (given(), capture()),
        (authorized(), capture()),
        (authorized(), capture(by=STRANGER)),
        (authorized(capture()), capture(300)),
    ):
        story.when(command)
        (event,) = story.events
        assert (event.opens or event.settles) == remembered_as(story.transaction, command)


def test_only_so_many_refusals_are_remembered_and_the_newest_are() -> None:
    many = [capture(9999, id=f"r{n}") for n in range(REFUSALS_REMEMBERED_MAX + 10)]
    story = authorized(*many)
    assert len(story.transaction.commands) == 1 + REFUSALS_REMEMBERED_MAX
    assert "r9" not in story.transaction.commands
    story.when(many[-1]).then_nothing()


def test_a_refusal_that_is_forgotten_is_decided_anew() -> None:
    story = authorized(refund(100))
    story.when(*(capture(9999, id=f"r{n}") for n in range(REFUSALS_REMEMBERED_MAX)))
    story.when(capture(), answer(CAPTURE_CALL, CAPTURED))
    story.when(refund(100)).then(RefundRequested)


def test_strangers_push_nothing_of_the_owners_out_of_memory() -> None:
    refused = authorized(capture(9999))
    flood = refused.when(*(capture(id=f"x{n}", by=STRANGER) for n in range(3 * REFUSALS_REMEMBERED_MAX)))
    assert len(flood.transaction.commands) == 2 + REFUSALS_REMEMBERED_MAX
    flood.when(capture(9999)).then_nothing()


def test_a_command_that_had_its_call_is_never_forgotten_and_never_carried_out_anew() -> None:
    story = authorized(capture(300), rejected(CAPTURE_CALL))
    story.when(*(capture(9999, id=f"r{n}") for n in range(2 * REFUSALS_REMEMBERED_MAX)))
    story.when(capture(300)).then_nothing()
    assert list(story.history.asked) == [CREATE_CALL, CAPTURE_CALL]


def test_refusals_on_a_payment_nobody_made_are_bounded_too() -> None:
    story = given(*(capture(id=f"r{n}") for n in range(3 * REFUSALS_REMEMBERED_MAX)))
    assert len(story.transaction.commands) == REFUSALS_REMEMBERED_MAX
    assert story.transaction.merchant is None


def test_a_check_or_an_answer_about_nothing_is_nothing() -> None:
    given().when(check(0)).then_nothing()
    given().when(unknown(CREATE_CALL)).then_nothing()


def test_events_carry_the_owner_and_derived_ids() -> None:
    story = given(create()).when(capture(by=STRANGER))
    (event,) = story.events
    assert event.merchant == MERCHANT
    assert event.payment_id == PAYMENT
