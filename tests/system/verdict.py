"""What must hold once everything is quiet, whatever was done before: the four truths agree, row by row, field by field.

Each check yields differences in words, with the invariant's number. No reading and no waiting here.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from models.events import RefundRequested
from models.payment import PaymentStatus
from models.provider import RefundStatus
from models.representation import payment_view
from models.transaction import Transaction
from streams.topics import COMMANDS
from streams.wire import events
from streams.wire.events import raw_command_id
from tests.system.history import History
from tests.system.truths import Ledger, Log, Stored

STATUS_AT_STRIPE = {
    PaymentStatus.CAPTURED: "succeeded",
    PaymentStatus.AUTHORIZED: "requires_capture",
    PaymentStatus.CANCELED: "canceled",
    PaymentStatus.DECLINED: "requires_payment_method",
    PaymentStatus.REQUIRES_ACTION: "requires_action",
    PaymentStatus.PROCESSING: "processing",
}
PUBLIC_TYPES = {b"payment.create.v1", b"payment.capture.v1", b"payment.cancel.v1", b"refund.create.v1"}


@dataclass
class Evidence:
    log: Log
    stored: Stored
    ledger: Ledger
    history: History
    poison: dict[str, str] = field(default_factory=dict)
    """What was sent to be refused: by `topic/partition/offset` the code of its dead letter."""


def differences(found: Evidence) -> list[str]:
    """All of them; none: everything holds."""
    checks = (
        _never_twice,
        _every_command_settles_once,
        _log_holds_what_was_accepted,
        _table_is_the_replay,
        _postgres_is_the_table,
        _stories_are_in_postgres,
        _stripe_is_the_table,
        _nothing_at_stripe_without_a_command,
        _poison_is_a_dead_letter_once,
    )
    return [*found.log.broken, *(words for check in checks for words in check(found))]


def _never_twice(found: Evidence) -> Iterator[str]:
    intents = Counter(row["payment"] for row in found.ledger.payments)
    yield from (f"I1 {id} has {times} payment intents" for id, times in intents.items() if times > 1)
    charged = Counter(
        entry["payment"]
        for entry in found.ledger.entries
        if entry["kind"] == "charge" and entry["outcome"] in ("succeeded", "authorized", "pending")
    )
    yield from (f"I1 {id} was charged {times} times" for id, times in charged.items() if times > 1)
    made = Counter(refund["refund"] for row in found.ledger.payments for refund in row["refunds"])
    yield from (f"I1 refund {id} was made {times} times" for id, times in made.items() if times > 1)


def _every_command_settles_once(found: Evidence) -> Iterator[str]:
    by_name: Counter[tuple[str, str]] = Counter()
    by_id: Counter[tuple[str, str]] = Counter()
    for payment_id, story in found.log.stories.items():
        for event, _ in story:
            if event.settles:
                by_name[payment_id, event.settles] += 1
                by_id[payment_id, raw_command_id(event.settles)] += 1
    yield from (f"I3 {name} is settled {times} times" for name, times in by_name.items() if times > 1)
    for record in _public_commands(found):
        identity = _identity(record)
        if not by_id[identity]:
            yield f"I2 command {identity} at {record.partition}/{record.offset} is not settled"
    for operation in found.history.accepted():
        own = operation.identity, (operation.payment_id, f"{operation.command_id}\n{operation.merchant}")
        if sum(by_name[name] for name in own) != 1:
            yield f"I2 {operation.type} {operation.identity} was accepted and is not settled once"


def _log_holds_what_was_accepted(found: Evidence) -> Iterator[str]:
    logged = {_identity(record) for record in _public_commands(found)}
    for operation in found.history.accepted():
        if operation.identity not in logged:
            yield f"I2 {operation.type} {operation.identity} was accepted and is not in the log"


def _table_is_the_replay(found: Evidence) -> Iterator[str]:
    for id in found.log.table.keys() | found.log.replayed.keys():
        row, replayed = found.log.table.get(id), found.log.replayed.get(id)
        if row is None or row.transaction != replayed:
            yield f"I6 {id}: the table has {row and row.transaction}, the events lead to {replayed}"
        if row is not None and row.waiters:
            yield f"I2 {id}: somebody is still waiting: {row.waiters}"


def _postgres_is_the_table(found: Evidence) -> Iterator[str]:
    views = {
        id: payment_view(row.transaction, livemode=False)
        for id, row in found.log.table.items()
        if row.transaction.payment is not None
    }
    for id in views.keys() | found.stored.payments.keys():
        kept, view = found.stored.payments.get(id), views.get(id)
        if kept is None or view is None or kept != (view["sequence"], view["status"], _as_json(view)):
            yield f"I6 {id}: PostgreSQL has {kept}, the table {view}"
    refunds = {(id, each["id"]): _as_json(each) for id, view in views.items() for each in view["refunds"]}
    for whose in refunds.keys() | found.stored.refunds.keys():
        if refunds.get(whose) != found.stored.refunds.get(whose):
            yield f"I6 {whose}: PostgreSQL has {found.stored.refunds.get(whose)}, the table {refunds.get(whose)}"


def _stories_are_in_postgres(found: Evidence) -> Iterator[str]:
    told = {
        (payment_id, event.sequence): (event.id, story.type, _as_json(events.public(story)))
        for payment_id, happened in found.log.stories.items()
        for event, story in happened
    }
    for place in told.keys() | found.stored.events.keys():
        if told.get(place) != found.stored.events.get(place):
            yield f"I6 event {place}: PostgreSQL has {found.stored.events.get(place)}, the log {told.get(place)}"


def _stripe_is_the_table(found: Evidence) -> Iterator[str]:
    at_stripe = {row["payment"]: row for row in found.ledger.payments}
    for id, row in found.log.table.items():
        transaction = row.transaction
        payment = transaction.payment
        if payment is None:
            continue
        if payment.intent is None and id not in at_stripe and payment.status is PaymentStatus.DECLINED:
            continue  # turned away before Stripe made anything of it
        ours, theirs = _as_stripe_has_it(transaction), at_stripe.get(id, {})
        named = {name: theirs.get(name) for name in ours if name != "refunds"}
        named["refunds"] = sorted(
            (each["refund"], each["object"], each["status"], each["amount"])
            for each in theirs.get("refunds", [])
        )
        if named != ours:
            yield f"I6 {id}: Stripe has {named}, the table {ours}"


def _as_stripe_has_it(transaction: Transaction) -> dict[str, object]:
    payment = transaction.payment
    assert payment is not None
    return {
        "payment_intent": payment.intent,
        "status": STATUS_AT_STRIPE.get(payment.status, f"nothing that Stripe calls {payment.status}"),
        "currency": payment.terms.money.currency,
        "amount": payment.terms.money.amount_minor,
        "amount_capturable": payment.amount_capturable_minor,
        "amount_captured": payment.amount_captured_minor,
        "amount_refunded": transaction.amount_refunded_minor,
        "amount_refund_pending": transaction.amount_refund_pending_minor,
        "charges_succeeded": int(payment.status in (PaymentStatus.CAPTURED, PaymentStatus.AUTHORIZED))
        or int(payment.amount_authorized_minor > 0),
        "refunds": sorted(
            (id, refund.provider_refund, refund.status.value, refund.amount_minor)
            for id, refund in transaction.refunds.items()
            if refund.provider_refund is not None or refund.status is not RefundStatus.FAILED
        ),
    }


def _nothing_at_stripe_without_a_command(found: Evidence) -> Iterator[str]:
    asked_refunds = {
        event.data.refund_id
        for story in found.log.stories.values()
        for event, _ in story
        if isinstance(event.data, RefundRequested)
    }
    created = {id for id, t in found.log.replayed.items() if t.payment is not None}
    for row in found.ledger.payments:
        if row["payment"] not in created:
            yield f"I8 {row['payment_intent']} at Stripe belongs to no payment of the log"
        for refund in row["refunds"]:
            if refund["refund"] not in asked_refunds:
                yield f"I8 {refund['object']} at Stripe belongs to no refund of the log"


def _poison_is_a_dead_letter_once(found: Evidence) -> Iterator[str]:
    letters: Counter[str] = Counter()
    for letter in found.log.dead:
        ours = _added(letter)
        source, code = ours.get("source", b"").decode(), ours.get("code", b"").decode()
        letters[source] += 1
        if found.poison.get(source) != code:
            yield f"I11 dead letter of {source}: {code} where {found.poison.get(source)} was expected"
        topic, _, place = source.partition("/")
        original = found.log.commands.get(_place(place)) if topic == COMMANDS else None
        if original is None or not _is_copy(letter, original, "cut" in ours):
            yield f"I11 dead letter of {source} is not as it was sent"
    yield from (f"I11 {source} is {n} dead letters" for source, n in letters.items() if n > 1)
    yield from (f"I11 {source} is no dead letter" for source in found.poison if not letters[source])


def _added(letter: ConsumerRecord) -> dict[str, bytes]:
    """The service's own headers: they stand behind the original's, whose names may be the same."""
    begins = max((n for n, (name, _) in enumerate(letter.headers) if name == "source"), default=0)
    return dict(letter.headers[begins:])


def _is_copy(letter: ConsumerRecord, original: ConsumerRecord, cut: bool) -> bool:
    if cut:
        return letter.key == original.key and (original.value or b"").startswith(letter.value)
    same = letter.key == original.key and letter.value == original.value
    return same and tuple(letter.headers[: len(original.headers)]) == tuple(original.headers)


def _place(place: str) -> tuple[int, int]:
    partition, _, offset = place.partition("/")
    return int(partition), int(offset)


def _public_commands(found: Evidence) -> Iterator[ConsumerRecord]:
    for (partition, offset), record in found.log.commands.items():
        poisoned = f"{COMMANDS}/{partition}/{offset}" in found.poison
        if not poisoned and dict(record.headers).get("ce_type") in PUBLIC_TYPES:
            yield record


def _identity(record: ConsumerRecord) -> tuple[str, str]:
    return (record.key or b"").decode(), dict(record.headers)["ce_id"].decode()


def _as_json(view: object) -> object:
    return json.loads(json.dumps(view))
