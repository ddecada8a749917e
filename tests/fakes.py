"""Stand-ins for what is outside, small and in memory. Each passes the same contract test as the real adapter."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from models import figures
from models.analytics import Fact, difference
from models.callers import Operator, Principal
from models.errors import Unavailable
from models.figures import Told, Wanted
from models.ports import Change, EventRecord, Page, PaymentFilter, View
from models.webhook_endpoints import BY_MERCHANT, ENDPOINTS_MAX, Endpoint, Kept, Made, Wished
from models.webhooks import endpoint_id, secret_of


class Switch:
    """Whether the thing is there."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    def look(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("switched off")


class FakePayments(Switch):
    """PaymentStore and PaymentReader in one."""

    def __init__(self) -> None:
        super().__init__()
        self._views: dict[str, View] = {}
        self._events: dict[tuple[str, int], EventRecord] = {}

    async def apply(self, changes: Sequence[Change]) -> None:
        self.look()
        for change in changes:
            self._events.setdefault((change.event.payment_id, change.event.sequence), change.event)
            view = change.payment
            if view is not None and view["sequence"] > self._sequence(view["id"]):
                self._views[view["id"]] = view

    async def payment(self, merchant: str, payment_id: str) -> View | None:
        self.look()
        view = self._views.get(payment_id)
        return view if view is not None and view["merchant"] == merchant else None

    async def payments(
        self,
        merchant: str,
        where: PaymentFilter,
        limit: int,
        starting_after: str | None,
        ending_before: str | None,
    ) -> Page:
        self.look()
        mine = [view for view in self._views.values() if view["merchant"] == merchant]
        found = sorted((view for view in mine if fits(view, where)), key=_place, reverse=True)
        if starting_after is not None:
            after = [_place(view) for view in mine if view["id"] == starting_after]
            found = [view for view in found if after and _place(view) < after[0]]
        elif ending_before is not None:
            before = [_place(view) for view in mine if view["id"] == ending_before]
            found = [view for view in found if before and _place(view) > before[0]]
            return Page(found[-limit:], len(found) > limit)
        return Page(found[:limit], len(found) > limit)

    async def refund(self, merchant: str, refund_id: str) -> View | None:
        self.look()
        found = [
            {**refund, "payment": view["id"]}
            for view in self._views.values()
            for refund in view["refunds"]
            if view["merchant"] == merchant and refund["id"] == refund_id
        ]
        return max(found, key=lambda refund: str(refund["created_at"]), default=None)

    async def events(self, merchant: str, payment_id: str, limit: int, after_sequence: int) -> Page:
        self.look()
        story = [
            event.body
            for (payment, sequence), event in sorted(self._events.items())
            if payment == payment_id and sequence > after_sequence and _may_see(merchant, event)
        ]
        return Page(story[:limit], len(story) > limit)

    async def owner(self, intent: str) -> tuple[str, str] | None:
        self.look()
        for view in self._views.values():
            if view["provider"]["payment_intent"] == intent:
                return view["id"], view["merchant"]
        return None

    async def sequences(self, payment_ids: Collection[str]) -> dict[str, int]:
        self.look()
        return {each: self._sequence(each) for each in payment_ids if each in self._views}

    def _sequence(self, payment_id: str) -> int:
        return int(self._views.get(payment_id, {"sequence": 0})["sequence"])


class FakePaymentCache:
    """PaymentCache. `away`: as if Redis were gone."""

    def __init__(self) -> None:
        self.away = False
        self._views: dict[str, View] = {}

    async def put(self, payments: Sequence[View]) -> bool:
        if self.away:
            return False
        for view in payments:
            if view["sequence"] > self._views.get(view["id"], {"sequence": -1})["sequence"]:
                self._views[view["id"]] = view
        return True

    async def get(self, payment_id: str) -> View | None:
        return None if self.away else self._views.get(payment_id)


class FakeApiKeys(Switch):
    """ApiKeys, and what remembers them needs besides. `ends`: of keys that were revoked or rotated, by hash."""

    def __init__(self, holders: dict[str, Principal | Operator] | None = None) -> None:
        super().__init__()
        self.holders = holders or {}
        self.ends: dict[bytes, datetime] = {}

    async def holder(self, api_key: str) -> Principal | Operator | None:
        self.look()
        return self.holders.get(api_key)

    async def ends_of_changed(self) -> dict[bytes, datetime]:
        self.look()
        return dict(self.ends)


class FakeTokens(Switch):
    """Tokens."""

    def __init__(self, holders: Mapping[str, Principal]) -> None:
        super().__init__()
        self.holders = dict(holders)

    async def holder(self, token: str) -> Principal | None:
        self.look()
        return self.holders.get(token)


