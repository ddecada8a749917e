"""The schedule of webhooks in a real PostgreSQL, and the endpoints' rows beside it."""

import asyncio
import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from models.webhook_endpoints import ENDPOINTS_MAX, Wished
from models.webhooks import Answer, Delivery, Notice, Outcome, delivery_id, outcome
from streams.adapters.postgres import Postgres
from streams.adapters.postgres.webhook_endpoints import DELIVERIES, DELIVERY, PostgresWebhookEndpoints
from streams.adapters.postgres.webhook_queue import FORGOTTEN_AT_ONCE, HELD_AT_ONCE, PostgresWebhookQueue
from streams.sealing import Sealing
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

FIRST, SECOND = (f"{name}:{base64.b64encode(name.encode() * 32).decode()}" for name in "ab")
MERCHANT, OTHER, URL, BY = "mer_1", "mer_2", "https://shop.example/hook", "a test"
MOST = 100
DUE = "SELECT count(*) FROM webhook_deliveries WHERE state = 'pending' AND next_at <= now()"
MANY = """
INSERT INTO webhook_deliveries (id, endpoint, event, merchant, type, payment, sequence, payload)
SELECT 'msg_' || i, %s, 'evt-' || i, 'mer_1', 'payment.captured.v1', 'pay_' || i, 1, '{}' FROM generate_series(1, 5000) AS i
"""
ATTEMPTS = """
INSERT INTO webhook_attempts (delivery, number, took_ms, answer) SELECT %s, i, 1, '' FROM generate_series(1, 200) AS i
"""


@pytest.fixture
def queue(connections: Postgres) -> PostgresWebhookQueue:
    return PostgresWebhookQueue(connections, Sealing([FIRST]))


@pytest.fixture
def endpoints(connections: Postgres) -> PostgresWebhookEndpoints:
    return PostgresWebhookEndpoints(connections, Sealing([FIRST]))


def notice(
    number: int, merchant: str = MERCHANT, type: str = "payment.captured.v1", payment: str = "pay_1"
) -> Notice:
    """Of what happens now."""
    at = datetime.now(UTC)
    return Notice(f"evt-{payment}-{number}", merchant, type, payment, number, '{"type": "a"}', at)


async def made(
    endpoints: PostgresWebhookEndpoints, merchant: str = MERCHANT, ordered: bool = False, *types: str
) -> str:
    created = await endpoints.create(merchant, Wished(URL, types or None, ordered), uuid4(), BY)
    assert created
    return created.endpoint.id


async def leased(queue: PostgresWebhookQueue, room: int = MOST, **rooms: int) -> list[Delivery]:
    return await queue.lease(rooms, room, MOST, (), MOST)


def ended(delivery: Delivery, status: int = 200) -> Outcome:
    return outcome(delivery, Answer(status, 0.25, "an answer"), 0.0)


def lying(database: str, endpoint: str, count: int, ended_ago: str) -> None:
    """What was delivered, so long ago."""
    run_sql(
        database,
        "INSERT INTO webhook_deliveries (id, endpoint, event, merchant, type, payment, sequence, payload, state, ended_at)"
        " SELECT 'msg_' || n, %s, 'evt-' || n, %s, 'a', 'pay_0', n, '{}', 'delivered', now() - %s::interval"
        " FROM generate_series(1, %s) n",
        *(endpoint, MERCHANT, ended_ago, count),
    )


def expire_leases(database: str) -> None:
    run_sql(database, "UPDATE webhook_deliveries SET next_at = now() - interval '1 second'")


async def test_an_event_is_taken_in_once_for_each_endpoint_that_wants_it(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints
) -> None:
    both = {await made(endpoints), await made(endpoints, MERCHANT, False, "payment.*", "refund.failed.v1")}
    await made(endpoints, MERCHANT, False, "dispute.*")
    await made(endpoints, OTHER)
    assert await queue.take_in([notice(1)]) == 2
    assert await queue.take_in([notice(1), notice(1)]) == 0, "told again, it is not new"
    found = await leased(queue)
    assert {each.endpoint for each in found} == both
    assert {each.id for each in found} == {delivery_id("evt-pay_1-1", each) for each in both}


