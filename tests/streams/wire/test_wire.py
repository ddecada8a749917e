"""What goes onto a topic comes back as it was; what cannot be read is poison with a published code."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import orjson
import pytest

from models.codes import Code
from models.commands import (
    CancelPayment,
    CapturePayment,
    CheckPayment,
    Command,
    CreatePayment,
    CreateRefund,
    FieldError,
    InvalidCommand,
    Origin,
    RecordNotice,
    RecordOutcome,
    fingerprint,
)
from models.deciding import decide
from models.events import EventData
from models.money import Money
from models.ports import Reply, ReplyAddress
from models.provider import (
    Answered,
    Decline,
    Declined,
    Deferred,
    IntentSnapshot,
    IntentStatus,
    Outcome,
    RefundSnapshot,
    RefundStatus,
    Rejected,
    Unknown,
)
from models.row import Row
from models.terms import CaptureMethod, PaymentTerms
from models.transaction import Transaction, evolve
from streams.delivery import Outgoing, Poison, partition_of
from streams.wire import cloudevents, events, replies, rows
from streams.wire.causes import cause_of
from streams.wire.commands import CommandCodec
from tests.streams.wire.records import APPENDED_MS, Received, received

PAYMENT = "pay_" + "ab" * 16
REFUND = "re_" + "cd" * 16
AT = datetime.fromtimestamp(APPENDED_MS / 1000, UTC)
CODEC = CommandCodec(partitions=4, secret=b"internal")
TERMS = PaymentTerms(Money(1999, "usd"), "pm_card_visa", CaptureMethod.MANUAL, metadata={"order": "1"})
SEEN = IntentSnapshot("pi_1", IntentStatus.AUTHORIZED, "usd", 1999, 1999, 0, "ch_1", AT + timedelta(days=7))
OUTCOMES: list[Outcome] = [
    Answered(SEEN),
    Answered(RefundSnapshot(REFUND, "re_1", RefundStatus.FAILED, "usd", 500, "expired_card")),
    Declined(Decline("card_declined", "insufficient_funds", "use_another_method", "No."), "pi_1"),
    Rejected("resource_missing", "No such payment method."),
    Unknown("timeout"),
    Deferred("connection refused"),
]


def origin(command_id: str) -> Origin:
    return Origin(command_id, PAYMENT, "mer_1", AT)


COMMANDS: list[Command] = [
    CreatePayment(origin("1"), TERMS),
    CapturePayment(origin("2"), 500, final=False),
    CapturePayment(origin("2")),
    CancelPayment(origin("3"), "abandoned"),
    CreateRefund(origin("4"), REFUND, 500, "duplicate", 1999, {"why": "broken"}),
    CreateRefund(origin("4"), REFUND),
    RecordNotice(origin("6"), "evt_1", "payment_intent.succeeded", SEEN),
    RecordNotice(origin("6"), "evt_1", "payment_intent.succeeded", SEEN, "shop-b", "req_1"),
    CheckPayment(origin("7")),
    *(RecordOutcome(origin("5"), f"{PAYMENT}:create:1", outcome) for outcome in OUTCOMES),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: type(c).__name__)
def test_a_command_is_read_as_it_was_written(command: Command) -> None:
    address = ReplyAddress("payments.replies.v1", 3)
    read, reply_to = CODEC.read(received(CODEC.write(command, address)))
    assert replace(read, origin=replace(read.origin, age_s=0, source=None)) == command
    assert reply_to == (None if isinstance(command, RecordOutcome | RecordNotice | CheckPayment) else address)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: type(c).__name__)
def test_an_internal_command_without_our_signature_is_poison_and_a_public_one_needs_none(
    command: Command,
) -> None:
    record = received(CODEC.write(command)).without("millrace-signature")
    if isinstance(command, RecordOutcome | RecordNotice | CheckPayment):
        with pytest.raises(Poison) as poison:
            CODEC.read(record)
        assert poison.value.code == Code.UNSIGNED
    else:
        CODEC.read(record)


def test_a_signature_for_another_payment_is_worth_nothing() -> None:
    record = received(CODEC.write(COMMANDS[-1]))
    with pytest.raises(Poison) as poison:
        CODEC.read(replace(record, key=b"pay_" + b"ee" * 16))
    assert poison.value.code == Code.UNSIGNED


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"value": b"\xff not json"}, Code.UNDECODABLE),
        ({"value": b"[]"}, Code.UNDECODABLE),
        ({"value": b"{}"}, Code.UNDECODABLE),
        ({"value": None}, Code.UNDECODABLE),
        ({"value": b"[" * 100_000}, Code.UNDECODABLE),
        ({"value": b'{"merchant": "mer_1", "amount": 1' + b"0" * 5000 + b"}"}, None),
        ({"value": b'{"merchant": "\xed\xa0\x80"}'}, Code.UNDECODABLE),
        ({"key": None}, Code.KEY_INVALID),
        ({"key": b"pay_1"}, Code.KEY_INVALID),
        ({"key": b"\xff\xfe"}, Code.KEY_INVALID),
    ],
    ids=str,
)
def test_a_record_that_cannot_be_read_is_poison_with_a_code_from_the_list(
    broken: dict[str, bytes | None], code: Code | None
) -> None:
    record = received(CODEC.write(COMMANDS[0]))
    changed = replace(record, **broken)  # type: ignore[arg-type]
    try:
        command, _ = CODEC.read(changed)
    except Poison as poison:
        assert poison.code in (code, Code.UNDECODABLE)
        return
    assert code is None
    assert isinstance(command, InvalidCommand)


@pytest.mark.parametrize("header", ["ce_id", "ce_type"])
def test_a_record_without_its_identity_or_type_is_poison(header: str) -> None:
    with pytest.raises(Poison) as poison:
        CODEC.read(received(CODEC.write(COMMANDS[0])).without(header))
    assert poison.value.code == Code.HEADER_MISSING


@pytest.mark.parametrize("type", [b"payment.create.v2", b"payment.explode.v1", b"\xff"])
def test_a_type_or_version_nobody_knows_is_poison(type: bytes) -> None:
    with pytest.raises(Poison):
        CODEC.read(received(CODEC.write(COMMANDS[0])).having("ce_type", type))


@pytest.mark.parametrize(
    "reply_to",
    [
        b"payments.events.v1/0",
        b"payments.replies.v1",
        b"payments.replies.v1/x",
        b"/",
        b"payments.replies.v1/-1",
    ],
)
def test_a_reply_address_outside_the_replies_is_no_address(reply_to: bytes) -> None:
    _, address = CODEC.read(received(CODEC.write(COMMANDS[0])).having("reply_to", reply_to))
    assert address is None


def test_an_invalid_field_is_a_command_that_will_be_refused_and_names_the_field() -> None:
    record = received(CODEC.write(COMMANDS[0]))
    value = orjson.loads(record.value or b"") | {"amount": "1999"}
    command, _ = CODEC.read(replace(record, value=orjson.dumps(value)))
    assert isinstance(command, InvalidCommand)
    assert [error.field for error in command.errors] == ["amount"]


def test_a_key_on_another_partition_than_murmur2_says_is_misplaced() -> None:
    record = received(CODEC.write(COMMANDS[0]))
    assert not CODEC.is_misplaced(record)
    assert CODEC.is_misplaced(replace(record, partition=(record.partition + 1) % 4))


def test_partitions_are_those_of_javas_default_partitioner() -> None:
    # Source: Apache Kafka, UtilsTest.testMurmur2: murmur2("21") = -973932308, "foobar" = -790332482
    assert partition_of(b"21", 1 << 31) == -973932308 & 0x7FFFFFFF
    assert partition_of(b"foobar", 1 << 31) == -790332482 & 0x7FFFFFFF


def story() -> list[tuple[Command, Transaction]]:
    """One payment through much of what can happen to it."""
    create, capture, refund = f"{PAYMENT}:create:1", f"{PAYMENT}:capture:1", f"{PAYMENT}:refund-{REFUND}:1"
    captured = replace(
        SEEN, status=IntentStatus.CAPTURED, amount_capturable_minor=0, amount_captured_minor=1999
    )
    commands: list[Command] = [
        CreatePayment(origin("1"), TERMS),
        RecordOutcome(origin("o1"), create, Unknown("timeout")),
        CheckPayment(replace(origin("k1"), at=AT + timedelta(seconds=5))),
        RecordOutcome(origin("o2"), create, Deferred("not sent")),
        RecordOutcome(origin("o3"), create, Answered(SEEN)),
        CreateRefund(origin("r0"), REFUND),
        CapturePayment(origin("2")),
        RecordOutcome(origin("o4"), capture, Answered(captured)),
        CreateRefund(origin("r1"), REFUND, 500),
        RecordOutcome(origin("o5"), refund, Unknown("reset")),
        RecordOutcome(
            origin("o6"), refund, Answered(RefundSnapshot(REFUND, "re_1", RefundStatus.SUCCEEDED, "usd", 500))
        ),
    ]
    told: list[tuple[Command, Transaction]] = []
    transaction: Transaction | None = None
    for command in commands:
        for event in decide(transaction, command):
            transaction = evolve(transaction, event)
        assert transaction is not None
        told.append((command, transaction))
    return told


def test_every_event_of_the_core_has_a_type_of_its_own() -> None:
    assert set(events.TYPES) == set(get_args(EventData))
    assert len(set(events.TYPES.values())) == len(events.TYPES)


def test_a_story_on_the_topic_replays_to_the_transaction_it_came_from() -> None:
    transaction: Transaction | None = None
    replayed: Transaction | None = None
    for command, after in story():
        for event in decide(transaction, command):
            record = received(events.write(event, {"id": PAYMENT}, cause_of(command)))
            assert events.replayed(record) == event
            replayed = evolve(replayed, events.replayed(record))
        transaction = after
    assert replayed == transaction


TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def test_commands_events_and_replies_carry_the_trace_they_were_given() -> None:
    create = CreatePayment(origin("1"), TERMS)
    (requested,) = decide(None, create)
    reply = Reply("c1", None, None, False, None, None, ())
    writes: tuple[Callable[[str | None], Outgoing], ...] = (
        lambda trace: CODEC.write(create, trace=trace),
        lambda trace: events.write(requested, None, {}, trace),
        lambda trace: replies.write(PAYMENT, ReplyAddress("payments.replies.v1", 0), reply, AT, trace),
    )
    for write in writes:
        assert cloudevents.trace(received(write(TRACE)).headers) == TRACE
        assert "traceparent" not in dict(received(write(None)).headers)


@pytest.mark.parametrize("nonsense", [b"", b"nonsense", b"\xff" * 55, None, TRACE.encode() * 100])
def test_no_command_is_refused_for_what_stands_where_its_trace_should(nonsense: bytes | None) -> None:
    sent = received(CODEC.write(CreatePayment(origin("1"), TERMS)))
    record = replace(sent, headers=[*sent.headers, ("traceparent", nonsense)])
    assert cloudevents.trace(record.headers) is None
    assert CODEC.read(record)[0] == CODEC.read(sent)[0]


def test_a_row_is_read_as_it_was_written_and_tells_when_it_is_due_without_being_read() -> None:
    for command, transaction in story():
        row = Row(transaction).with_waiter(command.origin.command_id, ReplyAddress("payments.replies.v1", 1))
        written = rows.write(row)
        assert rows.read(written) == row
        due = transaction.next_check_at
        assert rows.next_check_ms(written) == (due and int(due.timestamp() * 1000))


def test_an_event_that_asks_for_nothing_is_passed_over_and_one_that_asks_gives_its_call() -> None:
    (requested,) = decide(None, CreatePayment(origin("1"), TERMS))
    call = events.call_in(received(events.write(requested, None, {})))
    assert call is not None
    assert call.key == f"{PAYMENT}:create:1"
    assert call.ask.kind == "create"
    (refused,) = decide(None, CapturePayment(origin("1")))
    assert events.call_in(received(events.write(refused, None, {}))) is None


def test_a_reply_is_read_as_it_was_written() -> None:
    reply = Reply("c1", Code.NOT_FOUND, "there is no such payment", True, None, None, (FieldError("a", "b"),))
    sent = replies.write(PAYMENT, ReplyAddress("payments.replies.v1", 2), reply, AT)
    assert replies.read(received(sent)) == reply
    assert (sent.topic, sent.partition) == ("payments.replies.v1", 2)


def test_the_same_command_through_http_and_kafka_has_the_same_fingerprint() -> None:
    command = CreatePayment(origin("1"), TERMS)
    read, _ = CODEC.read(received(CODEC.write(command)))
    assert isinstance(read, CreatePayment)
    assert fingerprint(read) == fingerprint(command)


def test_a_header_without_a_value_is_no_signature_and_no_attribute() -> None:
    sent = CODEC.write(CheckPayment(origin("8")))
    with pytest.raises(Poison) as unsigned:
        CODEC.read(with_headers(received(sent), ("millrace-signature", None)))
    assert unsigned.value.code == Code.UNSIGNED
    with pytest.raises(Poison) as missing:
        CODEC.read(with_headers(received(sent), ("ce_type", None)))
    assert missing.value.code == Code.HEADER_MISSING


def with_headers(record: Received, *others: tuple[str, bytes | None]) -> Received:
    names = {name for name, _ in others}
    return replace(record, headers=[*((k, v) for k, v in record.headers if k not in names), *others])
