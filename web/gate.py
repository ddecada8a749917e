"""The gate every request passes: its id, the bound on how many are inside, and a problem for whatever goes wrong."""

import logging
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from models.callers import Standing
from models.codes import Code
from web import answers
from web.metrics import DoorMetrics
from web.patience import Patience
from web.ports import Span, Tracing
from web.problems import Problem, problem_of
from web.rate_limits import STANDINGS, headers
from web.request_ids import CLIENT_HEADER, CLIENT_REQUEST_ID, REQUEST_ID, client_request_id, new_request_id
from web.requests import TRACE
from web.rooms import Room, Stay

METHODS = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_POST, hdrs.METH_PATCH, hdrs.METH_DELETE)
"""Of the door as a whole (`OPTIONS *`). Source: RFC 9110, section 9.3.7."""

ALWAYS_ADMITTED = frozenset({"/livez", "/readyz", "/metrics"})

log = logging.getLogger("millrace.web")


STAY: web.RequestKey[Stay] = web.RequestKey("stay", Stay)


def gate(metrics: DoorMetrics, tracing: Tracing, patience: Patience, room: Room) -> Middleware:
    metrics.in_flight.set_function(lambda: room.inside)

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        request_id = new_request_id()
        REQUEST_ID.set(request_id)
        CLIENT_REQUEST_ID.set(client_request_id(request.headers.get(CLIENT_HEADER)))
        standings: list[Standing] = []
        STANDINGS.set(standings)
        route, method = _route(request), request.method if request.method in hdrs.METH_ALL else "OTHER"
        stay: Stay | None = None
        with _span(tracing, request, method, route) as span:
            request[TRACE] = None if span is None else span.traceparent
            try:
                with room.taken(always=route in ALWAYS_ADMITTED) as stay:
                    request[STAY] = stay
                    response = await handler(request)
            except Exception as failed:
                response = _response_to(failed, request, route, request_id, metrics)
            _end(span, response.status)
        answers.named(response, request_id)
        response.headers.update(headers(standings))
        if patience.is_ending:  # else the client would send its next request to nobody
            response.force_close()
        if stay is None or stay.has_a_place:
            metrics.answered(method, route, response.status, time.perf_counter() - began)
        return response

    return admit


def _span(
    tracing: Tracing, request: web.Request, method: str, route: str
) -> AbstractContextManager[Span | None]:
    """None for probes, which come every few seconds and belong to nothing."""
    if route in ALWAYS_ADMITTED:
        return nullcontext()
    about = {"http.request.method": method, "http.route": route, "url.scheme": request.scheme}
    return tracing.span(f"{method} {route}", "server", request.headers.get("traceparent"), about)


def _end(span: Span | None, status: int) -> None:
    """Source: OpenTelemetry, semantic conventions, HTTP spans: on the server's side only 5xx is a failure."""
    if span is not None:
        span.note({"http.response.status_code": status})
        if status >= 500:
            span.fail(str(status))


async def meet_expectation(request: web.Request) -> web.StreamResponse | None:
    """Answers `Expect`, which aiohttp does before the gate: only 100-continue can be met."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # else it counts as the answer's own
        return None
    request_id = new_request_id()
    unmet = Problem(Code.MALFORMED_REQUEST, "This expectation cannot be met.")
    response = answers.problem(unmet, request_id)
    answers.named(response, request_id)
    return response


def _route(request: web.Request) -> str:
    """The route's pattern, never the path: a path may hold anything."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"


def _response_to(
    failed: Exception, request: web.Request, route: str, request_id: str, metrics: DoorMetrics
) -> web.StreamResponse:
    if isinstance(failed, web.HTTPMethodNotAllowed) and request.method == hdrs.METH_OPTIONS:
        return web.Response(status=204, headers={hdrs.ALLOW: _allowed(failed.allowed_methods)})
    if isinstance(failed, web.HTTPNotFound) and (request.method, request.path) == (hdrs.METH_OPTIONS, "*"):
        return web.Response(status=204, headers={hdrs.ALLOW: _allowed(METHODS)})
    problem = _problem_of(failed)
    metrics.problems.labels(route, problem.code.value).inc()
    if problem.code is Code.INTERNAL_ERROR:
        log.error("a request failed for a reason of ours: %s %s", request.method, route, exc_info=failed)
    elif problem.code is Code.UNAVAILABLE:
        log.warning("a request could not be served: %s %s: %s", request.method, route, problem.detail)
    return answers.problem(problem, request_id)


def _problem_of(failed: Exception) -> Problem:
    match failed:
        case web.HTTPNotFound():
            return Problem(Code.NOT_FOUND, "There is nothing at this address.")
        case web.HTTPMethodNotAllowed():
            detail = "This address does not take this method."
            return Problem(
                Code.METHOD_NOT_ALLOWED, detail, headers={hdrs.ALLOW: _allowed(failed.allowed_methods)}
            )
        case web.HTTPClientError():
            return Problem(Code.MALFORMED_REQUEST, "The request is not one that can be understood.")
    return problem_of(failed)


def _allowed(methods: Iterable[str]) -> str:
    return ", ".join(sorted({*methods, hdrs.METH_OPTIONS}))
