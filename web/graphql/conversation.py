"""One conversation in graphql-transport-ws: its messages, its subscriptions, its end. How many there are is `sockets`'.

Source: github.com/enisdenjo/graphql-ws, PROTOCOL.md.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any, NoReturn

import orjson
from aiohttp import WSCloseCode, WSMsgType, web
from graphql import OperationType

from models.callers import Principal
from models.card_numbers import holds_card_number
from models.codes import Code
from web.doors import Operations
from web.graphql.context import Context
from web.graphql.documents import Documents
from web.graphql.errors import Fault, Refused, fault_from, fault_of, told
from web.graphql.requests import wanted
from web.graphql.schema import SCHEMA
from web.json_bodies import decode
from web.metrics import DoorMetrics
from web.operations import READ_QUERY
from web.problems import RETRYABLE, Problem
from web.request_ids import REQUEST_ID, new_request_id
from web.rooms import Shares

INIT_WITHIN_S = 10.0
"""From the connection to the client's saying who it is: until then it may be anybody's."""
SUBSCRIPTIONS_MAX = 20
"""In one conversation: a page shows fewer."""
ID_MAX_CHARS = 128
"""Of a subscription: clients take a UUID or count."""

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, INIT_TIMEOUT = 4400, 4401, 4403, 4408
ID_IN_USE, INIT_TWICE = 4409, 4429


log = logging.getLogger("millrace.web")


class Ended(Exception):
    """Closes the connection. `reason`: at most 123 bytes, and nothing that was sent."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Conversation:
    """`authorization`: of the HTTP request, where it had one."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        operations: Operations,
        documents: Documents,
        metrics: DoorMetrics,
        authorization: str | None,
    ) -> None:
        self._ws, self._operations, self._documents = ws, operations, documents
        self._metrics, self._authorization = metrics, authorization
        self._following: dict[str, asyncio.Task[None]] = {}

    @property
    def subscriptions(self) -> int:
        return len(self._following)

    async def run(self, seats: Shares) -> None:
        """Until one of the two ends it. `seats`: one for each conversation of a merchant's."""
        try:
            caller = await self._begin()
            with seats.taken(caller.merchant):
                await self._send(type="connection_ack")
                async for message in self._messages():
                    await self._take(message)
        except Ended as ended:
            await self.end(ended.code, ended.reason)
        except Problem:  # no seat: every other one is told within the conversation
            await self.end(WSCloseCode.TRY_AGAIN_LATER, "Too many connections")
        except ConnectionError:
            pass  # gone, while something was being said to it
        except Exception:
            log.exception("a conversation failed for a reason of ours")
            await self.end(WSCloseCode.INTERNAL_ERROR, "Internal error")
        finally:
            await self._let_go()

    async def end(self, code: int, reason: str) -> None:
        await self._ws.close(code=code, message=reason.encode())

    async def _begin(self) -> Principal:
        try:
            async with asyncio.timeout(INIT_WITHIN_S):
                async for message in self._messages():
                    if message["type"] == "connection_init":
                        return await self._caller(message.get("payload"))
                    if message["type"] == "subscribe":
                        raise Ended(UNAUTHORIZED, "Unauthorized")
                    await self._take(message)
        except TimeoutError:
            raise Ended(INIT_TIMEOUT, "Connection initialisation timeout") from None
        raise ConnectionResetError

    async def _caller(self, said: Any) -> Principal:
        """Who it is, by the request's header or by what is said first; where both speak, they agree. Raises Ended."""
        said = {} if said is None else said
        if not isinstance(said, dict):
            _end_bad("connection_init")
        given = next((value for name, value in said.items() if name.lower() == "authorization"), None)
        if given is not None and given != (self._authorization or given):
            raise Ended(FORBIDDEN, "Forbidden")
        self._authorization = given if isinstance(given, str) else self._authorization
        try:
            return await self._operations.callers.admit(self._authorization, READ_QUERY)
        except Problem as problem:
            if problem.code in RETRYABLE:
                raise Ended(WSCloseCode.TRY_AGAIN_LATER, "Try again later") from None
            raise Ended(FORBIDDEN, "Forbidden") from None

    async def _messages(self) -> AsyncIterator[dict[str, Any]]:
        """Ends with the connection. Raises Ended for what is no message."""
        async for received in self._ws:
            if received.type is not WSMsgType.TEXT:
                _end_bad("message")
            try:
                message = decode(received.data.encode())
            except Problem:
                _end_bad("message")
            if not isinstance(message.get("type"), str):
                _end_bad("message")
            yield message

    async def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ping":
                await self._send(type="pong")
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(_id(message), message.get("payload"))
            case "complete":
                if (task := self._following.pop(_id(message), None)) is not None:
                    task.cancel()
            case "connection_init":
                raise Ended(INIT_TWICE, "Too many initialisation requests")
            case _:
                _end_bad("message")

    async def _subscribe(self, id: str, payload: Any) -> None:
        if id in self._following:
            raise Ended(ID_IN_USE, "Subscriber already exists")
        if not isinstance(payload, dict):
            _end_bad("subscribe")
        if len(self._following) >= SUBSCRIPTIONS_MAX:
            detail = f"A connection may hold {SUBSCRIPTIONS_MAX} subscriptions."
            return await self._refuse(id, [Fault(Problem(Code.RATE_LIMITED, detail))])
        self._following[id] = asyncio.create_task(self._follow(id, payload))
        return None

    async def _follow(self, id: str, payload: dict[str, Any]) -> None:
        """A request of its own: it has its id, and ends by itself."""
        REQUEST_ID.set(new_request_id())
        faults: Sequence[Fault] = ()
        try:
            faults = await self._told(id, payload)
        except Refused as refused:
            faults = refused.faults
        except ConnectionError:
            return
        except Exception as failed:
            faults = [fault_from(failed)]
        if self._following.get(id) is not asyncio.current_task():
            return  # the client has ended it meanwhile
        del self._following[id]  # before the last word: the client may use it again
        with suppress(ConnectionError):
            await (self._refuse(id, faults) if faults else self._send(type="complete", id=id))

    async def _told(self, id: str, payload: dict[str, Any]) -> Sequence[Fault]:
        """What ended it; nothing, where it was at its end. Raises Refused, Problem, ConnectionError."""
        await self._operations.callers.admit(self._authorization, READ_QUERY)
        asked = wanted(payload)
        document, kind, _ = self._documents.read(asked.query, asked.operation, asked.variables)
        if kind is not OperationType.SUBSCRIPTION:
            raise Problem(
                Code.MALFORMED_REQUEST, "Only subscriptions go here. Queries and mutations go by POST."
            )
        context = Context(self._operations, document, self._authorization, wait_s=0)
        results = await SCHEMA.subscribe(
            asked.query, asked.variables, context, operation_name=asked.operation
        )
        async with aclosing(results):
            async for result in results:
                faults = [fault_of(error) for error in result.errors or ()]
                if faults and result.data is None:
                    return faults
                said: dict[str, Any] = {"data": result.data}
                if faults:
                    said["errors"] = told(faults, self._metrics)
                await self._send(type="next", id=id, payload=said)
        return ()

    async def _refuse(self, id: str, faults: Sequence[Fault]) -> None:
        await self._send(type="error", id=id, payload=told(faults, self._metrics))

    async def _send(self, **message: Any) -> None:
        await self._ws.send_str(orjson.dumps(message).decode())

    async def _let_go(self) -> None:
        following = list(self._following.values())
        self._following.clear()
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


def _id(message: dict[str, Any]) -> str:
    """It goes back with whatever is told of it."""
    id = message.get("id")
    if (
        not isinstance(id, str)
        or not 0 < len(id) <= ID_MAX_CHARS
        or holds_card_number(id)
        or not id.isprintable()
    ):
        _end_bad("id")
    return id


def _end_bad(what: str) -> NoReturn:
    raise Ended(BAD_REQUEST, f"Invalid {what}")
