"""What must hold once everything is quiet, whatever was done before. That the truths agree is in `agreement.py`, that they are
what clients asked for and were told in `answers.py`, and what holds of every payment's story in `stories.py`.

Each check yields differences in words, with the invariant's number. No reading and no waiting here.
"""

from collections import Counter
from collections.abc import Iterator

import orjson
from aiokafka import ConsumerRecord

from models import shapes
from models.events import RefundRequested
from streams.topics import COMMANDS
from streams.wire.events import raw_command_id
from tests.system import agreement, answers, stories
from tests.system.evidence import Evidence
from tests.system.history import INFO

UNAVAILABLE = 503  # the one 5xx that the door may say
CHARGED = ("succeeded", "authorized", "pending")
PUBLIC_TYPES = {type.encode() for type in shapes.TYPES}


def differences(found: Evidence) -> list[str]:
    """All of them; none: everything holds."""
    checks = (
        _every_client_was_answered,
        _never_twice,
        _every_command_settles_once,
        _log_holds_what_was_accepted,
        _nobody_acts_on_anothers_payment,
        stories.nothing_is_news_twice,
        stories.notices_are_news_once,
        stories.refunds_fit,
        _money_adds_up,
        agreement.table_is_the_replay,
        agreement.postgres_is_the_table,
        agreement.stories_are_in_postgres,
        agreement.cache_is_not_ahead,
        agreement.stripe_is_the_table,
        answers.stripe_has_what_was_asked_for,
        answers.nothing_at_stripe_was_unasked,
        answers.what_was_shown_was_so,
        answers.what_began_was_asked_for,
        answers.what_was_refused_was_refused,
        answers.the_same_is_told_again,
        _nothing_at_stripe_without_a_command,
        _poison_is_a_dead_letter_once,
    )
    return [*found.history.wrong, *found.log.broken, *(words for check in checks for words in check(found))]


def _never_twice(found: Evidence) -> Iterator[str]:
    intents = Counter(row["payment"] for row in found.ledger.payments)
    yield from (f"I1 {id} has {times} payment intents" for id, times in intents.items() if times > 1)
    charges = [e for e in found.ledger.entries if e["kind"] == "charge" and e["outcome"] in CHARGED]
    charged = Counter(id for id, _ in {(entry["payment"], entry["charge"]) for entry in charges})
    # one debit is pending first and succeeds then; twice the same is twice
    again = Counter((entry["payment"], entry["charge"], entry["outcome"]) for entry in charges)
    charged += Counter(id for (id, *_), times in again.items() if times > 1)
    yield from (f"I1 {id} was charged {times} times" for id, times in charged.items() if times > 1)
    made = Counter(refund["refund"] for row in found.ledger.payments for refund in row["refunds"])
    yield from (f"I1 refund {id} was made {times} times" for id, times in made.items() if times > 1)


def _every_client_was_answered(found: Evidence) -> Iterator[str]:
    for operation in found.history.operations:
        if operation.outcome == INFO:
            yield f"I14 {operation.type} {operation.identity} never got a definite answer"
        for attempt in operation.attempts:
            if attempt.status is not None and attempt.status >= 500 and attempt.status != UNAVAILABLE:
                yield f"I2 {operation.type} {operation.identity} was answered with {attempt.status}"


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


def _nobody_acts_on_anothers_payment(found: Evidence) -> Iterator[str]:
    """A stranger's command may have an id that is one of the owner's: then it is the owner's that began something."""
    opened = {(id, event.opens) for id, story in found.log.stories.items() for event, _ in story}
    strangers, owners = set[tuple[str, str]](), set[tuple[str, str]]()
    for record in _public_commands(found):
        identity = _identity(record)
        about = found.log.replayed.get(identity[0])
        is_owners = about is None or about.merchant in (None, _merchant(record))
        (owners if is_owners else strangers).add(identity)
    yield from (
        f"I10 {identity} is a stranger's, and began something" for identity in (strangers - owners) & opened
    )


def _money_adds_up(found: Evidence) -> Iterator[str]:
    """Of every payment as it is shown, and as Stripe has it: what goes back is of what came, and that of what was held."""
    shown = [(id, body) for id, (_, _, body) in found.stored.payments.items()]
    at_stripe = [(row["payment"], row) for row in found.ledger.payments]
    for id, row in shown + at_stripe:
        back = row["amount_refunded"] + row["amount_refund_pending"]
        amounts = back, row["amount_captured"], row["amount"]
        if not all(isinstance(amount, int) for amount in amounts) or list(amounts) != sorted(amounts):
            yield f"I4 {id}: {amounts} refunded, captured, asked for"
        if any(refund.get("currency", row["currency"]) != row["currency"] for refund in row["refunds"]):
            yield f"I4 {id}: a refund is in another currency"


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


def _merchant(record: ConsumerRecord) -> str:
    return str(orjson.loads(record.value)["merchant"])


def _identity(record: ConsumerRecord) -> tuple[str, str]:
    return (record.key or b"").decode(), dict(record.headers)["ce_id"].decode()
