"""Real servers for every test that asks: Kafka, PostgreSQL and Redis, started once per run, each killable and
restartable.

The choice between containers and the embedded servers is made in `sandbox.testing`, nowhere else.
"""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from sandbox.testing import KafkaServer, PostgresServer, RedisServer, Servers, choose_servers
from web.grpc import stubs

gc.disable()  # until all tests are collected: they stay, and looking through them again and again is a quarter of the time
stubs.make_if_outdated()  # in a checkout that was not installed, before any test imports them

WHOLE_SYSTEMS = ("tests/deployed/", "tests/faults/", "tests/system/")
SECOND_HALF = "tests/system/test_p"  # with all that comes after it
MOST_PAYMENTS = ("tests/system/test_crashes", "tests/system/test_outages", "tests/system/test_random_kills")
"""Made under load, by the thousand: whoever comes later judges them all again (`Inquest`), so nobody does."""


class Shared(LoadScopeScheduling):  # type: ignore[misc]  # which has no types
    """Where tests run in several processes (`make test`), two begin with half of the whole systems each, which wait more than
    they work and are started once; the third, and then whoever is free, takes the rest, a file at a time.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(WHOLE_SYSTEMS):
            return "systems" if nodeid < SECOND_HALF else "more systems"
        return nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Shared:
    config.option.loadscopereorder = (
        False  # in the order of `pytest_collection_modifyitems`, not by how many they are
    )
    return Shared(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: (not item.nodeid.startswith(WHOLE_SYSTEMS), item.nodeid.startswith(MOST_PAYMENTS))
    )


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def short_lived_brokers() -> Iterator[None]:
    """No broker of a test lives long enough to win back what the JVM's second compiler costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        yield


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Starts each kind of server on first use and stops them all at the end of the run."""
    with choose_servers(tmp_path_factory.mktemp("servers")) as chosen:
        yield chosen


@pytest.fixture(scope="session")
def kafka(servers: Servers) -> KafkaServer:
    """`.bootstrap`; `await .create_topic(name, partitions, **config)`; `.stop() .kill() .start() .pid`."""
    return servers.kafka()


@pytest.fixture(scope="session")
def postgres(servers: Servers) -> PostgresServer:
    """`.dsn`, `.fresh_database() -> dsn`; `.stop() .kill() .start() .pid`."""
    return servers.postgres()


@pytest.fixture
def fresh_database(postgres: PostgresServer) -> str:
    """The address of an empty database that no other test uses."""
    return postgres.fresh_database()


@pytest.fixture(scope="session")
def redis_server(servers: Servers) -> RedisServer:
    """`.url`; `.stop() .kill() .start() .pid`."""
    return servers.redis()


@pytest.fixture
def run_folder(tmp_path: Path) -> Callable[[str], Path]:
    """Folders for servers that one test owns alone."""
    return lambda name: tmp_path / name
