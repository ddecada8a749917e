"""What is published of the topics: the AsyncAPI 3 document, and each message's value as a JSON Schema that stands alone.

Both are printed from the same components, made from the catalogue and the wire formats. Written out by `docs/generate.py`.
Source: AsyncAPI 3.0.0; Kafka bindings 0.5.0; JSON Schema draft 2020-12.
"""

from collections.abc import Iterator
from typing import Any

from models import shapes
from models.ids import NAMESPACE
from streams import asyncapi_messages as messages
from streams.asyncapi_messages import Json
from streams.settings import Settings
from streams.topics import COMMANDS, DEAD_LETTERS, DIFFERENCES, EVENTS, PUBLIC, REPLIES, Topic, kept
from streams.wire import differences, events, replies
from streams.wire.commands import REPLY_TO

_ABOUT = f"""Millrace takes payment commands and tells what became of them, on Kafka.

* Records are CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the value is a JSON object.
* The key is the payment's id. **Partition by murmur2**, as Java's clients do; librdkafka needs `partitioner=murmur2_random`.
  A command on another partition than its key's is dead-lettered.
* Read with `isolation.level=read_committed`; then every event is seen once.
* `ce_id` is a command's identity with its payment: the same id again is the same command, once and for ever.
* Ids are `pay_` and `re_` with 32 hexadecimal digits. Choose them, or derive them as the HTTP door does:
  `uuid5(NAMESPACE, merchant + "\\n" + idempotency_key)` with the namespace `{NAMESPACE}`; the UUID itself is the
  command's id, its hex digits make the payment's or the refund's. So a key means the same through every door.
* A command that is carried out or refused is answered where `reply_to` says, if that can be read; one that cannot be read at
  all is a dead letter, and has no answer.
* Kafka is a trust boundary: who may produce commands is the broker's to say. Let nobody but Millrace write the events, the
  replies, the dead letters and the writer's changelog, nor use its transactional ids.
"""


DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEAD_LETTER = "dead-letter"
_SHARED = "#/components/schemas/"


def components(commands: dict[str, Json], payment: Json) -> Json:
    """`commands`: the JSON schema of each public command's body by type; `payment`: that of the payment object."""
    of_type = {
        **{name: messages.command(name, body) for name, body in commands.items()},
        **{name: messages.event(kind, name) for kind, name in events.TYPES.items()},
        replies.TYPE: messages.reply(),
        DEAD_LETTER: messages.dead_letter(),
        differences.TYPE: messages.difference(),
    }
    return _with_definitions_in_place({"messages": of_type, "schemas": {"payment": payment}})


def document(components: Json, version: str) -> Json:
    of_topic = {
        COMMANDS: list(shapes.TYPES),
        EVENTS: list(events.TYPES.values()),
        REPLIES: [replies.TYPE],
        DEAD_LETTERS: [DEAD_LETTER],
        DIFFERENCES: [differences.TYPE],
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Millrace",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, of_topic[topic.name]) for topic in PUBLIC},
        "operations": _operations(),
        "components": components,
    }


def schemas(components: Json) -> dict[str, Json]:
    """By type, of all but the dead letters, whose value is anybody's."""
    return {
        name: _alone(name, message["payload"], components["schemas"])
        for name, message in components["messages"].items()
        if name != DEAD_LETTER
    }


def _alone(name: str, payload: Json, shared: dict[str, Json]) -> Json:
    needed: dict[str, Json] = {}
    waiting = list(_named(payload))
    while waiting:
        if (each := waiting.pop()) not in needed:
            needed[each] = shared[each]
            waiting += _named(shared[each])
    definitions = {"$defs": dict(sorted(needed.items()))} if needed else {}
    made: Json = _moved({**payload, **definitions}, _SHARED, "#/$defs/")
    return {"$schema": DIALECT, "$id": f"urn:millrace:{name}", **made}


def _named(part: Any) -> Iterator[str]:
    """The shared schemas that a schema refers to."""
    if isinstance(part, list):
        for each in part:
            yield from _named(each)
    elif isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].removeprefix(_SHARED)
        for each in part.values():
            yield from _named(each)


def _channel(topic: Topic, messages: list[str]) -> Json:
    return {
        "address": topic.name,
        "description": f"{topic.holds[0].upper()}{topic.holds[1:]}. Kept: {kept(topic)}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": Settings.model_fields["partitions"].default,
                "topicConfiguration": {"retention.ms": topic.retention_ms},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations() -> Json:
    said = {
        "takeCommands": ("receive", COMMANDS, "Produce here what you want done."),
        "tellEvents": ("send", EVENTS, "Consume here what happened."),
        "answer": (
            "send",
            REPLIES,
            f"The answer to a command that named this topic in its header `{REPLY_TO}`.",
        ),
        "setAside": ("send", DEAD_LETTERS, "What could not be understood, for an operator."),
        "tellDifferences": ("send", DIFFERENCES, "Where a reconciliation found that the truths differ."),
    }
    return {
        name: {"action": action, "channel": {"$ref": f"#/channels/{topic}"}, "summary": summary}
        for name, (action, topic, summary) in said.items()
    }


def _with_definitions_in_place(components: Json) -> Json:
    """Pydantic's `$defs` become shared schemas, so that every `$ref` resolves in the document."""
    shared: Json = dict(components["schemas"])

    def lifted(part: Any) -> Any:
        if isinstance(part, list):
            return [lifted(each) for each in part]
        if not isinstance(part, dict):
            return part
        for name, definition in part.get("$defs", {}).items():
            shared[name] = lifted(definition)
        return {name: lifted(value) for name, value in part.items() if name != "$defs"}

    lifted_messages = lifted(components["messages"])
    made: Json = _moved({"messages": lifted_messages, "schemas": shared}, "#/$defs/", _SHARED)
    return made


def _moved(part: Any, was: str, now: str) -> Any:
    """Every `$ref` below `was` refers to below `now`."""
    if isinstance(part, list):
        return [_moved(each, was, now) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: value.replace(was, now) if name == "$ref" else _moved(value, was, now)
        for name, value in part.items()
    }
