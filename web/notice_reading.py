"""Finding out whose a webhook is, beside the loop that answers everybody else. What it says, and what becomes of it, is not here.

Who signed it is told by trying each account's secret, and anybody can send half a megabyte that nobody signed: with a thousand
accounts that takes more than a second.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime

from models.errors import Unavailable
from models.ports import Heard, NoticeReader

WAITING_MAX = 64
"""Of the largest they hold 32 MB; behind them Stripe is asked to come again."""


class NoticeReading:
    """One thread: the digests do not hold Python's lock, and one core is what strangers may have at most."""

    def __init__(self, reader: NoticeReader, waiting_max: int = WAITING_MAX) -> None:
        self._reader, self._waiting_max = reader, waiting_max
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="notices")
        self._waiting = 0

    async def read(self, body: bytes, signature: str, now: datetime) -> Heard | None:
        """As NoticeReader. Raises Unavailable, too, where too many wait for it."""
        if self._waiting >= self._waiting_max:
            raise Unavailable("too many notices are being read")
        self._waiting += 1
        loop, context = asyncio.get_running_loop(), copy_context()  # the request's id, for the log
        reading = loop.run_in_executor(self._thread, context.run, self._reader.read, body, signature, now)
        reading.add_done_callback(self._is_read)
        return await reading

    def _is_read(self, reading: "asyncio.Future[Heard | None]") -> None:
        self._waiting -= 1