class FakeAnalytics(Switch):
    """AnalyticsReader over facts that it is given: summed when they are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: list[Fact] = []

    async def sums(self, wanted: Wanted) -> Sequence[Told]:
        self.look()
        _, moves = difference([], self.facts)
        told = [
            Told(bucket.currency, bucket.begins_at, sums)
            for bucket, sums in moves.items()
            if bucket.merchant == wanted.merchant
            and wanted.currency in (None, bucket.currency)
            and wanted.method in (None, bucket.method)
            and any(
                bucket.interval == span.interval and span.begins_at <= bucket.begins_at < span.ends_at
                for span in wanted.spans
            )
        ]
        return told[: figures.SUMS_MAX + 1]


class FakeWebhookEndpoints(Switch):
    """WebhookEndpoints. By id: `endpoints`, and `kept`, the deliveries, each with its merchant. `noted`: the audit's lines."""

    def __init__(self) -> None:
        super().__init__()
        self.endpoints: dict[str, Endpoint] = {}
        self._secrets: dict[str, tuple[UUID, str]] = {}
        self._old: dict[str, UUID] = {}
        self.kept: dict[str, tuple[str, Kept]] = {}
        self.noted: list[tuple[str, str, str]] = []

    async def create(self, merchant: str, wished: Wished, request: UUID, actor: str) -> Made | None:
        self.look()
        id = endpoint_id(request)
        if await self.one(merchant, id):
            return self._made(id, request, True)
        if len(await self.all(merchant)) >= ENDPOINTS_MAX:
            return None
        url, types, ordered, description = wished.in_full()
        self.endpoints[id] = Endpoint(
            id,
            merchant,
            str(url),
            types,
            ordered,
            description,
            datetime.now(UTC),
            None,
            datetime.now(UTC) if wished.enabled is False else None,
            None,
        )
        self._note(actor, "webhook_endpoint.created", id)
        return self._sealed_anew(id, request)

    async def change(self, merchant: str, id: str, wished: Wished, actor: str) -> Endpoint | None:
        said = {name: value for name, value in asdict(wished).items() if value is not None}
        match said.pop("enabled", None):
            case True:
                said |= {"disabled_at": None, "disabled_why": None, "failing_since": None}
            case False:
                said |= {"disabled_at": datetime.now(UTC), "disabled_why": BY_MERCHANT}
        return await self._become(merchant, id, actor, "webhook_endpoint.changed", **said)

    async def rotate(
        self, merchant: str, id: str, overlap: timedelta, request: UUID, actor: str
    ) -> Made | None:
        if await self.one(merchant, id) is None:
            return None
        if request in (self._secrets[id][0], self._old.get(id)):
            return self._made(id, request, True)
        self._old[id] = self._secrets[id][0]
        self._note(actor, "webhook_endpoint.secret_rotated", id)
        return self._sealed_anew(id, request)

    async def delete(self, merchant: str, id: str, actor: str) -> Endpoint | None:
        found = await self._become(merchant, id, actor, "webhook_endpoint.deleted")
        if found:
            del self.endpoints[id]
        return found

    async def disable(self, merchant: str, id: str, why: str, actor: str) -> Endpoint | None:
        now = datetime.now(UTC)
        return await self._become(
            merchant, id, actor, "webhook_endpoint.disabled", disabled_at=now, disabled_why=why
        )

    async def enable(self, merchant: str, id: str, actor: str, reason: str | None = None) -> Endpoint | None:
        nothing = dict.fromkeys(("disabled_at", "disabled_why", "failing_since"))
        return await self._become(merchant, id, actor, "webhook_endpoint.enabled", **nothing)

    async def all(self, merchant: str | None) -> list[Endpoint]:
        self.look()
        return [each for each in self.endpoints.values() if merchant in (None, each.merchant)]

    async def one(self, merchant: str, id: str) -> Endpoint | None:
        self.look()
        found = self.endpoints.get(id)
        return found if found and found.merchant == merchant else None

    async def deliveries(
        self, merchant: str, id: str, most: int, state: str | None = None, after: str | None = None
    ) -> list[Kept]:
        self.look()
        found = [
            kept
            for owner, kept in self.kept.values()
            if owner == merchant and kept.endpoint == id and state in (None, kept.state)
        ]
        found.sort(key=lambda kept: (kept.created_at, kept.id), reverse=True)
        if after is not None:
            last = self.kept[after][1] if after in self.kept else None
            found = [k for k in found if last and (k.created_at, k.id) < (last.created_at, last.id)]
        return found[:most]

    async def redeliver(self, merchant: str, id: str, actor: str, reason: str | None = None) -> Kept | None:
        self.look()
        owner, kept = self.kept.get(id, (None, None))
        if owner != merchant or kept is None or not kept.attempts:
            return None
        self._note(actor, "webhook_delivery.sent_again", id)
        again = replace(kept, state="pending", ended_at=None, next_at=datetime.now(UTC))
        self.kept[id] = merchant, again
        return again

    async def _become(self, merchant: str, id: str, actor: str, action: str, **said: Any) -> Endpoint | None:
        found = await self.one(merchant, id)
        if found is None:
            return None
        self._note(actor, action, id)
        self.endpoints[id] = replace(found, **said)
        return self.endpoints[id]

    def _sealed_anew(self, id: str, request: UUID) -> Made:
        self._secrets[id] = request, secret_of(secrets.token_bytes(32))
        return self._made(id, request, False)

    def _made(self, id: str, request: UUID, replayed: bool) -> Made:
        made_by, secret = self._secrets[id]
        return Made(self.endpoints[id], secret if made_by == request else None, replayed)

    def _note(self, actor: str, action: str, subject: str) -> None:
        self.noted.append((actor, action, subject))


def _place(view: View) -> tuple[datetime, str]:
    return datetime.fromisoformat(view["created_at"]), view["id"]


def fits(view: View, where: PaymentFilter) -> bool:
    at = datetime.fromisoformat(view["created_at"])
    return (
        where.status in (None, view["status"])
        and where.currency in (None, view["currency"])
        and where.customer in (None, view["customer"])
        and where.amount_minor in (None, view["amount"])
        and (where.created_after is None or at > where.created_after)
        and (where.created_before is None or at < where.created_before)
        and all(view["metadata"].get(name) == value for name, value in where.metadata)
    )


def _may_see(merchant: str, event: EventRecord) -> bool:
    return merchant == event.merchant and not event.is_of_a_stranger
