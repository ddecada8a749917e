"""What each process is: its own composition root, over what stands in for the vendors it would be plugged into."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

import agents.gateway.__main__ as gateway
import agents.projection.__main__ as projection
import agents.writer.__main__ as writer
from models.policy import DEFAULT, AmountLimits, Policy
from streams.adapters import stripe_accounts
from streams.settings import Settings
from tests.simulation.door import serve_door
from tests.simulation.membership import AgentProcess
from tests.simulation.outside import Cache, Remote
from tests.simulation.processes import current
from tests.simulation.stand_ins import standing_in
from tests.simulation.stripe import API_KEY, Transport

SETTINGS = Settings(
    partitions=2, stripe_api_key=API_KEY, stripe_api_base="http://stripe", internal_key="simulated" * 4
)

COMPOSE: dict[str, Callable[[Settings], Awaitable[None]]] = {
    "writer": writer.compose,
    "gateway": gateway.compose,
    "projection": projection.compose,
    "web": serve_door,
}


MERCHANT, STRANGER = "mer_owner", "mer_stranger"
MOST_MINOR = 5000
"""Of a payment of the merchant's, by its policy; the stranger has none."""


class Policies:
    """As KafkaPolicies."""

    def __init__(self, clients: object) -> None:
        pass

    def of(self, merchant: str) -> Policy:
        return Policy(amounts={"usd": AmountLimits(None, MOST_MINOR)}) if merchant == MERCHANT else DEFAULT

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


def _nothing(*_: object) -> Any:
    async def close() -> None:
        pass

    return SimpleNamespace(close=close)


def _store(dsn: str) -> Remote:
    postgres = current().room.postgres
    return Remote(postgres, postgres.payments)


@contextmanager
def composed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, standing_in():
        for module in (writer, gateway, projection):
            patch.setattr(module, "Process", AgentProcess)
        patch.setattr(writer, "KafkaPolicies", Policies)
        patch.setattr(stripe_accounts, "StripeTransport", lambda *_: Transport(current().room.stripe))
        for name in ("RedisCustomerScreen", "RedisTokens", "Postgres"):
            patch.setattr(gateway, name, _nothing)
        patch.setattr(gateway, "_missed", lambda *_: [])
        patch.setattr(projection, "PostgresPaymentStore", _store)
        patch.setattr(projection, "RedisPaymentCache", lambda url: Cache(current().room.redis))
        yield


async def main(role: str) -> None:
    await COMPOSE[role](SETTINGS)
    await asyncio.get_running_loop().create_future()
