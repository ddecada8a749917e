"""Watching payments: the story so far and what happens next, in order, each once, and only one's own."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from prometheus_client import CollectorRegistry

from models.codes import Code
from models.ids import command_uuid
from models.ports import Page
from tests.web.fakes import PAYMENT, Door
from tests.web.service import KEY, OTHER_KEY, PRINCIPALS
from tests.web.test_waiting import until
from web import watching
from web.doors import operations
from web.metrics import DoorMetrics
from web.problems import Problem
from web.watching import Happened, Watching

MINE, OTHERS = f"Bearer {KEY}", f"Bearer {OTHER_KEY}"
WITHIN_S = 5.0


@pytest.fixture
def watch(door: Door) -> Watching:
    service = door.service
    return operations(service.ports(), DoorMetrics(CollectorRegistry())).watching


async def take(happening: AsyncGenerator[Happened, None], count: int) -> list[int]:
    async with asyncio.timeout(WITHIN_S):
        return [(await anext(happening)).event["sequence"] for _ in range(count)]


async def authorized(door: Door, key: str = "a") -> str:
    made = await door.post("/v1/payments", PAYMENT | {"capture_method": "manual"}, key)
    return str(made.body["id"])


async def test_the_story_so_far_is_followed_by_what_happens(door: Door, watch: Watching) -> None:
    id = await authorized(door)
    happening = watch.payment(MINE, id)
    assert await take(happening, 2) == [1, 2]
    following = asyncio.create_task(take(happening, 2))
    await asyncio.sleep(0)
    await door.post(f"/v1/payments/{id}/capture", {}, "c")
    assert await following == [3, 4]


async def test_one_who_comes_back_goes_on_from_where_they_were(door: Door, watch: Watching) -> None:
    id = await authorized(door)
    await door.post(f"/v1/payments/{id}/capture", {}, "c")
    assert await take(watch.payment(MINE, id, after_sequence=2), 2) == [3, 4]


async def test_a_payment_is_shown_as_new_as_its_event(door: Door, watch: Watching) -> None:
    id = await authorized(door)
    happened = await anext(watch.payment(MINE, id))
    assert happened.payment is not None and happened.payment["sequence"] >= happened.event["sequence"]


async def test_somebody_elses_payment_cannot_be_watched(door: Door, watch: Watching) -> None:
    id = await authorized(door)
    for payment_id in (id, "pay_" + "0" * 32, "nonsense"):
        with pytest.raises(Problem) as refused:
            await anext(watch.payment(OTHERS, payment_id))
        assert refused.value.code is Code.NOT_FOUND


async def test_all_that_happens_to_ones_own_payments_can_be_watched(door: Door, watch: Watching) -> None:
    happening = watch.all(MINE)
    first = asyncio.ensure_future(anext(happening))
    await asyncio.sleep(0.05)
    await door.post("/v1/payments", PAYMENT, "theirs", key=OTHER_KEY)
    one, other = await authorized(door, "one"), await authorized(door, "other")
    async with asyncio.timeout(WITHIN_S):
        told = [(await first).event, *[(await anext(happening)).event for _ in range(3)]]
    of_each = {id: door.service.transactions[id].sequence for id in (one, other)}
    assert of_each == {one: 2, other: 2}
    owners = {id for id, known in door.service.transactions.items() if known.merchant == "mer_alice"}
    assert owners == {one, other}
    assert [event["sequence"] for event in told] == [1, 2, 1, 2]


async def test_a_revoked_key_ends_what_it_watches(
    door: Door, watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_AGAIN_S", 0.05)
    id = await authorized(door)
    happening = watch.payment(MINE, id)
    await take(happening, 2)
    ending = asyncio.ensure_future(anext(happening))
    await asyncio.sleep(0.1)
    assert not ending.done()
    monkeypatch.delitem(PRINCIPALS, KEY)
    with pytest.raises(Problem) as refused:
        await asyncio.wait_for(ending, WITHIN_S)
    assert refused.value.code is Code.UNAUTHENTICATED


async def test_who_watches_is_told_when_events_cannot_be_heard_of(door: Door, watch: Watching) -> None:
    id = await authorized(door)
    door.service.log_is_away = True
    with pytest.raises(Problem) as refused:
        await anext(watch.payment(MINE, id))
    assert refused.value.code is Code.UNAVAILABLE


async def test_nobody_listens_on_when_a_watcher_has_gone(door: Door, watch: Watching) -> None:
    id = await authorized(door)
    happening = watch.payment(MINE, id)
    await take(happening, 1)
    assert door.service.listeners
    await happening.aclose()
    assert not door.service.listeners


async def test_what_reaches_the_store_late_is_told_though_nobody_says_that_there_is_news(
    door: Door, watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_AGAIN_S", 0.05)
    id = await authorized(door)
    door.service.stored[id] = 1
    happening = watch.payment(MINE, id)
    assert await take(happening, 1) == [1]
    following = asyncio.create_task(take(happening, 1))
    await asyncio.sleep(0.2)
    assert not following.done()
    del door.service.stored[id]
    assert await following == [2]


async def test_of_all_payments_too_what_reaches_the_store_late_is_told(
    door: Door, watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_AGAIN_S", 0.05)
    payment_id = "pay_" + command_uuid("mer_alice", "late").hex
    door.service.stored[payment_id] = 0
    following = asyncio.create_task(take(watch.all(MINE), 2))
    await asyncio.sleep(0.05)
    assert await authorized(door, "late") == payment_id
    await asyncio.sleep(0.2)
    assert not following.done()
    del door.service.stored[payment_id]
    assert await following == [1, 2]


async def test_one_merchant_watches_so_much_and_leaves_the_rest_to_others(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "WATCHES_OF_ONE_MAX", 2)
    watch = operations(door.service.ports(), DoorMetrics(CollectorRegistry())).watching
    id, others = await authorized(door), await door.post("/v1/payments", PAYMENT, "o", key=OTHER_KEY)
    one, two = watch.payment(MINE, id), watch.all(MINE)
    waiting = asyncio.create_task(anext(two))
    await until(lambda: door.service.listeners)
    assert await take(one, 2) == [1, 2]
    with pytest.raises(Problem) as refused:
        await take(watch.payment(MINE, id), 1)
    assert refused.value.code is Code.RATE_LIMITED
    assert await take(watch.payment(OTHERS, others.body["id"]), 1) == [1]
    await one.aclose()
    assert await take(watch.payment(MINE, id), 1) == [1]
    waiting.cancel()


async def test_however_many_hear_of_one_event_it_is_read_once(
    door: Door, watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a merchant with two hundred watchers takes a process from all others with a few payments a second."""
    id, read, events = await authorized(door), list[int](), door.service.events

    async def counted(merchant: str, payment_id: str, limit: int, after: int) -> Page:
        read.append(after)
        return await events(merchant, payment_id, limit, after)

    monkeypatch.setattr(door.service, "events", counted)
    watching_it = [watch.payment(MINE, id) for _ in range(50)]
    assert await asyncio.gather(*(take(each, 2) for each in watching_it)) == [[1, 2]] * 50
    following = [asyncio.create_task(take(each, 2)) for each in watching_it]
    await asyncio.sleep(0.05)
    read.clear()
    await door.post(f"/v1/payments/{id}/capture", {}, "c")
    assert await asyncio.gather(*following) == [[3, 4]] * 50
    assert len(read) < 5


