"""Where GraphQL meets the application: one address for requests and conversations."""

from aiohttp import web

from web.doors import Operations
from web.gate import meet_expectation
from web.graphql.documents import Documents
from web.graphql.http import Http
from web.graphql.requests import PATH
from web.graphql.sockets import Sockets, is_upgrade
from web.metrics import DoorMetrics


def add_graphql(app: web.Application, operations: Operations, metrics: DoorMetrics, wait_s: float) -> None:
    documents = Documents()
    http = Http(operations, documents, metrics, wait_s)
    sockets = Sockets(operations, documents, metrics)

    async def get(request: web.Request) -> web.StreamResponse:
        return await (sockets.converse(request) if is_upgrade(request) else http.answer(request))

    app.router.add_get(PATH, get, allow_head=False, expect_handler=meet_expectation)
    app.router.add_post(PATH, http.answer, expect_handler=meet_expectation)
    app.on_shutdown.append(sockets.end)
