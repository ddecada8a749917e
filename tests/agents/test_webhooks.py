"""Webhooks on their way: real PostgreSQL, a real receiver, and the dispatcher between them."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from agents.notifications.webhooks import LANE_FIRST, LANE_MAX, SLOW_S, Lane, Webhooks
from models.webhook_endpoints import Wished
from models.webhooks import Notice, Outcome
from sandbox.testing import PostgresServer
from streams.adapters.postgres import Postgres
from streams.adapters.postgres.migrating import migrate
from streams.adapters.postgres.webhook_endpoints import PostgresWebhookEndpoints
from streams.adapters.postgres.webhook_queue import PostgresWebhookQueue
from streams.adapters.webhook_sender import HttpWebhookSender
from streams.sealing import Sealing
from tests.streams.adapters.receiver import HOST, Receiver, receiving
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

MERCHANT = "mer_1"
WITHIN_S = 20.0
DEAD = 15


class World:
    def __init__(self, dsn: str, receiver: Receiver) -> None:
        self.dsn, self.receiver = dsn, receiver
        self.postgres = Postgres(dsn)
        sealing = Sealing([f"a:{base64.b64encode(b'k' * 32).decode()}"])
        self.queue, self._endpoints = (
            PostgresWebhookQueue(self.postgres, sealing),
            PostgresWebhookEndpoints(self.postgres, sealing),
        )
        self.outcomes: list[Outcome] = []

    async def endpoint(self, path: str, ordered: bool = False) -> str:
        made = await self._endpoints.create(
            MERCHANT, Wished(self.receiver.url + path, ordered=ordered), uuid4(), "a test"
        )
        assert made and made.secret
        self.receiver.secrets[path] = made.secret
        return made.endpoint.id

    @asynccontextmanager
    async def worker(self, total_s: float = 15.0) -> AsyncIterator[Webhooks]:
        sender = HttpWebhookSender([HOST], total_s)
        webhooks = Webhooks(self.queue, sender, self.outcomes.append)
        task = asyncio.create_task(webhooks.run())
        try:
            yield webhooks
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await webhooks.drain(0.1)
            await sender.close()

    def due_now(self) -> None:
        run_sql(self.dsn, "UPDATE webhook_deliveries SET next_at = now() WHERE state = 'pending'")

    def states(self) -> dict[object, object]:
        return dict(run_sql(self.dsn, "SELECT state, count(*) FROM webhook_deliveries GROUP BY state"))  # type: ignore[arg-type]


@pytest.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[World]:
    dsn = postgres.fresh_database()
    migrate(dsn)
    async with receiving() as receiver:
        world = World(dsn, receiver)
        yield world
        await world.postgres.close()


def notices(count: int, payments: int = 1) -> list[Notice]:
    return [
        Notice(
            f"evt-{number}",
            MERCHANT,
            "payment.captured.v1",
            f"pay_{number % payments}",
            number,
            f'{{"n":{number}}}',
            datetime.now(UTC),
        )
        for number in range(count)
    ]


async def until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < ends_at, "did not come true in time"
        await asyncio.sleep(0.02)


async def test_each_event_arrives_once_signed_and_is_settled(world: World) -> None:
    await world.endpoint("/a")
    async with world.worker() as webhooks:
        await webhooks.take_in(notices(200))
        await webhooks.take_in(notices(200))
        await until(lambda: world.states() == {"delivered": 200})
    assert len(world.receiver.ids("/a")) == len(set(world.receiver.ids("/a"))) == 200


async def test_what_fails_comes_again_under_its_id_when_it_is_due(world: World) -> None:
    await world.endpoint("/a")
    world.receiver.statuses["/a"] = 500
    async with world.worker() as webhooks:
        await webhooks.take_in(notices(3))
        await until(lambda: len(world.outcomes) == 3)
        first = set(world.receiver.ids("/a"))
        await asyncio.sleep(1)
        assert len(world.outcomes) == 3, "not before it is due"
        world.receiver.statuses.clear()
        world.due_now()
        await until(lambda: world.states() == {"delivered": 3})
    assert set(world.receiver.ids("/a")) == first
    assert len(first) == 3


async def test_a_slow_endpoint_takes_nobody_elses_places(world: World) -> None:
    await world.endpoint("/slow")
    await world.endpoint("/fast")
    world.receiver.pauses_s["/slow"] = 60
    async with world.worker(total_s=3.0) as webhooks:
        await webhooks.take_in(notices(300))
        began = time.monotonic()
        await until(lambda: len(world.receiver.ids("/fast")) == 300)
        assert time.monotonic() - began < 10
        assert world.receiver.most_inside["/slow"] <= LANE_FIRST


async def test_one_payments_events_keep_their_order_where_that_is_asked_for(world: World) -> None:
    await world.endpoint("/ordered", ordered=True)
    world.receiver.pauses_s["/ordered"] = 0.01
    async with world.worker() as one, world.worker():
        await one.take_in(notices(60, payments=6))
        await until(lambda: world.states() == {"delivered": 60})
    for payment in range(6):
        got = [told["n"] for _, _, told in world.receiver.got if told["n"] % 6 == payment]
        assert got == sorted(got)


async def test_a_worker_that_dies_loses_nothing_and_another_goes_on_under_the_same_ids(world: World) -> None:
    await world.endpoint("/a")
    world.receiver.pauses_s["/a"] = 0.2
    dies = Webhooks(world.queue, HttpWebhookSender([HOST]), lambda told: None)
    await dies.take_in(notices(30))
    assert await dies.send_due() == LANE_FIRST
    await until(
        lambda: len(world.receiver.got) == LANE_FIRST
    )  # all of them arrived, and nobody has written it down
    assert world.states() == {"pending": 30}
    async with world.worker():
        await until(lambda: world.states().get("delivered") == 30 - LANE_FIRST)
        world.due_now()  # the lease ends
        await until(lambda: world.states() == {"delivered": 30})
    ids = world.receiver.ids("/a")
    assert len(set(ids)) == 30
    assert len(ids) == 30 + LANE_FIRST
    await dies.drain(1.0)
    assert run_sql(world.dsn, "SELECT count(*), max(number) FROM webhook_attempts") == [(30, 1)]


async def test_events_wait_while_postgresql_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.endpoint("/a")
    away = Postgres("postgresql://127.0.0.1:1/nobody")
    there, world.queue._postgres = world.queue._postgres, away
    async with world.worker() as webhooks:
        taking = asyncio.create_task(webhooks.take_in(notices(1)))
        await asyncio.sleep(0.5)
        assert not taking.done()
        world.queue._postgres = there
        await taking
        await until(lambda: world.states() == {"delivered": 1})


async def test_nothing_that_goes_wrong_once_ends_the_sending(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.endpoint("/a")
    lease, settle, wrong = world.queue.lease, world.queue.settle, ["lease", "settle"]

    async def leased(*given: Any) -> Any:
        if "lease" in wrong:
            wrong.remove("lease")
            raise RuntimeError
        return await lease(*given)

    async def settled(*given: Any) -> Any:
        if "settle" in wrong:
            wrong.remove("settle")
            raise RuntimeError
        return await settle(*given)

    monkeypatch.setattr(world.queue, "lease", leased)
    monkeypatch.setattr(world.queue, "settle", settled)
    async with world.worker() as webhooks:
        await webhooks.take_in(notices(1))
        await until(lambda: world.states() == {"delivered": 1})
    assert not wrong and len(world.receiver.got) == 1


async def test_an_endpoint_that_takes_all_but_slowly_holds_no_more_places_than_at_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.notifications.webhooks.SLOW_S", 0.05)
    await world.endpoint("/slow")
    world.receiver.pauses_s["/slow"] = 0.2
    async with world.worker() as webhooks:
        await webhooks.take_in(notices(60))
        await until(lambda: world.states() == {"delivered": 60})
    assert world.receiver.most_inside["/slow"] == LANE_FIRST


async def test_lanes_are_kept_while_an_endpoint_may_be_tried_again_and_no_longer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await world.endpoint("/a")
    world.receiver.statuses["/a"] = 500
    async with world.worker() as webhooks:
        await webhooks.take_in(notices(1))
        await until(lambda: len(world.outcomes) == 1)
        await asyncio.sleep(0.5)
        assert list(webhooks._lanes) == [id], "that it fails is not forgotten"
        monkeypatch.setattr("agents.notifications.webhooks.LANE_KEPT_S", 0.1)
        await until(lambda: not webhooks._lanes)


async def test_what_ended_is_settled_though_the_worker_is_stopped_in_the_midst(world: World) -> None:
    await world.endpoint("/a")
    sender = HttpWebhookSender([HOST])
    webhooks = Webhooks(world.queue, sender, world.outcomes.append)
    await webhooks.take_in(notices(1))
    await webhooks.send_due()
    await until(lambda: len(world.outcomes) == 1)
    settling = asyncio.create_task(webhooks.settle())
    await asyncio.sleep(0)
    settling.cancel()
    await asyncio.gather(settling, return_exceptions=True)
    await webhooks.drain(1.0)
    await sender.close()
    assert world.states() == {"delivered": 1}


async def test_endpoints_known_to_fail_leave_places_to_others_also_after_a_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as would fill all places, each with more that waits than its lane is wide, and a process that knows no lane yet."""
    monkeypatch.setattr("agents.notifications.webhooks.UNDER_WAY_MAX", 16)
    monkeypatch.setattr("agents.notifications.webhooks.HELD_UP_MAX", 8)
    dead_s = 10.0
    for number in range(DEAD):
        await world.endpoint(f"/dead{number}")
        world.receiver.pauses_s[f"/dead{number}"] = 60
    run_sql(world.dsn, "UPDATE webhook_endpoints SET failing_since = now()")
    await world.queue.take_in(notices(LANE_FIRST))
    run_sql(world.dsn, "UPDATE webhook_endpoints SET merchant = 'mer_of_the_dead'")
    await world.endpoint("/well")
    async with world.worker(total_s=dead_s):
        await until(lambda: sum(world.receiver.inside.values()) >= 8)
        began = time.monotonic()
        await world.queue.take_in([replace(each, event_id=f"new-{each.event_id}") for each in notices(20)])
        await until(lambda: len(world.receiver.ids("/well")) == 20)
        assert time.monotonic() - began < dead_s / 2
        assert sum(each for path, each in world.receiver.inside.items() if path != "/well") <= 8


def test_a_lane_that_fails_shrinks_to_one_place_and_grows_again() -> None:
    lane = Lane()
    lane.under_way = 3
    lane.ended(False, 0.1)
    assert (lane.width, lane.room) == (1, 0)
    lane.ended(True, 0.1)
    assert (lane.width, lane.room) == (2, 1)
    lane.width = LANE_MAX
    lane.ended(True, SLOW_S * 2)
    assert (lane.width, lane.held_up) == (LANE_FIRST, True)
