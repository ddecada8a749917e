"""The door, open, with a working service behind it; and all that is logged."""

import io
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from streams.logs import JsonLines
from tests.web.fakes import Door, open_door
from web import rate_limits
from web.request_ids import RequestIds


@pytest_asyncio.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, at DEBUG, as a process writes it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("web-0"))
    handler.addFilter(RequestIds())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("millrace").setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits fill up in twenty seconds: what is left of one does not depend on how fast a test is."""
    monkeypatch.setattr(rate_limits, "BURST_S", 20.0)
