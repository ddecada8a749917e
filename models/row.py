"""What the writer keeps of one payment: the transaction, and who waits for an answer. The second is no part of the story."""

from dataclasses import dataclass, field, replace

from models.ports import ReplyAddress
from models.transaction import Transaction

WAITERS_MAX = 16
"""Askers remembered per open command; one more is not answered by us and reads the state instead."""

WAITERS_OF_PAYMENT_MAX = 128
"""The same of all its open commands together: addresses are the askers' to choose, and must not fill the row."""


@dataclass(frozen=True, slots=True)
class Row:
    """`waiters`: addresses to answer, by the name the command is remembered under, until it is settled."""

    transaction: Transaction
    waiters: dict[str, tuple[ReplyAddress, ...]] = field(default_factory=dict)

    def with_waiter(self, name: str, address: ReplyAddress) -> "Row":
        """The row with one more asker of the open command `name`."""
        known = self.waiters.get(name, ())
        if address in known or len(known) >= WAITERS_MAX:
            return self
        if sum(map(len, self.waiters.values())) >= WAITERS_OF_PAYMENT_MAX:
            return self
        return replace(self, waiters=self.waiters | {name: (*known, address)})
