"""Reading payments, refunds and stories: what may be asked, and who may see it. Nothing is written here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from models import fields, ids
from models.codes import Code
from models.commands import FieldError
from models.payment import PaymentStatus
from models.ports import Page, PaymentFilter, View
from web.callers import Callers
from web.operations import GET_PAYMENT, GET_REFUND, LIST_EVENTS, LIST_PAYMENTS, LIST_REFUNDS
from web.payments import no_such_payment, refund_of, refunds_of
from web.ports import Reader
from web.problems import Problem, invalid, sayable

LIMIT_DEFAULT, LIMIT_MAX = 10, 100
METADATA_FILTERS_MAX = 10
SEQUENCE_MAX = 2**31 - 1

Query = Sequence[tuple[str, str]]
"""The decoded query string, in order."""

CURSORS = ("limit", "starting_after", "ending_before")
_STATUSES = fields.one_of(tuple(PaymentStatus))
_CURRENCY = fields.matching(fields.CURRENCY)
_CUSTOMER = fields.text(fields.CUSTOMER_MAX_CHARS, least=1)


class Reading:
    def __init__(self, reader: Reader, callers: Callers) -> None:
        self._reader, self._callers = reader, callers

    async def payment(self, authorization: str | None, payment_id: str) -> View:
        caller = await self._callers.admit(authorization, GET_PAYMENT)
        return await payment_of(self._reader, caller.merchant, payment_id)

    async def payments(self, authorization: str | None, query: Query) -> Page:
        caller = await self._callers.admit(authorization, LIST_PAYMENTS)
        asked = AskedFor(
            query, ("status", "currency", "customer", "created_after", "created_before", *CURSORS)
        )
        where = PaymentFilter(
            status=asked.checked("status", _STATUSES),
            currency=asked.checked("currency", _CURRENCY),
            customer=asked.checked("customer", _CUSTOMER),
            created_after=asked.time("created_after"),
            created_before=asked.time("created_before"),
            metadata=asked.metadata(),
        )
        limit, after, before = asked.page(ids.PAYMENT_ID.fullmatch)
        asked.refuse_what_is_wrong()
        return await self._reader.payments(caller.merchant, where, limit, after, before)

    async def refund(self, authorization: str | None, refund_id: str, query: Query = ()) -> View:
        """Where several payments have a refund of this id: that of `payment`, or else the one made last."""
        caller = await self._callers.admit(authorization, GET_REFUND)
        asked = AskedFor(query, ("payment",))
        payment_id = asked.checked("payment", _payment_id)
        asked.refuse_what_is_wrong()
        found = None
        if payment_id is not None:
            found = refund_of(await self._reader.payment(caller.merchant, payment_id), refund_id)
        elif ids.REFUND_ID.fullmatch(refund_id):
            found = await self._reader.refund(caller.merchant, refund_id)
        if found is None:
            raise Problem(Code.NOT_FOUND, "There is no such refund.")
        return found

    async def refunds(self, authorization: str | None, payment_id: str, query: Query) -> Page:
        """Newest first."""
        caller = await self._callers.admit(authorization, LIST_REFUNDS)
        wanted = _wanted_refunds(query)
        payment = await payment_of(self._reader, caller.merchant, payment_id)
        return page_of(refunds_of(payment)[::-1], *wanted)

    async def events(self, authorization: str | None, payment_id: str, query: Query) -> Page:
        """The story in its order."""
        caller = await self._callers.admit(authorization, LIST_EVENTS)
        asked = AskedFor(query, ("limit", "after_sequence"))
        limit, after = asked.limit(), asked.number("after_sequence", 0, SEQUENCE_MAX, 0)
        asked.refuse_what_is_wrong()
        if not ids.PAYMENT_ID.fullmatch(payment_id):
            raise no_such_payment()
        page = await self._reader.events(caller.merchant, payment_id, limit, after)
        if not page.data:
            await payment_of(self._reader, caller.merchant, payment_id)
        return page


def _payment_id(value: object) -> str | None:
    return None if isinstance(value, str) and ids.PAYMENT_ID.fullmatch(value) else "must be a payment's id"


async def payment_of(reader: Reader, merchant: str, payment_id: str) -> View:
    """The merchant's payment as it stands. Raises Problem where there is none."""
    found = None
    if ids.PAYMENT_ID.fullmatch(payment_id):
        found = await reader.payment(merchant, payment_id)
    if found is None:
        raise no_such_payment()
    return found


