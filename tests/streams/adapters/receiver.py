"""A merchant's server for tests: verifies by the official library what it is sent, and answers as it is told."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook

HOST = "127.0.0.1"


class Receiver:
    """`secrets`: by path. `statuses`: what the path answers; 200 by default. `pauses_s`: how slow it is."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        self.headers: dict[str, str] = {}
        self.pauses_s: dict[str, float] = {}
        self.body = "taken"
        self.got: list[tuple[str, str, Any]] = []
        self.first_at: dict[str, float] = {}
        """When a webhook's id came first, in s since 1970."""
        self.inside, self.most_inside = Counter[str](), Counter[str]()
        self.url = ""

    def ids(self, path: str) -> list[str]:
        return [id for where, id, _ in self.got if where == path]

    async def take(self, request: web.Request) -> web.Response:
        self.first_at.setdefault(request.headers["webhook-id"], time.time())
        path, body = request.path, await request.text()
        self.inside[path] += 1
        self.most_inside[path] = max(self.most_inside[path], self.inside[path])
        try:
            payload = (
                Webhook(self.secrets[path]).verify(body, dict(request.headers))
                if path in self.secrets
                else body
            )
            await asyncio.sleep(self.pauses_s.get(path, 0))
        finally:
            self.inside[path] -= 1
        self.got.append((path, request.headers["webhook-id"], payload))
        return web.Response(status=self.statuses.get(path, 200), headers=self.headers, text=self.body)


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    receiver.url = f"http://{HOST}:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()
