"""Figures: whatever the range, its spans cover it once; rates, percentiles and currencies are what docs/analytics.md says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.analytics import DAY, HOUR, MINUTE, SETTLING_UP_TO_S
from models.figures import STEPS, Span, Told, declines, percentile, spans, summary, timeseries, widened

AT = datetime(2026, 1, 31, tzinfo=UTC)
WHOLE = Span(DAY, AT, AT + timedelta(days=1))
times = st.integers(0, 60 * 24 * 3600 * 1000).map(lambda ms: AT + timedelta(milliseconds=ms))


@given(times, times)
def test_spans_cover_the_range_once_and_leave_nothing_that_a_longer_bucket_would_hold(
    one: datetime, other: datetime
) -> None:
    begins_at, ends_at = sorted((one, other))
    if begins_at == ends_at:
        return
    whole = widened(begins_at, ends_at, MINUTE)
    assert whole.begins_at <= begins_at < whole.begins_at + STEPS[MINUTE]
    assert whole.ends_at - STEPS[MINUTE] < ends_at <= whole.ends_at
    at = whole.begins_at
    for interval, first, last in spans(whole):
        assert first == at < last and widened(first, last, interval) == (interval, first, last)
        at = last
    assert at == whole.ends_at
    buckets = sum((last - first) // STEPS[interval] for interval, first, last in spans(whole))
    assert buckets <= 2 * (59 + 23) + 60


def test_currencies_are_never_added() -> None:
    told = summary([Told("usd", AT, {"captured": 5}), Told("jpy", AT, {"captured": 7})], WHOLE)
    assert [(each["currency"], each["captured"]) for each in told] == [("jpy", 7), ("usd", 5)]


def test_rates_compare_payments_and_are_null_where_there_are_none() -> None:
    sums = {
        "status:captured": 3, "status:declined": 1, "payments_authorized": 3, "payments_captured": 3, "payments_refunded": 1,
        "captured": 300, "refunded": 100, "disputed": -20, "unknown": 2,
    }  # fmt: skip
    [told] = summary([Told("usd", AT, sums)], WHOLE)
    assert (told["payments"], told["net"], told["authorization_rate"]) == (4, 220, 0.75)
    assert (told["refund_rate"], told["dispute_rate"]) == (0.333333, 0.0)
    assert (told["unknown"], told["unknown_since"]) == (2, "2026-01-31T00:00:00.000Z")
    [nothing] = summary([Told("usd", AT, {"gross": 1})], WHOLE)
    assert [
        nothing[name] for name in ("authorization_rate", "refund_rate", "settled_p50_s", "unknown_since")
    ] == [None] * 4


def test_methods_are_added_and_the_oldest_doubt_is_of_the_first_bucket_that_has_one() -> None:
    sums = [{"gross": 1}, {"gross": 2, "unknown": 1}, {"gross": 2**70, "unknown": 1}]
    told = [Told("usd", AT + timedelta(hours=hours), each) for hours, each in enumerate(sums)]
    [usd] = summary(reversed(told), WHOLE)
    assert (usd["gross"], usd["unknown"]) == (2**70 + 3, 2)
    assert usd["unknown_since"] == "2026-01-31T01:00:00.000Z"


def test_a_series_has_a_bucket_per_currency_in_order_of_time() -> None:
    later = AT + timedelta(hours=3)
    buckets = [("usd", later, 1), ("usd", AT, 2), ("eur", later, 3)]
    sums = [Told(currency, at, {"gross": value}) for currency, at, value in buckets]
    told = timeseries(sums, Span(HOUR, AT, AT + timedelta(days=1)))
    assert [(each["begins_at"][11:13], each["currency"], each["gross"]) for each in told] == [
        ("00", "usd", 2),
        ("03", "eur", 3),
        ("03", "usd", 1),
    ]
    assert told[0]["ends_at"] == "2026-01-31T01:00:00.000Z"


def test_the_most_frequent_decline_is_first() -> None:
    sums = {"decline:lost": 1, "decline:funds": 2, "gross": 9}
    assert [(each["code"], each["payments"]) for each in declines([Told("usd", AT, sums)], WHOLE)] == [
        ("funds", 2),
        ("lost", 1),
    ]


@pytest.mark.parametrize(
    ("counts", "percent", "seconds"),
    [
        ([4], 50, 0.5),
        ([0, 0, 10], 50, 3.5),
        ([50, 50], 50, 1.0),
        ([50, 50], 99, 1.98),
        ([1] + [0] * 11 + [9], 99, float(SETTLING_UP_TO_S[-1])),
        ([0] * 13, 50, None),
    ],
)
def test_percentiles_are_interpolated_within_their_bucket(
    counts: list[int], percent: int, seconds: float | None
) -> None:
    assert percentile(counts + [0] * (13 - len(counts)), percent) == seconds
