"""How far something has come that is done once for the whole cluster, and whose turn it is. What is done is not known here."""

from datetime import datetime, timedelta

from streams.adapters.postgres.connections import Postgres

CLAIMED_S = 120
"""For one turn; who died in the midst of it is followed by another after this."""

CLAIM = """
INSERT INTO checkpoints AS known (name, at, claimed_until) VALUES (%s, %s, now() + make_interval(secs => %s))
ON CONFLICT (name) DO UPDATE SET claimed_until = EXCLUDED.claimed_until
WHERE known.at < %s AND (known.claimed_until IS NULL OR known.claimed_until < now())
RETURNING at
"""
REACHED = "UPDATE checkpoints SET at = greatest(at, least(%s, now())), claimed_until = NULL WHERE name = %s"
"""One whose clock is ahead has come no further than to now: else nobody had a turn until then."""


class PostgresCheckpoint:
    """Fulfils Checkpoint."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self._postgres, self._name = postgres, name

    async def claim(self, now: datetime, every: timedelta, first: datetime) -> datetime | None:
        found = await self._postgres.rows(CLAIM, (self._name, first, CLAIMED_S, now - every))
        return found[0][0] if found else None

    async def reached(self, at: datetime) -> None:
        await self._postgres.write([(REACHED, [at, self._name])])
