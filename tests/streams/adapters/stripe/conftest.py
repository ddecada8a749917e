"""The simulator as one process for all tests of the folder, and a provider with an account of its own for each; for the
contract also Stripe itself, where there is a key.
"""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider
from tests.streams.adapters.stripe.account import StripeAccount, of_stripes
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


@pytest.fixture(params=["simulator", "stripe"])
def account(request: pytest.FixtureRequest) -> StripeAccount:
    """Each in turn; Stripe itself where its key is in the environment."""
    if request.param == "stripe":
        return of_stripes()
    simulator: StripeProcess = request.getfixturevalue("simulator")
    return StripeAccount(simulator.url, request.getfixturevalue("api_key"))


@pytest.fixture
async def contractor(account: StripeAccount) -> AsyncIterator[StripeProvider]:
    """The adapter before either."""
    found = StripeProvider(line_to(account.key, account.url))
    yield found
    await found.close()
