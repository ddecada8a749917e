"""When a client asks again, with what, how soon and how long: its flows, without a network."""

from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import repeat
from typing import Any

import pytest

from millrace_client import (
    Conflict,
    ConnectionFailed,
    Invalid,
    MillraceError,
    NotFound,
    NotUnderstood,
    Payment,
    PaymentEvent,
    RateLimited,
    Retries,
    StillUnsettled,
    Unavailable,
    asking,
)
from millrace_client.asking import Call
from millrace_client.flows import UNSEEN_S, following
from millrace_client.http import Answer, Lost
from millrace_client.objects import Page
from tests.clients.performing import ID, Performance, answer, payment, problem

BODY = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
AWAY = problem(503, "unavailable", True, Retry_After="1")


def create(key: str | None = None, wait_s: float | None = None) -> Call:
    return asking.create_payment(BODY, key, wait_s)


def made(performance: Performance, call: Call, *answers: Answer | Lost) -> Payment:
    return performance.of(performance.flows().command(Payment, call), answers)


@pytest.mark.parametrize(
    "failed",
    [
        Lost("cut"),
        AWAY,
        problem(429, "rate_limited", True),
        problem(500, "internal_error", True),
        problem(408, "request_timeout", True),
        problem(409, "idempotency_key_in_use", True),
        answer(502),
        answer(503, "<html>"),
        answer(504),
        answer(429),
    ],
)
def test_what_may_succeed_later_is_asked_again_with_the_same_key(failed: Answer | Lost) -> None:
    performance = Performance()
    told = made(performance, create(), failed, failed, payment())
    assert told.status == "captured"
    first, *others = performance.requests
    assert len(first.headers["Idempotency-Key"]) == 36
    assert others == [first, first]


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (problem(422, "validation_failed", False), Invalid),
        (problem(409, "payment_state_conflict", False), Conflict),
        (problem(404, "not_found", False), NotFound),
        (problem(503, "unavailable", False), Unavailable),
        (problem(418, "code_of_a_later_version", False), MillraceError),
        (answer(500, "<html>"), Unavailable),
        (answer(404), MillraceError),
        (answer(302), NotUnderstood),
        (answer(201, ["no object"]), NotUnderstood),
        (answer(201, {"object": "payment"}), NotUnderstood),
        (Lost("untrusted", retryable=False), ConnectionFailed),
    ],
)
def test_what_another_try_would_not_change_is_said_at_once(
    failed: Answer | Lost, kind: type[MillraceError]
) -> None:
    performance = Performance()
    with pytest.raises(kind) as refused:
        made(performance, create("order-1"), failed)
    assert len(performance.requests) == 1
    assert refused.value.idempotency_key == "order-1"
    assert refused.value.retryable is False


def test_each_call_has_a_key_of_its_own_and_keeps_it() -> None:
    assert create().key != create().key
    assert made(Performance(), create("order-1"), payment()).http.idempotency_key == "order-1"  # type: ignore[union-attr]


def test_pauses_double_are_drawn_and_are_never_shorter_than_the_service_asks_for() -> None:
    performance = Performance(Retries(pause_first_s=0.5, pause_max_s=3))
    made(performance, create(), *[Lost("cut")] * 5, payment())
    assert performance.pauses_s == [0.5, 1, 2, 3, 3]
    performance = Performance(draw=0.0)
    made(performance, create(), Lost("cut"), problem(429, "rate_limited", True, Retry_After="7"), payment())
    assert performance.pauses_s == [0, 7]


def test_a_pause_until_a_date_is_as_long_as_that_is_away() -> None:
    performance = Performance(draw=0.0)
    at = format_datetime(datetime.fromtimestamp(performance.at_s + 5, UTC), usegmt=True)
    told = [problem(503, "unavailable", True, Retry_After=word) for word in (at, "soon", "-1", "Thu, 99 x")]
    made(performance, create(), *told, payment())
    assert performance.pauses_s == [5, 0, 0, 0]


def test_a_call_ends_when_its_time_is_over() -> None:
    performance = Performance(Retries(deadline_s=20, tries_max=1000))
    with pytest.raises(Unavailable) as ended:
        made(performance, create("k"), *[AWAY] * 1000)
    assert performance.at_s - 1000 <= 20
    assert len(performance.requests) > 3
    assert (ended.value.code, ended.value.retryable, ended.value.request_id) == ("unavailable", True, "req_1")


def test_who_is_told_to_wait_longer_than_there_is_time_gives_up_at_once() -> None:
    performance = Performance(Retries(deadline_s=20))
    with pytest.raises(RateLimited):
        made(performance, create(), problem(429, "rate_limited", True, Retry_After="3600"))
    assert performance.pauses_s == []


def test_tries_are_bounded_where_time_is_not() -> None:
    performance = Performance(Retries(deadline_s=1e9, tries_max=4))
    with pytest.raises(ConnectionFailed):
        made(performance, create(), *[Lost("cut")] * 4)
    assert (len(performance.requests), len(performance.pauses_s)) == (4, 3)


def test_a_try_takes_no_longer_than_the_call_has_left() -> None:
    performance = Performance(Retries(deadline_s=50), draw=0.0, try_takes_s=30)
    with pytest.raises(ConnectionFailed):
        made(performance, create(), Lost("silence"), Lost("silence"))
    assert performance.timeouts_s == [30, 20]


