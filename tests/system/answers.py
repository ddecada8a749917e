"""What clients asked and were told, held against what came of it: at Stripe, and in the log.

The truths may agree with each other and all be wrong: only who asked knows what was asked. No reading and no waiting here.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from models.events import (
    CommandRefused,
    EventData,
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentRequested,
    RefundRequested,
)
from models.representation import payment_view, refund_view
from models.transaction import Transaction
from tests.system.evidence import Evidence
from tests.system.history import FAIL, Operation

DONE = (200, 201)
REUSED = "idempotency_key_reused"
Identity = tuple[str, str, str]


def stripe_has_what_was_asked_for(found: Evidence) -> Iterator[str]:
    """Where somebody asked for it: that somebody did is `nothing_at_stripe_was_unasked`."""
    asked = _amounts(found, "create")
    refunds = _amounts(found, "refund")
    captures = _amounts(found, "capture")
    for row in found.ledger.payments:
        id, amount = row["payment"], (row["amount"], row["currency"])
        wanted = {(body.get("amount"), body.get("currency")) for body in asked[id]}
        if wanted and amount not in wanted:
            yield f"I6 {id}: Stripe has {amount}, asked for was {wanted}"
        for refund in row["refunds"]:
            back = {body.get("amount") for body in refunds[id, refund["refund"]]}
            if back and not {None, refund["amount"]} & back:
                yield f"I6 {id}: {refund['object']} is of {refund['amount']}, asked for was {back}"
        taken = {0} | {body.get("amount", row["amount"]) for body in captures[id]}
        taken |= {row["amount"] for body in asked[id] if body.get("capture_method") != "manual"}
        if found.history.complete and row["amount_captured"] not in taken:
            yield f"I6 {id}: {row['amount_captured']} was captured, asked for was {taken}"


def nothing_at_stripe_was_unasked(found: Evidence) -> Iterator[str]:
    """Of clients, whatever the events say. Only where all that was asked is known."""
    asked, refunds = _amounts(found, "create"), _amounts(found, "refund")
    for row in found.ledger.payments if found.history.complete else ():
        id = row["payment"]
        if id not in asked:
            yield f"I8 {row['payment_intent']} at Stripe is of {id}, which nobody asked for"
        for refund in row["refunds"]:
            if (id, refund["refund"]) not in refunds:
                yield f"I8 {refund['object']} at Stripe is of {refund['refund']} of {id}, which nobody asked for"


def what_was_shown_was_so(found: Evidence) -> Iterator[str]:
    """Of a payment at the `sequence` that the answer has; of a refund at some time."""
    for operation in _over_http(found):
        steps, shown = found.log.steps[operation.payment_id], operation.answer
        if "sequence" in shown:
            if shown["id"] != operation.payment_id:
                yield f"I7 {_named(operation)} was shown {shown['id']}"
            elif not any(_is(shown, _view(each)) for each in steps if each.sequence == shown["sequence"]):
                yield f"I7 {_named(operation)} was shown what never was so: {shown}"
        elif operation.type == "refund" and operation.status in DONE:
            refunds = (each.refunds.get(shown["id"]) for each in steps)
            if not any(refund and _is(shown, refund_view(refund)) for refund in refunds):
                yield f"I7 {_named(operation)} was shown what never was so: {shown}"


def what_began_was_asked_for(found: Evidence) -> Iterator[str]:
    """A command is what its sender said, and with two contents under one key the one that was taken is told so, the other not."""
    began = _began(found)
    for identity, operations in _by_identity(found).items():
        data = began.get(identity)
        if data is None:
            continue
        fitting = {_content(each) for each in operations if _fits(each, data)}
        if not fitting:
            yield f"I7 {identity}: {data} began, asked for was {[each.body for each in operations]}"
        for each in operations:
            fits = _content(each) in fitting
            if each.status in DONE and not fits:
                yield f"I7 {_named(each)} was told {each.status}, and another content under its key was taken"
            if _code(each) == REUSED and fits and len(fitting) == 1:
                yield f"I7 {_named(each)} was told that its key is another's, and it is what was taken"


def what_was_refused_was_refused(found: Evidence) -> Iterator[str]:
    """And what was not, not. Where a key came with two contents, its name in the log is only one's."""
    began = _began(found)
    ends = {
        (id, event.settles): event.data
        for id, story in found.log.stories.items()
        for event, _ in story
        if event.settles
    }
    for identity, operations in _by_identity(found).items():
        if len({_content(each) for each in operations}) > 1:
            continue
        merchant, id, command = identity
        end = ends.get((id, command)) or ends.get((id, f"{command}\n{merchant}"))
        refused = end.code.value if isinstance(end, CommandRefused) else None
        for each in operations:
            if each.status in DONE and refused:
                yield f"I7 {_named(each)} was told {each.status}, and it was refused: {refused}"
            elif each.outcome == FAIL and refused != _code(each) and (end or identity in began):
                yield f"I7 {_named(each)} was told {_code(each)}, and it is {refused or 'not refused'}"


