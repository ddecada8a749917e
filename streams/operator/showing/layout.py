"""A payment and its story on a terminal, or as one JSON document. What happened is found out elsewhere."""

import shutil
import sys
from dataclasses import asdict
from typing import Any

from models.money import CURRENCIES
from models.ports import View
from models.representation import rfc3339
from streams.logs import blotted
from streams.operator.printing import cell, harmless, write_json
from streams.operator.secrets import without_secrets
from streams.operator.showing.happenings import CALL, DELIVERY, WEBHOOK, Happening

NARROWEST_CHARS = 100  # of a table: below it lines break wherever they break

AT_STRIPE = ("payment_intent", "charge", "account")


def print_document(payment: View, happened: list[Happening], whole: bool) -> None:
    """`whole`: calls and notices are in it, as far as they are kept."""
    document = {
        "payment": _harmless(payment),
        "whole": whole,
        "story": [{**asdict(each), "at": rfc3339(each.at)} for each in happened],
    }
    write_json(document)


def print_for_people(payment: View, happened: list[Happening]) -> None:
    for name, value in _facts(_harmless(payment)):
        print(f"{name:12} {value}")
    print()
    rows = [row for each in happened for row in _rows(each)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    room = max(NARROWEST_CHARS, shutil.get_terminal_size((160, 24)).columns)
    for row in rows:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=False))
        rest = f"  {row[3]}"
        print((line + rest)[: room if sys.stdout.isatty() else None].rstrip())


def _facts(payment: View) -> list[tuple[str, str]]:
    """What a person looks for first; what is not there is left out."""
    currency = payment["currency"]
    facts: list[tuple[str, Any]] = [
        ("payment", payment["id"]),
        ("status", payment["status"]),
        ("merchant", payment["merchant"]),
        *(
            (name.removeprefix("amount_") if name != "amount" else name, _money(payment[name], currency))
            for name in payment
            if name.startswith("amount") and (payment[name] or name == "amount")
        ),
        ("method", payment["payment_method"]),
        *(
            (name, payment[name])
            for name in ("customer", "description", "cancellation_reason", "unknown_since")
        ),
        (
            "decline",
            payment["decline"]
            and "; ".join(f"{name} {word}" for name, word in payment["decline"].items() if word),
        ),
        (
            "stripe",
            " ".join(filter(None, (payment["provider"].get(name) for name in AT_STRIPE))),
        ),
        *(("refund", _part(refund, currency)) for refund in payment["refunds"]),
        *(("dispute", _part(dispute, dispute["currency"])) for dispute in payment["disputes"]),
        ("created", payment["created_at"]),
        ("updated", payment["updated_at"]),
    ]
    return [(name, cell(value)) for name, value in facts if value]


def _part(part: View, currency: str) -> str:
    why = part.get("failure_reason") or part.get("reason") or ""
    return f"{part['id']}  {part['status']}  {_money(part['amount'], currency)}  {part['created_at']}  {why}".rstrip()


def _money(minor: int, currency: str) -> str:
    places = CURRENCIES[currency].exponent if currency in CURRENCIES else 0
    whole, rest = divmod(minor, 10**places)
    return f"{whole}.{rest:0{places}} {currency}" if places else f"{whole} {currency}"


def _rows(each: Happening) -> list[tuple[str, str, str, str]]:
    """When, its number, what, and the rest; below a call, each request that was made for it."""
    about = harmless(each.about)
    if each.kind == WEBHOOK:
        led_to = ", ".join(map(str, each.changed))
        about = f"{about}; led to {led_to}" if led_to else f"{about}; changed nothing"
    what = cell(f"{each.kind} {each.what}" if each.kind in (CALL, DELIVERY) else each.what)
    number = str(each.sequence or "")
    rows = [(rfc3339(each.at), number, what, f"[{harmless(each.by)}] {about}")]
    for send in each.sends:
        rows.append(
            ("", "", f"  {cell(send['asked'])}", harmless(f"{send['ended']} {send['request'] or ''}"))
        )
    return rows


def _harmless(value: Any) -> Any:
    """Without what nobody may see in a terminal that somebody else may look at."""
    return _blotted(without_secrets(value))


def _blotted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _blotted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_blotted(each) for each in value]
    return blotted(value) if isinstance(value, str) else value
