"""The gate every request passes: its id, the bound on how many are inside, and a problem for whatever goes wrong."""

import logging
import time

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from models.codes import Code
from models.errors import Unavailable
from web import answers
from web.metrics import DoorMetrics
from web.problems import Problem, unavailable
from web.request_ids import HEADER as REQUEST_ID_HEADER
from web.request_ids import REQUEST_ID, new_request_id

REQUESTS_MAX = 4096
"""Inside at once, most of them waiting for an answer: about 20 kB each."""

SERVER = "millrace"  # and not which version of what
ALWAYS_ADMITTED = frozenset({"/livez", "/readyz", "/metrics"})

log = logging.getLogger("millrace.web")


class Stay:
    """A request's place among those inside. Who means to stay for hours gives it up, and is bounded otherwise."""

    def __init__(self, metrics: DoorMetrics) -> None:
        self._metrics, self.is_given_up = metrics, False
        metrics.inside += 1

    def give_up(self) -> None:
        self._metrics.inside -= not self.is_given_up
        self.is_given_up = True


STAY: web.RequestKey[Stay] = web.RequestKey("stay", Stay)


def gate(metrics: DoorMetrics, requests_max: int) -> Middleware:
    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        request_id = new_request_id()
        REQUEST_ID.set(request_id)
        route, method = _route(request), request.method if request.method in hdrs.METH_ALL else "OTHER"
        stay = request[STAY] = Stay(metrics)
        try:
            if metrics.inside > requests_max and route not in ALWAYS_ADMITTED:
                raise unavailable("Too many requests are being answered; try again.")
            response = await handler(request)
        except Exception as failed:
            response = _response_to(failed, request, route, request_id, metrics)
        finally:
            was_short = not stay.is_given_up
            stay.give_up()
        response.headers[REQUEST_ID_HEADER] = request_id
        response.headers[hdrs.SERVER] = SERVER
        if was_short:
            metrics.answered(method, route, response.status, time.perf_counter() - began)
        return response

    return admit


async def meet_expectation(request: web.Request) -> web.StreamResponse | None:
    """Answers `Expect`, which aiohttp does before the gate: only 100-continue can be met."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # else it counts as the answer's own
        return None
    request_id = new_request_id()
    unmet = Problem(Code.MALFORMED_REQUEST, "This expectation cannot be met.")
    response = answers.problem(unmet, request_id)
    response.headers[REQUEST_ID_HEADER] = request_id
    return response


def _route(request: web.Request) -> str:
    """The route's pattern, never the path: a path may hold anything."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"


def _response_to(
    failed: Exception, request: web.Request, route: str, request_id: str, metrics: DoorMetrics
) -> web.StreamResponse:
    if isinstance(failed, web.HTTPMethodNotAllowed) and request.method == hdrs.METH_OPTIONS:
        return web.Response(status=204, headers={hdrs.ALLOW: _allowed(failed)})
    problem = problem_of(failed)
    metrics.problems.labels(route, problem.code.value).inc()
    if problem.code is Code.INTERNAL_ERROR:
        log.error("a request failed for a reason of ours: %s %s", request.method, route, exc_info=failed)
    elif problem.code is Code.UNAVAILABLE:
        log.warning("a request could not be served: %s %s: %s", request.method, route, problem.detail)
    return answers.problem(problem, request_id)


def problem_of(failed: Exception) -> Problem:
    """What is said of it: of what nobody expected, nothing but that it is a fault of ours."""
    match failed:
        case Problem():
            return failed
        case Unavailable():
            return unavailable("This cannot be read now; try again.")
        case web.HTTPNotFound():
            return Problem(Code.NOT_FOUND, "There is nothing at this address.")
        case web.HTTPMethodNotAllowed():
            detail = "This address does not take this method."
            return Problem(Code.METHOD_NOT_ALLOWED, detail, headers={hdrs.ALLOW: _allowed(failed)})
        case web.HTTPClientError():
            return Problem(Code.MALFORMED_REQUEST, "The request is not one that can be understood.")
    return Problem(
        Code.INTERNAL_ERROR, "Something failed here. The same request can be made again, with its key."
    )


def _allowed(failed: web.HTTPMethodNotAllowed) -> str:
    return ", ".join(sorted({*failed.allowed_methods, hdrs.METH_OPTIONS}))
