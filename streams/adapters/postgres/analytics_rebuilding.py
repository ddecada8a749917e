"""Fresh tables beside those of analytics, and the switch from these to those. What is written into them is `analytics.py`'s.

One session does everything: `rebuild_session.py`.
"""

from streams.adapters.postgres.analytics import LIVE
from streams.adapters.postgres.migrating import MIGRATION_LOCK
from streams.adapters.postgres.rebuild_session import (
    HELD_IDLE_MAX_S,
    WRITERS_WAIT_S,
    Hindered,
    RebuildSession,
)

REBUILT = "analytics_rebuilt"
REPLACED = "analytics_replaced"
TABLES = ("facts", "rollups")
REBUILD_LOCK = MIGRATION_LOCK + 2

PREPARE = f"CREATE SCHEMA {REBUILT};" + "".join(
    f"CREATE TABLE {REBUILT}.{name} (LIKE {LIVE}.{name} INCLUDING ALL);" for name in TABLES
)
DROP = f"DROP SCHEMA IF EXISTS {REBUILT} CASCADE; DROP SCHEMA IF EXISTS {REPLACED} CASCADE"
HOLD = f"""
SET LOCAL lock_timeout = '{WRITERS_WAIT_S}s';
SET LOCAL idle_in_transaction_session_timeout = '{HELD_IDLE_MAX_S}s';
LOCK TABLE {LIVE}.facts IN SHARE ROW EXCLUSIVE MODE
"""
SWITCH = f"CREATE SCHEMA {REPLACED};" + "".join(
    f"ALTER TABLE {LIVE}.{name} SET SCHEMA {REPLACED}; ALTER TABLE {REBUILT}.{name} SET SCHEMA {LIVE};"
    for name in TABLES
)
DIFFERING = """
SELECT count(*) FROM (
    (SELECT * FROM {live} EXCEPT SELECT * FROM {fresh}) UNION ALL (SELECT * FROM {fresh} EXCEPT SELECT * FROM {live})
) AS one
"""
SUMS = "(SELECT * FROM {schema}.rollups WHERE sums <> '{{}}') AS sums"  # all in it have come back to nought


class AnalyticsRebuilding(RebuildSession):
    lock, held = REBUILD_LOCK, "another rebuild of analytics is under way"

    def prepare(self) -> None:
        """Fresh, empty tables; what a rebuild before this one left is gone."""
        with self._translated():
            if self._ask("SELECT to_regclass(%s)", f"{LIVE}.facts")[0][0] is None:
                raise Hindered("there are no tables yet: `python -m streams.adapters.postgres migrate`")
            self.clear()
            self._ask(PREPARE)

    def hold_writers(self) -> None:
        """Nothing is written into the live tables from now on, until `switch` or the end; they can be read."""
        with self._translated():
            self._ask("BEGIN")
            self._ask(HOLD)

    def differing(self) -> int:
        """Rows that are in one of live and fresh tables alone; what the live process had not come to is among them."""
        with self._translated():
            facts = DIFFERING.format(live=f"{LIVE}.facts", fresh=f"{REBUILT}.facts")
            sums = DIFFERING.format(live=SUMS.format(schema=LIVE), fresh=SUMS.format(schema=REBUILT))
            return sum(int(self._ask(query)[0][0]) for query in (facts, sums))

    def switch(self) -> None:
        """The fresh tables are the live ones from now on; readers wait for as long as one of them takes."""
        with self._translated():
            self._ask(SWITCH)
            self._ask("COMMIT")

    def clear(self) -> None:
        """Drop what is not live."""
        with self._translated():
            self._ask(DROP)
