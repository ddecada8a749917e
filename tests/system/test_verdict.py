"""The judge is judged: each kind of difference, made by hand in what was really found, is noticed and named."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from streams.topics import COMMANDS
from tests.system.evidence import Evidence
from tests.system.history import History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.verdict import differences

pytestmark = pytest.mark.real

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


TAMPERINGS: dict[str, list[Tampering]] = {
    "I1": [_charge_twice, _second_intent, _refund_twice],
    "I2": [_never_settled, _accepted_and_lost],
    "I3": [_settled_twice],
    "I6": [
        _other_amount_at_stripe,
        _row_behind,
        _row_lost,
        _postgres_behind,
        _postgres_otherwise,
        _refund_lost,
        _event_lost_in_postgres,
        _cache_ahead,
        _cache_otherwise,
    ],
    "I8": [_ghost],
    "I11": [_unexpected_letter, _letter_twice, _letter_missing],
}


async def test_each_difference_is_noticed_and_named(
    http: HttpClient, kafka_client: Any, inquest: Inquest, history: History
) -> None:
    made = await http.create("judged")
    await http.refund(made.payment_id, "judged-refund", amount=100)
    place, offset = await kafka_client.send(b"poison", b"", [])
    inquest.poison[f"{COMMANDS}/{place}/{offset}"] = "key_invalid"
    found = await inquest.hold()
    for invariant, tamperings in TAMPERINGS.items():
        for tamper in tamperings:
            tampered = _copy(found)
            tamper(tampered, made.payment_id)
            words = differences(tampered)
            assert any(each.startswith(invariant) for each in words), f"{tamper.__name__}: {words[:3]}"
            await asyncio.sleep(0)
    assert not differences(found), "nothing of the true evidence was changed"


def _copy(found: Evidence) -> Evidence:
    """Its own collections, and a row of its own of each that is tampered with; records are shared."""
    log = copy.copy(found.log)
    log.commands, log.dead, log.table = dict(log.commands), list(log.dead), dict(log.table)
    log.stories = copy.copy(log.stories)
    for id, story in log.stories.items():
        log.stories[id] = list(story)
    stored = replace(
        found.stored,
        payments=copy.deepcopy(found.stored.payments),
        refunds=dict(found.stored.refunds),
        events=dict(found.stored.events),
    )
    ledger = replace(
        found.ledger,
        payments=[{**row, "refunds": list(row["refunds"])} for row in found.ledger.payments],
        entries=list(found.ledger.entries),
    )
    cached = {id: dict(view) for id, view in found.cached.items()}
    return replace(found, log=log, stored=stored, ledger=ledger, cached=cached, poison=dict(found.poison))


def _row(found: Evidence, id: str) -> dict[str, Any]:
    return next(row for row in found.ledger.payments if row["payment"] == id)
