"""The single writer: a command and what is known of its payment become events, a new row, and answers.

No await between reading and writing a row, no call to the outside: so a capture and three refunds cannot race. What
one record leads to goes out together; how, is not this file's business.
"""

from dataclasses import dataclass, replace

from models.codes import Code
from models.commands import (
    CheckPayment,
    Command,
    InvalidCommand,
    PublicCommand,
    RecordNotice,
    RecordOutcome,
    fingerprint,
)
from models.deciding import decide, remembered_as
from models.events import Event
from models.policy import DEFAULT, Policy
from models.ports import Reply, ReplyAddress, View
from models.representation import payment_view
from models.row import Row
from models.transaction import Transaction, evolve


@dataclass(frozen=True, slots=True)
class Said:
    """An event, and the payment as it then stands, which is its merchant's, whoever's command led here. None: no payment yet."""

    event: Event
    payment: View | None


@dataclass(frozen=True, slots=True)
class Answer:
    """`reply` goes to `address`: at most once, after all else is durable."""

    address: ReplyAddress
    reply: Reply


@dataclass(frozen=True, slots=True)
class Applied:
    """What one command led to. `row` is None when there is nothing to keep."""

    row: Row | None
    events: tuple[Said, ...] = ()
    answers: tuple[Answer, ...] = ()


def apply(
    row: Row | None,
    command: Command,
    reply_to: ReplyAddress | None,
    livemode: bool,
    policy: Policy = DEFAULT,
    full: bool = False,
) -> Applied:
    """Pure. Raises InvariantBroken for a lie or a bug; nothing of the command may then be kept. `full`: see `decide`."""
    before = row.transaction if row else None
    events = decide(before, command, policy, full)
    after, said = _told(before, events, livemode)
    if after is None:
        return Applied(None)
    waiters = row.waiters if row else {}
    settled = [event.settles for event in events if event.settles]
    answers = [
        Answer(address, _to_owner(after, name, said[-1].payment))
        for name in settled
        for address in waiters.get(name, ())
    ]
    kept = Row(after, {name: to for name, to in waiters.items() if name not in settled})
    if reply_to and not isinstance(command, RecordOutcome | RecordNotice | CheckPayment):
        name = (events[0].opens or events[0].settles) if events else remembered_as(after, command)
        assert name is not None, "what comes from outside is opened or answered"
        if after.commands[name].settled:
            answers.append(Answer(reply_to, _to_asker(after, name, command, said, livemode)))
        else:
            kept = kept.with_waiter(name, reply_to)
    return Applied(kept, said, tuple(answers))


def _told(
    before: Transaction | None, events: list[Event], livemode: bool
) -> tuple[Transaction | None, tuple[Said, ...]]:
    said: list[Said] = []
    after = before
    for event in events:
        after = evolve(after, event)
        said.append(Said(event, payment_view(after, livemode) if after.payment else None))
    return after, tuple(said)


def _to_owner(transaction: Transaction, name: str, payment: View | None) -> Reply:
    """Only the payment's owner can have waited: a stranger is refused at once."""
    asked = transaction.commands[name].fingerprint
    return _reply(transaction, name, payment, False, transaction.merchant, asked)


def _to_asker(
    transaction: Transaction, name: str, command: PublicCommand, said: tuple[Said, ...], livemode: bool
) -> Reply:
    """The answer to `command` itself, settled just now (it said something) or long ago."""
    payment = (
        said[-1].payment if said else payment_view(transaction, livemode) if transaction.payment else None
    )
    reply = _reply(transaction, name, payment, not said, command.origin.merchant, fingerprint(command))
    if isinstance(command, InvalidCommand) and reply.code == Code.VALIDATION_FAILED:
        return replace(reply, errors=command.errors)
    return reply


def _reply(
    transaction: Transaction,
    name: str,
    payment: View | None,
    replayed: bool,
    merchant: str | None,
    asked: str | None,
) -> Reply:
    """The answer to a settled command, as it is remembered. A refused one shows no payment: it may be a stranger's."""
    known = transaction.commands[name]
    return Reply(
        command_id=name.partition("\n")[0],
        code=known.code,
        message=known.message,
        replayed=replayed,
        refund_id=None if known.code else known.refund_id,
        payment=None if known.code else payment,
        merchant=merchant,
        fingerprint=asked,
        rule=known.rule,
    )