async def test_what_happened_before_an_endpoint_was_made_is_not_sent_to_it(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints
) -> None:
    """Notifications may be hours behind, or be put back to where a restored database was. Clocks may be an hour apart."""
    await made(endpoints)
    now = datetime.now(UTC)
    before, about_then = (replace(notice(n), at=now - timedelta(minutes=60 - n)) for n in (-1, 1))
    assert await queue.take_in([before]) == 0
    assert await queue.take_in([before, about_then]) == 1
    (sent,) = await leased(queue)
    assert sent.id == delivery_id("evt-pay_1-1", sent.endpoint)


async def test_a_batch_of_large_events_for_many_endpoints_is_taken_in_within_the_time_of_statements(
    database: str,
) -> None:
    hasty = Postgres(database, timeout_s=0.5)
    queue = PostgresWebhookQueue(hasty, Sealing([FIRST]))
    endpoints = PostgresWebhookEndpoints(hasty, Sealing([FIRST]))
    for _ in range(ENDPOINTS_MAX):
        await made(endpoints)
    large = [replace(notice(number), payload=f'{{"a": "{"x" * 20_000}"}}') for number in range(200)]
    assert await queue.take_in(large) == 200 * ENDPOINTS_MAX
    await hasty.close()


@pytest.mark.parametrize(
    ("filter", "wanted"),
    [
        ("*", True),
        ("payment.captured.v1", True),
        ("payment.*", True),
        ("payment.captured.v2", False),
        ("pay.*", False),
    ],
)
async def test_an_endpoint_gets_what_it_asked_for(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, filter: str, wanted: bool
) -> None:
    await made(endpoints, MERCHANT, False, "dispute.*", filter)
    assert await queue.take_in([notice(1, type="payment.captured.v1")]) == wanted