def the_same_is_told_again(found: Evidence) -> Iterator[str]:
    """However often, and however late: done is done, and refused for one reason is not refused for another, or done."""
    told = defaultdict[tuple[Identity, str], set[tuple[int | None, str]]](set)
    for operation in _over_http(found):
        if operation.status in DONE or operation.outcome == FAIL:
            content = _merchants(operation), _content(operation)
            told[content].add((operation.status, _code(operation) or operation.answer.get("id", "")))
    yield from (f"I7 {content} was told {answers}" for content, answers in told.items() if len(answers) > 1)


def _amounts(found: Evidence, type: str) -> defaultdict[Any, list[dict[str, Any]]]:
    """What was asked for, by payment; of refunds by payment and refund."""
    asked = defaultdict[Any, list[dict[str, Any]]](list)
    for operation in found.history.operations:
        if operation.type == type:
            id = operation.payment_id
            asked[(id, operation.refund_id) if type == "refund" else id].append(operation.body)
    return asked


def _over_http(found: Evidence) -> Iterator[Operation]:
    yield from (each for each in found.history.operations if each.through == "http")


def _began(found: Evidence) -> dict[Identity, EventData]:
    return {
        (event.merchant, id, event.opens): event.data
        for id, story in found.log.stories.items()
        for event, _ in story
        if event.opens
    }


def _by_identity(found: Evidence) -> dict[Identity, list[Operation]]:
    by_identity = defaultdict[Identity, list[Operation]](list)
    for operation in found.history.operations:
        by_identity[_merchants(operation)].append(operation)
    return by_identity


def _merchants(operation: Operation) -> Identity:
    return operation.merchant, operation.payment_id, operation.command_id


def _content(operation: Operation) -> str:
    return json.dumps([operation.type, operation.body], sort_keys=True)


def _code(operation: Operation) -> str | None:
    """Of a refusal."""
    return operation.answer.get("code") if operation.outcome == FAIL else None


def _fits(operation: Operation, data: EventData) -> bool:
    body = operation.body
    match operation.type, data:
        case "create", PaymentRequested(terms):
            return (body.get("amount"), body.get("currency")) == (
                terms.money.amount_minor,
                terms.money.currency,
            )
        case ("capture", PaymentCaptureRequested(amount)) | ("refund", RefundRequested(_, amount)):
            return body.get("amount") in (None, amount)
        case "cancel", PaymentCancelRequested():
            return True
    return False


def _view(transaction: Transaction) -> dict[str, Any]:
    return payment_view(transaction, livemode=False) if transaction.payment else {}


def _is(shown: dict[str, Any], view: dict[str, Any]) -> bool:
    """In what both have: an older version shows less, and a refund alone names its payment."""
    return bool(view) and all(shown[name] == view[name] for name in shown.keys() & view.keys())


def _named(operation: Operation) -> str:
    return f"{operation.type} {operation.identity}"
