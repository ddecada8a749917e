"""What sums tell: figures per currency, over a range or by bucket. How they come to be is `analytics`, and neither reads any."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

from models.analytics import DAY, HOUR, MINUTE, SETTLING_UP_TO_S, Sums, beginning
from models.payment import PaymentStatus
from models.representation import rfc3339

STEPS = {MINUTE: timedelta(minutes=1), HOUR: timedelta(hours=1), DAY: timedelta(days=1)}
RANGE_MAX = {MINUTE: timedelta(days=1), HOUR: timedelta(days=31), DAY: timedelta(days=366)}
"""Of a series, by its buckets: 1,440 of them at most. A sum without buckets may be over as long as a series of days."""
SUMS_MAX = 20_000
"""Read for one answer: a busy day's minutes of four currencies, a year of sixteen. More would keep everybody else waiting."""

DECLINED, UNKNOWN = "decline:", "unknown"
BY_STATUS = tuple((status.value, f"status:{status}") for status in PaymentStatus)
SETTLED = tuple(f"settled_within:{up_to}" for up_to in (*SETTLING_UP_TO_S, "inf"))

K = TypeVar("K")


class Span(NamedTuple):
    """Buckets of one interval that begin at `begins_at` or later, and before `ends_at`."""

    interval: str
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose sums, and which."""

    merchant: str
    spans: tuple[Span, ...]
    currency: str | None = None
    method: str | None = None


class Told(NamedTuple):
    """The sums of one bucket of one currency and method; none is zero."""

    currency: str
    begins_at: datetime
    sums: Sums


Tell = Callable[[Iterable[Told], Span], list[dict[str, Any]]]
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


def summary(told: Iterable[Told], whole: Span) -> list[dict[str, Any]]:
    """One entry for each currency."""
    since: dict[str, datetime] = {}
    buckets = list(told)
    for each in buckets:
        if each.sums.get(UNKNOWN):
            since[each.currency] = min(each.begins_at, since.get(each.currency, each.begins_at))
    return [
        _figures(currency, sums, whole.begins_at, whole.ends_at, since.get(currency, whole.begins_at))
        for currency, sums in sorted(_added(buckets, attrgetter("currency")).items())
    ]


def timeseries(told: Iterable[Told], whole: Span) -> list[dict[str, Any]]:
    """One entry for each bucket and currency of which there is anything to tell, in order of time."""
    step = STEPS[whole.interval]
    return [
        _figures(currency, sums, at, at + step, at)
        for (at, currency), sums in sorted(
            _added(told, attrgetter("begins_at", "currency")).items(), key=itemgetter(0)
        )
    ]


def declines(told: Iterable[Told], whole: Span) -> list[dict[str, Any]]:
    """One entry for each currency and code, the most frequent first."""
    found = [
        (currency, measure.removeprefix(DECLINED), value)
        for currency, sums in _added(told, attrgetter("currency")).items()
        for measure, value in sums.items()
        if measure.startswith(DECLINED) and value
    ]
    return [
        {
            "object": "analytics_decline",
            "currency": currency,
            "begins_at": rfc3339(whole.begins_at),
            "ends_at": rfc3339(whole.ends_at),
            "code": code,
            "payments": payments,
        }
        for currency, code, payments in sorted(found, key=lambda each: (each[0], -each[2], each[1]))
    ]


def _added(told: Iterable[Told], key: Callable[[Told], K]) -> dict[K, Sums]:
    found: dict[K, Sums] = {}
    for each in told:
        total = found.get(which := key(each))
        if total is None:
            found[which] = dict(each.sums)
            continue
        for measure, value in each.sums.items():
            total[measure] = total.get(measure, 0) + value
    return found


def _figures(
    currency: str, sums: Sums, begins_at: datetime, ends_at: datetime, unknown_since: datetime
) -> dict[str, Any]:
    """Amounts in minor units of `currency`; rates from 0 to 1, None: nothing to compare; times in seconds."""
    of = sums.get
    by_status = {status: of(measure, 0) for status, measure in BY_STATUS}
    authorized, captured = of("payments_authorized", 0), of("payments_captured", 0)
    volume, refunded, disputed = of("captured", 0), of("refunded", 0), of("disputed", 0)
    settled = [of(measure, 0) for measure in SETTLED]
    return {
        "object": "analytics_figures",
        "currency": currency,
        "begins_at": rfc3339(begins_at),
        "ends_at": rfc3339(ends_at),
        "payments": sum(by_status.values()),
        "by_status": by_status,
        "gross": of("gross", 0),
        "captured": volume,
        "refunded": refunded,
        "disputed": disputed,
        "net": volume - refunded - disputed,
        "authorization_rate": _rate(authorized, authorized + by_status["declined"]),
        "refund_rate": _rate(of("payments_refunded", 0), captured),
        "dispute_rate": _rate(of("payments_disputed", 0), captured),
        "settled": sum(settled),
        "settled_p50_s": percentile(settled, 50),
        "settled_p95_s": percentile(settled, 95),
        "settled_p99_s": percentile(settled, 99),
        "unknown": of(UNKNOWN, 0),
        "unknown_since": rfc3339(unknown_since) if of(UNKNOWN) else None,
    }


def columns(tell: Tell) -> dict[str, Any]:
    """An entry such as `tell` tells, for its members' names."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return tell([Told("usd", at, {f"{DECLINED}x": 1})], Span(DAY, at, at))[0]


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
