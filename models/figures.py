"""What sums tell: figures per currency, over a range or by bucket. How they come to be is `analytics`, and neither reads any."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from models.analytics import DAY, HOUR, MINUTE, SETTLING_UP_TO_S, beginning
from models.payment import PaymentStatus
from models.representation import rfc3339

STEPS = {MINUTE: timedelta(minutes=1), HOUR: timedelta(hours=1), DAY: timedelta(days=1)}
RANGE_MAX = {MINUTE: timedelta(days=1), HOUR: timedelta(days=31), DAY: timedelta(days=366)}
"""Of a series, by its buckets: 1,440 of them at most. A sum without buckets may be over as long as a series of days."""

DECLINED, SETTLED = "decline:", "settled_within:"


class Span(NamedTuple):
    """Buckets of one interval that begin at `begins_at` or later, and before `ends_at`."""

    interval: str
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose sums, and which. `by_bucket`: one for each bucket of the (then only) span; else one over all spans."""

    merchant: str
    spans: tuple[Span, ...]
    by_bucket: bool = False
    currency: str | None = None
    method: str | None = None


class Sum(NamedTuple):
    """`begins_at`: of its bucket; without buckets of the first one in which there was anything."""

    currency: str
    begins_at: datetime
    measure: str
    value: int


Tell = Callable[[Iterable[Sum], Span], list[dict[str, Any]]]
"""What sums over a range tell: `summary`, `timeseries` or `declines`."""


def widened(begins_at: datetime, ends_at: datetime, interval: str) -> Span:
    """To whole buckets. Raises OverflowError at the end of the calendar."""
    last = ends_at - timedelta(microseconds=1)
    return Span(interval, beginning(begins_at, interval), beginning(last, interval) + STEPS[interval])


def spans(whole: Span) -> tuple[Span, ...]:
    """The same minutes in as few buckets as there can be: days within, hours and minutes at both ends."""
    found: list[Span] = []
    coarser = {MINUTE: HOUR, HOUR: DAY}.get(whole.interval)
    if coarser is None:
        return (whole,)
    first = beginning(whole.begins_at, coarser)
    first += STEPS[coarser] if first < whole.begins_at else timedelta()
    last = beginning(whole.ends_at, coarser)
    if first >= last:
        return (whole,)
    found.append(Span(whole.interval, whole.begins_at, first))
    found.extend(spans(Span(coarser, first, last)))
    found.append(Span(whole.interval, last, whole.ends_at))
    return tuple(each for each in found if each.begins_at < each.ends_at)


def summary(sums: Iterable[Sum], whole: Span) -> list[dict[str, Any]]:
    """One entry for each currency."""
    of: dict[str, dict[str, Sum]] = {}
    for each in sums:
        of.setdefault(each.currency, {})[each.measure] = each
    return [
        _figures(currency, found, whole.begins_at, whole.ends_at) for currency, found in sorted(of.items())
    ]


def timeseries(sums: Iterable[Sum], whole: Span) -> list[dict[str, Any]]:
    """One entry for each bucket and currency of which there is anything to tell, in order of time."""
    of: dict[tuple[datetime, str], dict[str, Sum]] = {}
    for each in sums:
        of.setdefault((each.begins_at, each.currency), {})[each.measure] = each
    step = STEPS[whole.interval]
    return [_figures(currency, found, at, at + step) for (at, currency), found in sorted(of.items())]


def declines(sums: Iterable[Sum], whole: Span) -> list[dict[str, Any]]:
    """One entry for each currency and code, the most frequent first."""
    found = [each for each in sums if each.measure.startswith(DECLINED) and each.value]
    return [
        {
            "object": "analytics_decline",
            "currency": each.currency,
            "begins_at": rfc3339(whole.begins_at),
            "ends_at": rfc3339(whole.ends_at),
            "code": each.measure.removeprefix(DECLINED),
            "payments": each.value,
        }
        for each in sorted(found, key=lambda each: (each.currency, -each.value, each.measure))
    ]


def _figures(
    currency: str, found: Mapping[str, Sum], begins_at: datetime, ends_at: datetime
) -> dict[str, Any]:
    """Amounts in minor units of `currency`; rates from 0 to 1, None: nothing to compare; times in seconds."""

    def of(measure: str) -> int:
        return found[measure].value if measure in found else 0

    by_status = {status.value: of(f"status:{status}") for status in PaymentStatus}
    authorized, captured = of("payments_authorized"), of("payments_captured")
    settled = [of(f"{SETTLED}{up_to}") for up_to in (*SETTLING_UP_TO_S, "inf")]
    unknown = found.get("unknown")
    return {
        "object": "analytics_figures",
        "currency": currency,
        "begins_at": rfc3339(begins_at),
        "ends_at": rfc3339(ends_at),
        "payments": sum(by_status.values()),
        "by_status": by_status,
        "gross": of("gross"),
        "captured": of("captured"),
        "refunded": of("refunded"),
        "disputed": of("disputed"),
        "net": of("captured") - of("refunded") - of("disputed"),
        "authorization_rate": _rate(authorized, authorized + by_status["declined"]),
        "refund_rate": _rate(of("payments_refunded"), captured),
        "dispute_rate": _rate(of("payments_disputed"), captured),
        "settled": sum(settled),
        "settled_p50_s": percentile(settled, 50),
        "settled_p95_s": percentile(settled, 95),
        "settled_p99_s": percentile(settled, 99),
        "unknown": of("unknown"),
        "unknown_since": rfc3339(unknown.begins_at) if unknown and unknown.value else None,
    }


def columns(tell: Tell) -> dict[str, Any]:
    """An entry such as `tell` tells, for its members' names."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return tell([Sum("usd", at, f"{DECLINED}x", 1)], Span(DAY, at, at))[0]


def percentile(counts: Sequence[int], percent: int) -> float | None:
    """Of the histogram, in seconds: interpolated within its bucket. What took longer than the last end is said to be that end."""
    rank, below = sum(counts) * percent / 100, 0
    for (least, most), count in zip(pairwise((0, *SETTLING_UP_TO_S)), counts, strict=False):
        if count and below + count >= rank:
            return round(least + (most - least) * (rank - below) / count, 3)
        below += count
    return float(SETTLING_UP_TO_S[-1]) if sum(counts) else None


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
