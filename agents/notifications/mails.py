"""Mails: taken in from what happened, into the outbox; sent from there, one at a time per sender. What they say, and when one is
tried again, is decided in `models`.

At least once: SMTP has no way to ask whether a mail was taken, so one whose answer was lost is sent again, under the same
Message-ID.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from agents.keeping import keep, until_reached
from models.errors import InvariantBroken, Unavailable
from models.mailing import Away, MailCarrier, MailOutbox, settlement
from models.mails import (
    UNKNOWN_FOR,
    DeadLetter,
    Mail,
    MailRules,
    alert_of_letter,
    alert_of_unknown,
    leads_to_mails,
    mails_of,
)
from models.ports import Change, View

SENDERS = 4  # at once, each on a connection of its own; more than that some servers take for an attack
LOOK_S = 2.0  # an idle sender, when nothing told it that there is something: what was put off has come due
AWAY_FIRST_S, AWAY_MAX_S = 1.0, 15.0  # while no SMTP server is there: a sender's pause, doubled
UNKNOWN_PER_HOUR = 20  # a mail each; an outage of Stripe's makes thousands, of which these tell enough
KEPT = timedelta(days=30)  # a customer's address and what they bought, once it has been told

log = logging.getLogger("millrace.mails")


class Mails:
    """`clock`: tells the time, aware and in UTC."""

    def __init__(
        self,
        outbox: MailOutbox,
        carrier: MailCarrier,
        rules: MailRules,
        crashpoint: Callable[[str], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._outbox, self._carrier, self._rules = outbox, carrier, rules
        self._crashpoint, self._clock = crashpoint, clock
        self._news, self._stop = asyncio.Event(), asyncio.Event()
        self._senders: list[asyncio.Task[None]] = []
        self.results: Counter[tuple[str, str]] = Counter()
        """Tries, by kind and what they led to: a status, or `away`."""

    async def take_in(self, changes: Sequence[Change]) -> None:
        """Returns when the mails they lead to are durable, however long PostgreSQL is away."""
        telling = [change for change in changes if leads_to_mails(change, self._rules)]
        if not telling:
            return
        merchants = {change.event.merchant for change in telling}
        names = await until_reached(lambda: self._outbox.merchant_names(merchants), log)
        await self._keep([mail for change in telling for mail in self._told(change, names)])
        self._crashpoint("notifications.after_mails")

    def _told(self, change: Change, names: Mapping[str, str]) -> list[Mail]:
        """An event that cannot be told stops nobody."""
        try:
            return mails_of(change, self._rules, names, self._clock())
        except InvariantBroken as refusal:
            log.critical("%s", refusal)
            return []

    async def take_in_letters(self, letters: Sequence[DeadLetter]) -> None:
        now = self._clock()
        await self._keep([mail for dead in letters for mail in alert_of_letter(dead, self._rules, now)])

    async def look_for_unknown(self) -> None:
        """Once in a while. What cannot be asked now is asked the next time."""
        if not self._rules.alerts_to:
            return
        try:
            before = self._clock() - UNKNOWN_FOR
            found = await self._outbox.unknown_payments(before, UNKNOWN_PER_HOUR)
            await self._put([mail for payment in found for mail in self._told_unknown(payment)])
        except (Unavailable, InvariantBroken) as failed:
            log.warning("no look at what is unknown: %s", failed)

    def _told_unknown(self, payment: View) -> list[Mail]:
        """A payment that cannot be told stops nobody."""
        try:
            return alert_of_unknown(payment, self._rules)
        except InvariantBroken as refusal:
            log.critical("%s", refusal)
            return []

    async def forget(self) -> None:
        """Once in a while."""
        try:
            await self._outbox.forget(self._clock() - KEPT)
        except Unavailable as away:
            log.warning("nothing is forgotten now: %s", away)

    async def run(self) -> None:
        """Until it is cancelled, or `drain`. Cancelled, it leaves to `drain` what is being sent."""
        self._senders = [asyncio.create_task(self._send_on()) for _ in range(SENDERS)]
        await asyncio.wait(self._senders)

    async def drain(self, drain_s: float) -> None:
        """What is being sent may finish, in time. Cut off: its lease ends, and it is sent then, or sent again."""
        self._stop.set()
        self._news.set()
        if self._senders:
            _, running = await asyncio.wait(self._senders, timeout=drain_s)
            for sender in running:
                sender.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _send_on(self) -> None:
        pause_s = AWAY_FIRST_S
        while not self._stop.is_set():
            try:
                away = await self._send_next()
            except Unavailable as unavailable:
                log.warning("PostgreSQL is away: %s", unavailable)
                away = True
            # whatever it is: with no sender left no mail would ever go
            except Exception:
                log.exception("a mail could not be handled")
                away = True
            if away:
                await _at_most(pause_s, self._stop)
            pause_s = min(2 * pause_s, AWAY_MAX_S) if away else AWAY_FIRST_S

    async def _send_next(self) -> bool:
        """The next that is due, or a moment's rest; whether no server was there."""
        self._news.clear()
        leased = await self._outbox.lease()
        if leased is None:
            await _at_most(LOOK_S, self._stop if self._stop.is_set() else self._news)
            return False
        carried = await self._carrier.carry(leased)
        self._crashpoint("notifications.after_mail")
        settled = settlement(leased, carried, self._clock())
        # whatever PostgreSQL does: what is not written down is sent again
        await until_reached(lambda: self._outbox.settle(leased, settled), log)
        is_away = isinstance(carried, Away)
        self.results[leased.mail.kind, "away" if is_away else settled.status.value] += 1
        (log.warning if is_away else log.info)(
            "mail %s (%s), try %d: %s: %s",
            leased.mail.id,
            leased.mail.kind,
            leased.attempt,
            settled.status,
            settled.answer,
        )
        return is_away

    async def _keep(self, mails: Sequence[Mail]) -> None:
        if mails:
            await until_reached(lambda: self._put(mails), log)

    async def _put(self, mails: Sequence[Mail]) -> None:
        await keep(mails, self._outbox.put, _tell)
        self._news.set()


def _tell(mail: Mail, refusal: InvariantBroken) -> None:
    log.critical("mail %s (%s) cannot be kept: %s", mail.id, mail.kind, refusal)


async def _at_most(pause_s: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await event.wait()
