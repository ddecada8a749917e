"""Fresh tables beside the projection's own. What is written into them is `store.py`'s, and
what is read of the log is not known here.

    millrace_rebuilt     fresh tables, made by the migrations themselves
    millrace_replaced    the tables that were live, from the switch until they are dropped

One session does everything, the switch too: `rebuild_session.py`.
"""

from collections.abc import Collection

from psycopg2.extensions import make_dsn, parse_dsn
from psycopg2.sql import SQL, Identifier

from streams.adapters.postgres import differing
from streams.adapters.postgres.migrating import MIGRATION_LOCK, migrate
from streams.adapters.postgres.projected import PROJECTED
from streams.adapters.postgres.rebuild_session import Hindered, RebuildSession

REBUILT, REPLACED = "millrace_rebuilt", "millrace_replaced"
REPLAY_LOCK = MIGRATION_LOCK + 1

LIVE = """
SELECT nspname FROM pg_namespace JOIN pg_class ON pg_namespace.oid = relnamespace WHERE pg_class.oid = to_regclass('payments')
"""
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = format('%%I.%%I', schemaname, indexname)::regclass)
"""


class Rebuilding(RebuildSession):
    lock, held = REPLAY_LOCK, "another replay is under way"
    rebuilt, replaced, tables = REBUILT, REPLACED, tuple(PROJECTED)

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._indexes: list[str] = []

    @property
    def fresh_dsn(self) -> str:
        """Connections that see the fresh tables under their usual names. What they commit is durable with the switch."""
        given = parse_dsn(self._dsn).get("options", "")
        return make_dsn(
            self._dsn, options=f"{given} -c search_path={REBUILT} -c synchronous_commit=off".strip()
        )

    def prepare(self) -> None:
        """Fresh, empty tables; what a replay before this one left is gone."""
        with self._translated():
            found = self._ask(LIVE)
            if not found:
                raise Hindered("there are no tables yet: `python -m streams.adapters.postgres migrate`")
            self._live = found[0][0]
            self.clear()
            self._ask(SQL("CREATE SCHEMA {}").format(Identifier(REBUILT)))
            _, newest = migrate(self.fresh_dsn)
            self._step = self._step_now()
            if newest != self._step:
                raise Hindered(
                    f"the tables are at step {self._step}, this program at {newest}: migrate first"
                )
            for (name,) in self._ask("SELECT tablename FROM pg_tables WHERE schemaname = %s", REBUILT):
                if name not in PROJECTED:
                    self._ask(SQL("DROP TABLE {} CASCADE").format(Identifier(REBUILT, name)))
            self._refuse_what_would_be_lost()
            self._put_indexes_off()

    def finish(self) -> None:
        """The indexes, made at once: kept up row by row they take most of the time. And statistics, so that the first queries
        after the switch are planned as well as the last before.
        """
        with self._translated():
            for definition in self._indexes:
                self._ask(definition)
            self._indexes = []
            self._ask(SQL("ANALYZE {}").format(self._all_of(REBUILT)))

    def compare(self, payments: Collection[str] | None = None) -> None:
        """Note where live and fresh tables differ; `payments`: only in these, and in what differed before."""
        with self._translated():
            differing.note(self._ask, self._live, REBUILT, payments)

    def excuse(self, payments: Collection[str]) -> None:
        """Those that the projection was about to take in, in what was noted."""
        with self._translated():
            differing.excuse(self._ask, payments)

    def found(self) -> differing.Noted:
        """What the last comparison noted. Before the switch: it reads samples from both."""
        with self._translated():
            return differing.noted(self._ask, self._live, REBUILT)

    def _put_indexes_off(self) -> None:
        """All but those of the keys."""
        for name, definition in self._ask(INDEXES, REBUILT):
            self._indexes.append(definition)
            self._ask(SQL("DROP INDEX {}").format(Identifier(REBUILT, name)))
