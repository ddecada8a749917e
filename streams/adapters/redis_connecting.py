"""How everybody here talks to Redis: a few connections, no retries, and an answer soon or none. What is said is not here."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


def connect(url: str, answer_within_s: float, connections_max: int) -> Redis:
    """Connects when first asked; connecting, and waiting for a connection, is within `answer_within_s` too."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=answer_within_s,
        retry=Retry(NoBackoff(), 0),  # by default ten times, with pauses: seconds
        socket_connect_timeout=answer_within_s,
        socket_timeout=answer_within_s,
        protocol=2,
    )
    return Redis.from_pool(pool)
