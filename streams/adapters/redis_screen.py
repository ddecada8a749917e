"""What customers have paid within the hour, in Redis: atomic, so that it holds across partitions and gateways.

What is promised: while Redis is there and keeps what it has, no customer is let through more often, or with more, than their
merchant's policy says, in any hour, by Redis' clock, which is everybody's. While it is away everybody is let through, and that
is logged; when it has lost what it had, customers begin anew. A payment's answer is kept for a day: asked again, it has the same.
"""

import hashlib
import logging

from models.errors import Unavailable
from models.policy import VELOCITY_WINDOW_S
from models.provider import Deferred, Outcome, PspCall, ScreenCustomer, Screened
from streams.adapters.redis_connecting import answered, connect

ANSWER_WITHIN_S = 0.5
CONNECTIONS_MAX = 8
KEPT_S = 86_400  # of an answer: a call is asked for again after minutes
PREFIX = "millrace:v1:screen:"
NO_LIMIT = -1
ADMITTED, TOO_MANY, TOO_MUCH = 1, 2, 3

# A customer's payments of the window are members `id currency amount`, by the time they were let through, in ms.
SCREEN = """
local known = redis.call('GET', KEYS[2])
if known then return tonumber(known) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local window, currency, amount = tonumber(ARGV[1]), ARGV[3], tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local most, most_amount, verdict = tonumber(ARGV[5]), tonumber(ARGV[6]), 1
if most >= 0 and redis.call('ZCARD', KEYS[1]) >= most then
    verdict = 2
elseif most_amount >= 0 then
    local sum = amount
    for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
        local its_currency, its_amount = string.match(member, '^%S+ (%S+) (%d+)$')
        if its_currency == currency then sum = sum + tonumber(its_amount) end
    end
    if sum > most_amount then verdict = 3 end
end
if verdict == 1 then
    redis.call('ZADD', KEYS[1], now, ARGV[2] .. ' ' .. currency .. ' ' .. ARGV[4])
    redis.call('PEXPIRE', KEYS[1], window)
end
redis.call('SET', KEYS[2], verdict, 'EX', ARGV[7])
return verdict
"""
REASONS = {
    TOO_MANY: "the customer has made as many payments within the hour as the merchant allows",
    TOO_MUCH: "the customer has paid as much within the hour as the merchant allows",
}

log = logging.getLogger("millrace.gateway")


class RedisCustomerScreen:
    """Fulfils CustomerScreen."""

    def __init__(self, url: str) -> None:
        """Connects when first asked."""
        self._redis = connect(url, ANSWER_WITHIN_S, CONNECTIONS_MAX)
        self._screen = self._redis.register_script(SCREEN)

    async def look(self, call: PspCall) -> Outcome:
        if not isinstance(call.ask, ScreenCustomer):
            return Deferred(f"{call.operation} is no question about a customer")
        try:
            verdict = await answered(self._ask(call, call.ask), ANSWER_WITHIN_S)
        except Unavailable as away:
            log.error("%s: let through unseen: %s", call.key, away)
            return Screened(True)
        return Screened(verdict == ADMITTED, REASONS.get(verdict, ""))

    async def close(self) -> None:
        await self._redis.aclose()

    async def _ask(self, call: PspCall, ask: ScreenCustomer) -> int:
        money, velocity = ask.money, ask.velocity
        # of any length, and anybody's: a digest says whose it is
        customer = hashlib.sha256(f"{call.merchant}\n{ask.customer}".encode()).hexdigest()
        most = NO_LIMIT if velocity.payments_max is None else velocity.payments_max
        most_minor = velocity.amounts_max_minor.get(money.currency, NO_LIMIT)
        keys = (f"{PREFIX}of:{customer}", f"{PREFIX}answer:{call.payment_id}")
        asked = (
            VELOCITY_WINDOW_S * 1000,
            call.payment_id,
            money.currency,
            money.amount_minor,
            most,
            most_minor,
            KEPT_S,
        )
        return int(await self._screen(keys, asked))
