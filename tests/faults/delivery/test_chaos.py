"""The chaos campaign, two short seeds of it. The long one: `python -m tests.faults.delivery.chaos --seeds 20 --brokers 3`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.brokers import Brokers
from tests.faults.delivery.chaos import Plan, run, told

SHORT = {"keys": 100, "per_key": 8, "seconds": 22.0, "broker_kills": 1}


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """Its own, because it is killed."""
    brokers = Brokers(tmp_path_factory.mktemp("chaos"), 1)
    brokers.start()
    yield brokers
    brokers.stop()


@pytest.mark.real
@pytest.mark.parametrize("seed", [7, 8])
async def test_whatever_is_killed_every_command_is_settled_once(
    seed: int, brokers: Brokers, tmp_path: Path
) -> None:
    result = await run(Plan(seed, **SHORT), brokers, tmp_path)  # type: ignore[arg-type]
    assert not result["violations"], told(result)
