"""GraphQL over HTTP: one request, one answer. And the one table of its statuses.

Source: GraphQL over HTTP (graphql.github.io/graphql-over-http), sections 5 and 6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web
from graphql import OperationType

from models.codes import Code
from web import answers, patience
from web.doors import Operations
from web.graphql.context import Context
from web.graphql.documents import Documents
from web.graphql.errors import Fault, Refused, fault_of, told
from web.graphql.requests import Wanted, wanted
from web.graphql.schema import SCHEMA
from web.idempotency import HEADER as IDEMPOTENCY_KEY
from web.json_bodies import decode
from web.metrics import DoorMetrics
from web.operations import READ_QUERY
from web.problems import Problem
from web.requests import authorization, json_body, query, trace

OLDER, NEWER = "application/json", "application/graphql-response+json"
"""Anything between may have written the older one, so its status says less of what became of a query."""

CARRIED_OUT = 200
"""Also where fields failed: what each came to is in the answer."""
QUERY_REFUSED = {OLDER: 200, NEWER: 400}


def status_of(problem: Problem) -> int:
    """Where there is no query at all, or it may not be asked so: as in REST, but what is no GraphQL request is a 400."""
    return 400 if problem.code is Code.VALIDATION_FAILED else problem.status


class Http:
    """`wait_s`: how long a command waits for its answer unless the client prefers otherwise."""

    def __init__(
        self, operations: Operations, documents: Documents, metrics: DoorMetrics, wait_s: float
    ) -> None:
        self._operations, self._documents, self._metrics = operations, documents, metrics
        self._wait_s = wait_s

    async def answer(self, request: web.Request) -> web.Response:
        accepted = NEWER if NEWER in request.headers.get("Accept", "").lower() else OLDER
        try:
            await self._operations.callers.admit(authorization(request), READ_QUERY)
            asked = wanted(_in_url(request) if request.method == "GET" else await json_body(request))
            data, faults = await self._carry_out(request, asked)
        except Refused as refused:
            return self._response(accepted, QUERY_REFUSED[accepted], refused.faults)
        except Problem as problem:
            return self._response(accepted, status_of(problem), [Fault(problem)], headers=problem.headers)
        return self._response(accepted, CARRIED_OUT, faults, {"data": data})

    async def _carry_out(self, request: web.Request, asked: Wanted) -> tuple[Any, list[Fault]]:
        document, kind, units = self._documents.read(asked.query, asked.operation, asked.variables)
        _refuse_what_does_not_go(request.method, kind)
        if units:
            await self._operations.callers.admit(authorization(request), replace(READ_QUERY, cost=units))
        context = Context(
            self._operations,
            document,
            authorization(request),
            wait_s=patience.preference(request.headers.getall("Prefer", ()), self._wait_s).wait_s,
            keys=request.headers.getall(IDEMPOTENCY_KEY, []),
            trace=trace(request),
        )
        result = await SCHEMA.execute(asked.query, asked.variables, context, operation_name=asked.operation)
        faults = [fault_of(error) for error in result.errors or ()]
        if faults and all(fault.path is None for fault in faults):
            raise Refused(faults)
        return result.data, faults

    def _response(
        self,
        content_type: str,
        status: int,
        faults: Sequence[Fault],
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        body = ({"errors": told(faults, self._metrics)} if faults else {}) | dict(data or {})
        return answers.json(body, status, headers, content_type)


def _refuse_what_does_not_go(method: str, kind: OperationType) -> None:
    if kind is OperationType.SUBSCRIPTION:
        detail = "A subscription goes over a WebSocket at this address, in graphql-transport-ws."
        raise Problem(Code.MALFORMED_REQUEST, detail)
    if kind is OperationType.MUTATION and method == "GET":
        raise Problem(Code.METHOD_NOT_ALLOWED, "A mutation goes by POST.", headers={"Allow": "POST"})


def _in_url(request: web.Request) -> dict[str, Any]:
    pairs = query(request)
    given: dict[str, Any] = dict(pairs)
    if len(given) < len(pairs):
        raise Problem(Code.MALFORMED_REQUEST, "A parameter is given twice.")
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = decode(given[name].encode())
    return given
