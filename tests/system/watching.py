"""What a merchant sees of a payment, and waiting for it to show something."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from tests.system.history import Operation
from tests.system.http_client import HttpClient
from tests.system.stack import System
from tests.system.waiting import until

WITHIN_S = 20.0
Say = Callable[..., Awaitable[None]]


async def becomes(http: HttpClient, made: Operation, **members: object) -> dict[str, Any]:
    """The payment, once it shows these."""
    seen: dict[str, Any] = {}

    async def so() -> bool:
        status, payment = await http.get(f"/v1/payments/{made.payment_id}")
        seen.update(payment)
        return status == 200 and all(seen[name] == value for name, value in members.items())

    await until(so, WITHIN_S, f"{made.payment_id} {members}")
    return seen


async def types(http: HttpClient, made: Operation) -> list[str]:
    """Of all that happened to it, in order."""
    _, page = await http.get(f"/v1/payments/{made.payment_id}/events?limit=100")
    return [event["type"] for event in page["data"]]


async def happened(http: HttpClient, made: Operation, type: str) -> dict[str, Any]:
    """The last event of this type, once it can be read."""
    found: list[dict[str, Any]] = []

    async def so() -> bool:
        _, page = await http.get(f"/v1/payments/{made.payment_id}/events?limit=100")
        found.extend(event for event in page["data"] if event["type"] == type)
        return bool(found)

    await until(so, WITHIN_S, f"{type} of {made.payment_id}")
    return found[-1]


async def gauges(system: System, role: str, name: str) -> list[float]:
    """Of all processes of the role; `name` with its labels, or without: then of all of them."""
    found: list[float] = []
    async with aiohttp.ClientSession() as session:
        for part, standing in system.service.parts().items():
            if part.startswith(role):
                async with session.get(f"{standing['address']}/metrics") as answer:
                    lines = (await answer.text()).splitlines()
                found += [
                    float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
                ]
    return found
