"""Faults of the connection itself: reset, closed without an answer, half a body. Nothing is decided here."""

from __future__ import annotations

import os
import signal
import socket
import struct

from aiohttp import web

from .answers import Answer, Asked, to_http

LINGER_RESET = struct.pack("ii", 1, 0)  # close at once and send RST


def reset(request: web.BaseRequest) -> None:
    """The peer sees ECONNRESET."""
    transport = request.transport
    if transport is None:
        return
    peer = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    transport.abort()


def hang_up(request: web.BaseRequest) -> None:
    """The peer sees the end of the stream where an answer should be."""
    if request.transport is not None:
        request.transport.close()


async def cut_body(request: web.BaseRequest, answer: Answer, asked: Asked) -> web.StreamResponse:
    """The whole length announced, half of it sent."""
    whole = to_http(answer, asked)
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    hang_up(request)
    return response


def crash() -> None:
    """As if the machine had taken the process away."""
    os.kill(os.getpid(), signal.SIGKILL)
