"""What Alembic runs to migrate: one connection, one transaction, one migrator at a time. No schema lives here."""

from alembic import context
from sqlalchemy import Connection, text

MIGRATION_LOCK = 0x6D696C6C72616365
"""The advisory lock of Millrace's migrations, "millrace" in ASCII: several processes may start at once."""


def migrate(connection: Connection) -> None:
    """Run what is missing. Who comes second waits for the lock, and then finds nothing left to do."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    context.configure(connection=connection)
    context.run_migrations()


migrate(context.config.attributes["connection"])