async def test_what_is_leased_is_leased_to_one_and_comes_again_when_that_one_dies(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    await made(endpoints)
    await queue.take_in([notice(number) for number in range(40)])
    turns = await asyncio.gather(*(leased(queue, 10) for _ in range(4)))
    ids = [each.id for turn in turns for each in turn]
    assert len(ids) == len(set(ids)) <= 40
    while more := await leased(queue):
        ids += [each.id for each in more]
    assert len(set(ids)) == len(ids) == 40
    expire_leases(database)
    assert {each.id for each in await leased(queue)} == set(ids)


async def test_who_settles_late_changes_nothing(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    await made(endpoints)
    await queue.take_in([notice(1)])
    (mine,) = await leased(queue)
    expire_leases(database)
    (theirs,) = await leased(queue)
    assert theirs == mine
    await queue.settle([ended(theirs)])
    await queue.settle([ended(mine, 500)])
    assert run_sql(database, "SELECT state, attempts FROM webhook_deliveries") == [("delivered", 1)]
    assert await leased(queue) == []


async def test_every_attempt_is_recorded_and_the_schedule_is_kept(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    id = await made(endpoints)
    await queue.take_in([notice(1)])
    for status in (500, 503):
        (due,) = await leased(queue)
        await queue.settle([ended(due, status)])
        assert await leased(queue) == [], "not before it is due"
        expire_leases(database)
    (due,) = await leased(queue)
    assert (due.number, due.attempt) == (3, 3)
    (kept,) = await endpoints.deliveries(MERCHANT, id, MOST)
    told = [(each["number"], each["status"], each["took_ms"], each["answer"]) for each in kept.attempts]
    assert told == [(1, 500, 250, "an answer"), (2, 503, 250, "an answer")]
    assert await endpoints.deliveries(OTHER, id, MOST) == []


async def test_an_endpoint_gets_no_more_than_it_has_room_for(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints
) -> None:
    one, two, three = [await made(endpoints) for _ in range(3)]
    await queue.take_in([notice(number) for number in range(20)])
    found = [each.endpoint for each in await queue.lease({one: 0, two: 3}, 8, MOST, (), MOST)]
    assert [found.count(each) for each in (one, two, three)] == [0, 3, 8]


async def test_an_ordered_endpoint_gets_one_of_each_payment_and_the_next_when_it_is_settled(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    await made(endpoints, MERCHANT, True)
    await queue.take_in(
        [notice(number, payment=payment) for payment in ("pay_1", "pay_2") for number in (1, 2)]
    )
    first = await leased(queue)
    assert {each.id for each in first} == {
        delivery_id(f"evt-{payment}-1", first[0].endpoint) for payment in ("pay_1", "pay_2")
    }
    assert await leased(queue) == []
    await queue.settle([ended(first[0]), ended(first[1], 500)])
    (second,) = await leased(queue)
    assert second.id not in {each.id for each in first}


async def test_of_endpoints_that_hold_others_up_so_many_are_leased_together(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    """Those that are known to fail, each with one place to begin with, and those that the caller finds slow."""
    failing = [await made(endpoints) for _ in range(5)]
    run_sql(database, "UPDATE webhook_endpoints SET failing_since = now()")
    await queue.take_in([notice(number) for number in range(4)])
    well, slow = await made(endpoints, OTHER), await made(endpoints, "mer_3")
    await queue.take_in(
        [notice(10 + number, each, payment=each) for number in range(4) for each in (OTHER, "mer_3")]
    )
    assert {each.endpoint for each in await queue.lease({}, 1, MOST, [slow], 0)} == {well}
    found = await queue.lease({failing[0]: 2}, 3, MOST, [slow], 6)
    where = [each.endpoint for each in found]
    assert where.count(well) == 3
    assert [where.count(each) for each in failing] == [2, 1, 1, 1, 1], (
        "they are due for longer than the slow one"
    )
    assert {each.endpoint for each in found if each.failing} == set(failing)
    assert {each.endpoint for each in await queue.lease(dict.fromkeys(failing, 0), 4, 2, [slow], MOST)} == {
        slow
    }


async def test_who_is_gone_or_has_failed_for_days_is_disabled_told_and_enabled_again(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    gone, failing = await made(endpoints, MERCHANT, False, "payment.*"), await made(endpoints, OTHER)
    await queue.take_in([notice(1), notice(1, OTHER), notice(2, OTHER)])
    (due,) = await queue.lease({failing: 0}, MOST, MOST, (), MOST)
    assert [id for id, _ in await queue.settle([ended(due, 410)])] == [gone]
    assert await queue.settle([ended((await leased(queue, 1))[0], 500)]) == []
    run_sql(
        database,
        "UPDATE webhook_endpoints SET failing_since = now() - interval '6 days' WHERE id = %s",
        failing,
    )
    assert [id for id, _ in await queue.settle([ended((await leased(queue, 1))[0], 500)])] == [failing]
    expire_leases(database)
    assert await leased(queue) == []
    assert await queue.take_in([notice(3, OTHER)]) == 0
    disabled = await endpoints.one(OTHER, failing)
    assert disabled
    assert disabled.disabled_why == "nothing was taken for 5 days"
    noted = run_sql(
        database,
        "SELECT subject FROM audit WHERE action = 'webhook_endpoint.disabled' AND actor = 'millrace'",
    )
    assert {(gone,), (failing,)} <= set(noted)
    assert await endpoints.enable(OTHER, failing, BY)
    assert len(await leased(queue)) == 2, "what was on its way goes on"


async def test_what_happened_before_an_endpoint_was_disabled_waits_for_it_though_it_is_taken_in_only_then(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints
) -> None:
    """Notifications were behind."""
    id = await made(endpoints)
    before = notice(1)
    await endpoints.disable(MERCHANT, id, "a sale is over", BY)
    assert await queue.take_in([before, notice(2)]) == 1
    assert await leased(queue) == []
    await endpoints.enable(MERCHANT, id, BY)
    assert [each.id for each in await leased(queue)] == [delivery_id(before.event_id, id)]
    assert await queue.take_in([before]) == 0


@pytest.mark.parametrize("act", ["enable", "change the url", "enable by a change"])
async def test_what_is_answered_to_an_attempt_that_was_begun_before_the_endpoint_was_mended_says_nothing_of_it(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, act: str
) -> None:
    id = await made(endpoints)
    await queue.take_in([notice(1), notice(2), notice(3)])
    first, late, later = await leased(queue)
    if act == "change the url":
        await endpoints.change(MERCHANT, id, Wished(f"{URL}/new"), BY)
    else:
        assert [endpoint for endpoint, _ in await queue.settle([ended(first, 410)])] == [id]
        if act == "enable":
            await endpoints.enable(MERCHANT, id, BY)
        else:
            await endpoints.change(MERCHANT, id, Wished(enabled=True), BY)
    assert await queue.settle([ended(late, 410)]) == []
    assert await queue.settle([ended(later, 500)]) == []
    mended = await endpoints.one(MERCHANT, id)
    assert mended and mended.disabled_at is None and mended.failing_since is None
    await endpoints.redeliver(MERCHANT, late.id, BY)
    again = next(each for each in await leased(queue) if each.id == late.id)
    assert [endpoint for endpoint, _ in await queue.settle([ended(again, 410)])] == [id], "it is gone now too"


async def test_one_success_ends_a_failure(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints
) -> None:
    id = await made(endpoints)
    await queue.take_in([notice(1), notice(2)])
    one, two = await leased(queue)
    await queue.settle([ended(one, 500)])
    failing = await endpoints.one(MERCHANT, id)
    assert failing
    assert failing.failing_since
    await queue.settle([ended(two)])
    well = await endpoints.one(MERCHANT, id)
    assert well
    assert well.failing_since is None


async def test_what_was_delivered_can_be_sent_again_under_its_id(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints
) -> None:
    id = await made(endpoints)
    await queue.take_in([notice(1)])
    due_id = delivery_id(notice(1).event_id, id)
    assert await endpoints.redeliver(MERCHANT, due_id, BY) is None, "it was not sent once"
    (due,) = await leased(queue)
    await queue.settle([ended(due)])
    assert await endpoints.redeliver(OTHER, due.id, BY) is None, "another merchant's"
    assert await endpoints.redeliver(MERCHANT, due.id, BY)
    (again,) = await leased(queue)
    assert (again.id, again.number, again.attempt) == (due_id, 2, 1)


@pytest.mark.parametrize("status", [200, 500, 410])
async def test_what_is_asked_for_again_while_an_attempt_is_under_way_is_sent_once_more_after_it(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, status: int
) -> None:
    """Its receiver has it already, and only its settling is to come."""
    id = await made(endpoints)
    await queue.take_in([notice(1)])
    (due,) = await leased(queue)
    asked = await endpoints.redeliver(MERCHANT, due.id, BY)
    assert asked and asked.state == "pending"
    assert not await leased(queue), "one attempt at a time"
    await queue.settle([ended(due, status)])
    await endpoints.enable(MERCHANT, id, BY)
    (again,) = await leased(queue)
    assert (again.id, again.number, again.attempt) == (due.id, 2, 1)
    await queue.settle([ended(again)])
    (kept,) = await endpoints.deliveries(MERCHANT, id, MOST)
    assert kept.state == "delivered" and [each["status"] for each in kept.attempts] == [status, 200]
    assert not await leased(queue)


async def test_what_is_asked_for_again_is_sent_again_though_the_attempt_before_is_settled_late(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    """PostgreSQL was away meanwhile, for longer than a lease."""
    await made(endpoints)
    await queue.take_in([notice(1)])
    (due,) = await leased(queue)
    expire_leases(database)
    assert await endpoints.redeliver(MERCHANT, due.id, BY)
    await queue.settle([ended(due)])
    (again,) = await leased(queue)
    assert (again.id, again.number, again.attempt) == (due.id, 2, 1)


async def test_who_died_with_what_is_asked_for_again_holds_it_up_no_longer_than_its_lease(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    await made(endpoints)
    await queue.take_in([notice(1)])
    (due,) = await leased(queue)
    assert await endpoints.redeliver(MERCHANT, due.id, BY)
    expire_leases(database)
    (again,) = await leased(queue)
    await queue.settle([ended(again)])
    assert not await leased(queue), "it was sent as it was asked for"


async def test_while_a_secret_is_rolled_both_sign_and_then_the_new_one(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    created = await endpoints.create(MERCHANT, Wished(URL), uuid4(), BY)
    assert created
    endpoint, old = created.endpoint, created.secret
    rotated = await endpoints.rotate(MERCHANT, endpoint.id, timedelta(hours=1), uuid4(), BY)
    assert rotated
    await queue.take_in([notice(1)])
    assert [each.secrets for each in await leased(queue)] == [(rotated.secret, old)]
    run_sql(database, "UPDATE webhook_endpoints SET old_until = now()")
    expire_leases(database)
    assert [each.secrets for each in await leased(queue)] == [(rotated.secret,)]


async def test_secrets_lie_sealed_and_a_key_can_be_replaced(
    connections: Postgres, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    created = await endpoints.create(MERCHANT, Wished(URL), uuid4(), BY)
    assert created
    ((lies,),) = run_sql(database, "SELECT secret FROM webhook_endpoints")
    assert isinstance(lies, memoryview)
    assert str(created.secret).encode() not in bytes(lies)
    await PostgresWebhookQueue(connections, Sealing([FIRST])).take_in([notice(1)])
    assert await leased(PostgresWebhookQueue(connections, Sealing([SECOND]))) == []
    expire_leases(database)
    (found,) = await leased(PostgresWebhookQueue(connections, Sealing([SECOND, FIRST])))
    assert found.secrets == (created.secret,)


async def test_another_merchants_endpoint_is_not_there(
    endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    id = await made(endpoints)
    assert await endpoints.one(OTHER, id) is None
    assert await endpoints.change(OTHER, id, Wished(description="mine"), BY) is None
    assert await endpoints.rotate(OTHER, id, timedelta(0), uuid4(), BY) is None
    assert await endpoints.disable(OTHER, id, "why not", BY) is None
    assert await endpoints.enable(OTHER, id, BY) is None
    assert await endpoints.delete(OTHER, id, BY) is None
    assert await endpoints.all(OTHER) == []
    changed = await endpoints.change(MERCHANT, id, Wished(description="mine", event_types=["refund.*"]), BY)
    assert changed
    assert (changed.description, changed.event_types, changed.url) == ("mine", ["refund.*"], URL)
    assert await endpoints.delete(MERCHANT, id, BY)
    acts = run_sql(database, "SELECT action, actor FROM audit WHERE subject = %s ORDER BY id", id)
    assert acts == [(f"webhook_endpoint.{what}", BY) for what in ("created", "changed", "deleted")]


async def test_what_ended_a_month_ago_is_forgotten_and_nothing_else(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    await made(endpoints)
    await queue.take_in([notice(1), notice(2), notice(3)])
    old, new = await leased(queue, 2)
    await queue.settle([ended(old), ended(new)])
    run_sql(
        database, "UPDATE webhook_deliveries SET ended_at = now() - interval '31 days' WHERE id = %s", old.id
    )
    assert await queue.forget() == 1
    assert run_sql(database, "SELECT count(*) FROM webhook_deliveries") == [(2,)]
    assert run_sql(database, "SELECT delivery FROM webhook_attempts") == [(new.id,)]


async def test_all_that_is_to_be_forgotten_is_forgotten_however_much(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    id = await made(endpoints)
    lying(database, id, 2 * FORGOTTEN_AT_ONCE + 1, "31 days")
    assert await queue.forget() == 2 * FORGOTTEN_AT_ONCE + 1


async def test_an_endpoint_is_deleted_at_once_however_much_was_sent_to_it(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    request = uuid4()
    made_first = await endpoints.create(MERCHANT, Wished(URL), request, BY)
    assert made_first
    id = made_first.endpoint.id
    await queue.take_in([notice(1), notice(2)])
    (sent, _) = await leased(queue)
    await queue.settle([ended(sent)])
    lying(database, id, 50_000, "1 day")
    assert await endpoints.delete(MERCHANT, id, BY)
    expire_leases(database)
    assert await leased(queue) == []
    assert await endpoints.redeliver(MERCHANT, sent.id, BY) is None
    assert await endpoints.create(MERCHANT, Wished(URL), request, BY), (
        "by the same request, under the same id"
    )
    assert await queue.take_in([notice(3)]) == 1
    assert [each.id for each in await leased(queue)] == [delivery_id("evt-pay_1-3", id)]
    assert await queue.forget() == 50_002, "what was sent to it is left for later"
    assert run_sql(database, "SELECT event FROM webhook_deliveries") == [("evt-pay_1-3",)]
    await queue.forget()
    assert run_sql(database, "SELECT * FROM webhook_endpoints_deleted") == []
    assert run_sql(database, "SELECT * FROM webhook_attempts") == []


async def test_a_merchant_has_so_many_endpoints_and_no_more(endpoints: PostgresWebhookEndpoints) -> None:
    for _ in range(ENDPOINTS_MAX):
        await made(endpoints)
    assert await endpoints.create(MERCHANT, Wished(URL), uuid4(), BY) is None
    assert await endpoints.create(OTHER, Wished(URL), uuid4(), BY)


async def test_what_waits_for_its_turn_is_not_looked_at_each_time_and_comes_when_it_is_its_turn(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    await made(endpoints, MERCHANT, True)
    await queue.take_in([notice(number) for number in range(700)])
    (first,) = await leased(queue)
    assert run_sql(database, DUE) == [(700 - MOST - HELD_AT_ONCE,)], "one look looks at so many of them"
    assert await leased(queue) == []
    assert run_sql(database, DUE) == [(0,)]
    await queue.settle([ended(first, 500)])
    assert await leased(queue) == [], "the first is not due"
    run_sql(database, "UPDATE webhook_deliveries SET next_at = now() WHERE id = %s", first.id)
    (first,) = await leased(queue)
    assert await leased(queue) == []
    assert run_sql(database, DUE) == [(0,)]
    for number in range(5):
        await queue.settle([ended(first, 200)])
        (first,) = await leased(queue)
        assert first.id == delivery_id(f"evt-pay_1-{number + 1}", first.endpoint)


@pytest.mark.parametrize("state", ["failed", "delivered"])
async def test_deliveries_of_one_state_are_found_without_looking_at_those_of_another(
    endpoints: PostgresWebhookEndpoints, connections: Postgres, database: str, state: str
) -> None:
    id = await made(endpoints)
    run_sql(database, MANY, id)
    run_sql(database, "ANALYZE webhook_deliveries")
    values = (id, MERCHANT, state, state, None, None, id, MOST)
    plan = await connections.rows("EXPLAIN " + DELIVERIES + DELIVERY, values)
    assert any("webhook_deliveries_by_state" in line for (line,) in plan), plan


async def test_a_secret_that_is_cut_short_stops_nobody_elses_deliveries(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    broken, sound = await made(endpoints), await made(endpoints)
    run_sql(database, "UPDATE webhook_endpoints SET secret = substr(secret, 1, 4) WHERE id = %s", broken)
    await queue.take_in([notice(1)])
    assert [each.endpoint for each in await leased(queue)] == [sound]


async def test_of_a_delivery_that_is_sent_again_and_again_the_newest_attempts_are_shown(
    queue: PostgresWebhookQueue, endpoints: PostgresWebhookEndpoints, database: str
) -> None:
    id = await made(endpoints)
    await queue.take_in([notice(1)])
    (first,) = await leased(queue)
    run_sql(database, ATTEMPTS, first.id)
    (kept,) = await endpoints.deliveries(MERCHANT, id, MOST)
    assert [each["number"] for each in kept.attempts] == list(range(151, 201))
