"""The AsyncAPI 3 document of the topics, made from the catalogue and the wire formats. Written out by `docs/generate.py`.

Source: AsyncAPI 3.0.0; Kafka bindings 0.5.0.
"""

from typing import Any

from pydantic import TypeAdapter

from models.codes import Code
from models.ids import NAMESPACE
from streams.settings import Settings
from streams.topics import COMMANDS, DEAD_LETTERS, DIFFERENCES, EVENTS, PUBLIC, REPLIES, Topic, kept
from streams.wire import differences, events, replies
from streams.wire.commands import REPLY_TO

Json = dict[str, Any]

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


def document(commands: dict[str, Json], payment: Json, version: str) -> Json:
    """`commands`: the JSON schema of each public command's body by type; `payment`: that of the payment object."""
    messages = {
        **{name: _command(name, body) for name, body in commands.items()},
        **{name: _event(kind, name) for kind, name in events.TYPES.items()},
        replies.TYPE: _reply(),
        "dead-letter": _dead_letter(),
        differences.TYPE: _difference(),
    }
    of_topic = {
        COMMANDS: list(commands),
        EVENTS: list(events.TYPES.values()),
        REPLIES: [replies.TYPE],
        DEAD_LETTERS: ["dead-letter"],
        DIFFERENCES: [differences.TYPE],
    }
    channels = {topic.name: _channel(topic, of_topic[topic.name]) for topic in PUBLIC}
    return _with_definitions_in_place(
        {
            "asyncapi": "3.0.0",
            "info": {
                "title": "Millrace",
                "version": version,
                "description": _ABOUT,
                "license": {"name": "Apache-2.0"},
            },
            "defaultContentType": "application/json",
            "channels": channels,
            "operations": _operations(),
            "components": {"messages": messages, "schemas": {"payment": payment}},
        }
    )


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


def _headers(**more: Json) -> Json:
    text: Json = {"type": "string"}
    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_type"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": text,
            "ce_type": text,
            "ce_source": text,
            "ce_time": {"type": "string", "format": "date-time"},
            "ce_subject": {"type": "string", "description": "the payment's id"},
            "content-type": {"const": "application/json"},
            "traceparent": {"type": "string", "description": "W3C trace context, optional"},
            **more,
        },
    }


def _message(name: str, headers: Json, payload: Json, summary: str) -> Json:
    key = {"type": "string", "pattern": "^pay_[0-9a-f]{32}$"}
    return {
        "name": name,
        "summary": summary,
        "contentType": "application/json",
        "headers": headers,
        "payload": payload,
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
    }


def _command(name: str, body: Json) -> Json:
    merchant: Json = {"type": "string", "description": "whose payment it is"}
    own: Json = {"merchant": merchant}
    if name.startswith("refund."):
        own["refund"] = {"type": "string", "pattern": "^re_[0-9a-f]{32}$"}
    payload = {
        **body,
        "properties": own | body.get("properties", {}),
        "required": [*own, *body.get("required", [])],
        "additionalProperties": True,
    }
    address: Json = {
        "type": "string",
        "description": "`topic/partition` to answer to; the topic must begin with `payments.replies.`",
    }
    return _message(name, _headers(**{REPLY_TO: address}), payload, _sentence(body.get("description", name)))


def _event(kind: type, name: str) -> Json:
    shape = TypeAdapter(kind).json_schema()
    command: Json = {"type": ["string", "null"]}
    payload = {
        **shape,
        "properties": {
            "merchant": {"type": "string"},
            **shape.get("properties", {}),
            "cause": _cause(),
            "caused_by": {"type": "string", "description": "the command that was being decided"},
            "opens": {**command, "description": "the public command now under way"},
            "settles": {**command, "description": "the public command that is answered by this"},
            "fingerprint": {**command, "description": "of the content of an opened or refused command"},
            "payment": {
                "description": "the payment as it now stands",
                "anyOf": [{"$ref": "#/components/schemas/payment"}, {"type": "null"}],
            },
        },
    }
    number: Json = {
        "type": "string",
        "pattern": "^[1-9][0-9]*$",
        "description": "1, 2, 3 … per payment, without gaps",
    }
    headers = _headers(ce_sequence=number, ce_causationid={"type": "string", "description": "the command"})
    return _message(name, headers, payload, _sentence(shape.get("description", name)))


