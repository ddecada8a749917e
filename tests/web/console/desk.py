"""An operators' desk over the service in memory, and a place for sessions. Holds no tests."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from models import ids, shapes
from models.commands import InvalidCommand, Origin
from models.errors import Refused, Unavailable
from models.ports import PaymentFilter, View
from models.representation import payment_view
from streams.operator.resolving import answered
from tests.fakes import fits
from tests.web.hearing import Listening
from tests.web.service import Service
from web.console.ports import Group


@dataclass
class FakeDesk:
    """What is done is written down in `audited`, beside the command itself."""

    service: Service
    audited: list[tuple[str, str, str, str]] = field(default_factory=list)
    lying: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: bool = False
    deaf: bool = False
    fails: Exception | None = None

    def news(self, payment_id: str | None) -> AbstractAsyncContextManager[Listening]:
        if self.deaf:
            raise Unavailable("events cannot be watched now")
        return self.service.listen("", payment_id)

    async def payments(self, merchant: str | None, where: PaymentFilter, most: int) -> list[View]:
        self._look()
        views = [payment_view(each, False) for each in self.service.transactions.values()]
        return [each for each in views if merchant in (None, each["merchant"]) and fits(each, where)][-most:]

    async def payment(self, payment_id: str) -> View | None:
        known = self.service.transactions.get(payment_id)
        return payment_view(known, False) if known else None

    async def lately(self) -> list[Mapping[str, Any]]:
        now = datetime.fromtimestamp(datetime.now(UTC).timestamp() // 10 * 10, UTC)
        made = len(self.service.transactions)
        row = {"at": now, "made": made, "succeeded": made, "decided": made, "p50_s": 0.1, "p95_s": 0.2}
        return [row] if made else []

    async def story(self, payment_id: str) -> tuple[View, list[Mapping[str, Any]], str | None] | None:
        self._look()
        known = self.service.transactions.get(payment_id)
        if known is None:
            return None
        told = self.service.stories[payment_id]
        more = {"kind": "event", "about": "<b>about</b>", "by": "api", "sends": (), "changed": ()}
        happened = [
            {**more, "at": each["created_at"], "what": each["type"], "sequence": each["sequence"]}
            for each in told
        ]
        return payment_view(known, False), [*happened], None

    async def in_doubt(self) -> int:
        return 0

    async def doubts(self, most: int) -> list[Mapping[str, Any]]:
        return []

    async def letters(self, most: int, with_settled: bool) -> list[Mapping[str, Any]]:
        return [*self.lying.values()]

    async def letter(self, name: str) -> Mapping[str, Any]:
        if name not in self.lying:
            raise Refused(f"there is no letter {name}")
        return self.lying[name]

    async def settle(self, name: str, fate: str, operator: str, reason: str) -> None:
        self.audited.append((fate, name, operator, reason))

    async def command(
        self, type: str, payment_id: str, said: Mapping[str, object], id: UUID, operator: str, reason: str
    ) -> View:
        if self.fails:
            raise self.fails
        known = self.service.transactions[payment_id]
        origin = Origin(str(id), payment_id, known.merchant or "", datetime.now(UTC))
        command = shapes.parse(type, said, origin, ids.refund_id(id) if type == shapes.REFUND else None)
        if isinstance(command, InvalidCommand):
            raise Refused("; ".join(error.message for error in command.errors))
        self.audited.append((type, payment_id, operator, reason))
        with self.service.expect(command) as answer:
            await self.service.append(command, self.service.address)
            reply = await answer(1.0)
        assert reply is not None
        return answered(reply)

    async def webhooks(self, most: int) -> list[Mapping[str, Any]]:
        return [*self.endpoints.values()]

    async def webhook(self, id: str) -> Mapping[str, Any] | None:
        return self.endpoints.get(id)

    async def deliveries(self, endpoint: str, most: int) -> list[Mapping[str, Any]]:
        return [each for each in self.sent.values() if each["endpoint"] == endpoint]

    async def delivery(self, id: str) -> Mapping[str, Any] | None:
        return self.sent.get(id)

    async def switch(self, endpoint: str, on: bool, operator: str, reason: str) -> None:
        if endpoint not in self.endpoints:
            raise Refused("there is no such endpoint")
        self.audited.append(("enabled" if on else "disabled", endpoint, operator, reason))

    async def send_again(self, delivery: str, operator: str, reason: str) -> None:
        self.audited.append(("sent_again", delivery, operator, reason))

    async def acts(self, most: int) -> list[Mapping[str, Any]]:
        return []

    async def groups(self) -> list[Group]:
        raise Unavailable("no brokers")

    async def budget(self) -> list[Mapping[str, Any]]:
        return [{"account": "default", "per_s": 25.0, "burst": 5.0, "left": 4.0}]

    def _look(self) -> None:
        if self.away:
            raise Unavailable("no database")


@dataclass
class FakeSessions:
    """`ends_s`: what was asked for, by name."""

    contents: dict[str, bytes] = field(default_factory=dict)
    ends_s: dict[str, int] = field(default_factory=dict)

    async def keep(self, name: str, content: bytes, for_s: int) -> None:
        self.contents[name], self.ends_s[name] = content, for_s

    async def kept(self, name: str) -> bytes | None:
        return self.contents.get(name)

    async def drop(self, name: str) -> None:
        self.contents.pop(name, None)
