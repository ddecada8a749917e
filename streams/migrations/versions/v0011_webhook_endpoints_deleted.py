"""An endpoint is deleted at once, and what was sent to it piece by piece: there may be millions of deliveries."""

from alembic import op

revision = "0011"
down_revision = "0010"

UPGRADE = """
CREATE TABLE webhook_endpoints_deleted (  -- what was sent to them until then is not all forgotten yet
    id  text PRIMARY KEY,
    at  timestamptz NOT NULL
);
ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_endpoint_fkey;
"""

DOWNGRADE = """
DELETE FROM webhook_deliveries d WHERE NOT EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = d.endpoint);
ALTER TABLE webhook_deliveries ADD FOREIGN KEY (endpoint) REFERENCES webhook_endpoints ON DELETE CASCADE;
DROP TABLE webhook_endpoints_deleted;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
