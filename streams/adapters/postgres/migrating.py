"""Bringing the schema to its newest step, from any number of processes at once. The steps are in `streams/migrations/`."""

from pathlib import Path

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from models.errors import Unavailable
from streams.adapters.postgres.connecting import CONNECT_WITHIN_S

STEPS = Path(__file__).parents[2] / "migrations"

MIGRATION_LOCK = 0x6D696C6C72616365
"""The advisory lock of Millrace's migrations, "millrace" in ASCII: several processes may start at once."""


def migrate(dsn: str) -> tuple[str | None, str]:
    """The step before and the step after. All missing steps are taken in one transaction; who comes second waits for
    the first, and then finds nothing left to do. Raises Unavailable.
    """
    config = Config()
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    assert newest is not None
    engine = create_engine(
        "postgresql+psycopg2://",
        creator=lambda: psycopg2.connect(dsn, connect_timeout=int(CONNECT_WITHIN_S)),
        poolclass=NullPool,
    )
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            before = _current(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (SQLAlchemyError, psycopg2.Error, CommandError) as failed:
        raise Unavailable(f"PostgreSQL could not be migrated: {failed}") from failed
    finally:
        engine.dispose()
    return before, newest


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
