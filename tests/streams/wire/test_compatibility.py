"""The published messages: nothing changes that readers of events or senders of commands were built from."""

import copy
import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest

from models import shapes
from streams.wire import differences, events, replies
from tests.schemas import SCHEMAS, schemas
from tests.streams.wire import compatibility
from tests.streams.wire.compatibility import PUBLISHED, Json, breaks, components


def test_what_was_published_is_there_and_breaks_nobody() -> None:
    now = components()
    assert not breaks(json.loads(PUBLISHED.read_text()), now), "people have built on these"
    new = "something is new: python -m tests.streams.wire.compatibility takes it in"
    assert PUBLISHED.read_text() == compatibility.written(now), new


def test_every_type_that_is_read_or_sent_outside_has_its_schema() -> None:
    types = {*shapes.TYPES, *events.TYPES.values(), replies.TYPE, differences.TYPE}
    assert {path.name for path in SCHEMAS.iterdir()} == {f"{type}.json" for type in types}


@pytest.mark.parametrize("type", schemas())
def test_a_schema_stands_alone(type: str) -> None:
    schema = schemas()[type]
    jsonschema_rs.meta.validate(schema)
    assert schema["$id"] == f"urn:millrace:{type}"
    jsonschema_rs.validator_for(schema)  # every reference is resolved


def payload(of: Json, type: str) -> Json:
    found: Json = of["messages"][type]["payload"]
    return found


CAPTURED, CREATE, REPLY = "payment.captured.v1", "payment.create.v1", "payment.reply.v1"

Change = Callable[[Json], Any]

BREAKS: dict[str, Change] = {
    "an event is gone": lambda c: c["messages"].pop(CAPTURED),
    "a command is gone": lambda c: c["messages"].pop(CREATE),
    "an event's member is gone": lambda c: payload(c, CAPTURED)["properties"].pop("final"),
    "a command's member is gone": lambda c: payload(c, CREATE)["properties"].pop("customer"),
    "a member of the payment is gone": lambda c: c["schemas"]["payment"]["properties"].pop("status"),
    "an event's member need not be there": lambda c: payload(c, CAPTURED)["required"].remove("payment"),
    "the payment's member need not be there": lambda c: c["schemas"]["payment"]["required"].remove("amount"),
    "a command's member must be there": lambda c: payload(c, CREATE)["required"].append("customer"),
    "a new member of a command must be there": lambda c: (
        payload(c, CREATE)["properties"].update(tip={"type": "integer"}),
        payload(c, CREATE)["required"].append("tip"),
    ),
    "an event's member has another type": lambda c: payload(c, CAPTURED)["properties"].update(
        amount_captured_minor={"type": "string"}
    ),
    "an event's member may be null": lambda c: payload(c, CAPTURED)["properties"].update(
        final={"anyOf": [{"type": "boolean"}, {"type": "null"}]}
    ),
    "a member of what is referred to may be null": lambda c: c["schemas"]["payment"]["properties"].update(
        currency={"type": ["string", "null"]}
    ),
    "a reply's payment may be a text": lambda c: payload(c, REPLY)["properties"]["payment"]["anyOf"].insert(
        0, {"type": "string"}
    ),
    "a command's member may be null no longer": lambda c: payload(c, CREATE)["properties"].update(
        customer={"type": "string"}
    ),
    "a status is dropped": lambda c: c["schemas"]["payment"]["properties"]["status"]["enum"].remove("unknown"),
    "a status is new": lambda c: c["schemas"]["payment"]["properties"]["status"]["enum"].append("paid"),
    "a code is dropped": lambda c: c["schemas"]["Code"]["enum"].remove("not_found"),
    "a method of capture is not taken": lambda c: _capture_method(c).remove("manual"),
    "an amount may be below nothing": lambda c: c["schemas"]["payment"]["properties"]["amount"].pop("minimum"),
    "a command's bound is lower": lambda c: payload(c, CREATE)["properties"]["amount"].update(maximum=99),
    "an id has another form": lambda c: c["schemas"]["payment"]["properties"]["id"].update(pattern="^p_"),
    "an id has no form": lambda c: c["schemas"]["payment"]["properties"]["id"].pop("pattern"),
    "a header is gone": lambda c: c["messages"][CAPTURED]["headers"]["properties"].pop("ce_sequence"),
    "a header must be there": lambda c: c["messages"][CREATE]["headers"]["required"].append("reply_to"),
    "a command takes nothing besides": lambda c: payload(c, CREATE).update(additionalProperties=False),
    "the items of a list are of another type": lambda c: payload(c, CAPTURED)["properties"]["cause"]["properties"][
        "provider_requests"
    ].update(items={"type": "integer"}),
    "one kind of call is gone": lambda c: c["schemas"]["PspCall"]["properties"]["ask"]["anyOf"].pop(),
    "a keyword that is not compared": lambda c: payload(c, CREATE).update(dependentRequired={}),
    "the key": lambda c: c["messages"][CAPTURED]["bindings"]["kafka"].pop("key"),
}  # fmt: skip

ADDITIONS: dict[str, Change] = {
    "an event": lambda c: c["messages"].update({"payment.blessed.v1": c["messages"][CAPTURED]}),
    "a member of an event": lambda c: payload(c, CAPTURED)["properties"].update(tip={"type": "integer"}),
    "a member that an event always has": lambda c: payload(c, CAPTURED)["required"].append("cause"),
    "a member that a command may have": lambda c: payload(c, CREATE)["properties"].update(tip={"type": "null"}),
    "a command's member need not be there": lambda c: payload(c, CREATE)["required"].remove("payment_method"),
    "a code": lambda c: c["schemas"]["Code"]["enum"].append("too_late"),
    "a method of capture that is taken": lambda c: _capture_method(c).append("later"),
    "a higher bound of a command's": lambda c: _capture_free(c),
    "another description": lambda c: payload(c, CAPTURED).update(description="Money was taken."),
    "the name of a model": lambda c: payload(c, CAPTURED).update(title="Captured"),
}  # fmt: skip


def _capture_method(components: Json) -> list[str]:
    told = payload(components, CREATE)["properties"]["capture_method"]
    found: list[str] = (told if "enum" in told else told["anyOf"][0])["enum"]
    return found


def _capture_free(components: Json) -> None:
    payload(components, CREATE)["properties"]["amount"].pop("maximum")


@pytest.mark.parametrize("change", BREAKS)
def test_a_break_is_found(change: str) -> None:
    was, now = components(), copy.deepcopy(components())
    BREAKS[change](now)
    assert breaks(was, now)


@pytest.mark.parametrize("change", ADDITIONS)
def test_an_addition_breaks_nobody(change: str) -> None:
    was, now = components(), copy.deepcopy(components())
    ADDITIONS[change](now)
    assert now != was
    assert not breaks(was, now)
