"""Watching payments: their story so far, and then what happens, in order, for as long as the caller may see it. No protocol here.

Kafka says that there is news, the reader says what it is: whoever may not read an event does not watch it either.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from models import ids
from models.errors import Unavailable
from models.ports import Page, View
from web.callers import Callers
from web.operations import WATCH_EVENTS
from web.payments import no_such_payment
from web.ports import Listener, Reader, Signals
from web.problems import unavailable

LOOK_AGAIN_S = 2.5
"""Between two looks at whether the caller's key still holds: it is revoked everywhere within five seconds."""
PAGE = 100
REACHED_WITHIN_S = 2.0
"""For the store to have what Kafka told of: it is a few ms behind."""
SEEN_MAX = 10_000
"""Payments of one merchant whose place is remembered. One that is forgotten goes on from the next thing that happens to it."""


@dataclass(frozen=True, slots=True)
class Happened:
    """`payment`: as it stood a moment after, or later."""

    event: View
    payment: View | None


class Watching:
    def __init__(self, reader: Reader, signals: Signals, callers: Callers) -> None:
        self._reader, self._signals, self._callers = reader, signals, callers

    async def payment(
        self, authorization: str | None, payment_id: str, after_sequence: int = 0
    ) -> AsyncGenerator[Happened, None]:
        """The payment's events behind `after_sequence`, then each as it happens, without end. Raises Problem."""
        caller = await self._callers.admit(authorization, WATCH_EVENTS)
        if not ids.PAYMENT_ID.fullmatch(payment_id):
            raise no_such_payment()
        if await self._reader.payment(caller.merchant, payment_id) is None:
            raise no_such_payment()
        try:
            async with self._signals.listen(caller.merchant, payment_id) as listener:
                while True:
                    async for happened in self._since(caller.merchant, payment_id, after_sequence):
                        after_sequence = happened.event["sequence"]
                        yield happened
                    await self._await_news(authorization, listener)
        except Unavailable:
            raise _cut_off() from None

    async def all(self, authorization: str | None) -> AsyncGenerator[Happened, None]:
        """Whatever happens from now on to any payment of the caller's, each payment's events in order. Raises Problem."""
        caller = await self._callers.admit(authorization, WATCH_EVENTS)
        seen: dict[str, int] = {}
        try:
            async with self._signals.listen(caller.merchant, None) as listener:
                while True:
                    news = await self._await_news(authorization, listener)
                    for payment_id, (first, _) in news.items():
                        after = seen.pop(payment_id, first - 1)
                        async for happened in self._since(caller.merchant, payment_id, after):
                            after = happened.event["sequence"]
                            yield happened
                        seen[payment_id] = after
                        if len(seen) > SEEN_MAX:
                            del seen[next(iter(seen))]
        except Unavailable:
            raise _cut_off() from None

    async def _await_news(self, authorization: str | None, listener: Listener) -> dict[str, tuple[int, int]]:
        """Returns once there is any, and the store has it. Raises Problem when the caller may not watch any more."""
        while not (news := await listener.news(LOOK_AGAIN_S)):
            await self._callers.still(authorization, WATCH_EVENTS)
        await self._callers.still(authorization, WATCH_EVENTS)
        for payment_id, (_, last) in news.items():
            await self._reader.reached(payment_id, last, REACHED_WITHIN_S)
        return news

    async def _since(self, merchant: str, payment_id: str, after: int) -> AsyncGenerator[Happened, None]:
        page = Page([], True)
        while page.has_more:
            page = await self._reader.events(merchant, payment_id, PAGE, after)
            payment = await self._reader.payment(merchant, payment_id) if page.data else None
            for event in page.data:
                after = event["sequence"]
                yield Happened(event, payment)


def _cut_off() -> Exception:
    return unavailable("Nothing can be watched now; ask again, from the last sequence that was seen.")
