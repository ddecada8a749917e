"""A world per test: topics and processes of its own, on the shared broker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.testing import KafkaServer
from tests.streams.delivery.world import World


@pytest.fixture
async def world(kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[World]:
    world = World(kafka.bootstrap, tmp_path)
    yield world
    await world.close()
