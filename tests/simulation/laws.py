"""Laws of the campaign that need more than its evidence: every step of every payment, and what Stripe saw of us."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from operator import attrgetter

from models.errors import InvariantBroken
from models.events import Event, PaymentReadRequested
from models.ids import internal_command_id
from models.provider import RefundStatus
from models.transaction import Transaction, evolve, react
from streams.wire.commands import NOTICE
from tests.simulation.composition import MERCHANT, MOST_MINOR
from tests.simulation.stripe import Stripe
from tests.system.truths import Replayed

GIVEN_BACK = (RefundStatus.FAILED, RefundStatus.CANCELED)


def broken(log: Replayed, stripe: Stripe) -> list[str]:
    return [
        *refunds_fit(log),
        *calls_came_back(log),
        *notices_are_news_once(log),
        *policies_hold(log),
        *(f"I15 {use}" for use in stripe.simulator.keys.stale_uses),
        *(f"I1 {key} was sent with other parameters" for key in stripe.other_parameters),
    ]


def refunds_fit(log: Replayed) -> Iterator[str]:
    """At every step, and added up apart from the code's own sums."""
    for id, story in log.stories.items():
        for transaction in _steps(event for event, _ in story):
            captured = transaction.payment.amount_captured_minor if transaction.payment else 0
            held = [r.amount_minor for r in transaction.refunds.values() if r.status not in GIVEN_BACK]
            if sum(held) > captured:
                yield f"I4 {id}: refunds of {sum(held)}, and {captured} captured, at {transaction.sequence}"


def _steps(events: Iterable[Event]) -> Iterator[Transaction]:
    """As far as they make sense: that they do not is told by the replay."""
    transaction: Transaction | None = None
    with suppress(InvariantBroken):
        for event in events:
            transaction = evolve(transaction, event)
            yield transaction


def policies_hold(log: Replayed) -> Iterator[str]:
    """Whatever was refused about a payment before it was there."""
    for id, transaction in log.replayed.items():
        payment = transaction.payment
        if payment and transaction.merchant == MERCHANT and payment.terms.money.amount_minor > MOST_MINOR:
            yield f"I5 {id}: more than its merchant's policy allows was asked for"


def calls_came_back(log: Replayed) -> Iterator[str]:
    """A gateway may make a call twice; the writer's timer would mend one that was never made, but none may be."""
    came = {dict(record.headers)["ce_id"].decode() for record in log.commands.values()}
    for story in log.stories.values():
        for event, _ in story:
            call = react(event)
            if call and internal_command_id(call.payment_id, f"outcome\n{event.id}") not in came:
                yield f"I2 {call.key}, asked for by event {event.sequence}, never came back"


def notices_are_news_once(log: Replayed) -> Iterator[str]:
    """However often one is taken in; that it makes us look again is no news."""
    notices = {
        headers["ce_id"].decode()
        for record in log.commands.values()
        if (headers := dict(record.headers))["ce_type"] == NOTICE.encode()
    }
    for id, story in log.stories.items():
        told = [event for event, _ in story if not isinstance(event.data, PaymentReadRequested)]
        times = Counter(caused_by for caused_by, _ in groupby(told, key=attrgetter("caused_by")))
        yield from (
            f"I9 notice {each} of {id} was news {times[each]} times" for each in notices if times[each] > 1
        )
