"""What an operator is shown of a payment's records: what they led to, what was set aside, and no secret."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from streams.adapters.postgres.story import Told
from streams.operator.showing import layout
from streams.operator.showing.happenings import Happening, in_order, of_command, of_event, with_effects
from tests.streams.adapters.payments import view as payment_view

AT_MS = 1_790_000_000_000
NOTICE = {"notice": "evt_1", "notice_type": "refund.failed", "snapshot": {"status": "failed"}}
OUTCOME = {"call": "pay_x:create:1", "outcome": {"kind": "answered", "snapshot": {"status": "captured"}}}


def record(type: str, content: object, at_ms: int = AT_MS, signed: bool = True, id: str = "c1") -> Any:
    headers = [("ce_type", type.encode()), ("ce_id", id.encode()), ("ce_source", b"millrace")]
    headers += [("millrace-signature", b"x")] if signed else []
    value = content if isinstance(content, bytes) else orjson.dumps(content)
    return SimpleNamespace(timestamp=at_ms, headers=headers, value=value)


def happened(made: Happening | None) -> Happening:
    assert made is not None
    return made


def event(sequence: int, **cause: object) -> Told:
    at = datetime.fromtimestamp(AT_MS / 1000, UTC).isoformat()
    body = {"id": f"e{sequence}", "type": "refund.failed.v1", "created_at": at, "sequence": sequence}
    return Told({**body, "cause": cause, "data": {"refund_id": "re_1", "failure_reason": None}}, {})


def test_a_webhook_tells_which_events_it_led_to_and_one_that_led_to_none_is_told_too() -> None:
    events = [of_event(event(3, by="webhook", notice="evt_1")), of_event(event(4, by="timer"))]
    other = NOTICE | {"notice": "evt_11"}
    shown = with_effects(
        [happened(of_command(record("provider.notice.v1", each))) for each in (NOTICE, other)], events
    )
    assert [(each.id, each.changed) for each in shown] == [("evt_1", (3,)), ("evt_11", ())]


def test_what_led_to_an_event_comes_before_it_though_they_have_one_time() -> None:
    events = [of_event(event(3)), of_event(event(2))]
    ordered = in_order([*events, happened(of_command(record("payment.outcome.v1", OUTCOME)))])
    assert [each.kind for each in ordered] == ["call", "event", "event"]
    assert [each.sequence for each in ordered] == [None, 2, 3]


def test_a_command_that_comes_again_says_so() -> None:
    cancel = happened(of_command(record("payment.cancel.v1", {"reason": "duplicate"})))
    assert [each.about for each in with_effects([cancel, cancel], [])] == [
        "reason duplicate",
        "said again; reason duplicate",
    ]
    other = happened(of_command(record("payment.cancel.v1", {"reason": "fraudulent"})))
    assert [each.about for each in with_effects([cancel, other], [])][
        1
    ] == "said otherwise; reason fraudulent"


@pytest.mark.parametrize(
    ("made", "about"),
    [
        (record("payment.outcome.v1", OUTCOME, signed=False), "set aside: not signed by us"),
        (record("payment.outcome.v1", {}), "set aside: it cannot be read"),
        (record("provider.notice.v1", [1]), "set aside: it cannot be read"),
        (record("payment.create.v1", b"\xff"), "set aside: it cannot be read"),
        (record("payment.create.v1", 7), "set aside: it cannot be read"),
    ],
)
def test_what_was_set_aside_is_not_shown_as_if_it_had_happened(made: Any, about: str) -> None:
    assert happened(of_command(made)).about == about
    assert happened(of_command(made)).kind == "command"


def test_no_record_of_anybodys_writes_elsewhere_on_the_terminal_or_on_another_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hostile = "\x1b[2J\r\n\u202e"
    command = record(f"payment.create.v1{hostile}", {}, id=hostile)
    told = event(1, by="kafka", source=hostile)
    told.body["data"]["reason"] = hostile
    called = OUTCOME | {
        "call": f"pay_x:{hostile}",
        "outcome": {"kind": hostile, "sends": [{"asked": hostile, "ended": hostile}]},
    }
    made = [
        of_event(told),
        *(happened(of_command(each)) for each in (command, record("payment.outcome.v1", called))),
    ]
    shown = {**payment_view(1), "description": hostile, "customer": hostile}
    layout.print_for_people(shown, made)
    out = capsys.readouterr().out
    assert all(each.isprintable() or each == "\n" for each in out)
    _, story = out.split("\n\n")
    assert len(story.splitlines()) == 4, "three that happened, and a request"


def test_a_command_nested_too_deep_to_be_told_is_set_aside() -> None:
    deep = b'{"a":' * 1000 + b"1" + b"}" * 1000
    assert happened(of_command(record("payment.create.v1", deep))).about == "set aside: it cannot be read"


def test_the_timer_is_left_out() -> None:
    assert of_command(record("payment.check.v1", {})) is None


def test_secrets_and_card_numbers_are_shown_nowhere() -> None:
    snapshot = {"status": "requires_action", "client_secret": "pi_1_secret_xyz", "next_action": {"url": "u"}}
    call = record(
        "payment.outcome.v1", {"call": "p:create:1", "outcome": {"kind": "answered", "snapshot": snapshot}}
    )
    assert happened(of_command(call)).about == "answered: status requires_action"
    told = happened(of_command(record("payment.create.v1", {"description": "4242 4242 4242 4242"}))).about
    assert "4242 4242" not in told
    odd = event(1)
    odd.body["data"].update(client_secret="pi_1_secret_xyz", next_action={"url": "u"})
    assert of_event(odd).about == "refund_id re_1"


def test_who_settled_it_and_what_they_saw_is_shown_to_operators() -> None:
    told = event(2, by="operator")
    told.for_operators.update(operator="ada", evidence="the dashboard")
    assert (of_event(told).by, of_event(told).about) == (
        "operator ada",
        "refund_id re_1; evidence the dashboard",
    )
