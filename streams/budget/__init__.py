"""How much may be asked of the payment provider, and by whom first. One `Budget` per account of the provider's.

    enter    one call, as long as it lasts: an account may hold only its share of a gateway's calls under way
    admit    one send of it: when there is a token of its endpoint and one of the account, the urgent first
    refused  the provider had no room all the same: from that a ceiling is learnt

Who cannot be served in time is turned away at once: a call that was not sent is put off, and nothing is lost.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from streams.budget.learnt import LearntRate
from streams.budget.room import Room, Urgency, Waiter
from streams.budget.shares import Shares
from streams.budget.tokens import IN_ALL, Given, Rates, Tokens, Wanted

WAITING_S = 1.0
"""As many wait for an endpoint as are served within this: a longer queue would only fill the gateway."""
WAITING_MIN = 8
WAIT_MIN_S = 0.002
"""Between two looks for tokens."""

log = logging.getLogger("millrace.stripe")


class Seat:
    """One call's place among those of its account. `since`: when it was asked for first, in seconds since 1970."""

    def __init__(self, budget: "Budget", urgency: Urgency, since: float) -> None:
        self._budget, self._urgency, self._since = budget, urgency, since

    async def admit(self, endpoint: str, urgency: Urgency, until: float) -> bool:
        """Whether a send to `endpoint` may go, said when it is its turn, or at `until` (the loop's time)."""
        return await self._budget.admit(endpoint, max(urgency, self._urgency), self._since, until)


class Budget:
    """`tokens`: None where the provider's limits are not known."""

    def __init__(self, account: str, rates: Rates, tokens: Tokens | None, shares: Shares) -> None:
        self.account, self._tokens, self._shares = account, tokens, shares
        self._per_s = [each for each in (rates.account_per_s, rates.endpoint_per_s) if each is not None]
        self._learnt: defaultdict[str, LearntRate] = defaultdict(lambda: LearntRate.begun(_now()))
        self._room = Room()
        self._wake = asyncio.Event()
        self._server: asyncio.Task[None] | None = None
        self.refusals = 0

    @property
    def waiting(self) -> int:
        return len(self._room)

    @contextmanager
    def enter(self, urgency: Urgency, since: float) -> Iterator[Seat | None]:
        """None: there is no room now, and nobody who could make way."""
        if not self._shares.has_room(self.account) and not self._room.make_way(urgency, since):
            yield None
            return
        with self._shares.one(self.account):
            yield Seat(self, urgency, since)

    async def admit(self, endpoint: str, urgency: Urgency, since: float, until: float) -> bool:
        if self._tokens is None and not self._room.at(endpoint) and self._learnt_room(endpoint, _now()) >= 1:
            self._spend(endpoint, 1)
            return True
        waiter = Waiter(urgency, since, asyncio.get_running_loop().create_future())
        self._room.add(endpoint, waiter)
        if self._room.at(endpoint) > self._waiting_max(endpoint):
            self._room.turn_away(endpoint)
        self._see_to(endpoint)
        try:
            async with asyncio.timeout_at(until):
                return await waiter.admitted
        except TimeoutError:
            return False
        finally:
            self._room.remove(endpoint, waiter)

    def refused(self, endpoint: str, in_all: bool, sent_at: float) -> None:
        """The provider had no room for a send. `in_all`: for none, whichever its endpoint. `sent_at`: the loop's time."""
        self.refusals += 1
        learnt = self._learnt[IN_ALL if in_all else endpoint]
        if learnt.refused(_now(), sent_at):
            what = "in all" if in_all else f"of {endpoint}"
            log.warning("%s: Stripe takes less %s: %.1f/s now", self.account, what, learnt.per_s(_now()))

    def close(self) -> None:
        if self._server is not None:
            self._server.cancel()

    def _waiting_max(self, endpoint: str) -> int:
        learnt = (self._learnt[name].per_s(_now()) for name in (IN_ALL, endpoint))
        least_per_s = min([*self._per_s, *(each for each in learnt if each is not None)], default=0.0)
        return max(WAITING_MIN, int(least_per_s * WAITING_S))

    def _see_to(self, endpoint: str) -> None:
        if self._server is None or self._server.done():
            self._server = asyncio.create_task(self._serve())
        elif self._room.at(endpoint) == 1:  # those who were here before wait for a token that is not there
            self._wake.set()

    async def _serve(self) -> None:
        """Until nobody waits: as many as there are tokens for, then a wait for the next."""
        while self._room:
            self._wake.clear()
            wait_s = await self._serve_some()
            if self._room:
                with suppress(TimeoutError):  # either way it is looked again
                    async with asyncio.timeout(max(wait_s, WAIT_MIN_S)):
                        await self._wake.wait()

    async def _serve_some(self) -> float:
        """Seconds until there may be more."""
        wanted, now = list[Wanted](), _now()
        left = self._learnt[IN_ALL].available(now)
        for endpoint in self._room.endpoints():
            count = int(min(self._room.at(endpoint), left, self._learnt[endpoint].available(now)))
            left -= count
            wanted.append(Wanted(endpoint, count))
        given = await self._given(wanted)
        for (endpoint, _), (count, _) in zip(wanted, given, strict=True):
            self._spend(endpoint, count)
            self._room.admit(endpoint, count)
        return min((self._wait_s(want, got) for want, got in zip(wanted, given, strict=True)), default=0.0)

    async def _given(self, wanted: list[Wanted]) -> list[Given]:
        if self._tokens is None:
            return [Given(each.sends, 0.0) for each in wanted]
        return await self._tokens.take(wanted)

    def _wait_s(self, wanted: Wanted, given: Given) -> float:
        if given.sends < wanted.sends:
            return given.wait_s
        now = _now()
        return max(self._learnt[name].wait_s(now) for name in (IN_ALL, wanted.endpoint))

    def _learnt_room(self, endpoint: str, now: float) -> float:
        return min(self._learnt[name].available(now) for name in (IN_ALL, endpoint))

    def _spend(self, endpoint: str, count: int) -> None:
        for name in (IN_ALL, endpoint):
            self._learnt[name].take(_now(), count)


def _now() -> float:
    return asyncio.get_running_loop().time()
