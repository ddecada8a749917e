"""The door of gRPC, open, with a working service behind it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.web.grpc.door import GrpcDoor, open_grpc


@pytest_asyncio.fixture
async def door() -> AsyncIterator[GrpcDoor]:
    async with open_grpc() as opened:
        yield opened
