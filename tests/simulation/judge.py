"""The end of a story: time runs on until nothing is under way, an operator settles what is left in doubt, and the campaign's own
verdict is given over the same evidence (`tests/system/verdict.py`), with what only a simulation can see.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from models.commands import Origin, ResolvePayment
from models.ids import internal_command_id
from models.payment import PaymentStatus
from models.provider import RefundStatus
from models.row import Row
from streams.delivery.records import Partition
from streams.topics import COMMANDS, DEAD_LETTERS, EVENTS
from streams.wire.commands import CommandCodec
from tests.simulation import laws
from tests.simulation.clock import BEGINS
from tests.simulation.composition import SETTINGS
from tests.simulation.room import Room
from tests.simulation.stand_ins import Items, Producer
from tests.system.evidence import Evidence
from tests.system.history import History
from tests.system.truths import Ledger, Replayed, Stored
from tests.system.verdict import differences

LOOKS_MAX = 40
RUNS_ON_S = 4.0
"""Between two looks whether all is quiet."""
RESTARTS_S = 15.0
"""After the faults: sessions run out, and whoever ended has been started again."""
NEXT_CHECK_S = 1000.0
"""What passes at once where something waits for its next check; more than the longest wait between two."""
A_DAY_S = 25 * 3600.0
"""The same once that did not help: what was never answered is given up when its key is too old."""


class Judge:
    def __init__(self, room: Room, history: History) -> None:
        self._room, self._history = room, history
        self._log = Replayed(room.changelog)
        self._read: dict[Partition, int] = {}
        self._operator = Operator(room)

    async def verdict(self) -> list[str]:
        """What does not hold; nothing: all is well."""
        await asyncio.sleep(RESTARTS_S)
        unfinished: list[str] = []
        for look in range(LOOKS_MAX):
            await asyncio.sleep(RUNS_ON_S)
            self._read_on()
            unfinished = [*self._unfinished()]
            if not unfinished and not await self._operator.settles(self._log.table):
                break
            if self._only_waits():
                self._room.jump(A_DAY_S if look > LOOKS_MAX // 2 else NEXT_CHECK_S)
        found = Evidence(self._log, self._stored(), await self._ledger(), self._history, self._cached())
        set_aside = {id for id, row in self._log.table.items() if _is_a_persons(row)}
        held = [words for words in differences(found) if not _may_differ(words, set_aside)]
        return [
            *(f"I14 {words}" for words in unfinished),
            *self._room.findings,
            *self._room.loop.failures,
            *held,
            *(f"I6 PostgreSQL: {words}" for words in self._room.postgres.payments.went_back),
            *laws.broken(self._log, self._room.stripe),
        ]

    def _read_on(self) -> None:
        broker = self._room.broker
        for topic in (COMMANDS, EVENTS, DEAD_LETTERS, self._log.changelog):
            for number in range(SETTINGS.partitions):
                tp = Partition(topic, number)
                records, self._read[tp] = broker.read(tp, self._read.get(tp, 0), 1_000_000)
                for record in records:
                    self._log.take(record)

    def _unfinished(self) -> Iterator[str]:
        yield from self._log.unread()
        if pending := len(self._room.stripe.simulator.webhooks.pending):
            yield f"{pending} webhooks are pending"
        for id, row in self._log.table.items():
            yield from (f"{id}: {call.call.key} is open" for call in row.transaction.calls.values())
        for name, group in self._room.groups().items():
            for tp in group.partitions if tp_is_events(group.partitions) else ():
                at, end = group.offsets.get(tp, 0), self._room.broker.end(tp)
                if any(record for record in self._room.broker.read(tp, at, 1)[0]):
                    yield f"{name} is at {at} of {end} in {tp.partition}"

    def _only_waits(self) -> bool:
        return any(row.transaction.calls for row in self._log.table.values())

    def _stored(self) -> Stored:
        kept = self._room.postgres.payments
        views = kept._views
        refunds = {(id, refund["id"]): refund for id, view in views.items() for refund in view["refunds"]}
        payments = {id: (view["sequence"], view["status"], view) for id, view in views.items()}
        events = {place: (event.id, event.type, event.body) for place, event in kept._events.items()}
        return Stored(payments, refunds, events)

    def _cached(self) -> dict[str, dict[str, Any]]:
        return {id: view for id, view in self._room.redis.payments._views.items() if id.startswith("pay_")}

    async def _ledger(self) -> Ledger:
        stripe = self._room.stripe
        return Ledger(
            (await stripe.lever("GET", "payments"))["payments"],
            (await stripe.lever("GET", "ledger"))["entries"],
        )


class Operator:
    """Settles what no machine could know, by what Stripe shows."""

    def __init__(self, room: Room) -> None:
        self._room, self._said = room, 0
        self._codec = CommandCodec(SETTINGS.partitions, SETTINGS.internal_secret)

    async def settles(self, table: dict[str, Row]) -> bool:
        """Whether anything was said."""
        rows = {row["payment"]: row for row in (await self._room.stripe.lever("GET", "payments"))["payments"]}
        words = [word for id, row in table.items() for word in self._words(row, rows.get(id))]
        for word in words:
            items = Items()
            out = self._codec.write(word)
            items.append(timestamp=None, key=out.key, value=out.value, headers=out.headers)
            assert out.partition is not None
            await (await Producer(self._room.broker).send_batch(items, out.topic, out.partition))
            what = f"finds {word.refund_id or word.origin.payment_id} {word.resolution}"
            self._room.story.note("operator", what)
        return bool(words)

    def _words(self, row: Row, theirs: dict[str, Any] | None) -> Iterator[ResolvePayment]:
        transaction, payment = row.transaction, row.transaction.payment
        if payment and payment.status is PaymentStatus.MANUAL_REVIEW and not transaction.calls:
            if theirs is None:
                yield self._word(row, "declined")
            elif found := FOUND.get(theirs["status"]):
                amount = theirs["amount_captured"] if found == "captured" else None
                yield self._word(row, found, intent=theirs["payment_intent"], amount=amount)
        made = {each["refund"]: each["status"] for each in theirs["refunds"]} if theirs else {}
        for id, refund in transaction.refunds.items():
            if refund.status is RefundStatus.MANUAL_REVIEW:
                yield self._word(row, made.get(id, "failed"), id)

    def _word(
        self,
        row: Row,
        found: str,
        refund: str | None = None,
        intent: str | None = None,
        amount: int | None = None,
    ) -> ResolvePayment:
        self._said += 1
        transaction = row.transaction
        id = internal_command_id(transaction.id, f"word {self._said}")
        origin = Origin(id, transaction.id, transaction.merchant or "", BEGINS)
        return ResolvePayment(origin, found, "seen at Stripe", "ada", refund, amount, intent)


FOUND = {"succeeded": "captured", "requires_capture": "authorized", "canceled": "canceled"}


def _may_differ(words: str, set_aside: set[str]) -> bool:
    """What a person has yet to settle may stand otherwise at Stripe; that is all it may."""
    return words.startswith("I6") and any(id in words for id in set_aside)


def _is_a_persons(row: Row) -> bool:
    """Still, and so of no end that could be compared."""
    payment = row.transaction.payment
    return payment is not None and payment.status is PaymentStatus.MANUAL_REVIEW


def tp_is_events(partitions: list[Partition]) -> bool:
    return bool(partitions) and partitions[0].topic == EVENTS
