"""One Stripe account's line: a request goes out when the account's budget and its pauses let it. What it says is not here.

A line is one for all calls of an account; `Turn` is one call's use of it, and what the rest of the adapter reads and sends by.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from streams.adapters.stripe_answers import Meaning, is_over_the_rate, meaning_of, reason_of
from streams.adapters.stripe_requests import Parameters
from streams.adapters.stripe_transport import Answer, Silence, StripeTransport
from streams.adapters.stripe_watching import endpoint_of
from streams.budget import Budget, Seat
from streams.budget.pause import Pause
from streams.budget.room import Urgency
from streams.budget.shares import Shares
from streams.budget.tokens import UNKNOWN

WAITED_OF_TIMEOUT = 0.5
"""Of a request's time, what it may wait for its turn: the rest is Stripe's."""
NO_ROOM = "Stripe's limits leave no room for it now"
NO_SEAT = "too many calls of this account are under way"

CALLS_MAX = 1_000
"""Of a line that nobody shares."""

Sent = Awaitable[Answer | Silence]

log = logging.getLogger("millrace.stripe")


def line_to(api_key: str, api_base: str, connected: str | None = None) -> "StripeLine":
    """To an account of which no limits are known, for whoever is alone with it. Raises ValueError for no API key."""
    name = connected or "default"
    return StripeLine(
        name, StripeTransport(api_key, api_base, connected), Budget(name, UNKNOWN, None, Shares(CALLS_MAX, 1))
    )


class StripeLine:
    """`name`: the account's, in logs and metrics."""

    def __init__(self, name: str, transport: StripeTransport, budget: Budget) -> None:
        self.name, self.transport, self.budget = name, transport, budget
        self.pause = Pause()
        self._pauses: dict[str, Pause] = {}  # by endpoint: what the key may not do

    @contextmanager
    def turn(self, urgency: Urgency, since: datetime) -> Iterator["Turn | None"]:
        """None: other calls of this account are so many that this one must come again later."""
        with self.budget.enter(urgency, since.timestamp()) as seat:
            yield None if seat is None else Turn(self, seat)

    async def close(self) -> None:
        self.budget.close()
        await self.transport.close()

    @property
    def is_paused(self) -> bool:
        """As a whole, or in an endpoint."""
        return any(pause.reason for pause in (self.pause, *self._pauses.values()))

    def paused(self, endpoint: str) -> Silence | None:
        """Why nothing goes to `endpoint` now. Every now and then one request is let through, to see whether that has changed."""
        for pause, forbidden in ((self.pause, False), (self._pauses.get(endpoint), True)):
            if pause and not pause.lets_through(_now()):
                return Silence(False, f"paused: {pause.reason}", turned_away=True, forbidden=forbidden)
        return None

    def note(self, endpoint: str, heard: Answer | Silence, sent_at: float) -> None:
        """What an answer says of the account, whatever it says of the call."""
        meaning, now = meaning_of(heard), _now()
        if isinstance(heard, Answer) and is_over_the_rate(heard):
            self.budget.refused(endpoint, (heard.limited_by or "").startswith("global"), sent_at)
        if meaning is Meaning.CONFIGURATION:
            assert isinstance(heard, Answer)
            at_fault = self._pauses.setdefault(endpoint, Pause()) if heard.status == 403 else self.pause
            if at_fault.refused(now, f"Stripe refuses the API key (HTTP {heard.status})"):
                log.critical("%s: %s: nothing is sent: %s", self.name, endpoint, reason_of(heard))
        elif isinstance(heard, Silence) or heard.status >= 500:
            if self.pause.failed(now, f"Stripe does not answer ({reason_of(heard)})"):
                log.critical("%s: nothing is sent: Stripe does not answer: %s", self.name, reason_of(heard))
        else:
            here = self._pauses.pop(endpoint, None)
            if self.pause.answered() or here:
                log.warning("%s: %s: Stripe answers again", self.name, endpoint)


class Turn:
    """One call's use of its account's line: sends and reads as the transport does, each when it may go."""

    def __init__(self, line: StripeLine, seat: Seat) -> None:
        self._line, self._seat = line, seat
        self.livemode = line.transport.livemode

    async def post(
        self,
        path: str,
        parameters: Parameters,
        key: str,
        is_too_late: Callable[[], bool],
        timeout_s: float,
    ) -> Answer | Silence:
        """`is_too_late` is asked when nothing stands between it and Stripe any more."""
        send = partial(self._line.transport.post, path, parameters, key, is_too_late)
        return await self._in_turn(endpoint_of("POST", path), Urgency.MOVE, timeout_s, send)

    async def get(self, path: str, parameters: Parameters, timeout_s: float) -> Answer | Silence:
        send = partial(self._line.transport.get, path, parameters)
        return await self._in_turn(endpoint_of("GET", path), Urgency.READ, timeout_s, send)

    async def _in_turn(
        self,
        endpoint: str,
        urgency: Urgency,
        timeout_s: float,
        send: Callable[[float], Sent],
    ) -> Answer | Silence:
        ends_at = _now() + timeout_s
        if turned_away := await self._turned_away(endpoint, urgency, timeout_s):
            return turned_away
        sent_at = _now()
        heard = await send(ends_at - sent_at)
        if not (isinstance(heard, Silence) and heard.turned_away):
            self._line.note(endpoint, heard, sent_at)
        return heard

    async def _turned_away(self, endpoint: str, urgency: Urgency, timeout_s: float) -> Silence | None:
        if paused := self._line.paused(endpoint):
            return paused
        admitted = await self._seat.admit(endpoint, urgency, _now() + timeout_s * WAITED_OF_TIMEOUT)
        return None if admitted else Silence(False, NO_ROOM, turned_away=True)


def _now() -> float:
    return asyncio.get_running_loop().time()
