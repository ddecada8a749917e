"""What analytics adds up, held against the log replayed: a fact of each event, and the sums of each merchant's payments."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.system.stack import System
from tests.system.truths import Replayed, snapshot

FACTS = "SELECT payment, sequence, status, amount, captured, refunded FROM analytics.facts"
SUMS = """
SELECT interval, merchant, currency, measure, sum(moved::bigint)::bigint
FROM analytics.rollups, jsonb_each_text(sums) AS moves(measure, moved)
WHERE measure IN ('gross', 'captured', 'refunded') GROUP BY 1, 2, 3, 4 HAVING sum(moved::bigint) <> 0
"""
INTERVALS = ("minute", "hour", "day")
TOLD = ("status", "amount", "amount_captured", "amount_refunded")


class Added(NamedTuple):
    """`facts`: of a payment at a sequence; `sums`: by interval, merchant, currency and measure."""

    facts: dict[tuple[str, int], tuple[Any, ...]]
    sums: dict[tuple[str, ...], int]


async def added_up(system: System) -> Added:
    return await asyncio.to_thread(_read, system.postgres.dsn)


def _read(dsn: str) -> Added:
    with snapshot(dsn) as cursor:
        cursor.execute(FACTS)
        facts = {(payment, sequence): tuple(left) for payment, sequence, *left in cursor}
        cursor.execute(SUMS)
        return Added(facts, {tuple(whose): moved for *whose, moved in cursor})


def misadded(log: Replayed, added: Added) -> Iterator[str]:
    facts = {
        (id, event.sequence): tuple(payment[name] for name in TOLD)
        for id, story in log.stories.items()
        for event, told in story
        if (payment := told.content["payment"])
    }
    for place in facts.keys() | added.facts.keys():
        if facts.get(place) != added.facts.get(place):
            yield f"I6 {place}: analytics has {added.facts.get(place)}, the log {facts.get(place)}"
    sums = Counter[tuple[str, ...]]()
    for transaction in log.replayed.values():
        payment, merchant = transaction.payment, transaction.merchant
        if payment is None or merchant is None:
            continue
        for interval in INTERVALS:
            whose = interval, merchant, payment.terms.money.currency
            sums[*whose, "gross"] += payment.terms.money.amount_minor
            sums[*whose, "captured"] += payment.amount_captured_minor
            sums[*whose, "refunded"] += transaction.amount_refunded_minor
    for each in sums.keys() | added.sums.keys():
        if sums[each] != added.sums.get(each, 0):
            yield f"I6 analytics: {each} is {added.sums.get(each, 0)}, the log adds up to {sums[each]}"
