"""Single statements for a command line, or for the start of a stack: not asynchronous, a connection each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn

from models.errors import Unavailable
from streams.adapters.postgres.connecting import CONNECT_WITHIN_S


def run(dsn: str, sql: str, *parameters: object, **named: object) -> list[tuple[Any, ...]]:
    with transaction(dsn) as cursor:
        cursor.execute(sql, named or parameters)
        return list(cursor.fetchall())


@contextmanager
def transaction(dsn: str) -> Iterator[Any]:
    """Raises Unavailable, and IntegrityError as it is."""
    try:
        connection = psycopg2.connect(dsn, connect_timeout=int(CONNECT_WITHIN_S))
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
    except psycopg2.IntegrityError:
        raise
    except psycopg2.Error as failed:
        raise Unavailable(sentence(dsn, failed)) from failed


def sentence(dsn: str, failed: psycopg2.Error) -> str:
    """The server's own words where it spoke, without libpq's around them; never the password."""
    try:
        given = parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        return "PostgreSQL's address cannot be read: a URL is needed, postgresql://…"
    where = (
        f"PostgreSQL at {given.get('host', 'localhost')}:{given.get('port', 5432)}/{given.get('dbname', '')}"
    )
    said = failed.diag.message_primary or str(failed).partition("FATAL:")[2].strip()
    return f"{where} refuses: {said.splitlines()[0]}" if said else f"{where} cannot be reached"