def _cause() -> Json:
    said = {
        "command": "the command's type",
        "by": "api, kafka, operator, provider, screen, webhook or timer",
        "source": "how the sender of a command on Kafka calls itself",
        "operator": "who said it, of a payment that was settled by hand",
        "provider_key": "the idempotency key of the call to Stripe",
        "notice": "Stripe's id of the notice, evt_…",
        "notice_type": "",
    }
    requests: Json = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Stripe's ids of the requests that were made for it, req_…, in order",
    }
    texts = {
        name: {"type": "string", **({"description": text} if text else {})} for name, text in said.items()
    }
    return {
        "type": "object",
        "description": "what led to it; only what applies. Events from before it was told have none",
        "required": ["command", "by"],
        "properties": {**texts, "provider_requests": requests},
    }


def _reply() -> Json:
    text: Json = {"type": ["string", "null"]}
    payload: Json = {
        "type": "object",
        "properties": {
            "command": {"type": "string"},
            "code": {
                **text,
                "enum": [*sorted(Code), None],
                "description": "why it was refused; null: it was not",
            },
            "message": text,
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
            "rule": {**text, "description": "the name of the rule that refused it"},
            "replayed": {"type": "boolean", "description": "the command had been settled before"},
            "refund": text,
            "merchant": {**text, "description": "who sent the command"},
            "fingerprint": {
                **text,
                "description": "of the command's content: another content under the same id has another answer",
            },
            "payment": {"anyOf": [{"$ref": "#/components/schemas/payment"}, {"type": "null"}]},
        },
    }
    headers = _headers(ce_causationid={"type": "string", "description": "the command"})
    return _message(
        replies.TYPE, headers, payload, "The answer to one command; at most once, the state is what counts."
    )


def _dead_letter() -> Json:
    text: Json = {"type": "string"}
    headers = {
        "type": "object",
        "description": "all original headers, and these",
        "properties": {
            "source": {**text, "description": "topic/partition/offset of the original"},
            "reason": text,
            "appended_ms": {**text, "description": "when the original came, in ms since 1970"},
            "code": {**text, "enum": sorted(Code)},
        },
    }
    return {
        "name": "dead-letter",
        "summary": "The original key, value and headers, and why it was set aside.",
        "headers": headers,
        "payload": {"description": "the original bytes, whatever they are"},
    }


def _difference() -> Json:
    text: Json = {"type": "string"}
    payload: Json = {
        "type": "object",
        "properties": {
            "run": {**text, "description": "the reconciliation that found it"},
            "found_at": {**text, "format": "date-time"},
            "payment": text,
            "merchant": {
                "type": ["string", "null"],
                "description": "null where the log knows no such payment",
            },
            "field": {**text, "description": "what differs; `payment`: one of them does not have it at all"},
            "values": {
                "type": "object",
                "description": "what each truth says of it: `events` (the log), and those of `table`, `postgres` and "
                "`stripe` that say otherwise; null: nothing",
            },
        },
    }
    return _message(
        differences.TYPE, _headers(), payload, "One field of a payment on which the truths differ."
    )


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _with_definitions_in_place(document: Json) -> Json:
    """Pydantic's `$defs` become shared schemas, so that every `$ref` of the document resolves in it."""
    shared: Json = document["components"]["schemas"]

    def moved(part: Any) -> Any:
        if isinstance(part, list):
            return [moved(each) for each in part]
        if not isinstance(part, dict):
            return part
        for name, definition in part.get("$defs", {}).items():
            shared[name] = moved(definition)
        return {
            name: value.replace("#/$defs/", "#/components/schemas/") if name == "$ref" else moved(value)
            for name, value in part.items()
            if name != "$defs"
        }

    made: Json = moved(document)
    made["components"]["schemas"] = {**made["components"]["schemas"], **shared}
    return made
