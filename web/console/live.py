"""What is live, by server-sent events: that there is news, and not what it is; the page asks for itself again."""

import asyncio

from aiohttp import web

from models.errors import Unavailable
from models.ids import PAYMENT_ID
from web.console.guarding import CONFINED, Guard
from web.console.ports import Desk
from web.console.sessions import Signed
from web.gate import STAY
from web.patience import Patience
from web.rooms import Shares

LOOK_AGAIN_S = 2.5
"""Between two looks at whether the key still holds: it is revoked everywhere within five seconds."""
AT_MOST_EVERY_S = 0.5
"""A page is drawn anew twice a second, whatever happens."""
STREAMS_MAX = 64
"""Of a process: a few per operator."""


class Live:
    def __init__(self, desk: Desk, guard: Guard, patience: Patience) -> None:
        self._desk, self._guard, self._patience = desk, guard, patience
        self._shares = Shares(STREAMS_MAX)

    async def stream(self, request: web.Request, signed: Signed) -> web.StreamResponse:
        """Until the door closes, the session ends, or something was missed: browsers come again by themselves."""
        payment_id = request.query.get("payment")
        payment_id = payment_id if payment_id and PAYMENT_ID.fullmatch(payment_id) else None
        response = web.StreamResponse(headers=CONFINED | {"Content-Type": "text/event-stream"})
        with self._shares.taken("operators"):
            async with self._desk.news(payment_id) as listener:
                request[STAY].give_up()
                await response.prepare(request)
                try:
                    await response.write(b"retry: 2000\nevent: here\ndata:\n\n")
                    while not self._patience.is_ending:
                        news = await listener.news(LOOK_AGAIN_S)
                        if await self._guard.signed(request) is None:
                            await response.write(b"event: ended\ndata:\n\n")
                            break
                        await response.write(b"data: %d\n\n" % len(news) if news else b": still here\n\n")
                        await asyncio.sleep(AT_MOST_EVERY_S)
                except (Unavailable, ConnectionError):
                    pass  # headers are gone: all that can be said is the end
        return response
