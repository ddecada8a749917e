"""Stand-ins for what is outside, small and in memory. Each passes the same contract test as the real adapter."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from models.analytics import Fact, difference
from models.callers import Operator, Principal
from models.errors import Unavailable
from models.figures import Told, Wanted
from models.ports import Change, EventRecord, Page, PaymentFilter, View

REFUSED = "command.refused.v1"


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
        for view in self._views.values():
            for refund in view["refunds"]:
                if view["merchant"] == merchant and refund["id"] == refund_id:
                    return {**refund, "payment": view["id"]}
        return None

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
        return [
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
    sender = event.body["data"]["sender"] if event.type == REFUSED else merchant
    return merchant == event.merchant == sender
