"""Each event tells what caused it; who works for the operator is told to operators alone; old records stay readable."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from models.commands import (
    CancelPayment,
    CheckPayment,
    Command,
    InvalidCommand,
    Origin,
    RecordNotice,
    RecordOutcome,
    ResolvePayment,
)
from models.deciding import decide
from models.provider import Answered, IntentSnapshot, IntentStatus, Screened, Send, Unknown
from streams.delivery import Outgoing
from streams.wire import cloudevents, events
from streams.wire.causes import cause_of
from streams.wire.commands import CommandCodec
from tests.streams.wire.records import APPENDED_MS, received

PAYMENT = "pay_" + "ab" * 16
KEY = f"{PAYMENT}:create:1"
ORIGIN = Origin("c1", PAYMENT, "mer_1", datetime.fromtimestamp(APPENDED_MS / 1000, UTC))
BY_HTTP, BY_KAFKA = replace(ORIGIN, source="millrace"), replace(ORIGIN, source="orders")
SEEN = IntentSnapshot("pi_1", IntentStatus.CAPTURED, "usd", 1999, 0, 1999, "ch_1")
SENDS = (Send("POST /v1/payment_intents", "no answer within 2.0 s"), Send("GET /v1/x", "HTTP 200", "req_2"))
RESOLVE = ResolvePayment(ORIGIN, "captured", "the dashboard shows it", "ada")
CODEC = CommandCodec(partitions=4, secret=b"internal")


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        (CancelPayment(BY_HTTP), {"command": "payment.cancel.v1", "by": "api"}),
        (CancelPayment(BY_KAFKA), {"command": "payment.cancel.v1", "by": "kafka", "source": "orders"}),
        (CancelPayment(ORIGIN), {"command": "payment.cancel.v1", "by": "kafka"}),
        (
            InvalidCommand(BY_HTTP, "payment.create.v1", "x", ()),
            {"command": "payment.create.v1", "by": "api"},
        ),
        (RESOLVE, {"command": "payment.resolve.v1", "by": "operator", "operator": "ada"}),
        (CheckPayment(ORIGIN), {"command": "payment.check.v1", "by": "timer"}),
        (
            RecordNotice(ORIGIN, "evt_1", "refund.failed", SEEN),
            {
                "command": "provider.notice.v1",
                "by": "webhook",
                "notice": "evt_1",
                "notice_type": "refund.failed",
            },
        ),
        (
            RecordNotice(ORIGIN, "evt_1", "refund.failed", SEEN, request="req_1"),
            {
                "command": "provider.notice.v1",
                "by": "webhook",
                "notice": "evt_1",
                "notice_type": "refund.failed",
                "provider_requests": ["req_1"],
            },
        ),
        (
            RecordOutcome(ORIGIN, KEY, Answered(SEEN, sends=SENDS)),
            {
                "command": "payment.outcome.v1",
                "by": "provider",
                "provider_key": KEY,
                "provider_requests": ["req_2"],
            },
        ),
        (
            RecordOutcome(ORIGIN, KEY, Unknown("reset")),
            {"command": "payment.outcome.v1", "by": "provider", "provider_key": KEY},
        ),
        (
            RecordOutcome(ORIGIN, KEY, Screened(True)),
            {"command": "payment.outcome.v1", "by": "screen", "provider_key": KEY},
        ),
    ],
    ids=lambda case: case["by"] if isinstance(case, dict) else "",
)
def test_a_cause_names_the_command_and_who_or_what_it_came_from(
    command: Command, cause: dict[str, Any]
) -> None:
    assert cause_of(command) == cause


def test_how_an_outcome_was_learned_comes_back_from_the_topic() -> None:
    read, _ = CODEC.read(received(CODEC.write(RecordOutcome(ORIGIN, KEY, Answered(SEEN, sends=SENDS)))))
    assert isinstance(read, RecordOutcome)
    assert read.outcome.sends == SENDS


def test_the_same_answer_is_the_same_however_it_was_learned() -> None:
    assert Answered(SEEN, sends=SENDS) == Answered(SEEN)


def test_an_outcome_from_before_its_sends_were_told_is_read_as_ever() -> None:
    sent = CODEC.write(RecordOutcome(ORIGIN, KEY, Answered(SEEN)))
    content = orjson.loads(sent.value or b"")
    del content["outcome"]["sends"]
    old = _signed(sent, orjson.dumps(content))
    read, _ = CODEC.read(received(old))
    assert read == RecordOutcome(read.origin, KEY, Answered(SEEN))


@pytest.mark.parametrize("source", [b"\xff", b"x" * 300, b"a\nb"])
def test_a_sender_whose_name_cannot_be_read_is_served_and_not_named(source: bytes) -> None:
    read, _ = CODEC.read(received(CODEC.write(CancelPayment(ORIGIN))).having("ce_source", source))
    assert cause_of(read) == {"command": "payment.cancel.v1", "by": "kafka"}


def test_an_event_shows_its_cause_to_its_merchant_and_the_operators_name_to_operators_alone() -> None:
    (refused,) = decide(None, RESOLVE)
    story = events.read(received(events.write(refused, None, cause_of(RESOLVE))))
    assert events.public(story)["cause"] == {"command": "payment.resolve.v1", "by": "operator"}
    assert events.for_operators(story) == {"operator": "ada"}


def test_what_an_operator_saw_is_no_merchants_business() -> None:
    resolved = events.Story(
        "e", "payment.resolved.v1", PAYMENT, 3, ORIGIN.at, "c",
        {"resolution": "captured", "evidence": "seen", "operator": "ada", "cause": cause_of(RESOLVE)},
    )  # fmt: skip
    assert events.public(resolved)["data"] == {"resolution": "captured"}
    assert events.for_operators(resolved) == {"operator": "ada", "evidence": "seen"}


@pytest.mark.parametrize("cause", [None, "odd"])
def test_an_event_from_before_causes_were_told_has_none_and_is_replayed_as_ever(cause: object) -> None:
    (refused,) = decide(None, CancelPayment(ORIGIN))
    record = received(events.write(refused, None, {}))
    content = orjson.loads(record.value or b"")
    old = {name: value for name, value in content.items() if name != "cause"}
    old |= {"cause": cause} if cause else {}
    before = replace(record, value=orjson.dumps(old))
    assert events.public(events.read(before))["cause"] is None
    assert events.for_operators(events.read(before)) is None
    assert events.replayed(before) == refused


def _signed(sent: Outgoing, value: bytes) -> Outgoing:
    named = {name: bytes(content or b"").decode() for name, content in sent.headers}
    key = sent.key or b""
    signature = cloudevents.signature(b"internal", key, named["ce_id"], named["ce_type"], value)
    headers = [(name, content) for name, content in sent.headers if name != cloudevents.SIGNATURE]
    return sent._replace(value=value, headers=[*headers, (cloudevents.SIGNATURE, signature)])
