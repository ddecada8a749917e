"""What clients asked for and were told: the side of the story that no process of the service can lose or change.

Every request is written down before it is sent (invoke) and after (ok, fail, info), in memory and as lines of JSON.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models import ids

OK, FAIL, INFO = "ok", "fail", "info"
"""Accepted for good; refused for good; not known."""


@dataclass
class Attempt:
    """One try. `status` None: no answer came, `note` says why."""

    door: str
    at: float  # monotonic
    took_s: float
    status: int | None
    note: str = ""


@dataclass
class Operation:
    """One command as its sender sees it, however often it was sent."""

    number: int
    through: str  # http, graphql, grpc, kafka
    type: str  # create, capture, cancel, refund
    merchant: str
    payment_id: str
    command_id: str
    body: dict[str, Any]
    refund_id: str | None = None
    key: str = ""
    """The idempotency key, where it came with one."""
    attempts: list[Attempt] = field(default_factory=list)
    outcome: str | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int | None:
        """Of the last answer."""
        return self.attempts[-1].status if self.attempts else None

    @property
    def settled_at(self) -> float | None:
        """The moment (monotonic) of an answer that says how it ended; 202 says that it has begun."""
        last = self.attempts[-1] if self.attempts else None
        return last.at + last.took_s if last and last.status in (200, 201) else None

    @property
    def identity(self) -> tuple[str, str]:
        """A command's id is its own on its payment only: a key may be used on several."""
        return self.payment_id, self.command_id

    @property
    def took_s(self) -> float:
        """From the first try to the end of the last: what its sender waited."""
        last = self.attempts[-1]
        return last.at + last.took_s - self.attempts[0].at


class History:
    """`complete`: whatever is asked of the system is written down here, and nobody moves money at Stripe past it."""

    def __init__(self, path: Path, complete: bool = False) -> None:
        self.complete = complete
        self.operations: list[Operation] = []
        self.wrong: list[str] = []
        """What a client was told that nobody may ever be told, in words, with the invariant's number."""
        self._file = path.open("a", buffering=1)

    def begin(
        self,
        through: str,
        type: str,
        merchant: str,
        key: str,
        body: dict[str, Any],
        payment_id: str | None = None,
    ) -> Operation:
        """`invoke`, of the ids that merchant and key lead to. `payment_id`: of a payment that is there already."""
        uuid = ids.command_uuid(merchant, key)
        refund_id = ids.refund_id(uuid) if type == "refund" else None
        about = payment_id or ids.payment_id(uuid)
        return self.invoke(through, type, merchant, about, str(uuid), body, refund_id, key)

    def invoke(
        self,
        through: str,
        type: str,
        merchant: str,
        payment_id: str,
        command_id: str,
        body: dict[str, Any],
        refund_id: str | None = None,
        key: str = "",
    ) -> Operation:
        number = len(self.operations)
        operation = Operation(number, through, type, merchant, payment_id, command_id, body, refund_id, key)
        self.operations.append(operation)
        self._write(operation, "invoke")
        return operation

    def end(self, operation: Operation, outcome: str) -> None:
        operation.outcome = outcome
        self._write(operation, outcome)

    def accepted(self) -> list[Operation]:
        return [operation for operation in self.operations if operation.outcome == OK]

    def attempts_since(self, at: float) -> list[Attempt]:
        return [try_ for each in self.operations for try_ in each.attempts if try_.at >= at]

    def close(self) -> None:
        self._file.close()

    def _write(self, operation: Operation, what: str) -> None:
        tries = [(round(a.at, 3), round(a.took_s, 3), a.status, a.note) for a in operation.attempts]
        line = {
            "what": what,
            "at": time.time(),
            "number": operation.number,
            "through": operation.through,
            "type": operation.type,
            "payment": operation.payment_id,
            "command": operation.command_id,
            "merchant": operation.merchant,
            "refund": operation.refund_id,
            "key": operation.key,
            "body": operation.body,
            "attempts": tries,
            "answer": operation.answer,
        }
        self._file.write(json.dumps(line) + "\n")
