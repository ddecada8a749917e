"""What must hold of every payment's story, step by step: money, and what is news. No reading and no waiting here."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, pairwise

from models.events import (
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentProcessing,
    PaymentReadRequested,
    RefundPending,
    RefundSucceeded,
)
from models.provider import RefundStatus
from streams.wire.commands import NOTICE
from tests.system.evidence import Evidence

NEWS = (
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentProcessing,
    RefundPending,
    RefundSucceeded,
)
GIVEN_BACK = (RefundStatus.FAILED, RefundStatus.CANCELED)


def nothing_is_news_twice(found: Evidence) -> Iterator[str]:
    """However often it is told; what was in doubt meanwhile may be said again."""
    for id, story in found.log.stories.items():
        for (before, _), (event, _) in pairwise(story):
            if isinstance(event.data, NEWS) and event.data == before.data:
                yield f"I9 {id}: event {event.sequence} says what was said before it"


def notices_are_news_once(found: Evidence) -> Iterator[str]:
    """However often one is taken in; that it makes us look again is no news."""
    notices = set[str]()
    for record in found.log.commands.values():
        headers = dict(record.headers)  # of poison there may be none
        if headers.get("ce_type") == NOTICE.encode():
            notices.add((headers.get("ce_id") or b"").decode(errors="replace"))
    for id, story in found.log.stories.items():
        told = (event.caused_by for event, _ in story if not isinstance(event.data, PaymentReadRequested))
        times = Counter(caused_by for caused_by, _ in groupby(told))
        yield from (
            f"I9 notice {each} of {id} was news {n} times"
            for each, n in times.items()
            if n > 1 and each in notices
        )


def refunds_fit(found: Evidence) -> Iterator[str]:
    """At every step, and added up apart from the code's own sums."""
    for id, steps in found.log.steps.items():
        for step in steps:
            captured = step.payment.amount_captured_minor if step.payment else 0
            held = sum(r.amount_minor for r in step.refunds.values() if r.status not in GIVEN_BACK)
            if held > captured:
                yield f"I4 {id}: refunds of {held}, and {captured} captured, at {step.sequence}"
