"""Beside each event, what of it is for the operator's own people: no merchant is shown it, so it is no part of `body`."""

from alembic import op

revision = "0005"
down_revision = "0004"

UPGRADE = "ALTER TABLE payment_events ADD COLUMN for_operators json"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql("ALTER TABLE payment_events DROP COLUMN for_operators")
