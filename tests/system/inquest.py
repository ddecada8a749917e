"""Waits until nothing is under way any more, then holds the four truths against each other."""

import asyncio
import time

from streams.topics import COMMANDS, EVENTS
from tests.system import groups, truths
from tests.system.evidence import Evidence
from tests.system.history import History
from tests.system.stack import System
from tests.system.sums import added_up, misadded
from tests.system.truths import Ledger, Log
from tests.system.verdict import differences

SETTLES_WITHIN_S = 60.0
AGREES_WITHIN_S = 15.0  # the truths are read one after the other, the last webhook may fall between
PAUSE_S = 0.25
SHOWN_MAX = 15


class Inquest:
    """One for the whole run: everything that ever happened is judged each time."""

    def __init__(self, system: System, history: History) -> None:
        self.system, self.history = system, history
        self.log = Log(system)
        self.poison: dict[str, str] = {}
        self.perhaps: dict[tuple[bytes | None, bytes | None], str] = {}
        """What was sent to be refused, and nobody knows whether it arrived: by key and value."""
        self.unknown: set[str] = set()
        """Members of a payment that some writer here did not know."""
        self._reported: set[str] = set()
        self._set_aside: set[str] = set()

    async def hold(self, within_s: float = SETTLES_WITHIN_S) -> Evidence:
        """Raises AssertionError with what does not hold, or does not come to its end: in the test where it arose."""
        deadline = time.monotonic() + within_s
        agree_by: float | None = None
        while True:
            unfinished, ledger = await self._unfinished()
            unfinished, wrong = self._new(unfinished), []
            if not unfinished:
                stored = await truths.stored(self.system)
                cached = await truths.cached(self.system)
                found = Evidence(self.log, stored, ledger, self.history, cached, self.poison, self.unknown)
                wrong = self._new(differences(found))
                if not wrong:
                    return found
                agree_by = agree_by or time.monotonic() + AGREES_WITHIN_S
            if time.monotonic() > min(deadline, agree_by or deadline):
                self._reported.update(unfinished or wrong)
                raise AssertionError(_report(unfinished or wrong))
            await asyncio.sleep(PAUSE_S)

    async def read_again(self) -> list[str]:
        """The log from its start, by somebody who has read nothing yet: it must be what was read on and on. In words."""
        again = Log(self.system)
        await self.log.read_on()
        await again.read_on()
        gone = [*self.log.missing_in(again)]
        await self.log.read_on()  # what came in between is no difference
        broken = [words for words in again.broken if words not in self.log.broken]
        return [*gone, *again.missing_in(self.log), *broken]

    async def misadded(self) -> list[str]:
        """Where analytics does not say what the log adds up to, in words."""
        agree_by = time.monotonic() + AGREES_WITHIN_S
        while (words := [*misadded(self.log, await added_up(self.system))]) and time.monotonic() < agree_by:
            await asyncio.sleep(PAUSE_S)
            await self.log.read_on()
        return words

    def set_aside(self, *ids: str) -> None:
        """What a test has falsified at Stripe on purpose, and cannot put right: by the ids that its differences name."""
        self._set_aside.update(ids)

    def _new(self, found: list[str]) -> list[str]:
        named = [words for words in found if words not in self._reported]
        return [words for words in named if not any(id in words for id in self._set_aside)]

    async def _unfinished(self) -> tuple[list[str], Ledger]:
        ledger = await truths.ledger(self.system)
        await self.log.read_on()
        for (partition, offset), record in self.log.commands.items() if self.perhaps else ():
            if code := self.perhaps.get((record.key, record.value)):
                self.poison.setdefault(f"{COMMANDS}/{partition}/{offset}", code)
        waiting = [f"{ledger.webhooks_pending} webhooks are pending"] if ledger.webhooks_pending else []
        waiting += self.log.unread()
        for id, row in self.log.table.items():
            transaction = row.transaction
            waiting += [f"{id}: {call.call.key} is open" for call in transaction.calls.values()]
        missing = [name for name, part in self.system.service.parts().items() if part["state"] != "ready"]
        waiting += [f"{name} is not ready" for name in missing]
        if not waiting:
            waiting = await groups.behind(self.system.settings, self.log.ends(EVENTS))
        return [f"I14 {words}" for words in waiting], ledger


def _report(found: list[str]) -> str:
    more = f"\n… and {len(found) - SHOWN_MAX} more" if len(found) > SHOWN_MAX else ""
    return f"{len(found)} found:\n" + "\n".join(found[:SHOWN_MAX]) + more
