"""Merchants' deliveries that failed, or arrived, are found without going through all others."""

from alembic import op

revision = "0010"
down_revision = "0009"

UPGRADE = """
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (endpoint, state, created_at DESC, id DESC)
    WHERE state IN ('delivered', 'failed')
"""

DOWNGRADE = "DROP INDEX webhook_deliveries_by_state"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
