"""The queue to the webhook endpoint: signed, retried with backoff for three days, at least once, in no order.

What is pending is rebuilt from the journal, so a restarted simulator goes on delivering.
Source: docs.stripe.com/webhooks (signatures, retries, event delivery behaviours).
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import aiohttp

from .clock import Clock
from .faults import Facts, Faults
from .records import Event, Intent, Refund

GIVE_UP_S = 3 * 86_400.0  # retried for up to three days
IN_FLIGHT_MAX = 32  # deliveries at once
TIMEOUT_S = 20.0  # for one answer of the endpoint
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Settings:
    """Where notices go. Stripe's first retries come after minutes; here they are quicker, so that tests are."""

    url: str | None = None
    secrets: list[str] = field(default_factory=list)  # several while one is rolled
    secrets_of: dict[str, list[str]] = field(default_factory=dict)  # accounts with an endpoint of their own
    enabled_events: list[str] = field(default_factory=lambda: ["*"])
    retry_first_s: float = 1.0  # simulator time; doubles
    retry_max_s: float = 30.0
    timestamp_skew_s: float = 0.0  # added to the signature's time, to act as an old or a future notice

    def wants(self, type: str) -> bool:
        return any(fnmatchcase(type, pattern) for pattern in self.enabled_events)


@dataclass(slots=True)
class Delivery:
    event: Event
    since: float
    attempts: int = 0


class Webhooks:
    """`find` knows older events, `render` makes an event's body; `settled` journals what is through or given up."""

    def __init__(
        self,
        clock: Clock,
        faults: Faults,
        find: Callable[[str], Event | None],
        render: Callable[[Event], bytes],
        settled: Callable[[str, bool], None],
    ) -> None:
        self.clock = clock
        self.faults = faults
        self.find = find
        self.render = render
        self.settled = settled
        self.settings = Settings()
        self.pending: dict[str, Delivery] = {}
        self.failed: set[str] = set()
        self.delivered_total = 0
        self.attempts_total = 0
        self.queue: list[tuple[float, int, str]] = []  # (due, number, event id)
        self.number = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.timer: asyncio.TimerHandle | None = None
        self.session: aiohttp.ClientSession | None = None

    def enqueue(self, event: Event) -> None:
        """A new event, unless nobody listens to it."""
        if not self.settings.url or not self.settings.wants(event.type):
            return
        self.pending[event.id] = Delivery(event, self.clock.now())
        now = self.clock.now()
        for due in self._times(event, now):
            self._push(due, event.id)

    def resume(self, event: Event) -> None:
        """One that was pending when the simulator stopped."""
        self.pending[event.id] = Delivery(event, self.clock.now())
        self._push(self.clock.now(), event.id)

    def resend(self, event: Event, copies: int = 1) -> None:
        self.pending.setdefault(event.id, Delivery(event, self.clock.now()))
        for _ in range(copies):
            self._push(self.clock.now(), event.id)
        self.pump()

    def delivered(self, event_id: str) -> bool:
        return event_id not in self.pending and event_id not in self.failed

    def _times(self, event: Event, now: float) -> list[float]:
        """When it is to be delivered, as often as the plan wants; never, where it is to be dropped."""
        if not self.faults.rules:
            return [now]
        due, copies = now, 1
        for rule in self.faults.take("webhook", facts_of(event)):
            if rule.kind == "webhook_drop":
                self._give_up(event.id)
                return []
            if rule.kind == "webhook_duplicate":
                copies = rule.n
            elif rule.kind == "webhook_delay":
                due += rule.seconds
            elif rule.kind == "webhook_shuffle":
                due += self.faults.random.uniform(0, rule.seconds)
        return [due] * copies

    def _push(self, due: float, event_id: str) -> None:
        self.number += 1
        heapq.heappush(self.queue, (due, self.number, event_id))

    def pump(self) -> None:
        """Starts what is due, as far as there is room, and sets the timer for the rest."""
        now = self.clock.now()
        while self.queue and self.queue[0][0] <= now and len(self.tasks) < IN_FLIGHT_MAX:
            _, _, event_id = heapq.heappop(self.queue)
            task = asyncio.create_task(self._deliver(event_id))
            self.tasks.add(task)
            task.add_done_callback(self._ended)
        if self.timer:
            self.timer.cancel()
            self.timer = None
        if self.queue and len(self.tasks) < IN_FLIGHT_MAX:
            wait_s = max(self.queue[0][0] - now, 0.0)
            self.timer = asyncio.get_running_loop().call_later(wait_s, self.pump)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("webhook delivery broke", exc_info=task.exception())
        if not task.cancelled():
            self.pump()

    async def _deliver(self, event_id: str) -> None:
        delivery = self.pending.get(event_id)
        event = delivery.event if delivery else self.find(event_id)
        if event is None or self.settings.url is None:
            return
        self.attempts_total += 1
        accepted = await self._post(self.settings.url, self.render(event), event.account)
        if accepted:
            self.delivered_total += 1
            self.failed.discard(event_id)
            if self.pending.pop(event_id, None):
                self.settled(event_id, True)
        elif delivery and event_id in self.pending:
            self._retry(delivery)

    async def _post(self, url: str, body: bytes, account: str) -> bool:
        if self.session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            self.session = aiohttp.ClientSession(
                timeout=timeout, headers={"User-Agent": "Stripe/1.0 (simulator)"}
            )
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": self.signature(body, account),
        }
        try:
            async with self.session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def signature(self, body: bytes, account: str) -> str:
        """`t=…,v1=…` with one v1 per secret. The time is the machine's: the receiver knows no other."""
        at = int(time.time() + self.settings.timestamp_skew_s)
        signed = str(at).encode() + b"." + body
        digests = [
            hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
            for secret in self.settings.secrets_of.get(account, self.settings.secrets)
        ]
        return ",".join([f"t={at}", *(f"v1={digest}" for digest in digests)])

    def _retry(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        if self.clock.now() - delivery.since > GIVE_UP_S:
            self._give_up(delivery.event.id)
            return
        wait_s = min(
            self.settings.retry_first_s * 2.0 ** min(delivery.attempts - 1, 30), self.settings.retry_max_s
        )
        self._push(self.clock.now() + wait_s, delivery.event.id)

    def _give_up(self, event_id: str) -> None:
        self.pending.pop(event_id, None)
        self.failed.add(event_id)
        self.settled(event_id, False)

    async def close(self) -> None:
        if self.timer:
            self.timer.cancel()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.session:
            await self.session.close()


def facts_of(event: Event) -> Facts:
    """What a rule of the plan can match on: a refund's payment is only known through its metadata."""
    payment = (
        event.snapshot.metadata.get("payment_id") if isinstance(event.snapshot, Intent | Refund) else None
    )
    return Facts(event.type, event.account, payment, event.key)
