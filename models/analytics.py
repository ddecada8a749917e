"""What payments add up to: one pure fold over the facts of a payment's story. Where facts and sums are kept is not known here.

A payment's contribution is always that of its whole known story. A fact that comes late, twice or out of order is put into the
story, and the sums move by the difference: so they depend on which facts are known, and on nothing else.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

MINUTE, HOUR, DAY = "minute", "hour", "day"

SETTLING_UP_TO_S = (1, 2, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400, 604_800)
"""The upper ends of the histogram's buckets; one more, `inf`, is for what took longer. A week is the longest that an
authorisation holds on most cards. Source: Stripe, "Place a hold on a payment method"."""


METHODS = ("card", "bank_account", "other")


class Fact(NamedTuple):
    """A payment as one of its events left it. Amounts are totals so far, in minor units of `currency`."""

    payment: str
    sequence: int
    merchant: str
    currency: str
    method: str
    at: datetime
    created_at: datetime
    status: str
    amount: int
    authorized: int
    captured: int
    refunded: int
    disputed: int
    decline: str | None
    unknown_since: datetime | None


class Bucket(NamedTuple):
    """Whose sums, and of which stretch of event time."""

    merchant: str
    currency: str
    method: str
    interval: str
    begins_at: datetime


Sums = dict[str, int]
"""Of one bucket, by measure. None is zero."""


def method_of(payment_method: str) -> str:
    """The kind of method. Events carry the provider's id of a method, not its type; an id that tells none is `other`."""
    for kind, prefixes in {
        "card": ("pm_card_", "card_", "tok_"),
        "bank_account": ("ba_", "pm_usBankAccount"),
    }.items():
        if payment_method.startswith(prefixes):
            return kind
    return "other"


def difference(known: Collection[Fact], new: Iterable[Fact]) -> tuple[list[Fact], dict[Bucket, Sums]]:
    """Which of the `new` facts were not `known`, and how the sums move by them. `known`: all of the same payments' facts."""
    stories: dict[str, dict[int, Fact]] = {}
    for fact in known:
        stories.setdefault(fact.payment, {})[fact.sequence] = fact
    longer: dict[str, dict[int, Fact]] = {}
    added: list[Fact] = []
    for fact in new:
        story = longer.get(fact.payment) or stories.get(fact.payment, {})
        if fact.sequence not in story:
            longer.setdefault(fact.payment, dict(story))[fact.sequence] = fact
            added.append(fact)
    minutes: defaultdict[Bucket, Sums] = defaultdict(lambda: defaultdict(int))
    for payment, story in longer.items():
        _move(minutes, story, 1)
        if payment in stories:
            _move(minutes, stories[payment], -1)
    return added, _rolled_up(minutes)


def _move(minutes: defaultdict[Bucket, Sums], story: Mapping[int, Fact], sign: int) -> None:
    facts = [story[sequence] for sequence in sorted(story)]
    who = facts[0]
    for at, measure, value in contributions(facts):
        bucket = Bucket(who.merchant, who.currency, who.method, MINUTE, beginning(at, MINUTE))
        minutes[bucket][measure] += sign * value


def _rolled_up(minutes: Mapping[Bucket, Sums]) -> dict[Bucket, Sums]:
    """The same by minutes, hours and days, in the order of the buckets: what many payments moved is added up once."""
    every: defaultdict[Bucket, Sums] = defaultdict(lambda: defaultdict(int))
    for minute, sums in minutes.items():
        for interval in (MINUTE, HOUR, DAY):
            bucket = minute._replace(interval=interval, begins_at=beginning(minute.begins_at, interval))
            for measure, value in sums.items():
                every[bucket][measure] += value
    moved = (
        (bucket, {measure: value for measure, value in every[bucket].items() if value})
        for bucket in sorted(every)
    )
    return {bucket: sums for bucket, sums in moved if sums}


def contributions(story: Sequence[Fact]) -> Iterable[tuple[datetime, str, int]]:
    """All that one payment adds to any sum, and when: each measure's time is written down in docs/analytics.md. `story`: of at
    least one fact, in order.
    """
    yield from _of_the_payment(story)
    yield from _of_its_movements(story)


@lru_cache(maxsize=4096)  # a payment's few times are asked for many times over
def beginning(at: datetime, interval: str) -> datetime:
    """Of the bucket that holds `at`; days are UTC's."""
    at = at.astimezone(UTC).replace(second=0, microsecond=0)
    return (
        at
        if interval == MINUTE
        else at.replace(minute=0)
        if interval == HOUR
        else at.replace(hour=0, minute=0)
    )


def _of_the_payment(facts: Sequence[Fact]) -> Iterable[tuple[datetime, str, int]]:
    """In the bucket in which it was created, whenever it happened: rates then compare a payment with itself."""
    newest = facts[-1]
    created_at = newest.created_at
    yield created_at, f"status:{newest.status}", 1
    yield created_at, "gross", newest.amount
    if any(fact.authorized or fact.captured for fact in facts):
        yield created_at, "payments_authorized", 1
    for measure in ("captured", "refunded", "disputed"):
        if any(getattr(fact, measure) for fact in facts):
            yield created_at, f"payments_{measure}", 1
    if newest.unknown_since:
        yield newest.unknown_since, "unknown", 1


def _of_its_movements(facts: Sequence[Fact]) -> Iterable[tuple[datetime, str, int]]:
    """In the bucket in which it happened."""
    for before, after in pairwise((None, *facts)):
        assert after is not None
        for measure in ("captured", "refunded", "disputed"):
            moved = getattr(after, measure) - (getattr(before, measure) if before else 0)
            if moved:
                yield after.at, measure, moved
    declined = next((fact for fact in facts if fact.decline), None)
    if declined:
        yield declined.at, f"decline:{declined.decline}", 1
    settled = next((fact for fact in facts if fact.captured), None)
    if settled:
        yield settled.at, f"settled_within:{settling_bucket(settled.at - settled.created_at)}", 1


def settling_bucket(took: timedelta) -> str:
    """The upper end, in seconds."""
    index = bisect_left(SETTLING_UP_TO_S, took.total_seconds())
    return str(SETTLING_UP_TO_S[index]) if index < len(SETTLING_UP_TO_S) else "inf"
