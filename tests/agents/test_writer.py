"""The writer's step without Kafka: what it keeps, says and answers, and when."""

from dataclasses import replace
from datetime import UTC, datetime

from agents.writer import Applied, apply
from agents.writer.due import DueIndex
from models.codes import Code
from models.commands import (
    CapturePayment,
    Command,
    CreatePayment,
    FieldError,
    InvalidCommand,
    Origin,
    RecordOutcome,
    fingerprint,
)
from models.money import Money
from models.ports import ReplyAddress
from models.provider import Answered, IntentSnapshot, IntentStatus
from models.remembering import REFUSALS_REMEMBERED_MAX
from models.row import WAITERS_MAX, Row
from models.terms import PaymentTerms

PAYMENT = "pay_" + "ab" * 16
HERE, THERE = ReplyAddress("payments.replies.v1", 0), ReplyAddress("payments.replies.v1", 1)
CAPTURED = IntentSnapshot("pi_1", IntentStatus.CAPTURED, "usd", 1999, 0, 1999, "ch_1")


def origin(command_id: str, merchant: str = "mer_1") -> Origin:
    return Origin(command_id, PAYMENT, merchant, datetime(2026, 1, 31, tzinfo=UTC))


CREATE = CreatePayment(origin("c1"), PaymentTerms(Money(1999, "usd"), "pm_card_visa"))
OUTCOME = RecordOutcome(origin("o1"), f"{PAYMENT}:create:1", Answered(CAPTURED))


def run(*steps: tuple[Command, ReplyAddress | None]) -> Applied:
    row: Row | None = None
    for command, reply_to in steps:
        applied = apply(row, command, reply_to, livemode=False)
        row = applied.row
    return applied


def test_the_answer_waits_until_the_provider_has_answered() -> None:
    asked = run((CREATE, HERE))
    assert asked.answers == ()
    answered = run((CREATE, HERE), (OUTCOME, None))
    (answer,) = answered.answers
    assert (answer.address, answer.reply.command_id, answer.reply.replayed) == (HERE, "c1", False)
    assert answer.reply.payment is not None
    assert answer.reply.payment["status"] == "captured"
    assert answered.row is not None
    assert answered.row.waiters == {}


def test_everybody_who_asked_the_same_command_is_answered() -> None:
    answered = run((CREATE, HERE), (CREATE, THERE), (CREATE, HERE), (OUTCOME, None))
    assert sorted(answer.address.partition for answer in answered.answers) == [0, 1]


def test_only_so_many_waiters_of_one_command_are_remembered() -> None:
    many = [(CREATE, ReplyAddress("payments.replies.v1", n)) for n in range(WAITERS_MAX + 5)]
    assert len(run(*many, (OUTCOME, None)).answers) == WAITERS_MAX


def test_a_settled_command_asked_again_gets_the_remembered_answer_at_once_and_no_event() -> None:
    again = run((CREATE, HERE), (OUTCOME, None), (CREATE, THERE))
    assert again.events == ()
    assert [(a.address, a.reply.replayed) for a in again.answers] == [(THERE, True)]


def test_the_same_id_with_another_body_is_refused_and_the_first_goes_on() -> None:
    other = replace(CREATE, terms=replace(CREATE.terms, money=Money(2000, "usd")))
    refused = run((CREATE, HERE), (other, THERE))
    (answer,) = refused.answers
    assert (answer.address, answer.reply.code) == (THERE, Code.IDEMPOTENCY_KEY_REUSED)
    assert run((CREATE, HERE), (other, THERE), (OUTCOME, None)).answers[0].address == HERE


def test_a_stranger_is_answered_not_found_and_shown_nothing_while_the_owners_story_goes_on() -> None:
    capture = CapturePayment(origin("x1", merchant="mer_2"))
    refused = run((CREATE, HERE), (OUTCOME, None), (capture, THERE))
    (answer,) = refused.answers
    assert (answer.reply.code, answer.reply.payment) == (Code.NOT_FOUND, None)
    (said,) = refused.events
    assert said.event.merchant == "mer_1"
    assert said.payment is not None
    assert said.payment["sequence"] == said.event.sequence


