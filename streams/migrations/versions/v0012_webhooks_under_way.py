"""A delivery that is asked for once more while an attempt of it is under way: that attempt does not answer for it."""

from alembic import op

revision = "0012"
down_revision = "0011"

UPGRADE = """
ALTER TABLE webhook_deliveries
    ADD COLUMN is_leased    boolean NOT NULL DEFAULT false,     -- an attempt of it is not settled yet, however old
    ADD COLUMN asked_again  boolean NOT NULL DEFAULT false;     -- since that attempt was begun
"""

DOWNGRADE = "ALTER TABLE webhook_deliveries DROP COLUMN is_leased, DROP COLUMN asked_again"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
