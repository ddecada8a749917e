"""Callers' rate limits in Redis: the generic cell rate algorithm as a script, on Redis' clock. Nothing of who is limited."""

from collections.abc import Iterator, Sequence

from models.callers import Limit
from streams.adapters.redis_connecting import answered, connect
from streams.rate_limits import Leads, Taking

ANSWER_WITHIN_S = 0.15
CONNECTIONS_MAX = 2
PREFIX = "millrace:v1:limit:"

# A limit is a time: when all it admitted will have been paid back, in seconds. It is forgotten once that has passed.
# KEYS: the limits of the first taking, of the second … ARGV: for each taking its cost and how many limits it has, then each
# limit's rate a second and burst. Answers for each taking: whether it was admitted, then how far ahead of now each limit is.
# Nobody can owe more than a burst: who does, does so by a clock that was set back, or a limit that was higher, and owes a burst.
TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local function keep(name, lead)
    redis.call('SET', name, string.format('%.6f', now + lead), 'PX', math.ceil(1000 * lead) + 1)
end
local answers, key, arg = {}, 0, 1
while arg <= #ARGV do
    local cost, count = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
    local admitted, leads = 1, {}
    for i = 1, count do
        local per_s, burst = tonumber(ARGV[arg + 2 * i]), tonumber(ARGV[arg + 2 * i + 1])
        leads[i] = math.max(0, tonumber(redis.call('GET', KEYS[key + i]) or now) - now)
        if leads[i] > burst / per_s + 0.000001 then
            leads[i] = burst / per_s
            keep(KEYS[key + i], leads[i])
        end
        if leads[i] + (cost - burst) / per_s > 0.000001 then admitted = 0 end
    end
    answers[#answers + 1] = admitted
    for i = 1, count do
        if admitted == 1 then
            leads[i] = leads[i] + cost / tonumber(ARGV[arg + 2 * i])
            keep(KEYS[key + i], leads[i])
        end
        answers[#answers + 1] = string.format('%.6f', leads[i])
    end
    key, arg = key + count, arg + 2 + 2 * count
end
return answers
"""


class RedisLimits:
    """Fulfils SharedLimits."""

    def __init__(self, url: str) -> None:
        """Connects when first asked."""
        self._redis = connect(url, ANSWER_WITHIN_S, CONNECTIONS_MAX)
        self._take = self._redis.register_script(TAKE)

    async def take(self, takings: Sequence[Taking]) -> list[Leads]:
        keys = [_key(limit) for taking in takings for limit in taking.limits]
        arguments = [argument for taking in takings for argument in _arguments(taking)]
        said = iter(await answered(self._take(keys, arguments), ANSWER_WITHIN_S))
        return [
            Leads(bool(int(next(said))), [float(next(said)) for _ in taking.limits]) for taking in takings
        ]

    async def close(self) -> None:
        await self._redis.aclose()


def _key(limit: Limit) -> str:
    return f"{PREFIX}{limit.name}:{limit.subject}"


def _arguments(taking: Taking) -> Iterator[float | int]:
    yield from (taking.cost, len(taking.limits))
    for limit in taking.limits:
        yield from (limit.per_s, limit.burst)
