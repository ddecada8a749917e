"""What the core and the processes need of the outside, as Protocols. Adapters in `streams/adapters/` fulfil them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from models.analytics import Fact
from models.commands import Command, FieldError, Origin, PublicCommand, RecordNotice
from models.figures import Told, Wanted
from models.ids import internal_command_id
from models.provider import Outcome, PspCall, Snapshot

View = dict[str, Any]
"""A payment, refund or event as the contract shows it: JSON-ready."""
REFUSED = "command.refused.v1"
"""Of an event's types the one that somebody else than the payment's merchant may be the cause of."""


class PaymentProvider(Protocol):
    async def perform(self, call: PspCall) -> Outcome:
        """Make `call` under its own key, with quick bounded retries under that key. Never raises: doubt is `Unknown`."""
        ...


class CustomerScreen(Protocol):
    async def look(self, call: PspCall) -> Outcome:
        """The outcome of a `ScreenCustomer`: the same one for the same payment, however often it is asked. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where the answer to a command goes: a topic that begins with `payments.replies.`, and a partition of it."""

    topic: str
    partition: int


class CommandLog(Protocol):
    async def append(self, command: Command, reply_to: ReplyAddress | None, trace: str | None = None) -> None:
        """Durable on all in-sync replicas when it returns. Raises Unavailable when not, or in doubt, within 5 s."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command. `payment` is None where the asker may not see one; `refund_id` when a refund was made;
    `rule` names the rule that refused it.

    `merchant` and `fingerprint`: who asked, and what. Two may ask different things of one payment under one command id,
    and neither may take the other's answer for its own. None: from before this was told.
    """

    command_id: str
    code: str | None
    message: str | None
    replayed: bool
    refund_id: str | None
    payment: View | None
    errors: tuple[FieldError, ...] = ()
    merchant: str | None = None
    fingerprint: str | None = None
    rule: str | None = None


class Waiting(Protocol):
    async def __call__(self, timeout_s: float) -> Reply | None:
        """The answer, or None when it did not come in time."""
        ...


class Replies(Protocol):
    """Answers to the commands of this process."""

    @property
    def address(self) -> ReplyAddress:
        """This process's own."""
        ...

    def expect(self, command: PublicCommand) -> AbstractContextManager[Waiting]:
        """Enter before sending `command`, then await what it gives. Several may wait for one command."""
        ...


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    status: str | None = None
    currency: str | None = None
    customer: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    data: list[View]
    has_more: bool


class Owners(Protocol):
    async def owner(self, intent: str) -> tuple[str, str] | None:
        """The payment that is `intent` at the provider, and its merchant; None while none is known. Raises Unavailable."""
        ...


class PaymentReader(Owners, Protocol):
    """Reads what the projection keeps. Raises Unavailable when the store cannot be reached."""

    async def payment(self, merchant: str, payment_id: str) -> View | None: ...

    async def payments(
        self,
        merchant: str,
        where: PaymentFilter,
        limit: int,
        starting_after: str | None,
        ending_before: str | None,
    ) -> Page: ...

    async def refund(self, merchant: str, refund_id: str) -> View | None: ...

    async def events(self, merchant: str, payment_id: str, limit: int, after_sequence: int) -> Page: ...


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event to be kept: `body` is what its merchant may see of it, `for_operators` what nobody else may."""

    id: str
    type: str
    payment_id: str
    merchant: str
    sequence: int
    at: datetime
    causation_id: str
    body: View
    for_operators: View | None = None

    @property
    def sender(self) -> str | None:
        """Who sent a refused command; everything else on a payment was sent by its own merchant or by ourselves."""
        return str(self.body["data"]["sender"]) if self.type == REFUSED else None

    @property
    def is_of_a_stranger(self) -> bool:
        """Neither the payment's merchant may see it, nor whoever sent what was refused."""
        return self.sender not in (None, self.merchant)