async def test_what_is_being_read_already_is_not_taken_for_an_answer_to_later_news(
    door: Door, watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, going_on, events = await authorized(door), asyncio.Event(), door.service.events

    async def slowly(merchant: str, payment_id: str, limit: int, after: int) -> Page:
        found = await events(merchant, payment_id, limit, after)
        await going_on.wait()
        return found

    monkeypatch.setattr(door.service, "events", slowly)
    early = asyncio.create_task(take(watch.payment(MINE, id, after_sequence=2), 2))
    await asyncio.sleep(0.05)  # it reads, and finds nothing yet
    await door.post(f"/v1/payments/{id}/capture", {}, "c")
    late = asyncio.create_task(take(watch.payment(MINE, id, after_sequence=2), 2))
    await asyncio.sleep(0.05)
    going_on.set()
    assert await asyncio.wait_for(late, 10) == [3, 4]
    assert await early == [3, 4]


async def test_a_key_that_is_revoked_while_the_store_is_behind_is_told_nothing_that_comes_later(
    door: Door, watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "ASK_AGAIN_S", 0.05)

    async def behind(payment_id: str, sequence: int, timeout_s: float) -> bool:
        await asyncio.sleep(min(0.1, timeout_s))
        return False

    monkeypatch.setattr(door.service, "reached", behind)
    first = asyncio.ensure_future(anext(watch.all(MINE)))
    await asyncio.sleep(0.05)
    for number in range(5):
        await authorized(door, str(number))
    await asyncio.sleep(0.05)
    monkeypatch.delitem(PRINCIPALS, KEY)
    with pytest.raises(Problem) as refused:
        await asyncio.wait_for(first, WITHIN_S)
    assert refused.value.code is Code.UNAUTHENTICATED


async def test_a_key_that_is_revoked_while_its_holder_reads_slowly_is_told_nothing_more(
    door: Door, watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "ASK_AGAIN_S", 0.05)
    happening = watch.payment(MINE, await authorized(door))
    await take(happening, 1)
    monkeypatch.delitem(PRINCIPALS, KEY)
    await asyncio.sleep(0.1)
    with pytest.raises(Problem) as refused:
        await take(happening, 1)
    assert refused.value.code is Code.UNAUTHENTICATED


async def test_all_that_is_new_is_waited_for_together(
    door: Door, watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "REACHED_WITHIN_S", 0.8)
    monkeypatch.setattr(watching, "ANSWER_WITHIN_S", 0.0)
    waits: list[float] = []

    async def behind(payment_id: str, sequence: int, timeout_s: float) -> bool:
        waits.append(timeout_s)
        await asyncio.sleep(timeout_s)
        return False

    monkeypatch.setattr(door.service, "reached", behind)
    told = asyncio.ensure_future(take(watch.all(MINE), 10))
    await asyncio.sleep(0.05)
    for number in range(5):  # the first is waited for alone, and the others then
        await authorized(door, str(number))
    await told
    assert sum(waits) < 3 * 0.8, waits
