"""The WebSockets of GraphQL: who may have how many, and how all of them end. What is said on one is a `Conversation`."""

import asyncio
import logging

from aiohttp import WSCloseCode, hdrs, web
from prometheus_client import Gauge

from models.codes import Code
from web import answers
from web.doors import Operations
from web.gate import STAY
from web.graphql.conversation import Conversation
from web.graphql.documents import Documents
from web.json_bodies import BODY_MAX_BYTES
from web.metrics import DoorMetrics
from web.problems import Problem, unavailable
from web.request_ids import REQUEST_ID
from web.requests import authorization
from web.rooms import Shares

SUBPROTOCOL = "graphql-transport-ws"
SUBPROTOCOL_UNACCEPTABLE = 4406
CONNECTIONS_MAX = 1000
"""In one process: each may follow twenty payments, and holds some 50 kB. They do not count as requests in flight."""

CONNECTIONS_OF_ONE_MAX = 100
"""A merchant's, in one process: no one takes the others' places."""

HEARTBEAT_S = 20.0
"""Between two pings: below what proxies take for silence. Who has not answered by half of it is gone."""

CLOSE_WITHIN_S = 1.0
"""For the client to agree to the end."""

logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # its warnings quote what was sent


class Sockets:
    def __init__(self, operations: Operations, documents: Documents, metrics: DoorMetrics) -> None:
        self._operations, self._documents, self._metrics = operations, documents, metrics
        self._open: set[Conversation] = set()
        self._seats = Shares(CONNECTIONS_OF_ONE_MAX)
        self._is_ending = False
        registry = metrics.registry
        connections = Gauge("millrace_graphql_connections", "WebSockets that are open.", registry=registry)
        connections.set_function(lambda: len(self._open))
        subscriptions = Gauge(
            "millrace_graphql_subscriptions",
            "Subscriptions being followed, over all WebSockets.",
            registry=registry,
        )
        subscriptions.set_function(lambda: sum(each.subscriptions for each in self._open))

    async def converse(self, request: web.Request) -> web.StreamResponse:
        if self._is_ending or len(self._open) >= CONNECTIONS_MAX:
            raise unavailable("There are too many connections; try again.")
        if not request.headers.get(hdrs.SEC_WEBSOCKET_KEY, "").isascii():  # which aiohttp fails of
            raise Problem(Code.MALFORMED_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64.")
        ws = _socket()
        conversation = Conversation(
            ws, self._operations, self._documents, self._metrics, authorization(request)
        )
        self._open.add(conversation)
        try:
            await ws.prepare(request)
            request[STAY].give_up()
            if ws.ws_protocol is None:
                await conversation.end(SUBPROTOCOL_UNACCEPTABLE, "Subprotocol not acceptable")
            else:
                await conversation.run(self._seats)
        finally:
            self._open.discard(conversation)
        return ws

    async def end(self, _: web.Application) -> None:
        """All of them, as this process is about to go: clients come back to another."""
        self._is_ending = True
        going = [each.end(WSCloseCode.GOING_AWAY, "Going away") for each in self._open]
        await asyncio.gather(*going, return_exceptions=True)


def is_upgrade(request: web.Request) -> bool:
    return request.headers.get(hdrs.UPGRADE, "").strip().lower() == "websocket"


def _socket() -> web.WebSocketResponse:
    ws = web.WebSocketResponse(
        timeout=CLOSE_WITHIN_S,
        heartbeat=HEARTBEAT_S,
        protocols=(SUBPROTOCOL,),
        compress=False,
        max_msg_size=BODY_MAX_BYTES,
    )
    answers.named(ws, REQUEST_ID.get() or "")
    return ws
