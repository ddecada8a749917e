"""The same operations in each language of the door, and what is answered in one form: REST's. Holds no tests."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import grpc
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.web.grpc.door import Refused, refusal, stub
from web.grpc.calls import SERVICE

AT = "(a time)"
WITHIN_S = 40.0
NO_WAIT = 0


@dataclass(frozen=True)
class Said:
    """`code`: of the problem; else `shown` is what was asked for, or made. `fields`: those at fault."""

    code: str | None = None
    fields: frozenset[str] = frozenset()
    shown: Any = None
    settled: bool = True
    replayed: bool = False


@dataclass(frozen=True)
class Ask:
    """`of`: the payment's or refund's id. `key`: the idempotency key. `body`: in REST's words."""

    operation: str
    of: str | None = None
    key: str | None = None
    body: Mapping[str, Any] | None = None
    wait_s: int | None = None
    bearer: str | None = None


class Language(Protocol):
    async def ask(self, asked: Ask) -> Said: ...


class Rest:
    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url

    async def ask(self, asked: Ask) -> Said:
        method, path = {
            "create": ("POST", "/v1/payments"),
            "capture": ("POST", f"/v1/payments/{asked.of}/capture"),
            "cancel": ("POST", f"/v1/payments/{asked.of}/cancel"),
            "refund": ("POST", f"/v1/payments/{asked.of}/refunds"),
            "payment": ("GET", f"/v1/payments/{asked.of}"),
            "get_refund": ("GET", f"/v1/refunds/{asked.of}"),
            "payments": ("GET", "/v1/payments"),
        }[asked.operation]
        headers = {} if asked.bearer is None else {"Authorization": f"Bearer {asked.bearer}"}
        headers |= {} if asked.key is None else {"Idempotency-Key": asked.key}
        headers |= {} if asked.wait_s is None else {"Prefer": f"wait={asked.wait_s}"}
        given: dict[str, Any] = (
            {"json": dict(asked.body or {})} if method == "POST" else {"params": asked.body}
        )
        async with self._http.request(method, self._url + path, headers=headers, **given) as answer:
            told = await answer.json(content_type=None)
            replayed = answer.headers.get("Idempotent-Replayed") == "true"
        if answer.status >= 400:
            return Said(told["code"], frozenset(each["field"] for each in told["errors"]), replayed=replayed)
        shown = [plain(each) for each in told["data"]] if "data" in told else plain(told)
        return Said(shown=shown, settled=answer.status != 202, replayed=replayed)


class GraphQl:
    """`bearer`: by which the schema is asked for."""

    def __init__(self, http: aiohttp.ClientSession, url: str, bearer: str) -> None:
        self._http, self._url, self._bearer = http, url, bearer
        self._selections: dict[str, str] = {}

    async def ask(self, asked: Ask) -> Said:
        name = {"create": "createPayment", "capture": "capturePayment", "cancel": "cancelPayment"}
        if asked.operation in ("payment", "get_refund"):
            field = "payment" if asked.operation == "payment" else "refund"
            kind = field.capitalize()
            return await self._tell(
                f"query($id: ID!) {{ it: {field}(id: $id) {await self._all_of(kind)} }}",
                {"id": asked.of},
                asked,
            )
        if asked.operation == "payments":
            given = {camel(name): value for name, value in (asked.body or {}).items()}
            if "limit" in given:
                given["first"] = given.pop("limit")
            types = {"status": "PaymentStatus", "first": "Int", "currency": "String", "customer": "String"}
            declared = ", ".join(f"${each}: {types[each]}" for each in given)
            passed = ", ".join(f"{each}: ${each}" for each in given)
            heads = (f"({declared})", f"({passed})") if given else ("", "")
            query = f"query{heads[0]} {{ it: payments{heads[1]} {{ edges {{ node {await self._all_of('Payment')} }} }} }}"
            return await self._tell(query, given, asked)
        field = name.get(asked.operation, "createRefund")
        made = "refund" if field == "createRefund" else "payment"
        value = {camel(name): value for name, value in (asked.body or {}).items()}
        value |= {} if asked.of is None else {"paymentId": asked.of}
        value |= {} if asked.key is None else {"idempotencyKey": asked.key}
        value |= {} if asked.wait_s is None else {"waitSeconds": asked.wait_s}
        kind = f"{field[0].upper()}{field[1:]}Input!"
        selection = f"{{ settled replayed {made} {await self._all_of(made.capitalize())} }}"
        return await self._tell(
            f"mutation($input: {kind}) {{ it: {field}(input: $input) {selection} }}", {"input": value}, asked
        )

    async def _tell(self, query: str, variables: Any, asked: Ask) -> Said:
        told = await self._post({"query": query, "variables": variables}, asked.bearer)
        if told.get("errors"):
            (error,) = told["errors"]
            said = error["extensions"]
            fields = frozenset(snake(each["field"]) for each in said.get("errors", ()))
            return Said(said["code"], fields, replayed=bool(said.get("replayed")))
        it = told["data"]["it"]
        if "edges" in it:
            return Said(shown=[plain(each["node"]) for each in it["edges"]])
        if "settled" in it:
            made = it.get("payment") or it["refund"]
            return Said(shown=plain(made), settled=it["settled"], replayed=it["replayed"])
        return Said(shown=plain(it))

    async def _post(self, body: Any, bearer: str | None) -> Any:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        async with self._http.post(f"{self._url}/graphql", json=body, headers=headers) as answer:
            return await answer.json(content_type=None)

    async def _all_of(self, kind: str) -> str:
        """Every field of the type, and of what is in it, but the stories and what leads back."""
        if kind not in self._selections:
            query = """query($kind: String!) { __type(name: $kind) { fields { name type { kind name
                ofType { kind name ofType { kind name ofType { kind name } } } } } } }"""
            told = await self._post({"query": query, "variables": {"kind": kind}}, self._bearer)
            parts = [
                await self._one(field)
                for field in told["data"]["__type"]["fields"]
                if field["name"] != "events"
            ]
            self._selections[kind] = f"{{ {' '.join(parts)} }}"
        return self._selections[kind]

    async def _one(self, field: Any) -> str:
        type = field["type"]
        while type.get("ofType"):
            type = type["ofType"]
        if type["kind"] != "OBJECT":
            return str(field["name"])
        if type["name"].endswith("Connection"):
            node = type["name"].removesuffix("Connection")
            return f"{field['name']}(first: 100) {{ edges {{ node {await self._all_of(node)} }} }}"
        return f"{field['name']} {await self._all_of(type['name'])}"


