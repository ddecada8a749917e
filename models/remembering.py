"""The commands a transaction remembers, so that one seen again is answered and not carried out. How many, and which go first."""

from dataclasses import dataclass, replace

from models.codes import Code
from models.events import CommandRefused, Event, RefundRequested

REFUSALS_REMEMBERED_MAX = 64
"""Refused commands remembered per payment, newest kept: they make nothing, and a hostile sender must not fill the table.

As many again under names of their own (a stranger's, a reused id's), so that those never push out the owner's. A command
that had a call made for it is never forgotten, even if that came to nothing: seen again, it would be carried out anew. A refusal
that is forgotten is decided anew (docs/reliability.md).
"""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A public command this transaction has seen. `code`, `message` and `rule` when it was refused; `refund_id` when it
    made one.

    `opened`: it was accepted and led to a provider call, whatever became of that.
    """

    fingerprint: str | None = None
    settled: bool = False
    code: Code | None = None
    message: str | None = None
    refund_id: str | None = None
    opened: bool = False
    rule: str | None = None


def remember(commands: dict[str, Remembered], event: Event) -> dict[str, Remembered]:
    """What is remembered after `event`."""
    data = event.data
    if event.opens:
        refund_id = data.refund_id if isinstance(data, RefundRequested) else None
        commands = commands | {event.opens: Remembered(event.fingerprint, refund_id=refund_id, opened=True)}
    if event.settles:
        known = commands.get(event.settles, Remembered(event.fingerprint))
        if isinstance(data, CommandRefused):
            known = replace(known, code=data.code, message=data.message, rule=data.rule)
        commands = commands | {event.settles: replace(known, settled=True)}
        for name in _too_many_refused(commands, own_name="\n" in event.settles):
            del commands[name]
    return commands


def _too_many_refused(commands: dict[str, Remembered], own_name: bool) -> list[str]:
    """The oldest refused commands beyond the limit, among those whose name is, or is not, a plain command id."""
    refused = [
        name
        for name, command in commands.items()
        if command.code and not command.opened and ("\n" in name) == own_name
    ]
    return refused[:-REFUSALS_REMEMBERED_MAX]
