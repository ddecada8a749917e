"""Facts for tests: stories of payments as the log tells them, in order and without gaps."""

import random
from datetime import UTC, datetime, timedelta

from models.analytics import Fact

START = datetime(2026, 1, 31, 23, 58, 30, tzinfo=UTC)
"""Shortly before a minute, an hour, a day and a month end."""


def fact(payment: str = "pay_1", sequence: int = 1, at_s: float = 0, **changed: object) -> Fact:
    """`at_s`: seconds from START, when the payment was created unless it is said otherwise."""
    members: dict[str, object] = {
        "merchant": "mer_1", "currency": "usd", "method": "card", "created_at": START, "status": "processing", "amount": 1000,
        "authorized": 0, "captured": 0, "refunded": 0, "disputed": 0, "decline": None, "unknown_since": None,
    }  # fmt: skip
    members.update(changed)
    return Fact(payment=payment, sequence=sequence, at=START + timedelta(seconds=at_s), **members)  # type: ignore[arg-type]


def stories(payments: int, seed: int) -> list[Fact]:
    """Captured in parts, refunded, disputed, declined, unknown and resolved; over two days, three merchants, two currencies."""
    draw = random.Random(seed)
    return [each for number in range(payments) for each in _story(f"pay_{number:05}", draw)]


def _story(payment: str, draw: random.Random) -> list[Fact]:
    at_s = draw.uniform(0, 100_000)
    who = {
        "merchant": draw.choice(["mer_1", "mer_2", "mer_3"]),
        "currency": draw.choice(["usd", "jpy"]),
        "created_at": START + timedelta(seconds=at_s),
    }
    first = fact(payment, 1, at_s, **who)
    at_s += draw.expovariate(0.05)
    if draw.random() < 0.2:
        return [
            first,
            fact(payment, 2, at_s, status="declined", decline=draw.choice(["lost", "funds"]), **who),
        ]
    told = [first]
    if draw.random() < 0.3:
        since = START + timedelta(seconds=at_s)
        told.append(fact(payment, 2, at_s, status="unknown", unknown_since=since, **who))
        if draw.random() < 0.5:
            return told
    for captured, refunded, disputed in (
        (400, 0, 0),
        (1000, 0, 0),
        (1000, 250, 0),
        (1000, 250, 750),
        (1000, 250, 0),
    ):
        at_s += draw.expovariate(0.001)
        told.append(
            fact(payment, len(told) + 1, at_s, status="captured", authorized=1000, captured=captured, refunded=refunded,
                 disputed=disputed, **who)
        )  # fmt: skip
        if draw.random() < 0.2:
            break
    return told
