"""The newest views of payments in Redis: refreshed, never trusted. Everything works without it; nothing is decided here."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from models.ports import View
from streams.adapters.redis_connecting import Dispensable

KEPT_S = 86_400  # a day: PostgreSQL has caught up long before, and memory stays bounded
ANSWER_WITHIN_S = 0.15  # connecting included; on one network Redis takes less than 1 ms
CONNECTIONS_MAX = 16
PUT_MAX = 100  # views per script call: Redis does nothing else meanwhile, below 1 ms
PREFIX = "millrace:v1:"

# A value is `{sequence}\n{view as JSON}`. Sixteen digits are more than any sequence has.
KEEP_NEWER = """
for i, key in ipairs(KEYS) do
    local kept = tonumber(string.match(redis.call('GETRANGE', key, 0, 15), '^%d+'))
    if not kept or kept < tonumber(ARGV[2 * i]) then
        redis.call('SET', key, ARGV[2 * i] .. '\\n' .. ARGV[2 * i + 1], 'EX', ARGV[1])
    end
end
return 1
"""

GUARD = re.compile(rb"\d{1,16}")


class RedisPaymentCache:
    """Fulfils PaymentCache. Takes Redis away and back at any moment: it then says False or None, and heals by itself."""

    def __init__(self, url: str) -> None:
        """Connects when first asked."""
        self._server = Dispensable(url, ANSWER_WITHIN_S, CONNECTIONS_MAX)
        self._redis = self._server.redis
        self._keep_newer = self._redis.register_script(KEEP_NEWER)

    async def put(self, payments: Sequence[View]) -> bool:
        """Keep each unless a newer sequence is kept. False when it could not be done."""
        for start in range(0, len(payments), PUT_MAX):
            if await self._server.ask(partial(self._put, payments[start : start + PUT_MAX])) is None:
                return False
        return True

    async def get(self, payment_id: str) -> View | None:
        value: Any = await self._server.ask(lambda: self._redis.get(PREFIX + payment_id))
        return read(value, payment_id)

    async def answers(self) -> bool:
        """Whether Redis is there."""
        return bool(await self._server.ask(lambda: self._redis.ping()))

    async def close(self) -> None:
        await self._server.close()

    async def _put(self, payments: Sequence[View]) -> Any:
        keys = [PREFIX + payment["id"] for payment in payments]
        values = [value for payment in payments for value in (payment["sequence"], orjson.dumps(payment))]
        return await self._keep_newer(keys, (KEPT_S, *values))


def guarded_by(value: bytes) -> int | None:
    """The number that keeps what is older away, as the script reads it; None: nothing does."""
    found = GUARD.match(value)
    return int(found[0]) if found else None


def read(value: bytes | None, payment_id: str) -> View | None:
    """The view in a value; None for anything else that may stand there."""
    _, _, text = (value or b"").partition(b"\n")
    try:
        view = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(view, dict) or view.get("id") != payment_id:
        return None
    return view if isinstance(view.get("sequence"), int) else None
