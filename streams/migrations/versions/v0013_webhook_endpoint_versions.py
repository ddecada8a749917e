"""An attempt that was begun before its endpoint was enabled, or got another URL, tells nothing of the endpoint as it is now."""

from alembic import op

revision = "0013"
down_revision = "0012"

UPGRADE = "ALTER TABLE webhook_endpoints ADD COLUMN version integer NOT NULL DEFAULT 1"  # one more with each such act
DOWNGRADE = "ALTER TABLE webhook_endpoints DROP COLUMN version"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
