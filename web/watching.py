"""Watching payments: their story so far, and then what happens, in order, for as long as the caller may see it. No protocol here.

Kafka says that there is news, the reader says what it is: whoever may not read an event does not watch it either.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from models.callers import Principal
from models.commands import FieldError
from models.errors import Unavailable
from models.ports import Page, View
from web.callers import Callers
from web.operations import WATCH_EVENTS
from web.ports import Listener, Reader, Signals
from web.problems import invalid, unavailable
from web.reading import SEQUENCE_MAX, payment_of
from web.rooms import Shares

LOOK_AGAIN_S = 2.5
"""Between two looks at whether the caller's key still holds: it is revoked everywhere within five seconds."""
PAGE = 100
ASK_AGAIN_S = 0.5
"""Of much that is told at once, between two looks at that."""
REACHED_WITHIN_S = 2.0
"""For the store to have what Kafka told of, all of it: it is a few ms behind."""
ANSWER_WITHIN_S = 0.25
"""For the store to say how far it is."""
WATCHES_OF_ONE_MAX = 256
"""A merchant's, through all doors of a process: each looks into the store every LOOK_AGAIN_S, and is told of all there is."""
SEEN_MAX = 10_000
"""Payments of one merchant whose place is remembered. One that is forgotten goes on from the next thing that happens to it."""


@dataclass(frozen=True, slots=True)
class Happened:
    """`payment`: as it stood a moment after, or later."""

    event: View
    payment: View | None


class Leave:
    """A caller's, to be told of what happens: asked for again before anything is, however long it has been on its way."""

    def __init__(self, callers: Callers, authorization: str | None) -> None:
        self._callers, self._authorization = callers, authorization
        self._asked_at = time.monotonic()

    async def still(self) -> None:
        """Raises Problem when the caller may not watch any more."""
        if (now := time.monotonic()) - self._asked_at >= ASK_AGAIN_S:
            await self._callers.still(self._authorization, WATCH_EVENTS)
            self._asked_at = now


class Watching:
    def __init__(self, reader: Reader, signals: Signals, callers: Callers) -> None:
        self._reader, self._signals, self._callers = reader, signals, callers
        self._shares = Shares(WATCHES_OF_ONE_MAX)
        self._about_to_be_read: dict[tuple[str, str, int], asyncio.Task[tuple[Page, View | None]]] = {}

    async def payment(
        self, authorization: str | None, payment_id: str, after_sequence: int = 0
    ) -> AsyncGenerator[Happened, None]:
        """The payment's events behind `after_sequence`, then each as it happens, without end. Raises Problem."""
        caller, leave = await self._admitted(authorization)
        if not 0 <= after_sequence <= SEQUENCE_MAX:
            raise invalid([FieldError("after_sequence", f"must be an integer of 0 to {SEQUENCE_MAX}")])
        await payment_of(self._reader, caller.merchant, payment_id)
        try:
            async with self._listening(caller.merchant, payment_id) as listener:
                # what happened before anybody listened may still be on its way to the store
                payment = await payment_of(self._reader, caller.merchant, payment_id)
                await self._reader.reached(payment_id, payment["sequence"], REACHED_WITHIN_S)
                while True:
                    async for happened in self._since(leave, caller.merchant, payment_id, after_sequence):
                        after_sequence = happened.event["sequence"]
                        yield happened
                    await self._news(leave, listener)
        except Unavailable:
            raise _cut_off() from None

    async def all(self, authorization: str | None) -> AsyncGenerator[Happened, None]:
        """Whatever happens from now on to any payment of the caller's, each payment's events in order. Raises Problem."""
        caller, leave = await self._admitted(authorization)
        seen: dict[str, int] = {}
        awaited: dict[str, int] = {}
        try:
            async with self._listening(caller.merchant, None) as listener:
                while True:
                    for payment_id, (first, last) in (await self._news(leave, listener)).items():
                        seen.setdefault(payment_id, first - 1)
                        awaited[payment_id] = last
                    for payment_id, last in list(awaited.items()):
                        after = seen.pop(payment_id)
                        async for happened in self._since(leave, caller.merchant, payment_id, after):
                            after = happened.event["sequence"]
                            yield happened
                        seen[payment_id] = after
                        if after >= last or not await self._is_behind(payment_id, last):
                            del awaited[payment_id]
                    _forget(seen, awaited)
        except Unavailable:
            raise _cut_off() from None

    async def _admitted(self, authorization: str | None) -> tuple[Principal, Leave]:
        return await self._callers.admit(authorization, WATCH_EVENTS), Leave(self._callers, authorization)

    @asynccontextmanager
    async def _listening(self, merchant: str, payment_id: str | None) -> AsyncIterator[Listener]:
        with self._shares.taken(merchant):
            async with self._signals.listen(merchant, payment_id) as listener:
                yield listener

    async def _news(self, leave: Leave, listener: Listener) -> dict[str, tuple[int, int]]:
        """What is new, once the store has it; nothing after a while, in which something may all the same have reached the store.
        Raises Problem when the caller may not watch any more.
        """
        news = await listener.news(LOOK_AGAIN_S)
        await leave.still()
        until = time.monotonic() + REACHED_WITHIN_S
        for payment_id, (_, last) in news.items():
            if (left_s := until - time.monotonic()) > 0:  # what is not waited for is looked for again
                await self._reader.reached(payment_id, last, left_s)
        return news

    async def _is_behind(self, payment_id: str, last: int) -> bool:
        """Whether the store has yet to learn of it. If not, the event is one that the caller is not shown."""
        return not await self._reader.reached(payment_id, last, ANSWER_WITHIN_S)

    async def _since(
        self, leave: Leave, merchant: str, payment_id: str, after: int
    ) -> AsyncGenerator[Happened, None]:
        page = Page([], True)
        while page.has_more:
            page, payment = await self._told_together(merchant, payment_id, after)
            await leave.still()
            for event in page.data:
                after = event["sequence"]
                yield Happened(event, payment)
                await leave.still()

    async def _told_together(self, merchant: str, payment_id: str, after: int) -> tuple[Page, View | None]:
        """All who were woken by the same news ask at the same moment, and it is read once for them. Never for one who asks after
        the reading has begun: it might not find what that one was woken for.
        """
        name = merchant, payment_id, after

        async def read() -> tuple[Page, View | None]:
            await asyncio.sleep(0)
            del self._about_to_be_read[name]
            page = await self._reader.events(merchant, payment_id, PAGE, after)
            return page, await self._reader.payment(merchant, payment_id) if page.data else None

        if name not in self._about_to_be_read:
            self._about_to_be_read[name] = asyncio.create_task(read())
        return await asyncio.shield(self._about_to_be_read[name])


def _forget(seen: dict[str, int], awaited: Collection[str]) -> None:
    """The places of payments that nothing has happened to for longest."""
    for payment_id in [each for each in seen if each not in awaited][: max(0, len(seen) - SEEN_MAX)]:
        del seen[payment_id]


def _cut_off() -> Exception:
    return unavailable("Nothing can be watched now; ask again, from the last sequence that was seen.")
