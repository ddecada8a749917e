"""Each message of the AsyncAPI document: its headers, its value, and a sentence. Which topic it is on is not told here."""

from typing import Any

from pydantic import TypeAdapter

from streams.wire import differences, replies
from streams.wire.commands import REPLY_TO

Json = dict[str, Any]

_ALWAYS = ("merchant", "caused_by", "opens", "settles", "fingerprint", "payment")
"""Of an event's envelope. `cause` came later: the oldest events have none."""


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


def command(name: str, body: Json) -> Json:
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


def event(kind: type, name: str) -> Json:
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
        "required": [*shape.get("required", []), *_ALWAYS],
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


def reply() -> Json:
    text: Json = {"type": ["string", "null"]}
    payload: Json = {
        "type": "object",
        "properties": {
            "command": {"type": "string"},
            "code": {
                "description": "why it was refused; null: it was not",
                "anyOf": [{"$ref": "#/components/schemas/Code"}, {"type": "null"}],
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
    payload["required"] = [*payload["properties"]]
    headers = _headers(ce_causationid={"type": "string", "description": "the command"})
    return _message(
        replies.TYPE, headers, payload, "The answer to one command; at most once, the state is what counts."
    )


def dead_letter() -> Json:
    text: Json = {"type": "string"}
    headers = {
        "type": "object",
        "description": "all original headers, and these",
        "properties": {
            "source": {**text, "description": "topic/partition/offset of the original"},
            "reason": text,
            "appended_ms": {**text, "description": "when the original came, in ms since 1970"},
            "code": {"$ref": "#/components/schemas/Code"},
        },
    }
    return {
        "name": "dead-letter",
        "summary": "The original key, value and headers, and why it was set aside.",
        "headers": headers,
        "payload": {"description": "the original bytes, whatever they are"},
    }


def difference() -> Json:
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
    payload["required"] = [*payload["properties"]]
    return _message(
        differences.TYPE, _headers(), payload, "One field of a payment on which the truths differ."
    )


def _sentence(text: str) -> str:
    return " ".join(text.split())
