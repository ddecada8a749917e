"""What happened to a payment, one thing after the other: made of its events and of the records on its commands. Pure.

Nothing secret gets in: what is not known to be harmless is left out or blotted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from models import shapes
from streams.adapters.postgres.story import Delivered, Told
from streams.logs import blotted
from streams.operator.commanding import Commanded
from streams.operator.secrets import SECRET
from streams.wire import cloudevents
from streams.wire.commands import CHECK, NOTICE, OUTCOME, SOURCE

EVENT, COMMAND, CALL, WEBHOOK, ACT, DELIVERY = "event", "command", "call", "webhook", "act", "delivery"


@dataclass(frozen=True, slots=True)
class Happening:
    """`id`: of the event, the command, the call (its idempotency key) or the notice. `by`: who or what it came from."""

    at: datetime
    kind: str
    what: str
    id: str
    about: str
    by: str
    sequence: int | None = None
    sends: tuple[dict[str, str | None], ...] = ()
    changed: tuple[int, ...] = ()


def of_event(told: Told) -> Happening:
    body = told.body
    data = {**body["data"], **{k: v for k, v in told.for_operators.items() if k != "operator"}}
    return Happening(
        datetime.fromisoformat(body["created_at"]),
        EVENT,
        body["type"],
        body["id"],
        blotted("; ".join(_said(data))),
        blotted(_cause(body.get("cause") or {}, told.for_operators.get("operator"))),
        body["sequence"],
    )


def of_command(record: Any) -> Happening | None:
    """None for the timer's: what they lead to is an event. A record that nobody takes (unreadable, unsigned) says so."""
    headers = {name: bytes(value or b"").decode(errors="replace") for name, value in record.headers}
    type, id = headers.get("ce_type", ""), headers.get("ce_id", "")
    if type == CHECK:
        return None
    source = headers.get("ce_source", "")
    by = "api" if source == SOURCE else f"kafka {source}"
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    made = Happening(at, COMMAND, blotted(type), blotted(id), "", blotted(by))
    try:
        content = orjson.loads(record.value or b"")
        if type in shapes.TYPES:
            asked = {name: value for name, value in content.items() if name != "merchant"}
            return replace(made, about=blotted("; ".join(_said(asked))))
        if cloudevents.SIGNATURE not in headers:
            return replace(made, about="set aside: not signed by us")
        return (
            _call(made, content) if type == OUTCOME else _webhook(made, content) if type == NOTICE else made
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return replace(made, about="set aside: it cannot be read")


def of_act(said: Commanded) -> Happening:
    """An operator's word, beside the command that it was."""
    return Happening(said.at, ACT, said.type, said.command, blotted(said.reason), blotted(said.operator))


def of_delivery(kept: Delivered) -> Happening:
    """A webhook of ours to the merchant, with each attempt."""
    sends = tuple(
        {
            "asked": f"attempt {number}",
            "ended": blotted(f"{_answer(each)} after {each['took_ms']} ms"),
            "request": None,
        }
        for number, each in enumerate(kept.attempts, 1)
    )
    about = f"{kept.state}, to {blotted(kept.url)}"
    return Happening(kept.at, DELIVERY, kept.type, kept.id, about, "notifications", sends=sends)


def _answer(attempt: dict[str, Any]) -> str:
    return f"HTTP {attempt['status']}" if attempt["status"] else str(attempt["error"] or "no answer")


def with_effects(commands: Iterable[Happening], events: Sequence[Happening]) -> list[Happening]:
    """Each with the sequences of the events that it led to; a command that was there before says so."""
    seen: dict[str, str] = {}
    found = []
    for each in commands:
        changed = tuple(
            event.sequence or 0 for event in events if each.kind == WEBHOOK and each.id in event.by.split()
        )
        before = seen.get(each.id) if each.kind == COMMAND else None
        seen.setdefault(each.id, each.about)
        again = "" if before is None else "said again; " if before == each.about else "said otherwise; "
        found.append(replace(each, changed=changed, about=f"{again}{each.about}"))
    return found


def in_order(happened: Iterable[Happening]) -> list[Happening]:
    """By time; an event has the time of what led to it, and comes behind it; the webhooks that tell of it behind that."""
    return sorted(happened, key=lambda each: (each.at, each.kind in (EVENT, DELIVERY), each.sequence or 0))


def _call(made: Happening, content: dict[str, Any]) -> Happening:
    key, outcome = str(content["call"]), content["outcome"]
    sends = tuple(
        {name: blotted(str(send[name])) if send.get(name) else None for name in ("asked", "ended", "request")}
        for send in outcome.get("sends", ())
    )
    snapshot = outcome.get("snapshot") or outcome.get("decline") or outcome
    told = "; ".join(
        _said({name: value for name, value in snapshot.items() if name not in ("kind", "sends")})
    )
    operation = blotted(":".join(key.split(":")[1:]))
    about = blotted(f"{outcome['kind']}: {told}")
    by = "screen" if operation.startswith("screen:") else "provider"
    return replace(made, kind=CALL, what=operation, id=key, about=about, by=by, sends=sends)


def _webhook(made: Happening, content: dict[str, Any]) -> Happening:
    status = str(content["snapshot"].get("status"))
    what, id = str(content["notice_type"]), str(content["notice"])
    return replace(made, kind=WEBHOOK, what=what, id=id, about=blotted(status), by=f"webhook {id}")


def _cause(cause: dict[str, Any], operator: str | None) -> str:
    named = [cause.get("by"), operator, cause.get("source"), cause.get("notice")]
    return " ".join(str(each) for each in [*named, *cause.get("provider_requests", ())] if each)


def _said(data: dict[str, Any], within: str = "") -> list[str]:
    """`name value` for everything that is there, down to the leaves."""
    said: list[str] = []
    for name, value in data.items():
        if name in SECRET or value is None or value in ({}, [], ""):
            continue
        if isinstance(value, dict):
            said += _said(value, f"{within}{name}.")
        else:
            said.append(f"{within}{name} {value if isinstance(value, str) else orjson.dumps(value).decode()}")
    return said
