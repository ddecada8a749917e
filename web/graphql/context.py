"""What one request to GraphQL brought along, for every field that it asks for. No field is answered here."""

import asyncio
from dataclasses import dataclass, field

import strawberry
from graphql import DocumentNode

from models.commands import FieldError
from web.doors import Operations
from web.patience import WAIT_MAX_S
from web.problems import invalid


@dataclass(slots=True)
class Context:
    """`keys`: of the `Idempotency-Key` header. `wait_s`: what a command waits for its answer unless it says otherwise."""

    operations: Operations
    document: DocumentNode
    authorization: str | None
    wait_s: float
    keys: list[str] = field(default_factory=list)
    trace: str | None = None
    _waited_until: float | None = None

    def patience_s(self, wait_seconds: int | None) -> float:
        """For a command to wait. All commands of one request together wait no longer than one may. Raises Problem."""
        if wait_seconds is not None and not 0 <= wait_seconds <= WAIT_MAX_S:
            raise invalid([FieldError("wait_seconds", f"must be an integer of 0 to {WAIT_MAX_S:.0f}")])
        now = asyncio.get_running_loop().time()
        if self._waited_until is None:
            self._waited_until = now + WAIT_MAX_S
        return min(self.wait_s if wait_seconds is None else wait_seconds, max(0.0, self._waited_until - now))


Info = strawberry.Info[Context, None]
