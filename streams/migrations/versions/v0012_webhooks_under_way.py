"""A delivery that is asked for once more while an attempt of it is under way: that attempt does not answer for it."""

from alembic import op

revision = "0012"
down_revision = "0011"

UPGRADE = """
ALTER TABLE webhook_deliveries
    ADD COLUMN leased_until timestamptz,                        -- NULL: no attempt of it is to be settled
    ADD COLUMN asked_again  boolean NOT NULL DEFAULT false;     -- since that attempt was begun
"""

DOWNGRADE = "ALTER TABLE webhook_deliveries DROP COLUMN leased_until, DROP COLUMN asked_again"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
