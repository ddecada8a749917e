"""The simulator as one process for all tests of the folder, and a provider with an account of its own for each."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider
from tests.streams.adapters.stripe.stripe_world import StripeProcess, simulator_process


@pytest.fixture(scope="session")
def stripe_process() -> Iterator[StripeProcess]:
    with simulator_process() as found:
        yield found


@pytest.fixture
def simulator(stripe_process: StripeProcess) -> Iterator[StripeProcess]:
    """Healthy at the start and the end of each test."""
    yield stripe_process
    stripe_process.heal()


@pytest.fixture
def api_key() -> str:
    return f"sk_test_{uuid.uuid4().hex}"


@pytest.fixture
async def provider(simulator: StripeProcess, api_key: str) -> AsyncIterator[StripeProvider]:
    found = StripeProvider(line_to(api_key, simulator.url), sends_max=3, multicapture=True)
    yield found
    await found.close()
