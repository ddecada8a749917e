"""Fetching notices that never came: from where it had come to, once for all, and never past what could not be placed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agents.gateway.missed_notices import (
    AGAIN_AFTER_FAILURE,
    LOOK_BACK,
    OVERLAP,
    MissedNotices,
    look_at_all,
    writable,
)
from models.commands import Origin, RecordNotice
from models.errors import Unavailable
from models.ports import Unaddressed
from models.provider import DisputeSnapshot, DisputeStatus, IntentSnapshot, IntentStatus
from streams.wire.commands import CommandCodec

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
EVERY = timedelta(minutes=3)
PAYMENT = "pay_" + "ab" * 16
PAID = RecordNotice(
    Origin("notice-1", PAYMENT, "mer_1", NOW),
    "evt_1",
    "payment_intent.succeeded",
    IntentSnapshot("pi_1", IntentStatus.CAPTURED, "usd", 1999, 0, 1999),
)


def dispute(age: timedelta = timedelta(minutes=1)) -> Unaddressed:
    shown = DisputeSnapshot("du_1", "pi_1", DisputeStatus.NEEDS_RESPONSE, "usd", 1999)
    return Unaddressed("evt_2", "charge.dispute.created", shown, "pi_1", NOW - age)


class World:
    """Feed, checkpoint, owners and log in one."""

    def __init__(self, *heard: RecordNotice | Unaddressed) -> None:
        self.pages, self.owners = [heard], dict[str, tuple[str, str]]()
        self.asked, self.reached_at = list[datetime](), list[datetime]()
        self.sent = list[RecordNotice]()
        self.turn = True
        self.away = ""

    async def claim(self, now: datetime, every: timedelta, first: datetime) -> datetime | None:
        self._be("checkpoint")
        return (self.reached_at[-1] if self.reached_at else first) if self.turn else None

    async def reached(self, at: datetime) -> None:
        self.reached_at.append(at)

    async def undelivered(self, since: datetime) -> AsyncIterator[Sequence[RecordNotice | Unaddressed]]:
        self._be("feed")
        self.asked.append(since)
        for page in self.pages:
            yield page
        self._be("an older page")

    async def owner(self, intent: str) -> tuple[str, str] | None:
        self._be("owners")
        return self.owners.get(intent)

    async def send(self, commands: Sequence[RecordNotice]) -> None:
        self._be("log")
        self.sent += commands

    def _be(self, part: str) -> None:
        if self.away == part:
            raise Unavailable(part)

    def missed(self) -> MissedNotices:
        return MissedNotices(self, self, self, self.send, EVERY)


async def test_the_first_look_goes_back_as_far_as_webhooks_are_tried_and_the_next_on_from_there() -> None:
    world = World(PAID)
    missed = world.missed()
    await missed.look_if_due(NOW)
    await missed.look_if_due(NOW + EVERY / 2)
    await missed.look_if_due(NOW + EVERY)
    assert world.asked == [NOW - LOOK_BACK - OVERLAP, NOW - OVERLAP]
    assert world.sent == [PAID, PAID]
    assert world.reached_at == [NOW, NOW + EVERY]


async def test_who_has_no_turn_asks_nothing() -> None:
    world = World(PAID)
    world.turn = False
    await world.missed().look_if_due(NOW)
    assert (world.asked, world.sent, world.reached_at) == ([], [], [])


@pytest.mark.parametrize("part", ["checkpoint", "feed", "owners", "log"])
async def test_what_fails_is_done_again_soon_and_nothing_is_passed_over(part: str) -> None:
    world = World(PAID, dispute())
    world.owners["pi_1"] = (PAYMENT, "mer_1")
    world.away = part
    missed = world.missed()
    await missed.look_if_due(NOW)
    assert (world.sent, world.reached_at) == ([], [])
    world.away = ""
    await missed.look_if_due(NOW + AGAIN_AFTER_FAILURE)
    assert [command.notice_id for command in world.sent] == ["evt_1", "evt_2"]
    assert world.sent[1].origin.merchant == "mer_1"


async def test_each_page_is_sent_as_it_comes_and_nothing_counts_as_seen_before_the_oldest_is() -> None:
    """Where a look had an end, what was older than it was passed over for good."""
    older = replace(PAID, notice_id="evt_0")
    world = World()
    world.pages = [(PAID,), (older,)]
    world.away = "an older page"
    missed = world.missed()
    await missed.look_if_due(NOW)
    assert (world.sent, world.reached_at) == ([PAID, older], [])
    world.away = ""
    await missed.look_if_due(NOW + AGAIN_AFTER_FAILURE)
    assert world.reached_at == [NOW + AGAIN_AFTER_FAILURE]


async def test_of_many_accounts_a_few_are_looked_at_at_a_time_and_none_is_left_out() -> None:
    """At a start all are due at once; each look takes one of the calls that payments need."""
    under_way, most = 0, 0

    class Slow(World):
        async def undelivered(self, since: datetime) -> AsyncIterator[Sequence[RecordNotice | Unaddressed]]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            async for page in super().undelivered(since):
                yield page

    worlds = [Slow(PAID) for _ in range(300)]
    await look_at_all([world.missed() for world in worlds], NOW, at_once=16)
    assert most == 16
    assert all(world.sent == [PAID] for world in worlds)


def test_a_notice_that_cannot_be_written_down_does_not_keep_the_others_back() -> None:
    codec = CommandCodec(partitions=4, secret=b"internal")
    assert isinstance(PAID.snapshot, IntentSnapshot)
    odd = replace(PAID, snapshot=replace(PAID.snapshot, charge="ch_\ud83d"))
    assert len(writable([odd, PAID, odd], codec.write)) == 1


async def test_a_dispute_of_a_payment_nobody_knows_yet_is_not_passed_over_for_a_day() -> None:
    world = World(PAID, dispute())
    missed = world.missed()
    await missed.look_if_due(NOW)
    assert world.sent == [PAID]
    assert world.reached_at == [NOW - timedelta(minutes=1)]
    foreign = World(dispute(age=timedelta(days=2)))
    await foreign.missed().look_if_due(NOW)
    assert (foreign.sent, foreign.reached_at) == ([], [NOW])