def test_a_stranger_who_sends_the_owners_command_learns_nothing_of_its_answer() -> None:
    stolen = replace(CREATE, origin=origin("c1", merchant="mer_2"))
    (answer,) = run((CREATE, HERE), (OUTCOME, None), (stolen, THERE)).answers
    assert (answer.reply.code, answer.reply.payment) == (Code.NOT_FOUND, None)


def test_a_refusal_that_pushes_an_older_one_out_is_answered_all_the_same() -> None:
    """It stopped the writer for good: the name it was remembered under was looked for after it had changed."""
    refused: list[tuple[Command, ReplyAddress | None]] = [
        (CapturePayment(origin(f"x{n}")), None) for n in range(REFUSALS_REMEMBERED_MAX)
    ]
    reused = CapturePayment(origin("x0"), amount_minor=5)
    (answer,) = run(*refused, (reused, HERE)).answers
    assert answer.reply.code is Code.IDEMPOTENCY_KEY_REUSED


def test_due_work_comes_in_order_once_and_again_only_when_nothing_happened() -> None:
    due = DueIndex()
    for key, at_ms in ((b"b", 20), (b"a", 10), (b"c", 30)):
        due.set(0, key, at_ms)
    assert due.pop(now_ms=25, most=10, again_ms=1000) == [(b"a", 10), (b"b", 20)]
    due.set(0, b"a", None)
    assert due.pop(now_ms=2000, most=10, again_ms=3000) == [(b"c", 30), (b"b", 1000)]


def test_a_lost_partition_has_nothing_due_and_a_moved_time_counts_once() -> None:
    due = DueIndex()
    due.set(0, b"a", 10)
    due.set(0, b"a", 50)
    due.set(1, b"z", 10)
    due.forget(1)
    assert due.pop(now_ms=20, most=10, again_ms=99) == []
    assert due.pop(now_ms=60, most=10, again_ms=99) == [(b"a", 50)]


def test_one_turn_takes_only_so_many() -> None:
    due = DueIndex()
    for n in range(5000):
        due.set(0, b"%d" % n, n)
    assert len(due.pop(now_ms=10_000, most=500, again_ms=20_000)) == 500
    assert len(due) == 5000


def test_a_partition_with_more_than_a_turn_takes_keeps_no_other_waiting() -> None:
    due = DueIndex()
    for n in range(600):
        due.set(0, b"%d" % n, 10)
    due.set(1, b"other", 10)
    popped = []
    for _ in range(2):
        popped += due.pop(now_ms=20, most=500, again_ms=20)
    assert (b"other", 10) in popped
    assert len(popped) == 1000


def test_the_answer_to_what_is_not_valid_names_its_fields_each_time_it_is_asked() -> None:
    wrong = InvalidCommand(origin("c1"), "payment.create.v1", "{}", (FieldError("amount", "is required"),))
    (answer,) = run((wrong, HERE)).answers
    assert (answer.reply.code, answer.reply.errors) == (Code.VALIDATION_FAILED, wrong.errors)
    (again,) = run((wrong, HERE), (wrong, THERE)).answers
    assert (again.reply.errors, again.reply.replayed) == (wrong.errors, True)
    (reused,) = run((CREATE, None), (wrong, THERE)).answers
    assert (reused.reply.code, reused.reply.errors) == (Code.IDEMPOTENCY_KEY_REUSED, ())


def test_an_answer_says_whose_command_it_answers_and_of_what_content() -> None:
    other = replace(CREATE, terms=replace(CREATE.terms, money=Money(2000, "usd")))
    theirs = replace(CREATE, origin=origin("c1", merchant="mer_2"))
    for asked in (other, theirs):
        (answer,) = run((CREATE, HERE), (asked, THERE)).answers
        assert (answer.reply.merchant, answer.reply.fingerprint) == (
            asked.origin.merchant,
            fingerprint(asked),
        )
    (answer,) = run((CREATE, HERE), (other, THERE), (theirs, THERE), (OUTCOME, None)).answers
    assert (answer.reply.merchant, answer.reply.fingerprint) == ("mer_1", fingerprint(CREATE))
