"""Where the rows of two schemas differ, row by row and column by column, noted in a table of the session. Why is not asked."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from psycopg2.sql import SQL, Composed, Identifier, Literal

from streams.adapters.postgres.projected import PROJECTED, quoted

SAMPLES_MAX = 20
MISSING, GHOST, OTHERWISE, ON_ITS_WAY = "missing", "not in the log", "otherwise", "on its way"
"""How a live row differs from the rebuilt one. The last: the projection had not taken in yet what it would be by."""

TABLES = """
CREATE TEMP TABLE IF NOT EXISTS noted (relation text, payment text, key text, found text, columns text[]);
CREATE TEMP TABLE IF NOT EXISTS suspects (payment text);
TRUNCATE suspects;
INSERT INTO suspects SELECT DISTINCT payment FROM noted;
TRUNCATE noted;
"""
COLUMNS = """
SELECT attname, atttypid = 'json'::regtype FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
NOTE = """
INSERT INTO noted
SELECT {relation}, coalesce(live.{payment}, fresh.{payment}), coalesce(live.{key}, fresh.{key})::text,
       CASE WHEN live.{payment} IS NULL THEN {missing} WHEN fresh.{payment} IS NULL THEN {ghost} ELSE {otherwise} END,
       array_remove(ARRAY[{columns}]::text[], NULL)
FROM (SELECT * FROM {live} AS one {narrowed}) AS live
FULL JOIN (SELECT * FROM {fresh} AS one {narrowed}) AS fresh ON {same}
WHERE live.{payment} IS NULL OR fresh.{payment} IS NULL OR {differs}
"""
NARROWED = "WHERE EXISTS (SELECT FROM suspects WHERE suspects.payment = one.{payment})"
COUNTS = """
SELECT relation, found, column_name, count(*) FROM noted
LEFT JOIN LATERAL unnest(CASE found WHEN 'otherwise' THEN columns END) AS column_name ON true
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
ROWS = "SELECT count(*) FROM noted WHERE found <> 'on its way'"
EXCUSE = "UPDATE noted SET found = 'on its way' WHERE found <> 'not in the log' AND payment = ANY(%s)"
SAMPLES = """
SELECT relation, payment, key, found, columns FROM noted WHERE found <> 'on its way'
ORDER BY relation, payment, key LIMIT %s
"""

Ask = Callable[..., list[tuple[Any, ...]]]


class Count(NamedTuple):
    """`column`: None for a row that is there in one of the two alone."""

    table: str
    found: str
    column: str | None
    rows: int


class Sample(NamedTuple):
    """`values`: of each column that differs, what the live row says and what the log leads to, as text."""

    table: str
    payment: str
    key: str
    found: str
    values: dict[str, tuple[str | None, str | None]]


class Noted(NamedTuple):
    """`rows`: those that differ, without those on their way."""

    rows: int
    counts: list[Count]
    samples: list[Sample]


def note(ask: Ask, live: str, fresh: str, payments: Collection[str] | None) -> None:
    """`payments`: only in these and in what was noted before; None: everywhere."""
    ask(TABLES)
    if payments is not None:
        ask("INSERT INTO suspects SELECT unnest(%s::text[])", list(payments))
        ask("ANALYZE suspects")
    for name, key in PROJECTED.items():
        ask(_statement(ask, live, fresh, name, key, narrowed=payments is not None))


def excuse(ask: Ask, payments: Collection[str]) -> None:
    """These have events that the projection had not taken in: what they differ in proves nothing."""
    ask(EXCUSE, list(payments))


def noted(ask: Ask, live: str, fresh: str) -> Noted:
    ((rows,),) = ask(ROWS)
    counts = [Count(*row) for row in ask(COUNTS)]
    samples = [_sample(ask, live, fresh, row) for row in ask(SAMPLES, SAMPLES_MAX)]
    return Noted(rows, counts, samples)


def _statement(ask: Ask, live: str, fresh: str, name: str, key: tuple[str, ...], narrowed: bool) -> Composed:
    columns = [(column, is_json) for column, is_json in ask(COLUMNS, quoted(live, name)) if column not in key]
    payment = Identifier(key[0])
    tests = [(column, _differ(column, is_json)) for column, is_json in columns]
    named = [SQL("CASE WHEN {} THEN {} END").format(test, Literal(column)) for column, test in tests]
    return SQL(NOTE).format(
        relation=Literal(name),
        payment=payment,
        key=Identifier(key[-1]),
        missing=Literal(MISSING),
        ghost=Literal(GHOST),
        otherwise=Literal(OTHERWISE),
        columns=SQL(", ").join(named),
        live=Identifier(live, name),
        fresh=Identifier(fresh, name),
        narrowed=SQL(NARROWED).format(payment=payment) if narrowed else SQL(""),
        same=SQL(" AND ").join(SQL("live.{0} = fresh.{0}").format(Identifier(column)) for column in key),
        differs=SQL(" OR ").join(test for _, test in tests),
    )


def _differ(column: str, is_json: bool) -> Composed:
    """`json` has no equality, and its text is what is shown."""
    cast = SQL("::text" if is_json else "")
    return SQL("live.{0}{1} IS DISTINCT FROM fresh.{0}{1}").format(Identifier(column), cast)


def _sample(ask: Ask, live: str, fresh: str, row: tuple[Any, ...]) -> Sample:
    name, payment, key, found, columns = row
    if found != OTHERWISE:
        return Sample(name, payment, key, found, {})
    ours, theirs = (_texts(ask, schema, name, payment, key, columns) for schema in (live, fresh))
    return Sample(name, payment, key, found, dict(zip(columns, zip(ours, theirs, strict=True), strict=True)))


def _texts(ask: Ask, schema: str, name: str, payment: str, key: str, columns: list[str]) -> tuple[Any, ...]:
    first, last = PROJECTED[name][0], PROJECTED[name][-1]
    shown = SQL(", ").join(SQL("{}::text").format(Identifier(column)) for column in columns)
    statement = SQL("SELECT {} FROM {} WHERE {} = %s AND {}::text = %s").format(
        shown, Identifier(schema, name), Identifier(first), Identifier(last)
    )
    (found,) = ask(statement, payment, key)
    return found
