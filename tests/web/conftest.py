"""The door, open, with a working service behind it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.web.fakes import Door, open_door


@pytest_asyncio.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened
