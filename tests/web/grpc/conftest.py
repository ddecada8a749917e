"""The door of gRPC, open, with a working service behind it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.web.grpc.door import GrpcDoor, open_grpc
from tests.web.test_canaries import lines

__all__ = ["lines"]  # all that is logged, at DEBUG: gRPC's own lines, too


@pytest_asyncio.fixture
async def door() -> AsyncIterator[GrpcDoor]:
    async with open_grpc() as opened:
        yield opened
