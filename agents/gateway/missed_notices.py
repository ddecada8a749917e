"""Notices that never came: fetched from the provider at start and every few minutes, once for all gateways together.

They become the same commands as those that came, so one that comes late after all changes nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from models.commands import RecordNotice
from models.errors import Unavailable
from models.ports import OWNER_UNKNOWN, Checkpoint, NoticeFeed, Owners
from models.recheck import CLOCKS_APART_S

LOOK_BACK = timedelta(days=3)
"""How far the first look goes. Source: Stripe, webhooks: delivered for up to three days; what is older was given up."""

OVERLAP = timedelta(seconds=CLOCKS_APART_S, minutes=10)
"""Looked at again: whoever looked last may have a clock ahead, and the list may be a moment behind."""

AGAIN_AFTER_FAILURE = timedelta(seconds=10)

log = logging.getLogger("millrace.gateway")

T = TypeVar("T")
Send = Callable[[Sequence[RecordNotice]], Awaitable[None]]


def writable(commands: Sequence[RecordNotice], write: Callable[[RecordNotice], T]) -> list[T]:
    """Each as `write` has it, but for what it cannot write down (half a character, a number of a hundred digits): the process
    must not end for that, again and again.
    """
    written: list[T] = []
    for command in commands:
        try:
            written.append(write(command))
        except (TypeError, ValueError) as failed:
            log.critical("notice %s cannot be written down: %s", command.notice_id, type(failed).__name__)
    return written


async def look_at_all(missed: Sequence["MissedNotices"], now: datetime, at_once: int) -> None:
    """Every account's, a few of them at a time: a look is a call like any other, and hundreds of them would leave no room for
    payments.
    """
    room = asyncio.Semaphore(at_once)

    async def look(one: MissedNotices) -> None:
        async with room:
            await one.look_if_due(now)

    await asyncio.gather(*(look(one) for one in missed if one.is_due(now)))


class MissedNotices:
    """`send` returns when the commands are durable. `every`: between two looks of all gateways together."""

    def __init__(
        self, feed: NoticeFeed, checkpoint: Checkpoint, owners: Owners, send: Send, every: timedelta
    ) -> None:
        self._feed, self._checkpoint, self._owners = feed, checkpoint, owners
        self._send, self._every = send, every
        self._next_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        return self._next_at is None or now >= self._next_at

    async def look_if_due(self, now: datetime) -> None:
        """Called often. What cannot be done now is done later: nothing of it ends a process."""
        if not self.is_due(now):
            return
        try:
            await self._look(now)
            self._next_at = now + self._every
        except Unavailable as away:
            log.warning("missed notices could not be fetched, trying again: %s", away)
            self._next_at = now + AGAIN_AFTER_FAILURE

    async def _look(self, now: datetime) -> None:
        since = await self._checkpoint.claim(now, self._every, now - LOOK_BACK)
        if since is None:
            return  # another gateway is at it, or has just been
        reached = now
        async for page in self._feed.undelivered(since - OVERLAP):
            commands = list[RecordNotice]()
            for heard in page:
                if isinstance(heard, RecordNotice):
                    commands.append(heard)
                elif whose := await self._owners.owner(heard.intent):
                    commands.append(heard.to(*whose, now))
                elif now - heard.told_at < OWNER_UNKNOWN:
                    reached = min(reached, heard.told_at)  # not passed over: the store may be behind
            if commands:
                await self._send(commands)
                log.info("%d notices that had not come were fetched", len(commands))
        await self._checkpoint.reached(reached)
