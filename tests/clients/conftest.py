"""Both clients at one door, behind a proxy that can lose answers: each test is told to the one and to the other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from millrace_client import AsyncMillrace, Millrace, Retries
from tests.clients.in_threads import InThreads
from tests.clients.proxy import Proxy
from tests.web.fakes import Door, open_door
from tests.web.service import KEY

QUICK = Retries(deadline_s=20.0, pause_first_s=0.01, pause_max_s=0.05)
"""The pauses of a client that is in a hurry; those that the service asks for are kept all the same."""


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


@pytest.fixture
async def proxy(door: Door) -> AsyncIterator[Proxy]:
    async with Proxy(door.serving.port) as between:
        yield between


@pytest.fixture(params=["threads", "asyncio"])
async def client(request: pytest.FixtureRequest, proxy: Proxy) -> AsyncIterator[Any]:
    """`AsyncMillrace`, or a `Millrace` whose every call runs in a thread, so that it looks like the other."""
    if request.param == "asyncio":
        async with AsyncMillrace(proxy.url, KEY, retries=QUICK) as asynchronous:
            yield asynchronous
    else:
        with Millrace(proxy.url, KEY, retries=QUICK) as sync:
            yield InThreads(sync)
            await asyncio.sleep(0)  # what is left of threads ends before the door
