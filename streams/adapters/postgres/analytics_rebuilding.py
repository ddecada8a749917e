"""Fresh tables beside those of analytics. What is written into them is `analytics.py`'s.

One session does everything, the switch too: `rebuild_session.py`.
"""

from streams.adapters.postgres.analytics import LIVE
from streams.adapters.postgres.migrating import MIGRATION_LOCK
from streams.adapters.postgres.rebuild_session import Hindered, RebuildSession

REBUILT = "analytics_rebuilt"
REPLACED = "analytics_replaced"
TABLES = ("facts", "rollups")
REBUILD_LOCK = MIGRATION_LOCK + 2

PREPARE = f"CREATE SCHEMA {REBUILT};" + "".join(
    f"CREATE TABLE {REBUILT}.{name} (LIKE {LIVE}.{name} INCLUDING ALL);" for name in TABLES
)
DIFFERING = """
SELECT count(*) FROM (
    (SELECT * FROM {live} EXCEPT SELECT * FROM {fresh}) UNION ALL (SELECT * FROM {fresh} EXCEPT SELECT * FROM {live})
) AS one
"""
SUMS = "(SELECT * FROM {schema}.rollups WHERE sums <> '{{}}') AS sums"  # all in it have come back to nought


class AnalyticsRebuilding(RebuildSession):
    lock, held = REBUILD_LOCK, "another rebuild of analytics is under way"
    rebuilt, replaced, tables = REBUILT, REPLACED, TABLES

    def prepare(self) -> None:
        """Fresh, empty tables; what a rebuild before this one left is gone."""
        with self._translated():
            if self._ask("SELECT to_regclass(%s)", f"{LIVE}.facts")[0][0] is None:
                raise Hindered("there are no tables yet: `python -m streams.adapters.postgres migrate`")
            self.clear()
            self._live, self._step = LIVE, self._step_now()
            self._ask(PREPARE)
            self._refuse_what_would_be_lost()

    def differing(self) -> int:
        """Rows that are in one of live and fresh tables alone; what the live process had not come to is among them."""
        with self._translated():
            facts = DIFFERING.format(live=f"{LIVE}.facts", fresh=f"{REBUILT}.facts")
            sums = DIFFERING.format(live=SUMS.format(schema=LIVE), fresh=SUMS.format(schema=REBUILT))
            return sum(int(self._ask(query)[0][0]) for query in (facts, sums))
