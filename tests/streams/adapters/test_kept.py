"""What PostgreSQL keeps is read beside what it should keep, whatever somebody has put there."""

from collections.abc import AsyncIterator

import pytest

from streams.adapters.postgres import PostgresPaymentStore
from streams.adapters.postgres.kept import Kept, PostgresKept, event_digest, payment_to_keep
from streams.reconciling.comparing import with_postgres
from streams.reconciling.stories import Story
from tests.streams.adapters.payments import FIRST, change, payment_id, refund, view
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

NO_BODIES = ["[]", "null", "7", '"text"', r'{"half": "\ud800"}', r'{"\ud800": 1}']


@pytest.fixture
async def kept(database: str) -> AsyncIterator[PostgresKept]:
    reading = PostgresKept(database)
    yield reading
    await reading.close()


async def test_what_the_projection_keeps_is_what_should_be_kept(
    store: PostgresPaymentStore, kept: PostgresKept
) -> None:
    shown = view(1, refunds=[refund(1)])
    await store.apply([change(shown)])
    found = (await kept.of([payment_id(1)]))[payment_id(1)]
    assert found.payment == payment_to_keep(shown)
    assert found.events == {1: event_digest(change(shown).event)}


@pytest.mark.parametrize("body", NO_BODIES)
@pytest.mark.parametrize(
    ("table", "column", "field"),
    [
        ("payment_events", "body", "event 1"),
        ("payment_events", "for_operators", "event 1"),
        ("payments", "body", ""),
        ("refunds", "body", ""),
    ],
)
async def test_a_body_that_is_none_is_a_difference_and_no_crash(
    store: PostgresPaymentStore,
    kept: PostgresKept,
    database: str,
    body: str,
    table: str,
    column: str,
    field: str,
) -> None:
    shown = change(view(1, refunds=[refund(1)]))
    await store.apply([shown])
    run_sql(database, f"UPDATE {table} SET {column} = %s", body)
    story = Story(FIRST, 1)
    story.add(shown)
    found = with_postgres(story, (await kept.of([payment_id(1)])).get(payment_id(1), Kept()))
    assert found and (not field or list(found) == [field])
