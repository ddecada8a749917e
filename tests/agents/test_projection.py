"""What comes over the event topic and is no event stops nobody: it is told apart before, or by, the store."""

import asyncio
from datetime import UTC, datetime

import orjson
import pytest

from agents.projection import project
from models.errors import InvariantBroken
from models.ports import Change, EventRecord, View
from streams.adapters.postgres.store import PostgresPaymentStore
from streams.delivery import Outgoing, Poison
from streams.wire import cloudevents
from streams.wire.changes import change_of
from tests.streams.wire.records import received

PAYMENT = "pay_" + "ab" * 16
AT = datetime(2026, 1, 31, tzinfo=UTC)
MALFORMED: View = {"id": PAYMENT, "sequence": 1}  # and nothing of all that a payment has


def change(payment: View | None) -> Change:
    event = EventRecord("e", "payment.captured.v1", PAYMENT, "mer_1", 1, AT, "c", {"data": {}})
    return Change(event, payment)


@pytest.mark.parametrize(
    "value",
    [{}, [], {"merchant": 1, "payment": None}, {"merchant": "mer_1", "payment": "x"},
     {"merchant": "mer_1", "payment": {"id": "pay_other", "sequence": 1}},
     {"merchant": "mer_1", "payment": {"id": PAYMENT}}],
)  # fmt: skip
def test_an_event_that_lacks_what_events_have_is_poison(value: object) -> None:
    headers = cloudevents.attributes(
        id="e", type="payment.captured.v1", source="s", at=AT, subject=PAYMENT, sequence="1", causationid="c"
    )
    with pytest.raises(Poison):
        change_of(received(Outgoing("payments.events.v1", PAYMENT.encode(), orjson.dumps(value), 0, headers)))


def test_a_view_that_no_row_can_be_made_of_is_refused_by_the_store_before_it_connects() -> None:
    store = PostgresPaymentStore("postgresql://127.0.0.1:1/nobody")
    with pytest.raises(InvariantBroken):
        asyncio.run(store.apply([change(MALFORMED)]))


def test_what_the_store_refuses_goes_neither_into_the_cache_nor_stops_the_rest() -> None:
    class Store:
        async def apply(self, changes: list[Change]) -> None:
            if any(change.payment is MALFORMED for change in changes):
                raise InvariantBroken("no such row")

    class Cache:
        def __init__(self) -> None:
            self.kept: list[View] = []

        async def put(self, payments: list[View]) -> bool:
            self.kept += payments
            return True

        async def get(self, payment_id: str) -> View | None:
            return None

    good: View = {"id": "pay_good", "sequence": 1}
    cache = Cache()
    refused = asyncio.run(
        project([change(MALFORMED), change(good)], Store(), cache, lambda name: None)  # type: ignore[arg-type]
    )
    assert [one.payment for one in refused] == [MALFORMED]
    assert cache.kept == [good]
