"""Planned faults acted out on a request: which error, which delay, what becomes of the connection."""

from __future__ import annotations

import asyncio

from aiohttp import web

from . import connection, errors
from .answers import Answer, Asked, to_http
from .faults import Rule


class Gone(Exception):
    """The connection was taken away: there is nobody to answer."""


def at_the_door(http: web.BaseRequest, rule: Rule) -> None:
    match rule.kind:
        case "rate_limit":
            raise errors.rate_limited()
        case "unauthorized":
            raise errors.unauthenticated("sk_test_revoked")
        case "forbidden":
            raise errors.forbidden("acct_revoked")
        case "error_503":
            raise errors.overloaded()
        case "reset":
            connection.reset(http)
            raise Gone
        case "crash_before":
            connection.crash()


async def before_execution(rule: Rule, key: str) -> None:
    match rule.kind:
        case "delay_before":
            await asyncio.sleep(rule.ms / 1000)
        case "lock_timeout":
            raise errors.lock_timeout()
        case "conflict":
            raise errors.key_in_use(key)


async def on_the_way_out(
    http: web.BaseRequest, answer: Answer, asked: Asked, struck: list[Rule]
) -> web.StreamResponse:
    for rule in struck:
        match rule.kind:
            case "delay":
                await asyncio.sleep(rule.ms / 1000)
            case "lost_answer":
                connection.hang_up(http)
                return web.Response()
            case "cut_body":
                return await connection.cut_body(http, answer, asked)
            case "bad_json":
                answer = answer._replace(body=answer.body[: len(answer.body) // 2] + b"<")
            case "crash_after":
                connection.crash()
    return to_http(answer, asked)