def test_a_wait_is_asked_for_in_whole_seconds_of_which_the_service_takes_sixty() -> None:
    for wait_s, prefer in ((None, None), (0, "wait=0"), (2.2, "wait=3"), (300, "wait=60")):
        performance = Performance(draw=0.0)
        made(performance, create(wait_s=wait_s), payment())
        assert performance.requests[0].headers.get("Prefer") == prefer
        assert performance.timeouts_s == [30 + min(60, wait_s or 0)]


def test_who_waits_asks_the_same_again_until_the_end_is_known() -> None:
    performance = Performance(draw=0.0)
    call = asking.capture_payment(ID, {}, "c", 10)
    told = made(performance, call, payment("authorized", 202, Retry_After="3"), payment("captured", 200))
    assert (told.status, told.settled) == ("captured", True)
    assert [each.headers["Idempotency-Key"] for each in performance.requests] == ["c", "c"]
    assert [each.headers["Prefer"] for each in performance.requests] == ["wait=10", "wait=7"]


def test_who_does_not_wait_any_longer_has_what_was_accepted() -> None:
    for wait_s in (None, 0, 1):
        performance = Performance()
        told = made(performance, create(wait_s=wait_s), payment("processing", 202, Retry_After="1"))
        assert (told.settled, told.sequence, performance.pauses_s) == (False, 0, [])
    assert made(Performance(), create(), payment("captured", 202)).settled is False


def settled(performance: Performance, timeout_s: float, *answers: Answer | Lost) -> Payment:
    return performance.of(performance.flows().settled(Payment, asking.get_payment(ID), timeout_s), answers)


def test_waiting_looks_again_only_at_what_has_changed() -> None:
    performance = Performance()
    processing = payment("processing", 200, ETag='"1"')
    told = settled(performance, 60, processing, answer(304, ETag='"1"'), payment("declined", 200))
    assert told.status == "declined"
    asked = [each.headers.get("If-None-Match") for each in performance.requests]
    assert asked == [None, '"1"', '"1"']
    assert performance.pauses_s == sorted(performance.pauses_s)


def test_waiting_ends_with_what_was_last_seen() -> None:
    performance = Performance()
    with pytest.raises(StillUnsettled) as ended:
        performance.of(
            performance.flows().settled(Payment, asking.get_payment(ID), 20), repeat(payment("unknown", 200))
        )
    assert ended.value.last is not None and ended.value.last.status == "unknown"
    assert isinstance(ended.value, TimeoutError)
    assert performance.at_s - 1000 <= 20


def test_what_was_accepted_may_take_a_moment_until_it_can_be_read() -> None:
    gone = problem(404, "not_found", False)
    assert settled(Performance(), 60, gone, gone, payment("captured", 200)).status == "captured"
    performance = Performance()
    with pytest.raises(NotFound):
        performance.of(performance.flows().settled(Payment, asking.get_payment(ID), 60), repeat(gone))
    assert UNSEEN_S <= performance.at_s - 1000 < 2 * UNSEEN_S
    with pytest.raises(NotFound):
        settled(Performance(), 60, payment("processing", 200), gone)


def test_pages_follow_each_other_by_their_last_id_and_stories_by_their_last_number() -> None:
    call = asking.list_payments({"status": "captured"}, limit=100)
    behind = following(call, Page((Payment("pay_1"), Payment("pay_2")), True))
    assert behind is not None
    assert behind.query == {"status": "captured", "limit": "100", "starting_after": "pay_2"}
    story = following(asking.list_events(ID, after_sequence=3), Page((PaymentEvent(sequence=7),), True))
    assert story is not None and story.query == {"after_sequence": "7"}
    assert following(call, Page((Payment("pay_1"),), False)) is None
    assert following(call, Page[Payment]((), True)) is None


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("order-1", "order-1"),
        ("with space", "with space"),
        ('"quoted"', r'"\"quoted\""'),
        (" x\\", r'" x\\"'),
    ],
)
def test_a_key_is_sent_so_that_it_is_read_as_it_is_written(key: str, header: str) -> None:
    assert create(key).request({}).headers["Idempotency-Key"] == header


@pytest.mark.parametrize("key", ["", " ", "ü", "a\nb", "x" * 256])
def test_a_key_that_cannot_be_one_is_not_sent(key: str) -> None:
    with pytest.raises(ValueError, match="idempotency key"):
        create(key)


def test_a_query_is_written_as_the_service_reads_it() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    where: dict[str, Any] = {"created_after": at, "metadata": {"order no": "6&7"}}
    target = asking.list_payments(where, limit=5, starting_after=None).request({}).target
    assert target == (
        "/v1/payments?created_after=2026-01-31T12%3A00%3A00%2B00%3A00&metadata%5Border%20no%5D=6%267&limit=5"
    )
    with pytest.raises(ValueError, match="aware"):
        asking.list_payments({"created_after": datetime(2026, 1, 31)})  # noqa: DTZ001


@pytest.mark.parametrize("id", ["", "../keys", "pay_1/capture", "pay_1?x", "pay 1", "payé"])
def test_what_is_no_id_does_not_become_part_of_an_address(id: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        asking.get_payment(id)
