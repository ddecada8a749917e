"""Notices are read beside the loop: whoever makes that slow keeps nobody else waiting, and not without end."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from models.errors import Unavailable
from models.ports import Heard, SignatureInvalid
from web.notice_reading import NoticeReading

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SLOW_S = 0.2


class Slow:
    """Fulfils NoticeReader, as one with very many secrets."""

    def __init__(self, seconds: float = SLOW_S) -> None:
        self.seconds = seconds

    def read(self, body: bytes, signature: str, now: datetime) -> Heard | None:
        time.sleep(self.seconds)
        raise SignatureInvalid


async def test_while_a_notice_is_read_everybody_else_is_answered() -> None:
    reading = asyncio.create_task(NoticeReading(Slow(1.5)).read(b"", "", NOW))
    longest_s, looked_at = 0.0, time.monotonic()
    while not reading.done():
        await asyncio.sleep(0.001)
        longest_s, looked_at = max(longest_s, time.monotonic() - looked_at), time.monotonic()
    with pytest.raises(SignatureInvalid):
        await reading
    assert longest_s < 1


async def test_behind_so_many_the_next_is_asked_to_come_again_and_later_it_may() -> None:
    reading = NoticeReading(Slow(), waiting_max=2)
    told = await asyncio.gather(*(reading.read(b"", "", NOW) for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in told] == [SignatureInvalid] * 2 + [Unavailable] * 3
    with pytest.raises(SignatureInvalid):
        await reading.read(b"", "", NOW)


async def test_a_client_that_has_left_leaves_its_place_when_its_notice_is_read() -> None:
    reading = NoticeReading(Slow(), waiting_max=2)
    left = [asyncio.create_task(reading.read(b"", "", NOW)) for _ in range(2)]
    await asyncio.sleep(SLOW_S / 4)
    for each in left:
        each.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    with pytest.raises(SignatureInvalid):
        await reading.read(b"", "", NOW)
