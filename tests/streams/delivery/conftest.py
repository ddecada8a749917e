"""A world per test: topics and processes of its own, on the shared broker."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.testing import KafkaServer
from tests.streams.delivery.nursery import Nursery
from tests.streams.delivery.world import World


@pytest.fixture(scope="package")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery") / "log")
    yield nursery
    nursery.close()


@pytest.fixture
async def world(kafka: KafkaServer, nursery: Nursery, tmp_path: Path) -> AsyncIterator[World]:
    world = World(kafka.bootstrap, tmp_path, nursery)
    yield world
    await world.close()