def refunds_in(payment: View, query: Query) -> Page:
    """Of a payment that is at hand, newest first. Raises Problem."""
    return page_of(refunds_of(payment)[::-1], *_wanted_refunds(query))


def _wanted_refunds(query: Query) -> tuple[int, str | None, str | None]:
    asked = AskedFor(query, CURSORS)
    wanted = asked.page(ids.REFUND_ID.fullmatch)
    asked.refuse_what_is_wrong()
    return wanted


def page_of(found: list[View], limit: int, after: str | None, before: str | None) -> Page:
    """One page of what is all at hand. A cursor that is not among it has nothing after or before it."""
    places = {view["id"]: place for place, view in enumerate(found)}
    if before is not None:
        end = places.get(before, 0)
        return Page(found[max(0, end - limit) : end], end > limit)
    start = places.get(after, len(found)) + 1 if after is not None else 0
    return Page(found[start : start + limit], len(found) > start + limit)


class AskedFor:
    """A query string being read: gathers all that is wrong with it."""

    def __init__(self, query: Query, known: Sequence[str]) -> None:
        self._errors: list[FieldError] = []
        self._given: dict[str, str] = {}
        self._metadata: list[tuple[str, str]] = []
        takes_metadata = "status" in known
        for name, value in query:
            if takes_metadata and name.startswith("metadata[") and name.endswith("]"):
                self._metadata.append((name[len("metadata[") : -1], value))
            elif name not in known:
                self.wrong(sayable(name), f"is not one of {', '.join(known)}")
            elif name in self._given:
                self.wrong(name, "must be given once")
            else:
                self._given[name] = value

    def refuse_what_is_wrong(self) -> None:
        if self._errors:
            raise invalid(self._errors)

    def checked(self, name: str, check: fields.Check) -> str | None:
        value = self._given.get(name)
        if value is not None and (message := check(value)):
            self.wrong(name, message)
        return value

    def time(self, name: str) -> datetime | None:
        value = self._given.get(name)
        try:
            at = datetime.fromisoformat(value) if value is not None else None
            if at is None or at.tzinfo is not None:
                return at and at.astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # said below
        self.wrong(name, "must be an RFC 3339 time with its offset, such as 2026-01-31T12:00:00Z")
        return None

    def needed(self, name: str, check: fields.Check) -> str:
        """Empty where it is missing, which is said."""
        if name not in self._given:
            self.wrong(name, "is needed")
        return self.checked(name, check) or ""

    def needed_time(self, name: str) -> datetime | None:
        if name not in self._given:
            self.wrong(name, "is needed")
            return None
        return self.time(name)

    def number(self, name: str, least: int, most: int, default: int) -> int:
        value = self._given.get(name)
        if value is None:
            return default
        if not (
            value.isascii()
            and value.isdecimal()
            and len(value) <= len(str(most))
            and least <= int(value) <= most
        ):
            self.wrong(name, f"must be an integer of {least} to {most}")
            return default
        return int(value)

    def limit(self) -> int:
        return self.number("limit", 1, LIMIT_MAX, LIMIT_DEFAULT)

    def page(self, is_id: Callable[[str], Any]) -> tuple[int, str | None, str | None]:
        after, before = self._given.get("starting_after"), self._given.get("ending_before")
        for name, cursor in (("starting_after", after), ("ending_before", before)):
            if cursor is not None and not is_id(cursor):
                self.wrong(name, "must be the id of an object of this list")
        if after is not None and before is not None:
            self.wrong("ending_before", "cannot be given beside starting_after")
        return self.limit(), after, before

    def metadata(self) -> tuple[tuple[str, str], ...]:
        if len(self._metadata) > METADATA_FILTERS_MAX:
            self.wrong("metadata", f"can be filtered by at most {METADATA_FILTERS_MAX} names")
        wanted: Mapping[str, object] = dict(self._metadata)
        if len(wanted) < len(self._metadata):
            self.wrong("metadata", "has a name that is given twice")
        self._errors.extend(FieldError(*fault) for fault in fields.metadata("metadata", wanted))
        return tuple(self._metadata)

    def wrong(self, name: str, message: str) -> None:
        self._errors.append(FieldError(name, message))
