"""What can be made wrong in what was found, one thing at a time, by the invariant that must name it."""

import copy
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from models.events import PaymentCaptured, PaymentReadRequested
from streams.topics import COMMANDS
from streams.wire.commands import NOTICE
from tests.system.evidence import Evidence
from tests.system.history import FAIL, OK, Operation
from tests.system.truths import Ledger, Stored

Tampering = Callable[[Evidence, str], None]


def _charge_twice(found: Evidence, id: str) -> None:
    found.ledger.entries.append(
        next(e for e in found.ledger.entries if e["payment"] == id and e["kind"] == "charge")
    )


def _second_intent(found: Evidence, id: str) -> None:
    found.ledger.payments.append({**_row(found, id), "payment_intent": "pi_another"})


def _refund_twice(found: Evidence, id: str) -> None:
    _row(found, id)["refunds"] *= 2


def _other_amount_at_stripe(found: Evidence, id: str) -> None:
    _row(found, id)["amount_captured"] += 1


def _cache_ahead(found: Evidence, id: str) -> None:
    found.cached[id]["sequence"] += 1


def _cache_otherwise(found: Evidence, id: str) -> None:
    found.cached[id]["status"] = "canceled"


def _ghost(found: Evidence, id: str) -> None:
    found.ledger.payments.append({**_row(found, id), "payment": f"pay_{'0' * 32}"})


def _row_behind(found: Evidence, id: str) -> None:
    row = found.log.table[id]
    found.log.table[id] = replace(row, transaction=replace(row.transaction, sequence=1))


def _row_lost(found: Evidence, id: str) -> None:
    del found.log.table[id]


def _postgres_behind(found: Evidence, id: str) -> None:
    sequence, status, body = found.stored.payments[id]
    found.stored.payments[id] = sequence - 1, status, body


def _postgres_otherwise(found: Evidence, id: str) -> None:
    found.stored.payments[id][2]["amount_refundable"] += 1


def _refund_lost(found: Evidence, id: str) -> None:
    del found.stored.refunds[next(whose for whose in found.stored.refunds if whose[0] == id)]


def _event_lost_in_postgres(found: Evidence, id: str) -> None:
    del found.stored.events[id, 2]


def _settled_twice(found: Evidence, id: str) -> None:
    found.log.stories[id].append(found.log.stories[id][1])


def _never_settled(found: Evidence, id: str) -> None:
    del found.log.stories[id][1]


def _accepted_and_lost(found: Evidence, id: str) -> None:
    place = next(place for place, record in found.log.commands.items() if record.key == id.encode())
    del found.log.commands[place]


def _unexpected_letter(found: Evidence, id: str) -> None:
    found.poison.pop(next(iter(found.poison)))


def _letter_twice(found: Evidence, id: str) -> None:
    found.log.dead.append(found.log.dead[0])


def _letter_missing(found: Evidence, id: str) -> None:
    found.poison[f"{COMMANDS}/0/999999"] = "undecodable"


def _refunded_beyond(found: Evidence, id: str) -> None:
    found.stored.payments[id][2]["amount_refund_pending"] = 10**6


def _captured_beyond(found: Evidence, id: str) -> None:
    _row(found, id)["amount_captured"] = 10**6


def _half_a_cent(found: Evidence, id: str) -> None:
    _row(found, id)["amount_refunded"] = 99.5


def _another_amount_was_asked_for(found: Evidence, id: str) -> None:
    _operation(found, "create").body["amount"] += 1


def _another_refund_was_asked_for(found: Evidence, id: str) -> None:
    _operation(found, "refund").body["amount"] += 1


def _another_capture_was_asked_for(found: Evidence, id: str) -> None:
    """Of an authorisation, so that a create alone takes nothing."""
    _operation(found, "create").body["capture_method"] = "manual"


def _told_that_it_was_declined(found: Evidence, id: str) -> None:
    _operation(found, "create").answer["status"] = "declined"


def _told_of_another_refund(found: Evidence, id: str) -> None:
    _operation(found, "refund").answer["amount"] += 1


def _told_of_another_payment(found: Evidence, id: str) -> None:
    _operation(found, "create").answer["id"] = f"pay_{'0' * 32}"


def _told_that_it_was_refused(found: Evidence, id: str) -> None:
    _refuse(_operation(found, "create"), "amount_too_large")


def _told_that_it_was_done(found: Evidence, id: str) -> None:
    """What was refused: the refund of more than there is."""
    refused = next(each for each in found.history.operations if each.outcome == FAIL)
    refused.outcome, refused.attempts[-1].status = OK, 201
    refused.answer = {**_operation(found, "refund").answer}


def _told_another_reason(found: Evidence, id: str) -> None:
    next(each for each in found.history.operations if each.outcome == FAIL).answer["code"] = "not_found"


def _told_that_the_key_is_anothers(found: Evidence, id: str) -> None:
    """The answer to the other content under the key, told to whoever waits."""
    _another_content(found)
    _refuse(_operation(found, "create"), "idempotency_key_reused")


def _both_contents_were_taken(found: Evidence, id: str) -> None:
    _another_content(found)


