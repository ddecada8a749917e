"""What the console is plugged into: a desk, at which operators see and do things, and a place where sessions are kept."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from models.ports import PaymentFilter, View
from web.ports import Listener

Row = Mapping[str, Any]


class Group(Protocol):
    """A consumer group. `behind`: in records; None: its place is not known to the brokers."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def members(self) -> int: ...
    @property
    def behind(self) -> int | None: ...


class Desk(Protocol):
    """Of all merchants together. All of it raises Unavailable; what acts raises Refused, with a sentence for the operator."""

    def news(self, payment_id: str | None) -> AbstractAsyncContextManager[Listener]:
        """Of one payment, or of all."""
        ...

    async def payments(self, merchant: str | None, where: PaymentFilter, most: int) -> Sequence[View]:
        """The newest first; `merchant` None: everybody's."""
        ...

    async def payment(self, payment_id: str) -> View | None: ...

    async def lately(self) -> Sequence[Row]:
        """By ten seconds of the last ten minutes (`at`): `made`, `succeeded`, `decided`, `p50_s` and `p95_s` to a decision."""
        ...

    async def story(self, payment_id: str) -> tuple[View, Sequence[Row], str | None] | None:
        """The payment, what happened to it in order, and why some of that is missing."""
        ...

    async def in_doubt(self) -> int:
        """How many payments and refunds."""
        ...

    async def doubts(self, most: int) -> Sequence[Row]:
        """What nobody knows the end of, the oldest first."""
        ...

    async def letters(self, most: int, with_settled: bool) -> Sequence[Row]: ...

    async def letter(self, name: str) -> Row: ...

    async def settle(self, name: str, fate: str, operator: str, reason: str) -> None:
        """`fate`: `redriven` or `dropped`."""
        ...

    async def command(
        self, type: str, payment_id: str, said: Row, id: UUID, operator: str, reason: str
    ) -> View:
        """The payment as it then stands. `id`: the same one again is the same command."""
        ...

    async def webhooks(self, most: int) -> Sequence[Row]:
        """Everybody's endpoints, those first that are disabled or fail."""
        ...

    async def webhook(self, id: str) -> Row | None: ...

    async def deliveries(self, endpoint: str, most: int) -> Sequence[Row]:
        """The newest first, each with its `attempts`."""
        ...

    async def delivery(self, id: str) -> Row | None: ...

    async def switch(self, endpoint: str, on: bool, operator: str, reason: str) -> None: ...

    async def send_again(self, delivery: str, operator: str, reason: str) -> None:
        """Under the same id, by a schedule that begins anew."""
        ...

    async def acts(self, most: int) -> Sequence[Row]:
        """What operators did, the newest first."""
        ...

    async def groups(self) -> Sequence[Group]: ...

    async def budget(self) -> Sequence[Row]:
        """By account of the provider's: `per_s` (None: no limit is known), `burst`, and `left` of it when last looked."""
        ...


class Sessions(Protocol):
    """All of it raises Unavailable."""

    async def keep(self, name: str, content: bytes, for_s: int) -> None: ...

    async def kept(self, name: str) -> bytes | None: ...

    async def drop(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Console:
    desk: Desk
    sessions: Sessions
