"""One system for all tests of this folder: real servers, the real supervisor; and clients of it for each test."""

import json
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest

from sandbox.testing import choose_servers
from streams.operator import policies
from tests.system.history import History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient
from tests.system.load import Load
from tests.system.simulator import SimulatorControl
from tests.system.stack import System, no_settings_around
from tests.system.watching import Say


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Everything, started once. Its servers are no other tests': here they are taken away."""
    folder = tmp_path_factory.mktemp("system")
    with no_settings_around(), choose_servers(folder / "servers") as servers:
        running = System(folder, servers)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="package")
def history(system: System) -> Iterator[History]:
    told = History(system.folder / "history.jsonl")
    yield told
    told.close()


@pytest.fixture(scope="package")
def inquest(system: System, history: History) -> Inquest:
    return Inquest(system, history)


@pytest.fixture
async def stripe(system: System) -> AsyncIterator[SimulatorControl]:
    """Its faults are gone, and its notices go to the first door."""
    async with aiohttp.ClientSession(system.stripe.url) as session:
        control = SimulatorControl(session)
        await control.tell(f"{system.service.endpoints['http']}/webhooks/stripe")
        yield control
        await control.forget_faults()


@pytest.fixture
async def http(system: System, history: History, stripe: SimulatorControl) -> AsyncIterator[HttpClient]:
    async with HttpClient(system.service.doors, system.merchants[0], history) as client:
        yield client


@pytest.fixture
async def stranger(system: System, history: History) -> AsyncIterator[HttpClient]:
    """The other merchant."""
    async with HttpClient(system.service.doors, system.merchants[1], history) as client:
        yield client


@pytest.fixture
async def kafka_client(system: System, history: History) -> AsyncIterator[KafkaClient]:
    async with KafkaClient(system.kafka.bootstrap, system.merchants[0]["id"], history) as client:
        yield client


@pytest.fixture
def load(http: HttpClient, kafka_client: KafkaClient) -> Callable[[int], Load]:
    """Customers at a steady rate, by seed."""
    return lambda seed: Load(http, kafka_client, seed)


@pytest.fixture
async def say_policy(system: System, stranger: HttpClient) -> AsyncIterator[Say]:
    """The other merchant's policy, taken back at the end."""

    async def say(**policy: object) -> None:
        document = json.dumps(policy).encode() if policy else None
        await policies.say(system.settings, stranger.merchant["id"], document, "a test")

    yield say
    await say()