def _told_otherwise_again(found: Evidence, id: str) -> None:
    again = copy.deepcopy(_operation(found, "create"))
    _refuse(again, "payment_state_conflict")
    found.history.operations.append(again)


def _nobody_asked_for_it(found: Evidence, id: str) -> None:
    found.history.operations = [each for each in found.history.operations if each.type != "create"]


def _nobody_asked_for_the_refund(found: Evidence, id: str) -> None:
    found.history.operations = [each for each in found.history.operations if each.type != "refund"]


def _operation(found: Evidence, type: str) -> Operation:
    return next(each for each in found.history.operations if each.type == type)


def _another_content(found: Evidence) -> None:
    other = copy.deepcopy(_operation(found, "create"))
    other.body["amount"] += 1
    found.history.operations.append(other)


def _refuse(operation: Operation, code: str) -> None:
    operation.outcome, operation.answer = FAIL, {"code": code}
    operation.attempts[-1].status = 422


def _too_much_was_promised_meanwhile(found: Evidence, id: str) -> None:
    """At one step only: at the end all is well."""
    steps = found.log.steps[id]
    at = next(n for n, step in enumerate(steps) if step.refunds)
    more = {name: replace(each, amount_minor=10**6) for name, each in steps[at].refunds.items()}
    steps[at] = replace(steps[at], refunds=more)


def _a_notice_was_news_again(found: Evidence, id: str) -> None:
    """It caused what the first event tells, and later something else."""
    notice = next(
        each for each in found.log.commands.values() if dict(each.headers).get("ce_type") == NOTICE.encode()
    )
    caused_by = dict(notice.headers)["ce_id"].decode()
    story = found.log.stories[id]
    news = [n for n, (event, _) in enumerate(story) if not isinstance(event.data, PaymentReadRequested)]
    for n, cause in zip(news, (caused_by, "something-else", caused_by), strict=False):
        event, told = story[n]
        story[n] = replace(event, caused_by=cause), told


def _the_same_was_said_again(found: Evidence, id: str) -> None:
    story = found.log.stories[id]
    captured = next(n for n, (event, _) in enumerate(story) if isinstance(event.data, PaymentCaptured))
    story.insert(captured, story[captured])


TAMPERINGS: dict[str, list[Tampering]] = {
    "I1": [_charge_twice, _second_intent, _refund_twice],
    "I2": [_never_settled, _accepted_and_lost],
    "I3": [_settled_twice],
    "I4": [_refunded_beyond, _captured_beyond, _half_a_cent, _too_much_was_promised_meanwhile],
    "I6": [
        _other_amount_at_stripe,
        _another_amount_was_asked_for,
        _another_refund_was_asked_for,
        _another_capture_was_asked_for,
        _row_behind,
        _row_lost,
        _postgres_behind,
        _postgres_otherwise,
        _refund_lost,
        _event_lost_in_postgres,
        _cache_ahead,
        _cache_otherwise,
    ],
    "I7": [
        _another_amount_was_asked_for,
        _another_refund_was_asked_for,
        _told_that_it_was_declined,
        _told_of_another_refund,
        _told_of_another_payment,
        _told_that_it_was_refused,
        _told_that_it_was_done,
        _told_another_reason,
        _told_that_the_key_is_anothers,
        _both_contents_were_taken,
        _told_otherwise_again,
    ],
    "I8": [_ghost, _nobody_asked_for_it, _nobody_asked_for_the_refund],
    "I9": [_a_notice_was_news_again, _the_same_was_said_again],
    "I11": [_unexpected_letter, _letter_twice, _letter_missing],
}


def of_one(found: Evidence, id: str, source: str) -> Evidence:
    """What was found of this payment and of that dead letter, in collections of its own: tampering is felt nowhere else."""
    log = copy.copy(found.log)
    log.commands = {
        place: record
        for place, record in found.log.commands.items()
        if record.key == id.encode() or f"{COMMANDS}/{place[0]}/{place[1]}" == source
    }
    log.dead = [each for each in found.log.dead if dict(each.headers)["source"] == source.encode()]
    log.table, log.replayed = {id: found.log.table[id]}, {id: found.log.replayed[id]}
    log.stories = defaultdict(list, {id: list(found.log.stories[id])})
    log.steps = defaultdict(list, {id: list(found.log.steps[id])})
    payments, refunds, events = found.stored.payments, found.stored.refunds, found.stored.events
    stored = Stored(
        {id: copy.deepcopy(payments[id])},
        {whose: refund for whose, refund in refunds.items() if whose[0] == id},
        {place: event for place, event in events.items() if place[0] == id},
    )
    ledger = Ledger(
        [{**row, "refunds": list(row["refunds"])} for row in found.ledger.payments if row["payment"] == id],
        [entry for entry in found.ledger.entries if entry["payment"] == id],
    )
    history = copy.copy(found.history)
    history.operations = [copy.deepcopy(each) for each in found.history.operations if each.payment_id == id]
    history.complete = True
    cached = {id: dict(found.cached[id])}
    return Evidence(log, stored, ledger, history, cached, {source: found.poison[source]})


def _row(found: Evidence, id: str) -> dict[str, Any]:
    return next(row for row in found.ledger.payments if row["payment"] == id)
