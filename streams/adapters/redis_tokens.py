"""The provider's limits, counted together by all gateways: a token bucket per account and one per endpoint of it, in Redis.

One script takes from both at once, on Redis' own clock. A bucket that nobody asked for a while is forgotten: it would be full.
"""

from collections.abc import Sequence
from typing import Any

from streams.adapters.redis_connecting import answered, connect
from streams.budget.bucket import BURST_S
from streams.budget.tokens import Given, Rates, Wanted

ANSWER_WITHIN_S = 0.25
CONNECTIONS_MAX = 4
FORGOTTEN_AFTER_S = 60
PREFIX = "millrace:v1:stripe-tokens:"
NO_LIMIT = 0

# A bucket `name` is the fields `name:n` (tokens) and `name:t` (when they were counted, in seconds). ARGV: the seconds of a burst,
# the seconds after which it is forgotten, the account's rate, an endpoint's rate, then each endpoint and how many are wanted.
TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local burst_s = tonumber(ARGV[1])
local function level(name, per_s)
    if per_s == 0 then return math.huge end
    local burst = math.max(1, per_s * burst_s)
    local kept = redis.call('HMGET', KEYS[1], name .. ':n', name .. ':t')
    if not kept[1] then return burst end
    return math.min(burst, tonumber(kept[1]) + per_s * math.max(0, now - tonumber(kept[2])))
end
local function keep(name, per_s, tokens)
    if per_s > 0 then
        redis.call('HSET', KEYS[1], name .. ':n', string.format('%.6f', tokens), name .. ':t', string.format('%.6f', now))
    end
end
local function wait(per_s, tokens)
    if per_s == 0 then return 0 end
    return math.max(0, (1 - tokens) / per_s)
end
local account_s, endpoint_s, answers = tonumber(ARGV[3]), tonumber(ARGV[4]), {}
local in_all = level('', account_s)
for i = 5, #ARGV, 2 do
    local tokens = level(ARGV[i], endpoint_s)
    local given = math.max(0, math.min(tonumber(ARGV[i + 1]), math.floor(in_all), math.floor(tokens)))
    in_all, tokens = in_all - given, tokens - given
    keep(ARGV[i], endpoint_s, tokens)
    answers[#answers + 1] = given
    answers[#answers + 1] = math.ceil(1000 * math.max(wait(account_s, in_all), wait(endpoint_s, tokens)))
end
keep('', account_s, in_all)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return answers
"""


class RedisTokens:
    """Fulfils SharedTokens."""

    def __init__(self, url: str) -> None:
        """Connects when first asked."""
        self._redis = connect(url, ANSWER_WITHIN_S, CONNECTIONS_MAX)
        self._take = self._redis.register_script(TAKE)

    async def take(self, account: str, rates: Rates, wanted: Sequence[Wanted]) -> list[Given]:
        asked = [
            BURST_S,
            FORGOTTEN_AFTER_S,
            rates.account_per_s or NO_LIMIT,
            rates.endpoint_per_s or NO_LIMIT,
        ]
        taking = self._take([f"{PREFIX}{account}"], [*asked, *(part for each in wanted for part in each)])
        said = await answered(taking, ANSWER_WITHIN_S)
        return [Given(count, ms / 1000) for count, ms in zip(said[::2], said[1::2], strict=True)]

    async def left(self, account: str) -> dict[str, float]:
        """Tokens as they stood when somebody last took some, by endpoint (`""`: of the whole account); empty: nobody has for a
        while, or no limit is known. Raises Unavailable.
        """
        kept: dict[Any, Any] = await answered(self._redis.hgetall(f"{PREFIX}{account}"), ANSWER_WITHIN_S)
        return {
            name.decode()[: -len(":n")]: float(count) for name, count in kept.items() if name.endswith(b":n")
        }

    async def close(self) -> None:
        await self._redis.aclose()
