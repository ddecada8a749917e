"""The simulator's levers as a test pulls them: faults, where notices go, what was asked of it."""

from typing import Any

import aiohttp

from sandbox.stripe_simulator.identity import account_of
from tests.system.stack import OWN_KEY, OWN_WEBHOOK_SECRET, WEBHOOK_SECRET

RETRY_FIRST_S, RETRY_MAX_S = 0.3, 1.0  # of webhooks: Stripe's minutes would be a test's


class SimulatorControl:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def plan(self, *rules: dict[str, Any], seed: str | None = None) -> list[str]:
        """Their ids. `seed`: of its chances, from now on."""
        seeded = {} if seed is None else {"seed": seed}
        return list((await self._ask("POST", "faults", {"rules": list(rules), **seeded}))["added"])

    async def rules(self) -> list[dict[str, Any]]:
        """The planned faults, each with its `hits`."""
        return list((await self._ask("GET", "faults"))["rules"])

    async def forget(self, *ids: str) -> list[dict[str, Any]]:
        """These of the planned faults alone; each as it was at last."""
        last = [rule for rule in await self.rules() if rule["id"] in ids]
        for id in ids:
            await self._ask("DELETE", f"faults/{id}")
        return last

    async def forget_faults(self) -> None:
        await self._ask("DELETE", "faults")

    async def tell(self, url: str) -> None:
        """Send notices there."""
        times = {"retry_first_s": RETRY_FIRST_S, "retry_max_s": RETRY_MAX_S}
        secrets = {"secrets": [WEBHOOK_SECRET], "secrets_of": {account_of(OWN_KEY): [OWN_WEBHOOK_SECRET]}}
        await self._ask("POST", "webhook", {"url": url, **secrets, **times})

    async def hear(self, *types: str) -> None:
        """Of these events alone; what is not heard of was never to be told."""
        await self._ask("POST", "webhook", {"enabled_events": list(types)})

    async def limit(self, endpoint_per_s: float | None) -> None:
        """Of every account; None: no more."""
        if endpoint_per_s is None:
            await self._ask("DELETE", "limits")
        else:
            await self._ask("POST", "limits", {"account_per_s": None, "endpoint_per_s": endpoint_per_s})

    async def authenticate(self, intent: str, outcome: str) -> None:
        await self._ask("POST", f"authenticate/{intent}", {"outcome": outcome})

    async def open_dispute(self, intent: str, **asked: Any) -> str:
        """As the customer's bank: `amount`, `inquiry`, `reason`. The dispute's id."""
        return str((await self._ask("POST", "disputes", {"payment_intent": intent, **asked}))["id"])

    async def escalate_dispute(self, dispute: str) -> None:
        await self._ask("POST", f"disputes/{dispute}/escalate", {})

    async def close_dispute(self, dispute: str, status: str) -> None:
        await self._ask("POST", f"disputes/{dispute}/close", {"status": status})

    async def take(self, **seconds: float) -> dict[str, Any]:
        """How long what happens by itself takes; what it took before."""
        before = await self._ask("GET", "timing")
        await self._ask("POST", "timing", seconds)
        return {name: before[name] for name in seconds}

    async def move_clock(self, seconds: float) -> None:
        await self._ask("POST", "clock", {"advance_s": seconds})

    async def ask_stripe(self, method: str, path: str, key: str, **form: str) -> tuple[int, dict[str, Any]]:
        """Stripe's own API, as its dashboard or the customer's browser would use it. The status, and the object."""
        sent = self._session.request(method, path, data=form, headers={"Authorization": f"Bearer {key}"})
        async with sent as answer:
            return answer.status, await answer.json()

    async def requests(self) -> dict[str, Any]:
        return await self._ask("GET", "requests")

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        async with self._session.request(method, f"/_sim/{path}", json=body) as answer:
            found: dict[str, Any] = await answer.json()
            assert answer.status == 200, found
            return found