class Grpc:
    def __init__(self, channel: Any) -> None:
        self._channel = channel

    async def ask(self, asked: Ask) -> Said:
        method = {
            "create": "CreatePayment",
            "capture": "CapturePayment",
            "cancel": "CancelPayment",
            "refund": "CreateRefund",
            "payment": "GetPayment",
            "get_refund": "GetRefund",
            "payments": "ListPayments",
        }[asked.operation]
        request = self._request(asked, SERVICE.methods_by_name[method].input_type)
        sent = [] if asked.bearer is None else [("authorization", f"Bearer {asked.bearer}")]
        sent += [] if asked.key is None else [("idempotency-key", asked.key)]
        try:
            answer = await stub(self._channel, method)(request, metadata=sent, timeout=WITHIN_S)
        except grpc.aio.AioRpcError as failed:
            return _refused(refusal(failed))
        if method == "ListPayments":
            return Said(shown=[plain(as_json(each)) for each in answer.payments])
        if method.startswith("Get"):
            return Said(shown=plain(as_json(answer)))
        made = answer.refund if method == "CreateRefund" else answer.payment
        return Said(shown=plain(as_json(made)), settled=answer.settled, replayed=answer.replayed)

    def _request(self, asked: Ask, kind: Descriptor) -> Message:
        value: dict[str, Any] = dict(asked.body or {})
        for name, begin in (("capture_method", "CAPTURE_METHOD"), ("status", "PAYMENT_STATUS")):
            if name in value:
                value[name] = f"{begin}_{value[name].upper()}"
        if asked.of is not None:
            value["refund_id" if asked.operation == "get_refund" else "payment_id"] = asked.of
        if asked.wait_s is not None:
            value["wait"] = f"{asked.wait_s}s"
        return ParseDict(value, GetMessageClass(kind)())


def _refused(told: Refused) -> Said:
    fields = frozenset(field for field, _ in told.violations)
    return Said(told.code, fields, replayed=told.info.metadata.get("replayed") == "true")


def as_json(message: Message) -> Any:
    return MessageToDict(message, preserving_proto_field_name=True)


_ENUM = re.compile(r"(?:PAYMENT_STATUS|REFUND_STATUS|CAPTURE_METHOD|DECLINE_ADVICE)_([A-Z_]+)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")


def plain(value: Any) -> Any:
    """In REST's words and without what says nothing: null, zero, false, and what is empty. Times are only told to be there."""
    match value:
        case {"edges": edges}:
            return plain([edge["node"] for edge in edges])
        case dict():
            members = {snake(name): plain(each) for name, each in value.items() if name != "object"}
            if "payment_id" in members:
                members["payment"] = members.pop("payment_id")
            for refund in members.get("refunds", ()):
                refund.pop("payment", None)  # GraphQL says it there, too
            return {name: each for name, each in members.items() if each not in (None, 0, False, "", [], {})}
        case list():
            return [plain(each) for each in value]
        case str() if found := _ENUM.fullmatch(value):
            return found[1].lower()
        case str() if _TIME.fullmatch(value):
            return AT
        case str() if value.isdecimal() and len(value) < 12:
            return int(value)  # protobuf's JSON writes 64 bits so
    return value


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def readable(said: Said) -> str:
    return json.dumps(said.shown, indent=1) if said.code is None else f"{said.code} {sorted(said.fields)}"