@dataclass(frozen=True, slots=True)
class Change:
    """One event beside the payment as it then stood: what the projection keeps."""

    event: EventRecord
    payment: View | None


class PaymentStore(Protocol):
    async def apply(self, changes: Sequence[Change]) -> None:
        """Keep them, in one transaction; what is older than what is kept changes nothing. Raises Unavailable."""
        ...


class AnalyticsStore(Protocol):
    async def take_in(self, facts: Sequence[Fact]) -> None:
        """Keep what is new, and move the sums by it, in one transaction; what is known already changes nothing.

        Raises Unavailable, and InvariantBroken for what can never be kept.
        """
        ...


class AnalyticsReader(Protocol):
    async def sums(self, wanted: Wanted) -> Sequence[Told]:
        """All that moved, of that merchant's alone; SUMS_MAX + 1 where it is more. Raises Unavailable when the store
        cannot be reached.
        """
        ...


class PaymentCache(Protocol):
    """Newest views by payment id; refreshed, never trusted: every method does nothing, quickly, without Redis."""

    async def put(self, payments: Sequence[View]) -> bool:
        """Keep each unless a newer sequence is kept. False when it could not be done."""
        ...

    async def get(self, payment_id: str) -> View | None: ...


OWNER_UNKNOWN = timedelta(days=1)
"""A notice about an intent that nobody knows is asked for again until it is this old: the store may be behind. Later it is
another system's on the same account."""


@dataclass(frozen=True, slots=True)
class Unaddressed:
    """A notice that names its payment by the provider's intent alone, told at `told_at`."""

    notice_id: str
    notice_type: str
    snapshot: Snapshot
    intent: str
    told_at: datetime
    account: str | None = None
    request: str | None = None

    def to(self, payment_id: str, merchant: str, now: datetime) -> RecordNotice:
        """The command it becomes once somebody knows whose it is."""
        command_id = internal_command_id(payment_id, f"notice\n{self.notice_id}")
        origin = Origin(command_id, payment_id, merchant, now)
        return RecordNotice(
            origin, self.notice_id, self.notice_type, self.snapshot, self.account, self.request
        )


@dataclass(frozen=True, slots=True)
class Unfamiliar:
    """A notice of a type or an account that nobody here knows, or that cannot be read: kept as it came, for whoever teaches us.
    `subject`: of what.
    """

    notice_id: str
    notice_type: str
    subject: str
    body: bytes
    account: str | None = None


Heard = RecordNotice | Unaddressed | Unfamiliar


class NoticeReader(Protocol):
    def read(self, body: bytes, signature: str, now: datetime) -> Heard | None:
        """The command a webhook becomes; None when it concerns no payment of ours. Raises SignatureInvalid."""
        ...


class NoticeLog(Protocol):
    async def keep(self, notice: Unfamiliar) -> None:
        """Durable when it returns. Raises Unavailable when not, or in doubt."""
        ...


class NoticeMemory(Protocol):
    """Which notices were taken in, by names, as far as it knows: never raises, never keeps anybody waiting."""

    async def has(self, name: str) -> bool: ...

    async def add(self, name: str) -> None: ...


class NoticeFeed(Protocol):
    def undelivered(self, since: datetime) -> AsyncIterator[Sequence[RecordNotice | Unaddressed]]:
        """What the provider has told nobody yet, all of it, page by page: the newest page first. Raises Unavailable."""
        ...


class Checkpoint(Protocol):
    async def claim(self, now: datetime, every: timedelta, first: datetime) -> datetime | None:
        """How far it has come (`first`: where it begins), for one of all who ask within `every`; None for the others: it is not
        their turn. Raises Unavailable."""
        ...

    async def reached(self, at: datetime) -> None:
        """All is done up to `at`, and the turn is over. Raises Unavailable."""
        ...


class SignatureInvalid(Exception):
    """Not the provider's, too old or from the future."""
