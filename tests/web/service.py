"""A service behind the door that needs no Kafka: the real rules decide, in memory. Holds no tests."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from models.callers import Operator, Principal
from models.commands import Command, Origin, PublicCommand, RecordNotice, RecordOutcome, fingerprint
from models.deciding import decide, remembered_as
from models.errors import Unavailable
from models.ids import internal_command_id
from models.ports import (
    Heard,
    Page,
    PaymentFilter,
    Reply,
    ReplyAddress,
    Unfamiliar,
    View,
    Waiting,
)
from models.provider import PspCall
from models.representation import payment_view
from models.transaction import Transaction, evolve, react
from streams.adapters.webhook_addresses import url_refused
from streams.rate_limits import Leads, RateLimits, Taking
from streams.tracing import UNTRACED, Tracing
from tests.fakes import FakeAnalytics, FakeTokens, FakeWebhookEndpoints
from tests.web.hearing import Listening, event_view, notice_in
from tests.web.provider import outcome_of
from web.operations import PAYMENTS_READ, SCOPES
from web.ports import Ports

KEY, OTHER_KEY, READ_ONLY_KEY = "mr_test_alice0000", "mr_test_bob000000", "mr_test_reader000"
LIVE_KEY, OPERATOR_KEY = "mr_live_alice0000", "mr_oper_ada000000"
TOKEN, OTHER_TOKEN = "eyJhbGljZQ.eyJhbGljZQ.alice", "eyJib2I.eyJib2I.bob"
ALICE, BOB = "mer_alice", "mer_bob"
_ALL = frozenset(SCOPES)
PRINCIPALS: dict[str, Principal | Operator] = {
    KEY: Principal(ALICE, "mr_test_alice", _ALL, False),
    OTHER_KEY: Principal(BOB, "mr_test_bob", _ALL, False),
    READ_ONLY_KEY: Principal(ALICE, "mr_test_reader", frozenset({PAYMENTS_READ}), False),
    LIVE_KEY: Principal(ALICE, "mr_live_alice", _ALL, True),
    OPERATOR_KEY: Operator("mr_oper_ada"),
}
SIGNED = {
    TOKEN: Principal(ALICE, "jwt:alice", _ALL, False),
    OTHER_TOKEN: Principal(BOB, "jwt:bob", _ALL, False),
}


def _asked_by(command: PublicCommand) -> tuple[str, str, str]:
    return command.origin.payment_id, command.origin.merchant, fingerprint(command)


class NoRedis:
    """Each door counts for itself."""

    async def take(self, takings: Sequence[Taking]) -> Sequence[Leads]:
        raise Unavailable("no Redis")


@dataclass
class Service:
    """Every port at once: the transactions live here, and each command is decided when it is appended."""

    transactions: dict[str, Transaction] = field(default_factory=dict)
    stories: dict[str, list[View]] = field(default_factory=dict)
    stored: dict[str, int] = field(
        default_factory=dict
    )  # of a payment whose newer events the store does not have yet
    appended: list[Command] = field(default_factory=list)
    answered: list[tuple[str, str, str]] = field(default_factory=list)
    unfamiliar: list[Unfamiliar] = field(default_factory=list)
    known_notices: set[str] = field(default_factory=set)
    traces: list[str | None] = field(default_factory=list)
    remembered_views: list[View] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    log_is_away: bool = False
    reader_is_away: bool = False
    keys_are_away: bool = False
    replies_are_lost: bool = False
    provider_is_silent: bool = False
    probe_hangs: bool = False
    breaks: bool = False
    livemode: bool = False
    tracing: Tracing = UNTRACED
    tokens: FakeTokens = field(default_factory=lambda: FakeTokens(SIGNED))
    listeners: set[Listening] = field(default_factory=set)
    analytics: FakeAnalytics = field(default_factory=FakeAnalytics)
    webhooks: FakeWebhookEndpoints = field(default_factory=FakeWebhookEndpoints)
    limiter: RateLimits = field(default_factory=lambda: RateLimits(NoRedis(), 1))
    forced_reply: Reply | None = None
    address: ReplyAddress = field(default_factory=lambda: ReplyAddress("payments.replies.v1", 0))
    _waiting: dict[tuple[str, str, str], list["asyncio.Future[Reply]"]] = field(default_factory=dict)

    # the command log

    async def append(self, command: Command, reply_to: ReplyAddress | None, trace: str | None = None) -> None:
        await asyncio.sleep(0)
        if self.log_is_away:
            raise Unavailable("no broker")
        self.appended.append(command)
        self.traces.append(trace)
        if isinstance(command, RecordNotice | RecordOutcome):
            return
        self._decide(command)  # type: ignore[arg-type]
        if reply_to is not None and not self.replies_are_lost:
            self.answer(command)  # type: ignore[arg-type]

    def _decide(self, command: PublicCommand) -> None:
        calls = self._apply(command)
        if not self.provider_is_silent:
            self._call(calls, command)

    def settle(self, command: Command) -> None:
        """The provider speaks after all, and whoever waits for `command` is answered."""
        known = self.transactions[command.origin.payment_id]
        self._call([call.call for call in known.calls.values()], command)
        self.answer(command)  # type: ignore[arg-type]

    def _call(self, calls: list[PspCall], command: Command) -> None:
        for call in calls:
            id = internal_command_id(call.payment_id, call.key)
            origin = Origin(id, call.payment_id, call.merchant, command.origin.at)
            self._apply(RecordOutcome(origin, call.key, outcome_of(call, self.transactions[call.payment_id])))

    def _apply(self, command: Command) -> list[PspCall]:
        id = command.origin.payment_id
        calls = []
        for event in decide(self.transactions.get(id), command):
            self.transactions[id] = evolve(self.transactions.get(id), event)
            self.stories.setdefault(id, []).append(event_view(event))
            for listener in self.listeners:
                listener.hear(id, event.sequence)
            if call := react(event):
                calls.append(call)
        return calls

    def answer(self, command: PublicCommand) -> None:
        """As the writer answers: from what is remembered; nothing while it is not settled."""
        origin = command.origin
        transaction = self.transactions[origin.payment_id]
        known = transaction.commands[remembered_as(transaction, command)]
        if not known.settled:
            return
        own = transaction.merchant == origin.merchant
        view = payment_view(transaction, False) if own and transaction.payment else None
        again = self.answered.count(_asked_by(command)) > 0
        self.answered.append(_asked_by(command))
        reply = self.forced_reply or Reply(
            origin.command_id, known.code, known.message, again, known.refund_id, view
        )
        for waiting in self._waiting.get(_asked_by(command), ()):
            if not waiting.done():
                waiting.set_result(reply)

    # the replies

    @contextmanager
    def expect(self, command: PublicCommand) -> Iterator[Waiting]:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(_asked_by(command), [])
        waiting.append(future)

        async def wait(timeout_s: float) -> Reply | None:
            try:
                return await asyncio.wait_for(asyncio.shield(future), timeout_s)
            except TimeoutError:
                return None

        try:
            yield wait
        finally:
            waiting.remove(future)

    @property
    def waiters(self) -> int:
        return sum(map(len, self._waiting.values()))

    # the reader

    async def payment(self, merchant: str, payment_id: str) -> View | None:
        await self._read()
        known = self.transactions.get(payment_id)
        if known is None or known.merchant != merchant or known.payment is None:
            return None
        return payment_view(known, False)

    async def payments(
        self,
        merchant: str,
        where: PaymentFilter,
        limit: int,
        starting_after: str | None,
        ending_before: str | None,
    ) -> Page:
        await self._read()
        self.asked_where = where
        views = [await self.payment(merchant, id) for id in reversed(self.transactions)]
        found = [v for v in views if v is not None and where.status in (None, v["status"])]
        ids = [v["id"] for v in found]
        if starting_after:
            found = found[ids.index(starting_after) + 1 :] if starting_after in ids else []
        elif ending_before:
            found = found[: ids.index(ending_before)] if ending_before in ids else []
            return Page(found[-limit:], len(found) > limit)
        return Page(found[:limit], len(found) > limit)

    async def refund(self, merchant: str, refund_id: str) -> View | None:
        await self._read()
        found = [
            dict(refund) | {"payment": id}
            for id in self.transactions
            for refund in (await self.payment(merchant, id) or {"refunds": []})["refunds"]
            if refund["id"] == refund_id
        ]
        newest_first = reversed(found)  # of those made in one millisecond, too
        return max(newest_first, key=lambda refund: str(refund["created_at"]), default=None)

    async def owner(self, intent: str) -> tuple[str, str] | None:
        await self._read()
        for id, known in self.transactions.items():
            if known.payment and known.payment.intent == intent:
                return id, known.merchant or ""
        return None

    async def events(self, merchant: str, payment_id: str, limit: int, after_sequence: int) -> Page:
        await self._read()
        known = self.transactions.get(payment_id)
        if known is None or known.merchant != merchant:
            return Page([], False)
        told = self.stories[payment_id][after_sequence : self.stored.get(payment_id)]
        return Page(told[:limit], len(told) > limit)

    async def remember(self, payment: View) -> None:
        self.remembered_views.append(payment)

    async def _read(self) -> None:
        if self.reader_is_away:
            raise Unavailable("no database")
        if self.breaks:
            raise RuntimeError("a bug that quotes 4242 4242 4242 4242 and Bearer mr_test_alice0000")

    # signals

    @asynccontextmanager
    async def listen(self, merchant: str, payment_id: str | None) -> AsyncIterator[Listening]:
        if self.log_is_away:
            raise Unavailable("no broker")
        listener = Listening(payment_id)
        self.listeners.add(listener)
        try:
            yield listener
        finally:
            self.listeners.discard(listener)

    async def reached(self, payment_id: str, sequence: int, timeout_s: float) -> bool:
        return self.stored.get(payment_id, sequence) >= sequence

    # keys, notices, readiness

    async def holder(self, api_key: str) -> Principal | Operator | None:
        if self.keys_are_away:
            raise Unavailable("no database")
        return PRINCIPALS.get(api_key)

    def read(self, body: bytes, signature: str, now: datetime) -> Heard | None:
        return notice_in(body, signature, now, ALICE)

    async def keep(self, notice: Unfamiliar) -> None:
        if self.log_is_away:
            raise Unavailable("no Kafka")
        self.unfamiliar.append(notice)

    async def has(self, name: str) -> bool:
        return name in self.known_notices

    async def add(self, name: str) -> None:
        self.known_notices.add(name)

    async def readiness(self) -> dict[str, str]:
        if self.probe_hangs:
            await asyncio.Event().wait()
        return self.missing

    def ports(self) -> Ports:
        return Ports(
            commands=self,
            replies=self,
            reader=self,
            analytics=self.analytics,
            webhooks=self.webhooks,
            url_refused=url_refused,
            signals=self,
            keys=self,
            tokens=self.tokens,
            limiter=self.limiter,
            notices=self,
            kept=self,
            known=self,
            readiness=self.readiness,
            tracing=self.tracing,
            livemode=self.livemode,
        )
